//! The project's own tables of real figures fit the forms and the contracts.
//! In: tests/data. Out: how many events each file makes. Never: a row that is left out.

use std::fs::File;
use std::path::Path;

use agent::submit::csv::{Form, Sheet};
use schemas::subject::LogName;

/// How many events a file makes for its office; a bad row is a panic that names it.
fn events(feed: &str, place: &str, ministry: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(feed)
        .join(place)
        .with_extension("csv");
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let sheet = Sheet::open(Box::new(file)).expect("a table");
    let log = LogName {
        feed: feed.parse().expect("a feed"),
        office: format!("{ministry}/{place}").parse().expect("an office"),
    };
    let form = Form::of(&log.feed, None).expect("a form");
    let entries = form.read(sheet, &log).expect("a heading of the form");
    let named = |entry: &Result<agent::submit::csv::Entry, agent::submit::csv::BadRow>| {
        if let Err(bad) = entry {
            panic!("{}: {bad:?}", path.display());
        }
    };
    entries.inspect(named).count()
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
