//! Feeds that were added by data alone: a contract, a feed and a form, and nothing written for them. Each has its page, its sheet and its reader.

use super::enter::{Form, waiting};
use super::*;
use crate::submit::tests::registry_with_more_feeds;

/// What is typed, by the names of the page's fields.
type Fields = [(&'static str, &'static str)];

const READINESS: [(&str, &str); 7] = [
    ("f0", "២០២៦"),
    ("f1", "4"),
    ("f3", "1"),
    ("f5", "5"),
    ("f7", "9"),
    ("f9", "2.4"),
    ("f10", "undefined"),
];
const INSTRUCTION: [(&str, &str); 4] = [
    ("f0", "12-2026"),
    ("f1", "2026-11-02"),
    ("f4", "ការត្រួតពិនិត្យសុវត្ថិភាព"),
    ("f6", "សូមពិនិត្យរោងចក្រទាំងអស់"),
];
const ORDINANCE: [(&str, &str); 5] = [
    ("f0", "7-2026"),
    ("f1", "circular"),
    ("f2", "2026-11-02"),
    ("f4", "សារាចរ"),
    ("f6", "ជូនមន្ត្រីទាំងអស់"),
];

#[tokio::test]
async fn a_feed_that_was_added_by_data_has_its_page_its_sheet_and_its_reader() {
    let feeds: [(&str, &str, &Fields); 3] = [
        ("moh/hq", "ict-readiness", &READINESS),
        ("mlvt/hq", "labour-instructions", &INSTRUCTION),
        ("ocm/hq", "ordinances", &ORDINANCE),
    ];
    for (office, feed, fields) in feeds {
        let interface = Interface::under(office, registry_with_more_feeds());
        let mut browser = Browser::let_in(&interface).await;
        let form = Form::begin_on(&mut browser, feed, &[]).await;
        let checked = form.post(&mut browser, "check", fields).await;
        assert!(
            location(&checked).ends_with("/review"),
            "{feed}: {}",
            location(&checked)
        );
        form.hand_in(&mut browser, "hand-in", "").await;
        assert_eq!(waiting(&interface, feed).await.len(), 1, "{feed}");
        let sheet = browser.get(&format!("/desk/import/{feed}/empty.csv")).await;
        assert_eq!(sheet.status, 200, "{feed}");
        assert_eq!(
            sheet.text.lines().count(),
            3,
            "names and labels: {}",
            sheet.text
        );
    }
}

#[tokio::test]
async fn a_readiness_that_is_none_is_named_at_its_field() {
    let interface = Interface::under("moh/hq", registry_with_more_feeds());
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let form = Form::begin_on(&mut browser, "ict-readiness", &[]).await;
    let too_many: Vec<(&str, &str)> = READINESS
        .into_iter()
        .map(|(name, text)| {
            if name == "f3" {
                (name, "3")
            } else {
                (name, text)
            }
        })
        .collect();
    let checked = form.post(&mut browser, "check", &too_many).await;
    let page = browser.get(location(&checked)).await.text;
    assert!(
        page.contains("href=\"#f3\"") && page.contains("from 0 to 2"),
        "{page}"
    );
}
