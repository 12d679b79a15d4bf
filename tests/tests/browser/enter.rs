//! A report by the form, as people of an office fill it in: with the line cut and without script, by the keyboard alone, in two tabs, on two
//! PCs, with a chief who approves. In: keys and clicks. Out: what is on the bus in the end.

use serde_json::{Value, json};
use tests::bus::Bus;
use tests::office::Office;
use tests::proxy::Weather;

use crate::desk::{LANGUAGES, photograph};
use crate::driver::{self, Browser, Scripts};
use crate::people::{PIN, add};
use crate::{page, turn};

const PROVINCE: &str = "moh/siem-reap";
const MINISTRY: &str = "moh/hq";
const FEED: &str = "health-quarterly";
const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

/// An office whose line can be cut, and a browser that was let in.
struct Place {
    office: Office,
    bus: Bus,
}

impl Place {
    async fn open() -> Place {
        let bus = Bus::start(&[PROVINCE, MINISTRY]).await;
        let folder = bus.folder().join("agent-moh-siem-reap");
        let (bundle, gateway) = (bus.bundle(PROVINCE), bus.gateway.address());
        let mut office = Office::prepare(PROVINCE, bundle, &folder, gateway, "").await;
        office.resume().await;
        Place { office, bus }
    }

    async fn browser(&self, scripts: Scripts, language: &str) -> Browser {
        let browser = Browser::start(scripts).await;
        browser.goto(&self.office.desk_address()).await;
        browser.follow("main button").await;
        self.goto(&browser, &format!("/?lang={language}")).await;
        browser
    }

    async fn goto(&self, browser: &Browser, path: &str) {
        browser.goto(&format!("{}{path}", self.office.url())).await;
    }

    /// Begins the form of the feed, and gives its path.
    async fn begin(&self, browser: &Browser) -> String {
        self.goto(browser, "/desk/enter").await;
        browser.follow("main form button").await;
        let url = browser.url().await;
        let place = url.strip_prefix(&self.office.url()).expect("of this agent");
        assert!(
            place.starts_with(&format!("/desk/enter/{FEED}/")),
            "{place}"
        );
        place.to_owned()
    }

    /// The id that the event of a form has.
    fn id(place: &str) -> String {
        format!("form-{}", place.rsplit('/').next().expect("an id"))
    }

    async fn data(&self, id: &str) -> Value {
        let told = self.bus.office(MINISTRY).await.receives(FEED, 1).await;
        let event = told.iter().find(|event| event["id"] == id);
        event.expect("it arrived")["data"].clone()
    }
}

async fn fill(browser: &Browser, fields: &[(&str, &str)]) {
    for (name, text) in fields {
        browser.fill(&format!("#{name}"), text).await;
    }
}

const GOOD: [(&str, &str); 3] = [("f1", "2026Q2"), ("r0-5", "DENGUE_CASES"), ("r0-7", "៤១")];

#[tokio::test]
async fn a_clerk_hands_in_a_quarter_in_khmer_without_script_while_the_line_is_cut() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let place = Place::open().await;
    place.office.line.set(Weather::Cut);
    let browser = place.browser(Scripts::Off, "km").await;
    // Home says what is due, and leads to the form.
    assert!(browser.text("#due + table").await.contains("មិនទាន់ចាប់ផ្តើម"));
    browser.follow("#due + table form button").await;
    let url = browser.url().await;
    let form = url
        .strip_prefix(&place.office.url())
        .expect("here")
        .to_owned();
    fill(
        &browser,
        &[("f1", "Q3"), ("r0-5", "DENGUE_CASES"), ("r0-7", "1,200")],
    )
    .await;
    browser.follow("button[value=check]").await;
    let summary = browser.text(".summary").await;
    assert!(
        summary.contains("មានបញ្ហា") && summary.contains("1200"),
        "{summary}"
    );
    assert_eq!(
        browser.attribute("#r0-7", "value").await,
        "1,200",
        "it is kept"
    );
    browser.click(".summary li a").await;
    assert!(browser.url().await.ends_with("#f1"));
    fill(&browser, &GOOD).await;
    browser.follow("button[value=check]").await;
    assert!(browser.url().await.ends_with("/review"));
    assert!(browser.text("main").await.contains("41"));
    browser.follow("main form button").await;
    assert!(browser.text(".done").await.contains("បានទទួលនៅទីនេះ"));
    // Back to the form and on again: it is the same event.
    place.goto(&browser, &form).await;
    assert!(browser.url().await.contains("done=already"));
    place.office.line.set(Weather::Clear);
    let id = Place::id(&form);
    place.office.reaches(&id, "durable").await;
    let data = place.data(&id).await;
    assert_eq!(
        data["dataValues"],
        json!([{"categoryOptionCombo": "default", "dataElement": "DENGUE_CASES", "value": "41"}])
    );
}

