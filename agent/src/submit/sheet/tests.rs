//! Sheets as offices have them come in, promises about every one of their rows go out. The registry is the seed's own.

mod empty;
mod forms;
mod rows;
mod whole;

use schemas::event::Timestamp;
use schemas::registry::Registry;
use serde_json::Value;

use super::*;
use crate::submit::tests::registry;

/// Reads a sheet as an office; what is said holds below it.
pub fn read_as<T>(
    office: &str,
    feed: &str,
    table: Result<Table, SheetFault>,
    say: impl FnOnce(&Reader<'_>, Result<Reading, SheetFault>) -> T,
) -> T {
    let registry: Registry = registry();
    let office = office.parse().expect("an office");
    let now = Timestamp::from_rfc3339("2026-10-02T03:00:07Z").expect("a time");
    let desk = Desk {
        registry: &registry,
        office: &office,
        now,
    };
    let feed = feed.parse().expect("a feed");
    let reader = Reader::of(desk, &feed).expect("a reader");
    let reading = table.and_then(|table| reader.read(table));
    say(&reader, reading)
}

/// The office of Siem Reap that a feed is for.
fn office(feed: &str) -> &'static str {
    match feed {
        "health-quarterly" => "moh/siem-reap",
        "market-prices" => "maff/siem-reap",
        "price-bulletin" => "maff/hq",
        _ => "mlvt/siem-reap",
    }
}

/// A sheet of which every row below the heading is accounted for.
pub fn read(feed: &str, text: &str) -> Reading {
    let table = Table::of_csv(text.as_bytes());
    let reading = read_as(office(feed), feed, table, |_, reading| reading.expect(text));
    let sent: usize = reading.entries.iter().map(|entry| entry.rows.len()).sum();
    let all = sent + reading.bad.len() + reading.skipped.len();
    assert_eq!(all, reading.rows, "{text}");
    reading
}

/// Why a sheet is not read at all.
pub fn fault(feed: &str, text: &str) -> String {
    let table = Table::of_csv(text.as_bytes());
    read_as(office(feed), feed, table, |_, reading| {
        reading.expect_err(text).words().en
    })
}

pub fn data(entry: &Entry) -> Value {
    serde_json::from_slice(&entry.draft.data).expect("JSON")
}

/// The data of all events of a sheet that is good throughout.
pub fn events(feed: &str, text: &str) -> Vec<Value> {
    let reading = read(feed, text);
    assert!(reading.bad.is_empty(), "{text}: {:?}", reading.bad);
    reading.entries.iter().map(data).collect()
}

/// What is said of the bad rows: the row, the column, and what is wrong.
pub fn wrong(feed: &str, text: &str) -> Vec<(u64, String, String)> {
    let reading = read(feed, text);
    let told = reading.bad.iter().flat_map(|bad| {
        bad.wrong.iter().map(|wrong| {
            let column = wrong
                .column
                .clone()
                .map_or_else(String::new, |(_, name)| name);
            let khmer = wrong
                .words
                .km
                .chars()
                .any(|c| ('\u{1780}'..='\u{17ff}').contains(&c));
            assert!(khmer, "{:?}", wrong.words);
            (bad.row.number, column, wrong.told().en)
        })
    });
    told.collect()
}

/// Rows and columns of what is wrong.
pub fn places(feed: &str, text: &str) -> Vec<(u64, String)> {
    let wrong = wrong(feed, text).into_iter();
    wrong.map(|(row, column, _)| (row, column)).collect()
}

pub const PRICES: &str = "period,admin1_code,market,commodity,unit,pricetype,currency,price\n";
pub const VALUES: &str =
    "dataelement,period,orgunit,categoryoptioncombo,attributeoptioncombo,value\n";
