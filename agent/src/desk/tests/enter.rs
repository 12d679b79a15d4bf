//! Filling in a form, request by request: drafts, two tabs, what is wrong, doubts, handing in once.

use super::*;
use crate::desk::filling::FormId;

/// A form that a browser has open.
pub(super) struct Form {
    pub(super) place: String,
}

/// A hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let marked = format!("name=\"{name}\" value=\"");
    let value = page
        .split(&marked)
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    value
        .unwrap_or_else(|| panic!("no {name}: {page}"))
        .to_owned()
}

impl Form {
    pub(super) async fn begin(browser: &mut Browser<'_>, of: &[(&str, &str)]) -> Form {
        Form::begin_on(browser, FEED, of).await
    }

    pub(super) async fn begin_on(
        browser: &mut Browser<'_>,
        feed: &str,
        of: &[(&str, &str)],
    ) -> Form {
        let token = browser.token("/desk/enter").await;
        let id = FormId::new().to_string();
        let mut fields = vec![("token", token.as_str()), ("id", id.as_str())];
        fields.extend(of);
        let begun = browser.post(&format!("/desk/enter/{feed}"), &fields).await;
        assert_eq!(begun.status, 303, "{}", begun.text);
        let place = location(&begun).to_owned();
        assert_eq!(place, format!("/desk/enter/{feed}/{id}"));
        Form { place }
    }

    pub(super) async fn page(&self, browser: &mut Browser<'_>) -> String {
        let page = browser.get(&self.place).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text
    }

    /// Posts the whole form as the version that it is.
    pub(super) async fn post(
        &self,
        browser: &mut Browser<'_>,
        wish: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let version = hidden(&self.page(browser).await, "version");
        self.post_at(browser, &version, wish, fields).await
    }

    async fn post_at(
        &self,
        browser: &mut Browser<'_>,
        version: &str,
        wish: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let token = browser.token("/desk/enter").await;
        let mut all = vec![
            ("token", token.as_str()),
            ("version", version),
            ("do", wish),
        ];
        all.extend(fields);
        browser.post(&self.place, &all).await
    }

    pub(super) async fn hand_in(
        &self,
        browser: &mut Browser<'_>,
        wish: &str,
        note: &str,
    ) -> Answer {
        let review = browser.get(&format!("{}/review", self.place)).await.text;
        let (token, version) = (hidden(&review, "token"), hidden(&review, "version"));
        let fields = [
            ("token", token.as_str()),
            ("version", version.as_str()),
            ("note", note),
            ("do", wish),
        ];
        browser
            .post(&format!("{}/review", self.place), &fields)
            .await
    }

    /// The page of the event that it became.
    fn event(&self) -> String {
        let id = self.place.rsplit('/').next().expect("an id");
        format!("/desk/sent/{FEED}/form%2D{}", id.replace('-', "%2D"))
    }
}

/// A good quarter: 41 cases, in Khmer digits.
pub(super) const GOOD: [(&str, &str); 4] = [
    ("f1", "2026Q3"),
    ("f2", "KH17"),
    ("r0-5", "DENGUE_CASES"),
    ("r0-7", "៤១"),
];

pub(super) fn with<'f>(change: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let kept = GOOD.into_iter();
    let kept = kept.filter(|(name, _)| change.iter().all(|(other, _)| other != name));
    kept.chain(change.iter().copied()).collect()
}

pub(super) async fn waiting(interface: &Interface, feed: &str) -> Vec<serde_json::Value> {
    let feed = feed.parse().expect("a feed");
    let waiting = interface
        .app
        .outbox
        .waiting(&feed, 0, 10)
        .await
        .expect("reads");
    let event = |bytes: &bytes::Bytes| {
        schemas::envelope::nats::read_stored_unsigned(bytes).expect("an event")
    };
    let told = waiting.iter().map(|waiting| {
        let event = event(&waiting.bytes);
        let core = event.core();
        serde_json::json!({
            "id": event.id(), "type": core.event_type, "cause": core.causation_id,
            "data": serde_json::from_slice::<serde_json::Value>(event.data()).expect("JSON"),
        })
    });
    told.collect()
}

