//! What two clocks make of one another, and what an office's wrong one has written.

use std::time::Duration;

use schemas::receipt::{Facts, Receipt, Stamp};
use schemas::registry::{self, Registry, RegistryEvent};
use schemas::signing::SigningKey;

use super::*;
use crate::dispatch::tests::{event, event_at, genesis};
use crate::outbox::Settled;
use crate::outbox::tests::open;

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds).expect("a time")
}

/// A gateway's word, stamped at a time.
fn vouched(admitted: Timestamp) -> Vouched {
    let (key, _) = SigningKey::generate().expect("a key");
    let mut registry = Registry::empty(genesis());
    let gateway = registry::GatewayRecord {
        name: "gateway-1".into(),
        public_key: (*key.public()).into(),
    };
    registry
        .apply(&RegistryEvent::GatewayAdded(gateway))
        .expect("a good event");
    let event = event_at(
        "1",
        schemas::chain::Head::empty(genesis()).next().expect("room"),
    );
    let stamp = Stamp {
        admitted,
        gateway: "gateway-1".into(),
        registry: None,
        newest: None,
    };
    let receipt = Receipt::sign(Facts::of(&event, stamp), &key);
    let receipt = receipt.verified(&registry).expect("it verifies");
    Vouched::by(receipt, vec![Settled::of(&event)])
}

#[test]
fn what_a_wrong_clock_wrote_is_written_by_the_right_one_and_what_a_person_wrote_stays() {
    let recorded = event("1").recorded_time();
    let (written, right) = (event("1").core().time, time(recorded.unix_seconds() + 60));
    assert_eq!(by_todays(event("1"), right), event("1"));
    // The clock was ten years ahead, or showed 1980, and was set since.
    for wrong in [
        time(recorded.unix_seconds() + 315_360_000),
        time(315_532_800),
    ] {
        let event = by_todays(event("1").recorded_anew(wrong), right);
        assert_eq!((event.recorded_time(), event.core().time), (right, written));
        let mut core = event.core().clone();
        core.time = wrong;
        let filled_in = Event::new(event.log().clone(), core, wrong).expect("well formed");
        let event = by_todays(filled_in, right);
        assert_eq!((event.recorded_time(), event.core().time), (right, right));
    }
}

#[tokio::test]
async fn a_stamp_that_is_off_this_clock_is_told_once_until_it_is_right_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, _) = open(folder.path());
    let alarms = outbox.alarms();
    let told = || {
        let all = alarms.list().into_iter();
        all.filter(|alarm| alarm.code == Alarm::ClocksApart.code())
            .count()
    };
    let off = |by: i64| vouched(time(submit::now().unix_seconds() + by));
    let apart = i64::try_from(CLOCKS_APART_MAX.as_secs() + Duration::from_secs(60).as_secs());
    let apart = apart.expect("small");
    // Stored long ago, and asked for again: its stamp is as old.
    compare(&off(-apart), false, alarms);
    compare(&off(0), true, alarms);
    assert_eq!(told(), 0);
    compare(&off(-apart), true, alarms);
    compare(&off(-apart), true, alarms);
    assert_eq!(told(), 1);
    compare(&off(0), true, alarms);
    // Later than now it cannot be, whenever it was stored.
    compare(&off(apart), false, alarms);
    assert_eq!(told(), 2);
}
