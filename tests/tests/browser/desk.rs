//! The pages of an office whose day has everything: what was confirmed, what waits behind a cut line, what was refused, what arrived.

use std::path::PathBuf;

use serde_json::{Value, json};
use tests::bus::Bus;
use tests::deadline::until;
use tests::envoy::Envoy;
use tests::letter::{Letter, LogOf};
use tests::office::{Answer, Office};
use tests::proxy::Weather;

use crate::driver::{self, Browser, Scripts};
use crate::{page, turn};

const PROVINCE: &str = "moh/siem-reap";
const MINISTRY: &str = "moh/hq";
const FEED: &str = "health-quarterly";
const TYPE: &str = "kh.gov.moh.quarterly-report.submitted.v1";
pub const LANGUAGES: [&str; 2] = ["km", "en"];

fn report(period: &str, cases: u32) -> Value {
    json!({
        "dataSet": "HMIS_QUARTERLY",
        "period": period,
        "orgUnit": "KH17",
        "completeDate": "2026-10-02",
        "dataValues": [
            {"dataElement": "DENGUE_CASES", "categoryOptionCombo": "default", "value": cases.to_string()},
            {"dataElement": "MALARIA_CASES", "categoryOptionCombo": "default", "value": "7"},
        ],
    })
}

fn event(id: &str, period: &str, cases: u32) -> Value {
    json!({"specversion": "1.0", "id": id, "type": TYPE, "data": report(period, cases)})
}

/// A day of an office: two reports arrived and were confirmed, one was refused, two wait behind a line that is cut.
pub struct Day {
    pub office: Office,
    pub ministry: Office,
    _bus: Bus,
}

impl Day {
    pub async fn begin() -> Day {
        let bus = Bus::start(&[PROVINCE, MINISTRY]).await;
        let folder = bus.folder().join("agent-moh-siem-reap");
        let (bundle, gateway) = (bus.bundle(PROVINCE), bus.gateway.address());
        let mut office = Office::prepare(PROVINCE, bundle, &folder, gateway, "").await;
        // Under the same id something else is on the bus already: of two contents, one is refused.
        office.line.set(Weather::Cut);
        office.resume().await;
        office.submit(&event("q3-2026", "2026Q3", 44)).await;
        elsewhere(&bus, "q3-2026").await;
        office.line.set(Weather::Clear);
        let refused = |answer: &Answer| answer.body["refused"] != json!([]);
        until("the tray to fill", || office.get("/tray"), refused).await;
        let ministry = bus.office(MINISTRY).await;
        for (id, period) in [("q1-2026", "2026Q1"), ("q2-2026", "2026Q2")] {
            office.submit(&event(id, period, 31)).await;
            office.reaches(id, "confirmed").await;
        }
        Day {
            office,
            ministry,
            _bus: bus,
        }
    }

    /// Cuts the line, and hands in two more.
    pub async fn cut(&self) {
        self.office.line.set(Weather::Cut);
        for (id, period) in [("q4-2025", "2025Q4"), ("q3-2025", "2025Q3")] {
            self.office.submit(&event(id, period, 12)).await;
        }
        let down = |status: &Value| status["link"]["state"] == "down";
        until("the line to be down", || self.office.status(), down).await;
    }

    /// A browser that was let in by an address.
    pub async fn browser(&self, office: &Office, scripts: Scripts) -> Browser {
        let browser = Browser::start(scripts).await;
        browser.goto(&office.desk_address()).await;
        browser.follow("main button").await;
        assert_eq!(browser.url().await, format!("{}/", office.url()));
        browser
    }
}

/// Begins the office's log past its agent.
async fn elsewhere(bus: &Bus, id: &str) {
    let log = LogOf {
        office: PROVINCE,
        feed: FEED,
        event_type: TYPE,
    };
    let letter = Letter::new(&log, 1, &bus.genesis(), &report("2026Q3", 45)).set("id", id);
    let mut envoy = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let answer = envoy
        .publish(&log.subject(), &letter.sign(&bus.key(PROVINCE)))
        .await;
    assert_eq!(answer["error"], Value::Null, "{answer}");
}