#[tokio::test]
async fn a_form_knows_the_province_keeps_what_is_wrong_names_all_of_it_and_is_handed_in_once() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let form = Form::begin(&mut browser, &[]).await;
    let page = form.page(&mut browser).await;
    assert!(page.contains("value=\"KH17\" selected"), "{page}");
    let wrong = with(&[("f1", "Q3"), ("r0-7", "1,200"), ("r1-5", "MALARIA_CASES")]);
    let saved = form.post(&mut browser, "check", &wrong).await;
    assert!(
        location(&saved).contains("done=wrong"),
        "{}",
        location(&saved)
    );
    let page = browser.get(location(&saved)).await.text;
    for told in [
        "There is a problem",
        "href=\"#f1\"",
        "href=\"#r0-7\"",
        "the comma can mean 1200 or 1.200",
        "href=\"#r1-7\"",
        "the cell is empty",
        "value=\"Q3\"",
        "value=\"1,200\"",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let checked = form.post(&mut browser, "check", &GOOD).await;
    assert_eq!(location(&checked), format!("{}/review", form.place));
    let handed_in = form.hand_in(&mut browser, "hand-in", "").await;
    let event = form.event();
    assert_eq!(location(&handed_in), format!("{event}?done=handed-in"));
    let sent = waiting(&interface, FEED).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["data"]["dataValues"][0]["value"], "41");
    // Back, reload, a second click: the same event, and never a second one.
    assert_eq!(
        location(&browser.get(&form.place).await),
        format!("{event}?done=already")
    );
    let token = browser.token("/desk/enter").await;
    for path in [form.place.clone(), format!("{}/review", form.place)] {
        let again = browser
            .post(&path, &[("token", &token), ("version", "1")])
            .await;
        assert_eq!(location(&again), format!("{event}?done=already"), "{path}");
    }
    assert_eq!(waiting(&interface, FEED).await.len(), 1);
    assert!(browser.get("/desk/acts").await.text.contains("handed in"));
}

#[tokio::test]
async fn of_two_tabs_the_later_is_told_and_sees_both_and_the_same_twice_is_no_conflict() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let form = Form::begin(&mut browser, &[]).await;
    let first = form.post_at(&mut browser, "1", "save", &GOOD).await;
    assert_eq!(first.status, 303);
    let again = form.post_at(&mut browser, "1", "save", &GOOD).await;
    assert_eq!(again.status, 303, "a second click");
    let other = with(&[("r0-7", "77")]);
    let late = form.post_at(&mut browser, "1", "save", &other).await;
    assert_eq!(late.status, 409);
    assert!(late.text.contains("saved elsewhere"), "{}", late.text);
    assert!(
        late.text.contains("<td class=\"data\">៤១</td>"),
        "{}",
        late.text
    );
    assert!(late.text.contains("value=\"77\""), "{}", late.text);
    assert!(form.page(&mut browser).await.contains("value=\"៤១\""));
    let version = hidden(&late.text, "version");
    let mended = form.post_at(&mut browser, &version, "save", &other).await;
    assert_eq!(mended.status, 303);
    assert!(form.page(&mut browser).await.contains("value=\"77\""));
}

#[tokio::test]
async fn what_the_disk_does_not_take_is_told_and_stands_on_the_page() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let form = Form::begin(&mut browser, &[]).await;
    let drafts = interface.app.settings.folder.path().join("desk/drafts");
    let id = form.place.rsplit('/').next().expect("an id");
    // A folder in the place of the file that is written first.
    std::fs::create_dir(drafts.join(format!("{id}.new"))).expect("made");
    let typed = with(&[("r0-8", "មិនបាត់ <b>")]);
    let answer = form.post(&mut browser, "save", &typed).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.text.contains("it was not saved"), "{}", answer.text);
    assert!(
        answer.text.contains("value=\"មិនបាត់ &lt;b&gt;\""),
        "{}",
        answer.text
    );
    assert_eq!(hidden(&answer.text, "version"), "1");
}