#[tokio::test]
async fn the_pages_of_a_form_are_good_in_both_languages_and_say_nothing_beside_the_words() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let place = Place::open().await;
    let browser = place.browser(Scripts::On, "en").await;
    let form = place.begin(&browser).await;
    fill(
        &browser,
        &[
            ("f1", "Q3"),
            ("r0-5", "DENGUE CASES"),
            ("r0-7", "1,200"),
            ("r1-5", "x"),
        ],
    )
    .await;
    browser.follow("button[value=check]").await;
    let focused = browser
        .execute("return document.activeElement.className")
        .await;
    assert_eq!(focused, "summary");
    let wrong = format!("{form}?done=wrong");
    pages(
        &place,
        &browser,
        &[("form-wrong", &wrong), ("drafts", "/desk/enter")],
    )
    .await;
    place.goto(&browser, &format!("{form}?lang=en")).await;
    fill(
        &browser,
        &[
            ("f1", "2026Q2"),
            ("r0-5", "DENGUE_CASES"),
            ("r0-7", "2000000"),
        ],
    )
    .await;
    fill(&browser, &[("r1-5", "MALARIA_CASES"), ("r1-7", "7")]).await;
    browser.follow("button[value=check]").await;
    assert!(
        browser
            .text("#doubts + p")
            .await
            .starts_with("These figures"),
        "a million is unusual"
    );
    let (review, discard) = (format!("{form}/review"), format!("{form}/discard"));
    pages(
        &place,
        &browser,
        &[("form", &form), ("review", &review), ("discard", &discard)],
    )
    .await;
}

/// Each page in both languages, and in none.
async fn pages(place: &Place, browser: &Browser, pages: &[(&str, &str)]) {
    for (name, path) in pages {
        let and = if path.contains('?') { '&' } else { '?' };
        for language in LANGUAGES {
            place
                .goto(browser, &format!("{path}{and}lang={language}"))
                .await;
            page::assert_good(browser, &format!("{name} in {language}")).await;
            photograph(browser, &format!("{name}-{language}")).await;
        }
        place.goto(browser, &format!("{path}{and}lang=qps")).await;
        assert_eq!(page::bare_texts(browser).await, json!([]), "{name}");
    }
}

#[tokio::test]
async fn the_keyboard_alone_fills_in_a_form_and_enter_hands_in_nothing_unseen() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let place = Place::open().await;
    let browser = place.browser(Scripts::On, "en").await;
    let form = place.begin(&browser).await;
    browser
        .execute("document.getElementById('r0-5').focus()")
        .await;
    browser.press(&format!("DENGUE_CASES{TAB}{TAB}12")).await;
    browser.leaves(browser.press(ENTER)).await;
    assert!(
        browser.url().await.contains(&form),
        "saved, and nothing else"
    );
    assert_eq!(browser.attribute("#r0-7", "value").await, "12");
    browser
        .execute("document.querySelector('button[value=check]').focus()")
        .await;
    browser.leaves(browser.press(ENTER)).await;
    assert!(browser.url().await.ends_with("/review"));
    browser
        .execute("document.querySelector('main form button').focus()")
        .await;
    browser.leaves(browser.press(ENTER)).await;
    assert!(browser.text(".done").await.contains("accepted here"));
    place.office.reaches(&Place::id(&form), "durable").await;
}

