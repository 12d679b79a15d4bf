//! A reader in league with an office says that it holds what the bus never had: events of that office have to be proved, and are held.
//! In: such a word, and the office's events. Out: what they are told, and how soon. Never: another office that waits for it.

use std::time::Duration;

use schemas::confirmation::{Confirmation, Evidence, Said};
use schemas::envelope::nats::{self, Origin};
use schemas::signing::{SignedEvent, SigningKey};
use tokio::time::Instant;

use super::*;

const READER: &str = "moh/hq";
const OTHER: LogOf<'static> = LogOf {
    office: "moh/kandal",
    ..HEALTH
};
/// An account holds as much as ten proofs cost, and gets as much in a second.
const EVENTS: u32 = 30;
const LEAST: Duration = Duration::from_millis(1_500);

fn event(letter: &Letter) -> SignedEvent {
    let headers = letter.headers();
    let event = nats::decode(headers.as_bytes(), letter.data.clone().into(), Origin::Bus);
    event.expect("a good event")
}

/// The reader's word on an event, well signed, with the office's signature under it.
fn confirmed(bus: &Bus, event: &SignedEvent) -> (String, String, String) {
    let key = std::fs::read(bus.bundle(READER).join("signing.pk8"));
    let key = SigningKey::from_pkcs8(&key.expect("a bundle has a key")).expect("a key");
    let said = Said {
        reader: READER.parse().expect("an office"),
        log: event.event().log().clone(),
        position: event.link().position,
        hash: event.hash(),
        time: "2026-10-05T08:00:00Z".parse().expect("a time"),
        registry: None,
        newest: None,
    };
    let subject = said.subject().to_string();
    let evidence = Evidence::of(event).headers();
    (
        subject,
        evidence,
        Confirmation::sign(said, &key).to_string(),
    )
}

#[tokio::test]
async fn events_that_have_to_be_proved_are_paid_for_and_another_office_stores() {
    let mut scene = Scene::with(&[READER, OTHER.office]).await;
    let mut letters = vec![scene.first().sign(&scene.key)];
    for position in 2..=3 {
        let last = letters.last().expect("there is a first");
        let next = scene.behind(position, last).sign(&scene.key);
        letters.push(next);
    }
    assert_stored(&scene.publish(&letters[0]).await, 1);
    let (subject, evidence, word) = confirmed(&scene.bus, &event(&letters[2]));
    let mut reader = scene.envoy_of(READER).await;
    let taken = reader
        .publish_as(&subject, &evidence, word.as_bytes())
        .await;
    assert_eq!(taken["stream"], "confirmations", "{taken}");
    let began = Instant::now();
    for _ in 0..EVENTS {
        let told = scene.publish(&letters[1]).await;
        assert_held(&told, "position-confirmed");
    }
    let took = began.elapsed();
    assert!(took >= LEAST, "{took:?}");
    let mut other = scene.envoy_of(OTHER.office).await;
    let mut data = report();
    data["orgUnit"] = "KH08".into();
    let first = Letter::new(&OTHER, 1, &scene.bus.genesis(), &data);
    let first = first.sign(&scene.bus.key(OTHER.office));
    let stored = other.publish(&OTHER.subject(), &first).await;
    assert_stored(&stored, 2);
    // What proves them all is taken as before.
    let (subject, rest) = (HEALTH.subject(), &letters[1..]);
    let answers = scene.envoy.publish_together(&subject, rest).await;
    for (answer, seq) in answers.iter().zip(3..) {
        assert_stored(answer, seq);
    }
}
