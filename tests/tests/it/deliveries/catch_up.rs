//! An office that was away for long catches up, and has everything written into its application's file meanwhile.
//! In: a log that is there before the reader is. Out: the file, and how long the agent takes for an answer at worst. Never: an agent that ends itself.

use std::time::{Duration, Instant};

use tests::envoy::Envoy;
use tests::letter::{Letter, LogOf};

use super::*;

const LOG: LogOf<'static> = LogOf {
    office: PROVINCE,
    feed: FEED,
    event_type: "kh.gov.moh.quarterly-report.submitted.v1",
};
/// Several full writes into the file. `CATCH_UP_EVENTS` says another number.
const EVENTS: u64 = 5_000;
const TOGETHER: usize = 250;
/// The watchdog ends what does not answer itself for a minute.
const ANSWER_MOST: Duration = Duration::from_secs(10);

fn events() -> u64 {
    let said = std::env::var("CATCH_UP_EVENTS").ok();
    said.map_or(EVENTS, |said| said.parse().expect("a number of events"))
}

/// As the province's own agent would have published it.
async fn publish(bus: &Bus, events: u64) {
    let mut envoy = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let (key, mut previous) = (bus.key(PROVINCE), bus.genesis());
    let data = report(PROVINCE, "")["data"].clone();
    let mut letters = Vec::new();
    for position in 1..=events {
        let letter = Letter::new(&LOG, position, &previous, &data).sign(&key);
        previous = letter.hash();
        letters.push(letter);
        if letters.len() == TOGETHER || position == events {
            for answer in envoy.publish_all(&LOG.subject(), &letters).await {
                assert_eq!(answer["error"], Value::Null, "{answer}");
            }
            letters.clear();
        }
    }
}

fn lines(path: &Path) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().count() as u64
}

#[tokio::test]
async fn an_office_that_catches_up_into_a_file_answers_all_the_while() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let events = events();
    publish(&bus, events).await;
    let path = bus.folder().join("delivered.ndjson");
    let hq = bus
        .office_with(HQ, &to_file(&path.display().to_string()))
        .await;
    let (mut worst, mut written) = (Duration::ZERO, 0);
    let catching_up = async {
        while written < events {
            let asked = Instant::now();
            hq.status().await;
            worst = worst.max(asked.elapsed());
            // The file is away for as long as something is written.
            written = written.max(lines(&path));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let began = Instant::now();
    let in_time = tokio::time::timeout(Duration::from_secs(600), catching_up).await;
    in_time.unwrap_or_else(|_| panic!("{written} of {events} are in the file"));
    eprintln!(
        "{events} in {:?}, an answer took {worst:?} at worst",
        began.elapsed()
    );
    assert_eq!(written, events);
    assert!(worst < ANSWER_MOST, "an answer took {worst:?}");
}