/// The pages of the menu and those behind them.
fn pages() -> Vec<(&'static str, String)> {
    let event = format!("/desk/sent/{FEED}/q1-2026");
    vec![
        ("home", "/".to_owned()),
        ("enter", "/desk/enter".to_owned()),
        ("import", format!("/desk/import/{FEED}")),
        ("sent", "/desk/sent".to_owned()),
        ("event", event.clone()),
        ("receipt", format!("{event}/receipt")),
        ("withdraw", format!("{event}/withdraw")),
        ("to-fix", "/desk/to-fix".to_owned()),
        ("received", "/desk/received".to_owned()),
        ("acts", "/desk/acts".to_owned()),
        ("help", "/desk/help".to_owned()),
        ("precautions", "/desk/precautions".to_owned()),
        ("code", "/desk/help/row-not-yours".to_owned()),
        ("no-code", "/desk/help/nothing".to_owned()),
        ("nothing", "/desk/nothing".to_owned()),
    ]
}

/// Where pictures are kept, if somebody wants them.
fn album() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("PICTURES")?);
    std::fs::create_dir_all(&folder).expect("a folder for pictures");
    Some(folder)
}

/// A picture of the whole page, if somebody wants it.
pub async fn photograph(browser: &Browser, name: &str) {
    if let Some(album) = album() {
        browser.whole_page().await;
        browser.picture(&album.join(format!("{name}.png"))).await;
        browser.size(1_024, 768).await;
    }
}

#[tokio::test]
async fn every_page_is_accessible_small_alone_and_without_an_error_in_both_languages() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let day = Day::begin().await;
    let browser = day.browser(&day.office, Scripts::On).await;
    page::assert_khmer_is_shown(&browser).await;
    day.cut().await;
    for language in LANGUAGES {
        for (name, path) in pages() {
            let what = format!("{name} in {language}");
            let url = format!("{}{path}?lang={language}", day.office.url());
            browser.goto(&url).await;
            page::assert_good(&browser, &what).await;
            photograph(&browser, &format!("{name}-{language}")).await;
        }
    }
}

#[tokio::test]
async fn what_the_ministry_has_received_is_a_table_of_its_own_that_can_be_read() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let day = Day::begin().await;
    day.ministry.receives(FEED, 3).await;
    let browser = day.browser(&day.ministry, Scripts::On).await;
    for language in LANGUAGES {
        let list = format!("{}/desk/received?lang={language}", day.ministry.url());
        browser.goto(&list).await;
        // The latest that arrived; before it stands a notice of the office's agent.
        browser.follow("table.events a").await;
        page::assert_good(&browser, language).await;
        assert!(browser.text("main").await.contains("DENGUE_CASES"));
    }
}

#[tokio::test]
async fn no_text_stands_on_a_page_that_is_not_said_in_both_languages() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let day = Day::begin().await;
    day.cut().await;
    let browser = day.browser(&day.office, Scripts::On).await;
    for (name, path) in pages() {
        browser
            .goto(&format!("{}{path}?lang=qps", day.office.url()))
            .await;
        let bare = page::bare_texts(&browser).await;
        assert_eq!(bare, json!([]), "{name}");
    }
}

#[tokio::test]
async fn a_page_that_is_left_open_tells_when_the_line_is_cut() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let day = Day::begin().await;
    let browser = day.browser(&day.office, Scripts::On).await;
    browser
        .goto(&format!("{}/?lang=en", day.office.url()))
        .await;
    assert!(browser.text("#link").await.starts_with("Connected since"));
    day.cut().await;
    let told = |title: &String| title.starts_with("No connection since");
    until("the page to tell it", || browser.text("#link"), told).await;
    let text = browser.text(".card").await;
    assert!(
        text.contains("2 reports wait safely on this computer's disk; they leave by themselves"),
        "{text}"
    );
}
