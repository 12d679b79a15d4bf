//! The desk's pages over a real outbox, asked request by request as a browser asks. In: cookies, forms, languages. Out: promises. Never: a mock.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::LOCATION;

use super::door::address;
use super::door::people::{People, Role};
use super::*;
use crate::store::alarms::now_ms;
use crate::web::tests::{Answer, Door as Interface, event};

mod enter;
mod import;
mod later;
mod mend;

const FEED: &str = "health-quarterly";

/// A browser that keeps its cookies as browsers do.
struct Browser<'i> {
    interface: &'i Interface,
    cookies: Vec<(String, String)>,
}

impl<'i> Browser<'i> {
    fn stranger(interface: &'i Interface) -> Browser<'i> {
        Browser {
            interface,
            cookies: Vec::new(),
        }
    }

    /// One that was let in by an address.
    async fn let_in(interface: &'i Interface) -> Browser<'i> {
        let mut browser = Browser::stranger(interface);
        let address = offered(interface);
        assert_eq!(
            browser.get(&address).await.status,
            200,
            "a look uses nothing up"
        );
        let opened = browser.post(&address, &[]).await;
        assert_eq!((opened.status, location(&opened)), (303, "/"));
        browser
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::builder().uri(path), Body::empty()).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        };
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("origin", "http://localhost:7070")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request, Body::from(fields.join("&"))).await
    }

    /// The token of the first form on a page.
    async fn token(&mut self, path: &str) -> String {
        let page = self.get(path).await;
        let token = page.text.split("name=\"token\" value=\"").nth(1);
        let token = token.and_then(|rest| rest.split('"').next());
        token.expect("the page has a form").to_owned()
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header("host", "localhost:7070")
            .header("cookie", cookies.join("; "));
        let answer = self
            .interface
            .send(request.body(body).expect("a request"))
            .await;
        for line in answer.headers.get_all(SET_COOKIE) {
            let line = line.to_str().expect("plain");
            let pair = line.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        answer
    }

    async fn sign_in(&mut self, name: &str, pin: &str) -> Answer {
        let token = self.token("/desk/sign-in").await;
        let fields = [("token", token.as_str()), ("name", name), ("pin", pin)];
        self.post("/desk/sign-in", &fields).await
    }
}

fn offered(interface: &Interface) -> String {
    address::offer(interface.app.settings.folder.path(), now_ms()).expect("offered")
}

fn location(answer: &Answer) -> &str {
    let to = answer.headers.get(LOCATION);
    to.and_then(|to| to.to_str().ok()).unwrap_or_default()
}

fn people(interface: &Interface) -> People {
    let folder = interface.app.settings.folder.path();
    People::new(folder.join(door::FOLDER).join("people.json"))
}

/// An interface whose tray has one event, and the event's number.
async fn with_a_refused_event() -> (Interface, u64) {
    let interface = Interface::open();
    interface.structured(&event("report7", 1)).await.id();
    let feed = FEED.parse().expect("a feed");
    let waiting = interface
        .app
        .outbox
        .waiting(&feed, 0, 1)
        .await
        .expect("reads");
    let number = waiting[0].number;
    let said = r#"{"spean":{"answer":"refused","code":"row-not-yours","en":"not yours","km":"មិនមែនរបស់អ្នក"}}"#;
    interface
        .app
        .outbox
        .refuse(&feed, number, said)
        .await
        .expect("refuses");
    (interface, number)
}

#[tokio::test]
async fn a_stranger_sees_how_to_get_in_and_nothing_else() {
    let (interface, number) = with_a_refused_event().await;
    let mut stranger = Browser::stranger(&interface);
    let release = format!("/desk/to-fix/{FEED}/{number}/release");
    for path in [
        "/",
        "/desk/sent",
        "/desk/to-fix",
        "/desk/received",
        "/desk/acts",
        "/desk/help",
    ] {
        let page = stranger.get(path).await;
        assert_eq!(page.status, 401, "{path}");
        assert!(page.text.contains("spean-agent open"), "{path}");
        assert!(!page.text.contains("report7"), "{path}");
    }
    assert_eq!(stranger.post(&release, &[]).await.status, 401);
    assert_eq!(interface.app.outbox.tray().expect("reads").len(), 1);
}

