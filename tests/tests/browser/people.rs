//! People at the desk: without script, by the keyboard alone, each with a role.

use std::io::Write as _;
use std::process::Stdio;

use tests::bus::Bus;
use tests::office::Office;
use tests::programs::{self, AGENT};

use crate::driver::{self, Browser, Scripts};
use crate::{page, turn};

const OFFICE: &str = "moh/siem-reap";
const NAME: &str = "សុខ ដារ៉ា";
pub const PIN: &str = "271828";
const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

/// Names a person, with the PIN on standard input as a script would give it.
pub fn add(office: &Office, name: &str, role: &str) {
    let folder = office.folder().to_string_lossy().into_owned();
    let mut command = std::process::Command::new(programs::path(AGENT));
    command.args(["--dir", &folder, "people", "add", name, "--role", role]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut adding = command.spawn().expect("the agent's program runs");
    let mut pin = adding.stdin.take().expect("a pipe");
    writeln!(pin, "{PIN}").expect("the PIN is read");
    drop(pin);
    assert!(adding.wait().expect("it ends").success());
}

#[tokio::test]
async fn a_person_signs_in_and_out_without_script() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let bus = Bus::start(&[OFFICE]).await;
    let office = bus.office(OFFICE).await;
    add(&office, NAME, "clerk");
    let browser = Browser::start(Scripts::Off).await;
    browser.goto(&office.desk_address()).await;
    browser.follow("main button").await;
    assert!(browser.url().await.ends_with("/desk/sign-in"));
    browser.click("#name option:nth-child(2)").await;
    browser.type_into("#pin", "000000").await;
    browser.follow("main button").await;
    assert!(browser.text(".summary").await.contains("លេខសម្ងាត់"));
    browser.type_into("#pin", "២៧១៨២៨").await;
    browser.follow("main button").await;
    assert_eq!(browser.url().await, format!("{}/", office.url()));
    assert!(browser.text("header").await.contains(NAME));
    browser.follow(".languages a").await;
    assert!(browser.text("h1").await.starts_with("Today"));
    browser.follow("header form button").await;
    assert!(browser.url().await.ends_with("/desk/sign-in"));
}

#[tokio::test]
async fn the_keyboard_alone_signs_in_and_the_pages_of_the_door_are_accessible() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let bus = Bus::start(&[OFFICE]).await;
    let office = bus.office(OFFICE).await;
    add(&office, "Sok Dara", "chief");
    let browser = Browser::start(Scripts::On).await;
    browser.goto(&office.url()).await;
    page::assert_good(&browser, "how to get in").await;
    let address = office.desk_address();
    browser.goto(&address).await;
    page::assert_good(&browser, "the address").await;
    browser
        .execute("document.querySelector('main button').focus()")
        .await;
    browser.leaves(browser.press(ENTER)).await;
    page::assert_good(&browser, "the sign-in").await;
    // Over the way past the menu, the brand and the language to the name.
    browser.press(&TAB.repeat(4)).await;
    browser.press("s").await;
    browser.press(TAB).await;
    browser.press(PIN).await;
    browser.leaves(browser.press(ENTER)).await;
    assert_eq!(browser.url().await, format!("{}/", office.url()));
    browser.press(TAB).await;
    browser.press(ENTER).await;
    let focused = browser.execute("return document.activeElement.id").await;
    assert_eq!(focused, "main");
    browser.goto(&address).await;
    page::assert_good(&browser, "an address that was used").await;
}
