//! A feed that no authority begins with is added to a bus that runs, by data alone.
//! In: the files of a feed and of its contract. Out: an event that goes from the centre to an office. Never: a program that is started anew.

use serde_json::json;
use tests::bus::Bus;
use tests::deadline::until;
use tests::office::{Answer, Office};

use super::*;

const FEED: &str = "ordinances";
const EVENTS: &str = "/feeds/ordinances/events";

/// Adds the feed; `feed` and `contract` lie where this repository has them.
fn added(bus: &Bus, contract: &str, arguments: &[&str]) -> (bool, String) {
    let of = |path: &str| format!("{}/../schemas/{path}", env!("CARGO_MANIFEST_DIR"));
    let (feed, contract) = (of("feeds/ordinances.json"), of(contract));
    let dir = bus.authority.arg();
    let words = ["feed", "add", &feed, "--contract", &contract, "--dir", &dir];
    let output = programs::output(GATEWAY, &[&words[..], arguments].concat());
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Hands the ordinance in as soon as the office knows the feed.
async fn handed_in(centre: &Office) -> Answer {
    let ordinance = json!({
        "ordinance": "7-2026", "kind": "circular", "released": "2026-11-02",
        "title_km": "សារាចរ", "text_km": "ជូនមន្ត្រីទាំងអស់",
    });
    let hand_in = || centre.post(EVENTS, "application/json", ordinance.to_string());
    let known = |answer: &Answer| answer.status != 404;
    until("the feed to be known at the centre", hand_in, known).await
}

#[tokio::test]
async fn a_feed_is_added_while_all_run_and_goes_from_the_centre_to_an_office() {
    let bus = Bus::start(&["ocm/hq", "moh/siem-reap"]).await;
    let centre = bus.office("ocm/hq").await;
    let office = bus.office("moh/siem-reap").await;
    let contract = "contracts/ordinances/1.0.json";
    let (told, said) = added(&bus, contract, &["--dry-run"]);
    assert!(
        told && said.contains("contract-added, feed-added, grant-added, grant-added"),
        "{said}"
    );
    let (done, said) = added(&bus, contract, &["--yes"]);
    assert!(done, "{said}");
    bus.authority.create_streams();
    let answer = handed_in(&centre).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let id = answer.body["id"].as_str().expect("an id");
    centre.reaches(id, "durable").await;
    let known = |answer: &Answer| answer.status == 200;
    until("the feed at the office", || office.get(EVENTS), known).await;
    let arrived = office.receives(FEED, 1).await;
    assert_eq!(arrived[0]["data"]["ordinance"], "7-2026");
    let (again, said) = added(&bus, contract, &["--yes"]);
    assert!(again && said.contains("nothing to say"), "{said}");
    let (other, said) = added(&bus, "feeds/ordinances.json", &["--yes"]);
    assert!(!other && said.contains("has no $id"), "{said}");
}
