//! An event that an application does not take holds up its own log, and nothing else.
//! In: an answer that never changes. Out: all events of other logs, and words about the one that waits. Never: a feed that stands still.

use super::*;

/// More than any page holds.
const OTHERS: usize = 600;
/// Told while the test watches, and soon served once it is mended.
const TOLD_SOON: &str = "told_after_s = 5\nretry_longest_s = 2\n";

async fn refused_for_ever(status: u16) -> (Bus, Office, Application) {
    let bus = Bus::start(&[PROVINCE, NEIGHBOUR, HQ]).await;
    let application = Application::start().await;
    application.answers(move |posted| match posted.id.as_str() {
        "poison-1" => (status, Duration::ZERO),
        _ => (200, Duration::ZERO),
    });
    let settings = to_webhook("desk", &application.url()) + TOLD_SOON;
    let (province, neighbour, hq) = tokio::join!(
        bus.office(PROVINCE),
        bus.office(NEIGHBOUR),
        bus.office_with(HQ, &settings)
    );
    submit(&province, "poison", 3).await;
    let others = submit(&neighbour, "other", OTHERS).await;
    application
        .has_within(Duration::from_secs(60), OTHERS + 1)
        .await;
    let got: Vec<String> = application
        .ids()
        .into_iter()
        .filter(|id| id.starts_with("other"))
        .collect();
    assert_eq!(got, others);
    assert!(
        !application.ids().contains(&"poison-2".to_owned()),
        "out of order"
    );
    (bus, hq, application)
}

/// B1. 500, for ever; it is told in alarms, status and metrics.
#[tokio::test]
async fn an_event_answered_500_for_ever_holds_up_its_own_log_alone_and_is_told() {
    let (_bus, hq, application) = refused_for_ever(500).await;
    let desk = target(&hq, "desk").await;
    assert_eq!(
        (&desk["state"], &desk["stuck_logs"]),
        (&json!("waiting"), &json!(1))
    );
    let stuck = &desk["stuck"][0];
    assert_eq!(
        (&stuck["id"], &stuck["position"]),
        (&json!("poison-1"), &json!(1))
    );
    assert_eq!(desk["waiting"], 3);
    let metrics = hq.get("/metrics").await.body;
    let metrics = metrics.as_str().expect("text");
    let line = metrics
        .lines()
        .find(|line| line.starts_with("spean_agent_delivery_logs_stuck{"));
    assert!(
        line.is_some_and(|line| line.contains("name=\"desk\"") && line.ends_with(" 1")),
        "{metrics}"
    );
    let table = said(&hq.command(&["status"]));
    assert!(table.contains("desk waits before poison-1"), "{table}");
    let told = alarm(&hq, "delivery-waits").await;
    assert!(told.contains("deliver skip poison-1"), "{told}");
    // Mended, it goes on by itself.
    application.answers(|_| (200, Duration::ZERO));
    application.has(OTHERS + 3).await;
    let desk = until(
        "it to go on",
        || target(&hq, "desk"),
        |desk| desk["state"] == "delivering",
    )
    .await;
    assert_eq!(
        (&desk["waiting"], &desk["stuck_logs"]),
        (&json!(0), &json!(0))
    );
}

/// B2. 422, for ever, and more events of another log than are looked at together.
#[tokio::test]
async fn an_event_answered_422_for_ever_holds_up_its_own_log_alone() {
    refused_for_ever(422).await;
}

/// An application that says of one event that it cannot take anything.
#[tokio::test]
async fn an_event_answered_503_for_ever_holds_up_its_own_log_alone() {
    refused_for_ever(503).await;
}
