//! What comes after handing in, request by request: correcting, withdrawing, mending what was refused; and approval, and giving up a draft.

use super::enter::{Form, GOOD, waiting, with};
use super::*;

#[tokio::test]
async fn a_correction_shows_old_and_new_asks_why_and_names_what_it_corrects() {
    let interface = Interface::open();
    interface.structured(&event("report7", 39)).await.id();
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let form = Form::begin(&mut browser, &[("corrects", "report7")]).await;
    let page = form.page(&mut browser).await;
    assert!(
        page.contains("A correction of report7") && page.contains("value=\"39\""),
        "{page}"
    );
    form.post(&mut browser, "save", &with(&[("f0", "DENGUE_Q")]))
        .await;
    let review = browser.get(&format!("{}/review", form.place)).await.text;
    assert!(
        review.contains("<td class=\"data\">39</td><td class=\"data\">៤១</td>"),
        "{review}"
    );
    assert_eq!(form.hand_in(&mut browser, "hand-in", "").await.status, 422);
    form.hand_in(&mut browser, "hand-in", "counted again").await;
    let sent = waiting(&interface, FEED).await;
    assert_eq!(sent[1]["type"], "kh.gov.moh.quarterly-report.corrected.v1");
    assert_eq!(sent[1]["cause"], "report7");
}

#[tokio::test]
async fn a_report_is_withdrawn_once_with_its_reason() {
    let interface = Interface::open();
    interface.structured(&event("report7", 39)).await.id();
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let place = format!("/desk/sent/{FEED}/report7/withdraw");
    let token = browser.token(&place).await;
    let post = |why| [("token", token.clone()), ("note", why)];
    for (why, done) in [("wrong\r\n province", "handed-in"), ("another", "already")] {
        let fields = post(why.to_owned());
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let answer = browser.post(&place, &fields).await;
        assert!(location(&answer).ends_with(done), "{}", answer.text);
    }
    let sent = waiting(&interface, FEED).await;
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1]["data"]["reason"], "wrong province");
    assert_eq!(sent[1]["cause"], "report7");
}

#[tokio::test]
async fn a_refused_report_opens_in_the_form_with_its_values_and_leaves_the_tray_when_it_is_mended()
{
    let (interface, number) = with_a_refused_event().await;
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let number = number.to_string();
    assert!(
        browser
            .get("/desk/to-fix")
            .await
            .text
            .contains("Open and mend")
    );
    let form = Form::begin(&mut browser, &[("mends", &number)]).await;
    let page = form.page(&mut browser).await;
    assert!(page.contains("value=\"DENGUE_CASES\""), "{page}");
    form.post(&mut browser, "save", &GOOD).await;
    assert_eq!(interface.app.outbox.tray().expect("reads").len(), 1);
    let handed_in = form.hand_in(&mut browser, "hand-in", "").await;
    assert!(
        location(&handed_in).ends_with("handed-in"),
        "{}",
        handed_in.text
    );
    assert!(interface.app.outbox.tray().expect("reads").is_empty());
    assert_eq!(waiting(&interface, FEED).await.len(), 1);
}

#[tokio::test]
async fn a_bulletin_is_handed_in_by_a_second_person_or_given_back_with_a_reason() {
    let interface = Interface::of_office("maff/hq");
    let people = people(&interface);
    for (name, role, pin) in [
        ("Clerk", Role::Clerk, "314159"),
        ("Chief", Role::Chief, "271828"),
    ] {
        people.add(name, role, pin, 1).expect("added");
    }
    let mut clerk = Browser::let_in(&interface).await;
    clerk.get("/?lang=en").await;
    clerk.sign_in("Clerk", "314159").await;
    let mut chief = Browser::let_in(&interface).await;
    chief.get("/?lang=en").await;
    chief.sign_in("Chief", "271828").await;
    let form = Form::begin_on(&mut clerk, "price-bulletin", &[]).await;
    let bulletin = [
        ("f0", "7-2026"),
        ("f1", "2026-07"),
        ("f2", "2026-08-03"),
        ("f3", "Prices of July"),
        ("f4", "តម្លៃខែកក្កដា"),
        ("r0-7", "KH17"),
        ("r0-10", "Rice"),
        ("r0-11", "KG"),
        ("r0-12", "Retail"),
        ("r0-13", "KHR"),
        ("r0-14", "2400"),
    ];
    form.post(&mut clerk, "save", &bulletin).await;
    let asked = form.hand_in(&mut clerk, "hand-in", "").await;
    assert_eq!(location(&asked), "/desk/enter?done=asked");
    assert_eq!(
        form.hand_in(&mut clerk, "hand-in", "").await.status,
        403,
        "not by oneself"
    );
    assert!(waiting(&interface, "price-bulletin").await.is_empty());
    let given_back = form
        .hand_in(&mut chief, "give-back", "the market is missing")
        .await;
    assert_eq!(location(&given_back), "/desk/enter?done=given-back");
    assert!(
        form.page(&mut clerk)
            .await
            .contains("the market is missing")
    );
    let named = [bulletin.as_slice(), &[("r0-8", "Psar Leu")]].concat();
    form.post(&mut clerk, "save", &named).await;
    form.hand_in(&mut clerk, "hand-in", "").await;
    let approved = form.hand_in(&mut chief, "hand-in", "").await;
    assert!(
        location(&approved).ends_with("handed-in"),
        "{}",
        approved.text
    );
    assert_eq!(waiting(&interface, "price-bulletin").await.len(), 1);
}

#[tokio::test]
async fn a_reader_fills_in_nothing_and_a_draft_is_discarded_after_a_question() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    let form = Form::begin(&mut browser, &[]).await;
    let people = people(&interface);
    people
        .add("Reader", Role::Reader, "271828", 1)
        .expect("added");
    people
        .add("Clerk", Role::Clerk, "314159", 1)
        .expect("added");
    browser.sign_in("Reader", "271828").await;
    assert!(!browser.get("/").await.text.contains("/desk/enter"));
    for path in [
        "/desk/enter".to_owned(),
        form.place.clone(),
        format!("{}/discard", form.place),
    ] {
        assert_eq!(browser.get(&path).await.status, 403, "{path}");
    }
    let token = browser.token("/").await;
    browser.post("/desk/sign-out", &[("token", &token)]).await;
    browser.sign_in("Clerk", "314159").await;
    let discard = format!("{}/discard", form.place);
    assert_eq!(browser.get(&discard).await.status, 200);
    assert_eq!(browser.get(&form.place).await.status, 200, "asked first");
    let token = browser.token(&discard).await;
    for _ in 0..2 {
        let discarded = browser.post(&discard, &[("token", &token)]).await;
        assert_eq!(location(&discarded), "/desk/enter?done=discarded");
    }
    assert_eq!(browser.get(&form.place).await.status, 404);
}
