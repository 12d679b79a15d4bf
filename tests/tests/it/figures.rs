//! The project's own tables of real figures fit the forms and the contracts.
//! In: tests/data. Out: how many events each file makes. Never: a row that is left out.

use std::path::Path;

use agent::submit::sheet::{Reader, Table};
use agent::submit::{Desk, now};
use schemas::event::Hash;
use schemas::registry::{Registry, RegistryEvent, seed};
use schemas::subject::{FeedName, OfficeId};

/// A registry as it begins, with one office as its name suggests it.
fn registry(office: &OfficeId) -> Registry {
    let mut registry = Registry::empty(Hash::of(b"tests"));
    for event in &seed() {
        registry.apply(event).expect("the seed applies");
    }
    let office = registry
        .usual_office(office)
        .expect("an office by its name");
    let added = RegistryEvent::OfficeAdded(office);
    registry.apply(&added).expect("the office applies");
    registry
}

/// How many events a file makes for its office; a bad row is a panic that names it.
fn events(feed: &str, place: &str, ministry: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(feed)
        .join(place)
        .with_extension("csv");
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let table = Table::of_csv(&bytes).expect("a table");
    let feed: FeedName = feed.parse().expect("a feed");
    let office = format!("{ministry}/{place}").parse().expect("an office");
    let registry = registry(&office);
    let desk = Desk {
        registry: &registry,
        office: &office,
        now: now(),
    };
    let reader = Reader::of(desk, &feed).expect("a form");
    let reading = reader.read(table).expect("a heading of the form");
    assert!(
        reading.bad.is_empty(),
        "{}: {:?}",
        path.display(),
        reading.bad
    );
    reading.entries.len()
}

#[test]
fn every_row_of_the_small_tables_is_an_event_or_part_of_one() {
    assert_eq!(events("market-prices", "siem-reap", "maff"), 60);
    assert_eq!(events("market-prices", "battambang", "maff"), 40);
    assert_eq!(events("health-quarterly", "siem-reap", "moh"), 12);
    assert_eq!(events("health-quarterly", "battambang", "moh"), 12);
    assert_eq!(events("labour-returns", "siem-reap", "mlvt"), 13);
    assert_eq!(events("labour-returns", "battambang", "mlvt"), 13);
    assert_eq!(events("labour-returns", "hq", "mlvt"), 18);
}