#[tokio::test]
async fn on_two_pcs_the_later_one_is_told_and_sees_both() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let place = Place::open().await;
    let first = place.browser(Scripts::On, "en").await;
    let form = place.begin(&first).await;
    let second = place.browser(Scripts::On, "en").await;
    place.goto(&second, &form).await;
    fill(&first, &[("r0-5", "DENGUE_CASES"), ("r0-7", "41")]).await;
    first.follow("button[value=save]").await;
    assert_eq!(first.text(".done").await, "Saved.");
    fill(&second, &[("r0-5", "DENGUE_CASES"), ("r0-7", "14")]).await;
    second.follow("button[value=save]").await;
    let told = second.text(".summary").await;
    assert!(
        told.contains("saved elsewhere") && told.contains("41") && told.contains("14"),
        "{told}"
    );
    page::assert_good(&second, "a form that was changed elsewhere").await;
    photograph(&second, "two-pcs-en").await;
    place.goto(&first, &form).await;
    assert_eq!(
        first.attribute("#r0-7", "value").await,
        "41",
        "nothing was written over"
    );
}

#[tokio::test]
async fn a_chief_approves_what_a_clerk_has_filled_in() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let place = Place::open().await;
    add(&place.office, "Sok Dara", "clerk");
    add(&place.office, "Chan Vanna", "chief");
    let sign_in = async |number: u8| {
        let browser = place.browser(Scripts::On, "en").await;
        place.goto(&browser, "/desk/sign-in").await;
        browser
            .click(&format!("#name option:nth-child({number})"))
            .await;
        browser.type_into("#pin", PIN).await;
        browser.follow("main button").await;
        browser
    };
    let clerk = sign_in(2).await;
    let form = place.begin(&clerk).await;
    fill(&clerk, &[("r0-5", "DENGUE_CASES"), ("r0-7", "41")]).await;
    clerk.follow("button[value=check]").await;
    clerk.follow("button[value=ask]").await;
    assert_eq!(clerk.text(".done").await, "Approval was asked for.");
    let chief = sign_in(3).await;
    assert!(
        chief
            .text("#due + table")
            .await
            .contains("Waits for approval")
    );
    chief.follow("#due + table a.button").await;
    page::assert_good(&chief, "what waits for approval").await;
    photograph(&chief, "approval-en").await;
    chief.follow("button[value=hand-in]").await;
    assert!(chief.text(".done").await.contains("accepted here"));
    place.office.reaches(&Place::id(&form), "durable").await;
}

#[tokio::test]
async fn a_report_is_corrected_with_a_reason_and_then_withdrawn() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let place = Place::open().await;
    let browser = place.browser(Scripts::Off, "en").await;
    let form = place.begin(&browser).await;
    fill(&browser, &GOOD).await;
    browser.follow("button[value=check]").await;
    browser.follow("main form button").await;
    place.office.reaches(&Place::id(&form), "durable").await;
    browser.follow("main form button.second").await;
    fill(&browser, &[("r0-7", "43")]).await;
    browser.follow("button[value=check]").await;
    let changes = browser.text("#changes + table").await;
    assert!(
        changes.contains("41") && changes.contains("43"),
        "{changes}"
    );
    browser.follow("main form button").await;
    assert!(browser.text(".summary").await.contains("Say why"));
    browser.type_into("#note", "counted again").await;
    browser.follow("main form button").await;
    let url = browser.url().await;
    let corrected = url.rsplit('/').next().and_then(|id| id.split('?').next());
    let corrected = corrected.expect("an id").replace("%2D", "-");
    place.office.reaches(&corrected, "durable").await;
    place
        .goto(&browser, &format!("/desk/sent/{FEED}/{corrected}/withdraw"))
        .await;
    browser
        .type_into("#note", "counted for another province")
        .await;
    browser.follow("main form button").await;
    assert!(
        browser
            .text("main")
            .await
            .contains("counted for another province")
    );
}
