//! The handshake of the webhook specification with a real HTTP server: asked first, and nothing sent before it has said yes.

use axum::http::Method;

use super::*;
use crate::settings::AskLeave;

const ORIGIN: &str = "spean.moh.gov.kh";

fn asked(application: &Application) -> DeliverTo {
    DeliverTo::Webhook {
        url: application.url(),
        leave: Some(AskLeave {
            origin: ORIGIN.parse().expect("a name"),
            rate: std::num::NonZeroU32::new(6_000),
        }),
    }
}

#[tokio::test]
async fn leave_is_asked_once_and_deliveries_name_their_origin_and_keep_the_pace() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=3).await;
    let leave = |_| {
        &[
            ("webhook-allowed-origin", ORIGIN),
            ("webhook-allowed-rate", "600"),
        ][..]
    };
    let mut application = Application::giving_leave(|_| 204, leave).await;
    let (stop, running) = desk.start(asked(&application));
    let question = application.next().await;
    assert_eq!(question.method, Method::OPTIONS);
    assert_eq!(question.header("webhook-request-origin"), ORIGIN);
    assert_eq!(question.header("webhook-request-rate"), "6000");
    let mut at = Vec::new();
    for id in ["takeo-1", "takeo-2", "takeo-3"] {
        let posted = application.next().await;
        assert_eq!((&posted.method, posted.id()), (&Method::POST, id));
        assert_eq!(posted.header("webhook-request-origin"), ORIGIN);
        at.push(posted.at);
    }
    // Two intervals of 100 ms; one of them leaves room for how long a request takes.
    assert!(at[2] - at[0] >= Duration::from_millis(100));
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}

#[tokio::test]
async fn nothing_is_sent_to_a_target_that_has_not_said_yes() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=1).await;
    // A server that answers 200 to whatever it is asked, and then one that means others.
    let leave = |asked| match asked {
        0 => &[][..],
        1 => &[("webhook-allowed-origin", "moh.gov.kh")],
        _ => &[("webhook-allowed-origin", "*")],
    };
    let mut application = Application::giving_leave(|_| 204, leave).await;
    let (stop, running) = desk.start(asked(&application));
    for _ in 0..3 {
        assert_eq!(application.next().await.method, Method::OPTIONS);
    }
    assert_eq!(application.next().await.id(), "takeo-1");
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}

#[tokio::test]
async fn a_target_that_forbids_a_delivery_is_asked_again_before_the_next() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=1).await;
    let answers = |seen: (&str, u32)| match seen {
        ("takeo-1", 0) => 403,
        _ => 204,
    };
    let leave = |_| &[("webhook-allowed-origin", "*")][..];
    let mut application = Application::giving_leave(answers, leave).await;
    let (stop, running) = desk.start(asked(&application));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let next = application.next().await;
        seen.push((next.method, next.status));
    }
    let (question, delivery) = (Method::OPTIONS, Method::POST);
    assert_eq!(
        seen,
        [
            (question.clone(), 200),
            (delivery.clone(), 403),
            (question, 200),
            (delivery, 204),
        ]
    );
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}
