//! An office's log for the tests of the rooms; the protocol as a whole is played in the tests crate's model.

mod notary;

use bytes::Bytes;
use schemas::chain::Link;
use schemas::event::{Classification, Core, Event, Hash, Timestamp};
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::LogName;

pub use self::notary::Notary;

pub fn genesis() -> Hash {
    Hash::of(b"genesis")
}

pub fn log() -> LogName {
    LogName {
        feed: "market-prices".parse().unwrap(),
        office: "maff/siem-reap".parse().unwrap(),
    }
}

pub fn event(id: &str) -> Event {
    let core = Core {
        id: id.into(),
        event_type: "kh.gov.maff.market-price.submitted.v1".into(),
        subject: None,
        time: Timestamp::from_unix_seconds(1_790_000_000).unwrap(),
        data_content_type: "application/json".into(),
        data_schema: "https://spean.gov.kh/contracts/market-prices/1.0".into(),
        causation_id: None,
        data_classification: Classification::Internal,
        data: Bytes::from(format!(r#"{{"price":"{id}"}}"#)),
    };
    Event::new(
        log(),
        core,
        Timestamp::from_unix_seconds(1_790_000_001).unwrap(),
    )
    .unwrap()
}

/// A signed event at a place of the log.
pub fn event_at(id: &str, link: Link) -> SignedEvent {
    let key = SigningKey::generate().unwrap().0;
    SignedEvent::sign(event(id), link, &key)
}