#[tokio::test]
async fn an_unusual_figure_is_handed_in_with_a_reason_that_stays_in_the_journal() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let form = Form::begin(&mut browser, &[]).await;
    form.post(&mut browser, "save", &with(&[("r0-7", "2000000")]))
        .await;
    let review = browser.get(&format!("{}/review", form.place)).await.text;
    assert!(review.contains("more than a million"), "{review}");
    let without = form.hand_in(&mut browser, "hand-in", " ").await;
    assert_eq!(without.status, 422);
    assert!(without.text.contains("Say why"), "{}", without.text);
    let handed_in = form.hand_in(&mut browser, "hand-in", "an outbreak").await;
    assert!(
        location(&handed_in).ends_with("done=handed-in"),
        "{}",
        handed_in.text
    );
    assert!(browser.get("/desk/acts").await.text.contains("an outbreak"));
    assert!(
        !waiting(&interface, FEED).await[0]
            .to_string()
            .contains("outbreak")
    );
}

#[tokio::test]
async fn the_figures_of_last_time_are_copied_and_five_times_as_many_are_looked_at_again() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let form = Form::begin(&mut browser, &[]).await;
    form.post(&mut browser, "save", &with(&[("f1", "2026Q2")]))
        .await;
    form.hand_in(&mut browser, "hand-in", "").await;
    let next = Form::begin(&mut browser, &[]).await;
    let copied = next
        .post(&mut browser, "copy", &[("f1", "2026Q3"), ("f2", "KH17")])
        .await;
    assert!(
        location(&copied).contains("done=copied"),
        "{}",
        location(&copied)
    );
    let page = next.page(&mut browser).await;
    assert!(
        page.contains("value=\"41\"") && page.contains("value=\"2026Q3\""),
        "{page}"
    );
    next.post(&mut browser, "save", &with(&[("r0-7", "400")]))
        .await;
    let review = browser.get(&format!("{}/review", next.place)).await.text;
    assert!(review.contains("by more than 5 times"), "{review}");
}

#[tokio::test]
async fn a_power_cut_between_the_event_and_the_end_of_its_draft_leaves_one_event_and_no_draft() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    let form = Form::begin(&mut browser, &[]).await;
    form.post(&mut browser, "save", &GOOD).await;
    let id = form.place.rsplit('/').next().expect("an id");
    let drafts = interface.app.settings.folder.path().join("desk/drafts");
    let file = drafts.join(format!("{id}.json"));
    let draft = std::fs::read(&file).expect("a draft");
    form.hand_in(&mut browser, "hand-in", "").await;
    std::fs::write(&file, draft).expect("as before the cut");
    let found = browser.get(&form.place).await;
    assert_eq!(location(&found), format!("{}?done=already", form.event()));
    assert!(!file.exists(), "it was brought to its end");
    assert_eq!(waiting(&interface, FEED).await.len(), 1);
}

#[tokio::test]
async fn drafts_are_so_many_and_no_more() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let drafts = interface.app.settings.folder.path().join("desk/drafts");
    std::fs::create_dir_all(&drafts).expect("made");
    for number in 0..crate::desk::limits::DRAFTS_MAX {
        std::fs::write(drafts.join(format!("{number}.json")), "{").expect("written");
    }
    let token = browser.token("/desk/enter").await;
    let id = FormId::new().to_string();
    let fields = [("token", token.as_str()), ("id", id.as_str())];
    let refused = browser.post(&format!("/desk/enter/{FEED}"), &fields).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("too many drafts"), "{}", refused.text);
}

/// What is left of 150 KB beside fonts, style and script, which are 64 KB.
pub(super) const PAGE_BYTES_MAX: usize = 86 * 1024;

#[tokio::test]
async fn however_wrong_a_form_is_its_page_is_small_and_its_rows_are_pages() {
    let interface = Interface::of_office("maff/hq");
    let mut browser = Browser::let_in(&interface).await;
    let form = Form::begin_on(&mut browser, "price-bulletin", &[]).await;
    let rows = crate::desk::limits::FORM_ROWS;
    let names: Vec<String> = (0..rows)
        .flat_map(|row| (7..18).map(move |field| format!("r{row}-{field}")))
        .collect();
    let wrong: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "#N/A")).collect();
    let saved = form.post(&mut browser, "rows", &wrong).await;
    assert_eq!(
        location(&saved),
        format!("{}?from={rows}", form.place),
        "the next page"
    );
    let checked = form.post(&mut browser, "check", &wrong).await;
    let page = browser.get(location(&checked)).await.text;
    assert!(
        page.matches("-error\">").count() >= names.len(),
        "each is told"
    );
    assert!(page.len() <= PAGE_BYTES_MAX, "{} bytes", page.len());
}
