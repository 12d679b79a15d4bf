//! Every code of both programs, as `docs/codes.md` has it and as `explain` tells it.
//! In: the enums of the codes, and the built programs. Out: the document, and pages on a terminal. Never: a list of files.

mod document;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use schemas::explain::{Codes, Page};
use serde_json::Value;
use tests::programs::{self, AGENT, GATEWAY};

/// What the agent knows, and what a gateway adds.
fn every_code() -> Codes {
    let agent = agent::cli::explain::codes();
    let gateway = broker_gateway::explain::codes();
    let shared = agent.pages();
    let added: Vec<Page> = gateway
        .pages()
        .iter()
        .filter(|page| !shared.contains(page))
        .cloned()
        .collect();
    agent.with(added)
}

/// `make codes` writes it, for a change that is meant.
#[test]
fn the_document_of_the_codes_is_what_the_enums_say() {
    let written = document::written(every_code().pages());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/codes.md");
    if std::env::var_os("GOLDEN").is_some_and(|given| given == "write") {
        std::fs::write(&path, &written).expect("docs/codes.md can be written");
    }
    let here = std::fs::read_to_string(&path).expect("docs/codes.md can be read");
    assert!(
        here == written,
        "docs/codes.md is not what the enums say: `make codes` writes it"
    );
}

#[test]
fn no_code_stands_twice_in_a_chapter() {
    let codes = every_code();
    for page in codes.pages() {
        let found = codes.find(page.code);
        let here = found.iter().filter(|other| other.chapter == page.chapter);
        assert_eq!(here.count(), 1, "{}", page.code);
    }
}

/// Runs `explain` with a locale and nothing else that could choose a language.
fn explain(program: &str, arguments: &[&str], locale: &str) -> Output {
    let binary: PathBuf = programs::path(program);
    Command::new(binary)
        .arg("explain")
        .args(arguments)
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env("LANG", locale)
        .output()
        .expect("the program runs")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn both_programs_explain_a_code_in_the_language_that_was_chosen() {
    for program in [AGENT, GATEWAY] {
        let english = said(&explain(program, &["log-damaged"], "en_GB.UTF-8"));
        assert!(english.starts_with("log-damaged  error: nothing waits for it\n"));
        assert!(english.contains("What to do: See to the disk before it loses more"));
        assert!(english.contains("Whom to call: whoever looks after this machine"));
        let khmer = said(&explain(program, &["log-damaged"], "km_KH.UTF-8"));
        assert!(
            khmer.contains("ត្រូវធ្វើអ្វី: សូមពិនិត្យថាស មុនពេលវាបាត់ច្រើនជាងនេះ"),
            "{khmer}"
        );
        assert!(!khmer.contains("What to do"), "{khmer}");
        let asked = said(&explain(program, &["log-damaged", "--lang", "en"], "km_KH"));
        assert_eq!(asked, english);
        let both = said(&explain(program, &["log-damaged"], "C.UTF-8"));
        assert!(
            both.contains("What to do") && both.contains("ត្រូវធ្វើអ្វី"),
            "{both}"
        );
    }
}

#[test]
fn a_number_on_the_wire_is_explained_as_its_code() {
    let by_number = said(&explain(GATEWAY, &["60216"], "en"));
    assert_eq!(
        by_number,
        said(&explain(GATEWAY, &["bus-unreadable"], "en"))
    );
    assert!(by_number.contains("the operator of gateway and nats-server"));
}

#[test]
fn a_code_that_two_chapters_have_is_explained_twice() {
    let pages = said(&explain(GATEWAY, &["certificate-revoked", "--json"], "C"));
    let pages: Value = serde_json::from_str(&pages).expect("JSON");
    assert_eq!(pages[0]["chapter"], "held");
    assert_eq!(pages[0]["number"], 60242);
    assert_eq!(pages[0]["severity"], "critical");
    assert_eq!(pages[0]["call"], "authority");
    assert!(pages[0]["what_to_do"]["km"].is_string());
    assert_eq!(pages[1]["chapter"], "strangers");
    assert_eq!(pages.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_code_that_is_none_is_an_error_with_what_may_be_meant() {
    for program in [AGENT, GATEWAY] {
        let output = explain(program, &["acepted-event-lost"], "en");
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            words.contains("no code is called \"acepted-event-lost\""),
            "{words}"
        );
        assert!(words.contains("near it: accepted-events-lost"), "{words}");
        assert!(words.contains(&format!("{program} explain lists them all")));
        let wrong = explain(program, &["log-damaged", "--lang", "fr"], "en");
        assert_eq!(wrong.status.code(), Some(2));
    }
}

#[test]
fn without_a_code_all_are_listed_one_beneath_the_other() {
    let list = said(&explain(AGENT, &[], "en"));
    let rows: Vec<&str> = list.lines().skip(1).collect();
    let codes = agent::cli::explain::codes();
    assert_eq!(rows.len(), codes.pages().len());
    let at = list.lines().next().and_then(|line| line.find("SEVERITY"));
    let at = at.expect("a heading");
    for (row, page) in rows.iter().zip(codes.pages()) {
        assert_eq!(row.split_whitespace().next(), Some(page.code));
        assert!(row[at..].starts_with(page.severity.text().en), "{row}");
    }
    let all = said(&explain(GATEWAY, &["--json"], "en"));
    let all: Vec<Value> = serde_json::from_str(&all).expect("JSON");
    assert_eq!(all.len(), broker_gateway::explain::codes().pages().len());
}