#[tokio::test]
async fn the_token_opens_no_page_and_the_cookie_no_part_of_the_interface() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    assert_eq!(browser.get("/").await.status, 200);
    assert_eq!(browser.get("/status").await.status, 401);
    let with_token = crate::web::tests::asked("GET", "/").body(Body::empty());
    let page = interface.send(with_token.expect("a request")).await;
    assert_eq!(page.status, 401);
}

#[tokio::test]
async fn a_used_address_lets_nobody_in_and_a_planted_cookie_is_never_taken_over() {
    let interface = Interface::open();
    let address = offered(&interface);
    let mut first = Browser::stranger(&interface);
    first.post(&address, &[]).await;
    assert_eq!(first.get("/").await.status, 200);
    let mut second = Browser::stranger(&interface);
    let planted = ("spean-desk-moh-siem-reap".to_owned(), "A".repeat(43));
    second.cookies.push(planted.clone());
    assert_eq!(second.post(&address, &[]).await.status, 410);
    assert_eq!(second.get("/").await.status, 401);
    let address = offered(&interface);
    let opened = second.post(&address, &[]).await;
    let cookie = opened.headers[SET_COOKIE].to_str().expect("plain");
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!second.cookies.contains(&planted));
    assert_eq!(second.get("/").await.status, 200);
}

#[tokio::test]
async fn a_form_of_another_page_changes_nothing() {
    let (interface, number) = with_a_refused_event().await;
    let mut browser = Browser::let_in(&interface).await;
    let release = format!("/desk/to-fix/{FEED}/{number}/release");
    for token in ["", "x", &browser.cookies[0].1.clone()] {
        let answer = browser.post(&release, &[("token", token)]).await;
        assert_eq!(answer.status, 403, "{token}");
    }
    let foreign = Request::builder()
        .method("POST")
        .uri(&release)
        .header("origin", "http://evil.example");
    assert_eq!(browser.send(foreign, Body::empty()).await.status, 403);
    assert_eq!(interface.app.outbox.tray().expect("reads").len(), 1);
}

#[tokio::test]
async fn what_was_refused_says_why_in_both_languages_and_is_put_back_or_dropped_with_a_line_in_the_journal()
 {
    let (interface, number) = with_a_refused_event().await;
    let mut browser = Browser::let_in(&interface).await;
    let page = browser.get("/desk/to-fix").await.text;
    assert!(
        page.contains("មិនមែនរបស់អ្នក") && page.contains("row-not-yours"),
        "{page}"
    );
    browser.get("/?lang=en").await;
    let page = browser.get("/desk/to-fix").await.text;
    assert!(
        page.contains("not yours") && page.contains("1 to fix"),
        "{page}"
    );
    let token = browser.token("/desk/to-fix").await;
    let drop = format!("/desk/to-fix/{FEED}/{number}/drop");
    assert_eq!(browser.get(&drop).await.status, 200);
    assert_eq!(
        interface.app.outbox.tray().expect("reads").len(),
        1,
        "asked first"
    );
    let dropped = browser.post(&drop, &[("token", &token)]).await;
    assert_eq!(location(&dropped), "/desk/to-fix?done=dropped");
    assert!(interface.app.outbox.tray().expect("reads").is_empty());
    let again = browser.post(&drop, &[("token", &token)]).await;
    assert_eq!(location(&again), "/desk/to-fix?done=gone", "a second click");
    let acts = browser.get("/desk/acts").await.text;
    assert!(
        acts.contains("dropped for good") && acts.contains("report7"),
        "{acts}"
    );
}

#[tokio::test]
async fn people_sign_in_by_pin_and_do_what_their_role_may() {
    let (interface, number) = with_a_refused_event().await;
    let people = people(&interface);
    people
        .add("Reader", Role::Reader, "271828", 1)
        .expect("added");
    people
        .add("Clerk", Role::Clerk, "314159", 1)
        .expect("added");
    let mut browser = Browser::let_in(&interface).await;
    assert_eq!(location(&browser.get("/").await), "/desk/sign-in");
    assert_eq!(browser.sign_in("Reader", "271829").await.status, 422);
    let before = browser.cookies.clone();
    assert_eq!(location(&browser.sign_in("Reader", "271828").await), "/");
    assert_ne!(browser.cookies, before, "a new secret with each sign-in");
    let page = browser.get("/desk/to-fix").await.text;
    assert!(
        !page.contains("/release") && !page.contains("/drop"),
        "{page}"
    );
    let token = browser.token("/").await;
    let path = |what: &str| format!("/desk/to-fix/{FEED}/{number}/{what}");
    for what in ["release", "drop"] {
        let answer = browser.post(&path(what), &[("token", &token)]).await;
        assert_eq!(answer.status, 403, "{what}");
    }
    assert_eq!(browser.get("/desk/acts").await.status, 403);
    browser.post("/desk/sign-out", &[("token", &token)]).await;
    assert_eq!(location(&browser.get("/").await), "/desk/sign-in");
    browser.sign_in("Clerk", "៣១៤១៥៩").await;
    let token = browser.token("/").await;
    let released = browser.post(&path("release"), &[("token", &token)]).await;
    assert_eq!(location(&released), "/desk/to-fix?done=released");
    people.remove("Clerk").expect("removed");
    assert_eq!(location(&browser.get("/").await), "/desk/sign-in");
}

