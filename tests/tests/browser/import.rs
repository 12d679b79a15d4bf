//! A report by a spreadsheet, as people of an office hand one in: a file that is uploaded, rows that are pasted, what is wrong mended in the page.

use serde_json::json;
use tests::bus::Bus;

use crate::desk::{LANGUAGES, photograph};
use crate::driver::{self, Browser, Scripts};
use crate::{page, turn};

const PROVINCE: &str = "moh/siem-reap";
const FEED: &str = "health-quarterly";

const SHEET: &str = "dataElement;period;orgUnit;value\r\n\
    DENGUE_CASES;2026Q2;KH17;41\r\n\
    MALARIA_CASES;2026Q2;KH17;1,200\r\n\
    DENGUE_CASES;2026Q1;KH17;#N/A\r\n";

#[tokio::test]
async fn a_wrong_sheet_is_named_cell_by_cell_mended_in_the_page_and_handed_in_without_script() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    let browser = Browser::start(Scripts::Off).await;
    browser.goto(&office.desk_address()).await;
    browser.follow("main button").await;
    let file = office.folder().join("ត្រីមាស.csv");
    std::fs::write(&file, SHEET).expect("written");
    let import = format!("{}/desk/import/{FEED}", office.url());
    browser.goto(&format!("{import}?lang=en")).await;
    browser.follow("main form button").await;
    assert!(browser.text(".summary").await.contains("Choose a file"));
    browser.type_into("#file", &file.to_string_lossy()).await;
    browser.follow("main form button").await;
    let place = browser.url().await;
    let wrong = browser.text("#wrong ~ .scroll").await;
    for told in [
        "the comma can mean 1200 or 1.200",
        "an error of the spreadsheet program",
    ] {
        assert!(wrong.contains(told), "{told}: {wrong}");
    }
    for language in LANGUAGES {
        browser.goto(&format!("{place}?lang={language}")).await;
        photograph(&browser, &format!("sheet-{language}")).await;
    }
    browser.fill("#c3-3", "1200").await;
    browser.fill("#c4-3", "39").await;
    browser.follow("button[value=save]").await;
    assert!(browser.text("button[value=hand-in]").await.contains("2"));
    browser.follow("button[value=hand-in]").await;
    assert!(
        browser
            .text(".done")
            .await
            .contains("2 reports were accepted here")
    );
    let sent = browser.text("main").await;
    assert!(sent.contains("2026Q1") && sent.contains("2026Q2"), "{sent}");
}

#[tokio::test]
async fn rows_are_pasted_and_the_page_of_a_sheet_is_good_in_both_languages() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    let browser = Browser::start(Scripts::On).await;
    browser.goto(&office.desk_address()).await;
    browser.follow("main button").await;
    browser
        .goto(&format!("{}/desk/import/{FEED}?lang=en", office.url()))
        .await;
    let pasted = serde_json::to_string(&SHEET.replace(';', "\t")).expect("JSON");
    browser
        .execute(&format!(
            "document.getElementById('pasted').value = {pasted}"
        ))
        .await;
    browser.follow("main form button").await;
    let place = browser.url().await;
    for language in LANGUAGES {
        browser.goto(&format!("{place}?lang={language}")).await;
        page::assert_good(&browser, &format!("a sheet in {language}")).await;
    }
    browser.goto(&format!("{place}?lang=qps")).await;
    assert_eq!(page::bare_texts(&browser).await, json!([]));
}

#[tokio::test]
async fn the_empty_workbook_that_is_written_for_a_feed_is_read_when_it_is_uploaded() {
    let _turn = turn().await;
    if !driver::is_here() {
        return;
    }
    let bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    let book = office.folder().join("empty.xlsx");
    let path = book.to_string_lossy().into_owned();
    let written = office.command(&["form", FEED, "--xlsx", "--out", &path]);
    assert!(written.status.success(), "{written:?}");
    let browser = Browser::start(Scripts::Off).await;
    browser.goto(&office.desk_address()).await;
    browser.follow("main button").await;
    browser
        .goto(&format!("{}/desk/import/{FEED}?lang=en", office.url()))
        .await;
    browser.type_into("#file", &path).await;
    browser.follow("main form button").await;
    let told = browser.text("main").await;
    assert!(
        told.contains("2 rows were passed over") && told.contains("the sheet's labels"),
        "{told}"
    );
}
