//! An application that takes its time.
//! In: an answer that comes later than it is waited for. Out: the event is posted twice, and no more. Never: an event that is posted for ever although it is taken.

use super::*;

/// How long the application is waited for, and how long it takes: less than twice as much.
const WAITED: Duration = Duration::from_secs(10);
const TAKES: Duration = Duration::from_secs(12);

/// B4. It gets each event at most once more than it would need to, and other logs go on meanwhile.
#[tokio::test]
async fn an_application_that_takes_longer_than_it_is_given_is_posted_an_event_twice_at_most() {
    let bus = Bus::start(&[PROVINCE, NEIGHBOUR, HQ]).await;
    let application = Application::start().await;
    application.answers(|posted| match posted.id.as_str() {
        "e-1" => (200, TAKES),
        _ => (200, Duration::ZERO),
    });
    let waits = format!("answer_time_s = {}\n", WAITED.as_secs());
    let settings = to_webhook("desk", &application.url()) + &waits;
    let (province, neighbour, hq) = tokio::join!(
        bus.office(PROVINCE),
        bus.office(NEIGHBOUR),
        bus.office_with(HQ, &settings)
    );
    submit(&province, "e", 3).await;
    application.has(1).await;
    submit(&neighbour, "n", 20).await;
    application.has(21).await;
    application.has_within(4 * TAKES, 23).await;
    is_done(&hq, "desk").await;
    tokio::time::sleep(QUIET).await;
    let counts = application.counts();
    assert_eq!(counts["e-1"], 2, "{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 24, "{counts:?}");
    // The others did not wait until the first try was given up.
    let posted = application.posted();
    let first = posted.iter().find(|posted| posted.id == "e-1");
    let mut others = posted.iter().filter(|posted| posted.id.starts_with("n-"));
    let last = others.next_back().expect("they came");
    let behind = last.at - first.expect("it came").at;
    assert!(behind < WAITED, "{behind:?}");
    let told = alarm(&hq, "delivery-slow").await;
    assert!(told.contains("within 10 s to event e-1"), "{told}");
}