#[tokio::test]
async fn the_third_wrong_pin_costs_time_and_the_right_one_does_not_help_meanwhile() {
    let interface = Interface::open();
    people(&interface)
        .add("Clerk", Role::Clerk, "314159", 1)
        .expect("added");
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    for _ in 0..3 {
        let page = browser.sign_in("Clerk", "000000").await;
        assert!(page.text.contains("The name or the PIN is not right"));
    }
    let page = browser.sign_in("Clerk", "314159").await;
    assert!(page.text.contains("too many wrong PINs"), "{}", page.text);
    assert_eq!(location(&browser.get("/").await), "/desk/sign-in");
}

#[tokio::test]
async fn khmer_is_first_and_one_click_is_remembered() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    let page = browser.get("/desk/help").await.text;
    assert!(
        page.contains("<html lang=\"km\">") && page.contains("ជំនួយ"),
        "{page}"
    );
    let clicked = browser.get("/desk/sent?feed=a&lang=en").await;
    assert_eq!(
        (clicked.status, location(&clicked)),
        (303, "/desk/sent?feed=a")
    );
    let page = browser.get("/desk/help").await.text;
    assert!(
        page.contains("<html lang=\"en\">") && page.contains("What each state means"),
        "{page}"
    );
}

#[tokio::test]
async fn every_answer_keeps_other_pages_out() {
    let interface = Interface::open();
    let mut browser = Browser::let_in(&interface).await;
    let answers = [
        browser.get("/").await,
        browser.get("/desk/nothing").await,
        browser.get("/desk/received/health-quarterly/x").await,
        browser.get("/desk/sent/health-quarterly/nothing").await,
        browser.get("/desk/open/x").await,
        Browser::stranger(&interface).get("/").await,
        browser.post("/desk/sign-out", &[]).await,
    ];
    for answer in answers {
        for (name, value) in layout::HEADERS {
            assert_eq!(answer.headers[name], value, "{}", answer.status);
        }
        assert!(
            !answer.text.contains("<script>") && !answer.text.contains("style="),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn an_event_shows_its_stage_and_is_found_by_its_id() {
    let interface = Interface::open();
    interface.structured(&event("report7", 1)).await.id();
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let found = browser.get("/desk/sent?id=report7").await;
    assert_eq!(location(&found), "/desk/sent/health-quarterly/report7");
    let page = browser
        .get("/desk/sent/health-quarterly/report7")
        .await
        .text;
    assert!(
        page.contains("Accepted here") && page.contains("Not yet"),
        "{page}"
    );
    let page = browser.get("/desk/sent?id=%3Cb%3E").await.text;
    assert!(page.contains("There is no id &lt;b&gt; here"), "{page}");
    let page = browser.get("/").await.text;
    assert!(page.contains("One report waits safely"), "{page}");
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_done() {
    let (interface, number) = with_a_refused_event().await;
    let mut browser = Browser::let_in(&interface).await;
    let token = browser.token("/desk/to-fix").await;
    let folder = interface.app.settings.folder.path().join(door::FOLDER);
    let journal = folder.join("acts.ndjson");
    std::fs::remove_file(&journal).expect("the journal was begun");
    std::fs::create_dir(&journal).expect("in its place");
    let release = format!("/desk/to-fix/{FEED}/{number}/release");
    let answer = browser.post(&release, &[("token", &token)]).await;
    assert_eq!(answer.status, 503);
    assert_eq!(interface.app.outbox.tray().expect("reads").len(), 1);
}
