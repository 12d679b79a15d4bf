//! An application that takes its time.
//! In: an answer after 35 s. Out: the event is posted twice, and no more. Never: an event that is posted for ever although it is taken.

use super::*;

/// B4. It gets each event at most once more than it would need to, and other logs go on meanwhile.
#[tokio::test]
async fn an_application_that_takes_35_seconds_is_posted_an_event_twice_at_most() {
    let bus = Bus::start(&[PROVINCE, NEIGHBOUR, HQ]).await;
    let application = Application::start().await;
    application.answers(|posted| match posted.id.as_str() {
        "e-1" => (200, Duration::from_secs(35)),
        _ => (200, Duration::ZERO),
    });
    let settings = to_webhook("desk", &application.url());
    let (province, neighbour, hq) = tokio::join!(
        bus.office(PROVINCE),
        bus.office(NEIGHBOUR),
        bus.office_with(HQ, &settings)
    );
    submit(&province, "e", 3).await;
    application.has(1).await;
    submit(&neighbour, "n", 20).await;
    // The others do not wait for half a minute.
    application.has_within(Duration::from_secs(25), 21).await;
    application.has_within(Duration::from_secs(150), 23).await;
    is_done(&hq, "desk").await;
    tokio::time::sleep(QUIET).await;
    let counts = application.counts();
    assert_eq!(counts["e-1"], 2, "{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 24, "{counts:?}");
    let told = alarm(&hq, "delivery-slow").await;
    assert!(told.contains("e-1"), "{told}");
}
