//! The forms of the program against their contracts; and forms that do not agree, doubts, and deadlines.

use serde_json::{Value, json};

use super::known::{BUILT_IN, named};
use super::*;
use crate::event::Hash;
use crate::registry::{Registry, later, seed};

fn registry() -> Registry {
    let mut registry = Registry::empty(Hash::of(b"tests"));
    for event in seed().iter().chain(&later()) {
        registry.apply(event).unwrap();
    }
    registry
}

fn form(feed: &str) -> Form {
    let feed = feed.parse().unwrap();
    Form::of(&registry(), &feed).unwrap().unwrap()
}

#[test]
fn every_feed_has_a_form_that_agrees_with_its_contract() {
    let registry = registry();
    for feed in registry.feeds() {
        let name = feed.name.as_str();
        let form = Form::of(&registry, &feed.name).expect(name);
        let form = form.unwrap_or_else(|fault| panic!("{}: {fault}", feed.name));
        assert_eq!(form.layouts[0].name, "office");
        let version = form.uri.strip_prefix("https://spean.gov.kh/forms/");
        assert_eq!(version, Some(&*format!("{}/1.0", feed.name)));
    }
    assert_eq!(Form::all(&registry).len(), registry.feeds().count());
}

/// The faults of a form's file after one change.
fn faults(feed: &str, from: &str, to: &str) -> String {
    let text = BUILT_IN
        .into_iter()
        .find(|text| named(text).unwrap().as_str() == feed)
        .unwrap();
    assert!(text.contains(from), "{feed} holds {from}");
    let registry = registry();
    let contract = registry.contract(&form(feed).contract).unwrap();
    let changed = text.replacen(from, to, 1);
    Form::compile(&changed, contract).expect_err(to).to_string()
}

#[test]
fn a_form_that_does_not_agree_with_its_contract_is_none_and_says_where() {
    for (feed, from, to, said) in [
        (
            "market-prices",
            "\"/market\"",
            "\"/shop\"",
            "/market is required, and no field",
        ),
        (
            "market-prices",
            "\"/market\"",
            "\"/shop\"",
            "the contract has no /shop",
        ),
        (
            "market-prices",
            "\"code\": \"USD\"",
            "\"code\": \"THB\"",
            "/currency: its codes are not the contract's",
        ),
        (
            "labour-returns",
            "\"code\": \"KHM\"",
            "\"code\": \"KH\"",
            "/ref_area: its codes are not",
        ),
        (
            "market-prices",
            "\"ខែ\"",
            "\"month\"",
            "\"month\" is not said in both languages",
        ),
        (
            "market-prices",
            "\"required\": true,",
            "",
            "/period: the contract says whether it is required",
        ),
        (
            "health-quarterly",
            "\"since\": \"2026Q1\"",
            "\"since\": \"2026-01\"",
            "is no period of its kind",
        ),
        (
            "labour-returns",
            "\"name\": \"market\", \"needed\": true",
            "\"name\": \"market\"",
            "market is left out, and nothing says why",
        ),
        (
            "health-quarterly",
            "\"at\": \"/period\"",
            "\"at\": \"period\"",
            "is no place in a document",
        ),
        (
            "health-quarterly",
            "\"approval\"",
            "\"approved\"",
            "unknown field",
        ),
    ] {
        let faults = faults(feed, from, to);
        assert!(faults.contains(said), "{from} as {to}: {faults}");
    }
}

#[test]
fn a_word_stands_for_a_code_by_its_label_in_either_language_and_any_case() {
    let labour = form("labour-returns");
    let kind = |at: &str| {
        let at = Place::try_from(at.to_owned()).unwrap();
        labour.field(&at).unwrap().kind.clone()
    };
    let Kind::Codes(sexes) = kind("/sex") else {
        panic!("sex is a list of codes");
    };
    for (word, code) in [
        ("SEX_F", "F"),
        ("female", "F"),
        ("ស្រី", "F"),
        ("Total", "_T"),
        ("m", "M"),
    ] {
        assert_eq!(sexes.of(word), Some(code), "{word}");
    }
    assert_eq!(sexes.of("both"), None);
    let Kind::Codes(statuses) = kind("/obs_status") else {
        panic!("a status is a code");
    };
    assert_eq!(statuses.of("Unreliable"), Some("U"));
    assert_eq!(statuses.of("Z"), Some("Z"), "others are taken");
}

fn doubted(form: &Form, data: &Value, last: Option<&Value>) -> Vec<String> {
    let doubts = form.doubts(data, last);
    doubts.into_iter().map(|doubt| doubt.at).collect()
}

#[test]
fn unusual_figures_are_doubted_by_range_by_change_and_by_unit() {
    let form = form("market-prices");
    let price = |currency: &str, price: &str| json!({"currency": currency, "price": price});
    assert_eq!(doubted(&form, &price("KHR", "2.4"), None), ["/price"]);
    assert_eq!(doubted(&form, &price("USD", "2400"), None), ["/price"]);
    let last = price("KHR", "2400");
    assert!(doubted(&form, &price("KHR", "2600"), Some(&last)).is_empty());
    assert_eq!(
        doubted(&form, &price("KHR", "9000"), Some(&last)),
        ["/price"]
    );
    let texts = form.doubts(&price("KHR", "2400000"), Some(&last));
    let texts: Vec<&str> = texts.iter().map(|doubt| &*doubt.text.en).collect();
    assert_eq!(texts.len(), 2, "by change, and as a mix-up: {texts:?}");
}

#[test]
fn an_entry_of_a_list_is_compared_with_the_one_about_the_same_thing() {
    let form = form("health-quarterly");
    let report = |cases: &str, deaths: &str| {
        json!({"dataValues": [
            {"dataElement": "CASES", "categoryOptionCombo": "default", "value": cases},
            {"dataElement": "DEATHS", "categoryOptionCombo": "default", "value": deaths},
        ]})
    };
    let last = json!({"dataValues": [
        {"dataElement": "DEATHS", "categoryOptionCombo": "default", "value": "1"},
        {"dataElement": "CASES", "categoryOptionCombo": "default", "value": "100"},
    ]});
    let now = report("900", "9");
    let expected = ["/dataValues/0/value"];
    assert_eq!(
        doubted(&form, &now, Some(&last)),
        expected,
        "nine deaths are few"
    );
    assert!(doubted(&form, &now, None).is_empty());
}

#[test]
fn a_report_is_due_so_many_days_after_its_period_and_not_before_it_is_expected() {
    let expected = &form("health-quarterly").expected[0];
    let due = |period: &str| {
        expected
            .due(period.parse().unwrap())
            .map(|day| day.to_string())
    };
    assert_eq!(due("2026Q3").as_deref(), Some("2026-10-15"));
    assert_eq!(due("2025Q4"), None);
    assert_eq!(due("2026-07"), None, "it is of quarters");
    let monthly = &form("market-prices").expected[0];
    let due = monthly.due("2026-02".parse().unwrap());
    assert_eq!(
        due.map(|day| day.to_string()).as_deref(),
        Some("2026-03-05")
    );
}

#[test]
fn a_place_is_read_from_a_pointer_and_lies_in_at_most_one_list() {
    assert_eq!(
        Place::of_pointer("/dataValues/12/value"),
        "/dataValues/-/value"
    );
    for wrong in ["", "period", "/", "/a/b", "/a/-/b/c", "/a/0"] {
        assert!(Place::try_from(wrong.to_owned()).is_err(), "{wrong:?}");
    }
    let place = Place::try_from("/prices/-/unit".to_owned()).unwrap();
    assert_eq!(place.in_list(), Some(("prices", "unit")));
}
