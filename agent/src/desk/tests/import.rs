//! Sheets at the desk, request by request: uploaded, pasted, looked at, mended in the page or as a file, and handed in once.

use super::*;
use crate::desk::filling::FormId;
use crate::desk::limits::UPLOAD_BYTES_MAX;

const PRICES: &str = "/desk/import/market-prices";
const OFFICE: &str = "maff/siem-reap";
const SHEET: &str = "period,admin1_code,market,commodity,unit,pricetype,currency,price\r\n\
    2026-07,17,Psar Leu,Rice,KG,Retail,KHR,2400\r\n\
    2026-07,17,Psar Leu,Fish,KG,Retail,KHR,\"1,200\"\r\n\
    07-2026,17,Psar Leu,Eggs,10 pcs,Retail,KHR,6000\r\n";

/// Uploads a file as a browser does.
async fn upload(
    browser: &mut Browser<'_>,
    id: FormId,
    name: &str,
    file: &[u8],
    pasted: &str,
) -> Answer {
    const BOUNDARY: &str = "----a1b2c3";
    let token = browser.token(PRICES).await;
    let mut body = Vec::new();
    for (field, value) in [
        ("token", token.as_str()),
        ("id", &id.to_string()),
        ("pasted", pasted),
    ] {
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let request = Request::builder()
        .method("POST")
        .uri(PRICES)
        .header("origin", "http://localhost:7070")
        .header(
            "content-type",
            format!("multipart/form-data; boundary={BOUNDARY}"),
        );
    browser.send(request, Body::from(body)).await
}

async fn post(browser: &mut Browser<'_>, place: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(place).await.text;
    let hidden = |name: &str| {
        let value = page.split(&format!("name=\"{name}\" value=\"")).nth(1);
        value
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
            .to_owned()
    };
    let (token, version) = (hidden("token"), hidden("version"));
    let mut all = vec![("token", token.as_str()), ("version", version.as_str())];
    all.extend(fields);
    browser.post(place, &all).await
}

async fn waiting(interface: &Interface) -> usize {
    let feed = "market-prices".parse().expect("a feed");
    interface
        .app
        .outbox
        .waiting(&feed, 0, 100)
        .await
        .expect("reads")
        .len()
}

#[tokio::test]
async fn every_bad_cell_is_named_and_mended_in_the_page_and_the_sheet_is_handed_in_once() {
    let interface = Interface::of_office(OFFICE);
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let id = FormId::new();
    let place = format!("{PRICES}/{id}");
    for _ in 0..2 {
        let uploaded = upload(&mut browser, id, "ខែ <b>.csv", SHEET.as_bytes(), "").await;
        assert_eq!(location(&uploaded), place, "{}", uploaded.text);
    }
    let page = browser.get(&place).await.text;
    for told in [
        "ខែ &lt;b&gt;.csv",
        "3 rows below the heading: they make 1 reports; 2 rows are wrong",
        "the comma can mean 1200 or 1.200",
        "name=\"c3-7\" type=\"text\" value=\"1,200\"",
        "which part is the day and which the month is not clear",
        "Hand in the 1 good reports only",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let saved = post(
        &mut browser,
        &place,
        &[("do", "save"), ("c3-7", "1200"), ("c4-0", "2026-07")],
    )
    .await;
    assert_eq!(location(&saved), place);
    assert!(browser.get(&place).await.text.contains("Hand in 3 reports"));
    let handed_in = post(&mut browser, &place, &[("do", "hand-in")]).await;
    assert_eq!(
        location(&handed_in),
        "/desk/sent?feed=market-prices&handed-in=3"
    );
    assert_eq!(waiting(&interface).await, 3);
    let token = browser.token(PRICES).await;
    let again = browser
        .post(&place, &[("token", &token), ("do", "hand-in")])
        .await;
    assert_eq!(
        location(&again),
        "/desk/sent?feed=market-prices",
        "a second click"
    );
    // The same file once more makes nothing new.
    let second = FormId::new();
    let mended = SHEET
        .replace("\"1,200\"", "1200")
        .replace("07-2026", "2026-07");
    upload(&mut browser, second, "again.csv", mended.as_bytes(), "").await;
    let page = browser.get(&format!("{PRICES}/{second}")).await.text;
    assert!(page.contains("3 reports were handed in before"), "{page}");
    post(
        &mut browser,
        &format!("{PRICES}/{second}"),
        &[("do", "hand-in")],
    )
    .await;
    assert_eq!(waiting(&interface).await, 3);
}

#[tokio::test]
async fn the_good_ones_go_and_the_wrong_ones_stay_and_are_given_back_as_a_file_that_is_read_again()
{
    let interface = Interface::of_office(OFFICE);
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let id = FormId::new();
    let place = format!("{PRICES}/{id}");
    let pasted = SHEET.replace(',', "\t").replace("\"1\t200\"", "1 200");
    assert_eq!(
        location(&upload(&mut browser, id, "", b"", &pasted).await),
        place
    );
    let handed_in = post(&mut browser, &place, &[("do", "hand-in")]).await;
    assert_eq!(location(&handed_in), format!("{place}?handed-in=1"));
    let file = browser.get(&format!("{place}/wrong.csv")).await;
    assert!(
        file.headers["content-disposition"]
            .to_str()
            .expect("plain")
            .starts_with("attachment")
    );
    assert!(
        file.text.contains("bad_reason_km")
            && file.text.contains("Fish")
            && !file.text.contains("Rice")
    );
    let mended = file
        .text
        .replace("1 200", "1200")
        .replace("07-2026", "2026-07");
    let second = FormId::new();
    upload(&mut browser, second, "mended.csv", mended.as_bytes(), "").await;
    post(
        &mut browser,
        &format!("{PRICES}/{second}"),
        &[("do", "hand-in")],
    )
    .await;
    assert_eq!(waiting(&interface).await, 3);
    let token = browser.token(&place).await;
    browser
        .post(&format!("{place}/discard"), &[("token", &token)])
        .await;
    assert_eq!(location(&browser.get(&place).await), PRICES);
}

#[tokio::test]
async fn other_values_of_what_was_handed_in_before_go_as_corrections_where_that_is_said() {
    let interface = Interface::of_office(OFFICE);
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let first = "period,admin1_code,market,commodity,unit,pricetype,currency,price\n2026-07,17,Psar Leu,Rice,KG,Retail,KHR,2400\n";
    for (price, correction) in [("2400", ""), ("2500", ""), ("2500", "yes")] {
        let id = FormId::new();
        upload(
            &mut browser,
            id,
            "p.csv",
            first.replace("2400", price).as_bytes(),
            "",
        )
        .await;
        let place = format!("{PRICES}/{id}");
        post(
            &mut browser,
            &place,
            &[("do", "hand-in"), ("correction", correction)],
        )
        .await;
    }
    let feed = "market-prices".parse().expect("a feed");
    let waiting = interface
        .app
        .outbox
        .waiting(&feed, 0, 10)
        .await
        .expect("reads");
    assert_eq!(waiting.len(), 2);
    let event = schemas::envelope::nats::read_stored_unsigned(&waiting[1].bytes).expect("an event");
    assert_eq!(
        event.core().causation_id.as_deref(),
        Some(waiting[0].id.as_str())
    );
}

#[tokio::test]
async fn what_is_no_sheet_of_the_feed_or_too_large_is_told_and_nothing_is_kept() {
    let interface = Interface::of_office(OFFICE);
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    for (file, told) in [
        (&b""[..], "Choose a file, or paste rows"),
        (b"a,b\n1,2\n", "this form has no such column"),
        (b"period,\"open\n", "whose quote opens"),
        (b"PK\x03\x04 no archive", "cannot be read"),
        (b"<html>", "it lacks"),
    ] {
        let answer = upload(&mut browser, FormId::new(), "x.csv", file, "").await;
        assert_eq!(answer.status, 422, "{told}");
        assert!(answer.text.contains(told), "{told}: {}", answer.text);
    }
    let large = vec![b'a'; UPLOAD_BYTES_MAX + 100_000];
    let answer = upload(&mut browser, FormId::new(), "x.csv", &large, "").await;
    assert_eq!(answer.status, 413);
    assert!(answer.text.contains("Split it"), "{}", answer.text);
    assert!(!browser.get(PRICES).await.text.contains("x.csv"));
}

#[tokio::test]
async fn the_empty_sheet_is_a_file_and_mending_in_two_tabs_loses_nothing() {
    let interface = Interface::of_office(OFFICE);
    let mut browser = Browser::let_in(&interface).await;
    browser.get("/?lang=en").await;
    let empty = browser.get(&format!("{PRICES}/empty.csv")).await;
    assert!(
        empty.text.starts_with("\u{feff}period,admin1_code"),
        "{}",
        empty.text
    );
    let id = FormId::new();
    let place = format!("{PRICES}/{id}");
    upload(&mut browser, id, "p.csv", SHEET.as_bytes(), "").await;
    let token = browser.token(&place).await;
    let mend = |cell, text| {
        [
            ("token", token.as_str()),
            ("version", "1"),
            ("do", "save"),
            (cell, text),
        ]
    };
    assert_eq!(
        browser.post(&place, &mend("c3-7", "1200")).await.status,
        303
    );
    let late = browser.post(&place, &mend("c4-0", "2026-07")).await;
    assert_eq!(late.status, 409);
    assert!(late.text.contains("was changed elsewhere"), "{}", late.text);
    assert!(
        browser.get(&place).await.text.contains("value=\"07-2026\""),
        "nothing was written over"
    );
}

#[tokio::test]
async fn however_long_and_wrong_a_sheet_is_its_page_is_small() {
    let interface = Interface::of_office(OFFICE);
    let mut browser = Browser::let_in(&interface).await;
    let row = "#N/A,#N/A,#N/A,#N/A,#N/A,#N/A,#N/A,#N/A\n";
    let heading = SHEET.lines().next().expect("a heading");
    let id = FormId::new();
    let sheet = format!("{heading}\n{}", row.repeat(5_000));
    upload(&mut browser, id, "wrong.csv", sheet.as_bytes(), "").await;
    let page = browser.get(&format!("{PRICES}/{id}?lang=km")).await;
    assert_eq!(page.status, 303);
    let page = browser.get(&format!("{PRICES}/{id}")).await.text;
    assert!(page.contains("៤៩៨៥"), "and so many more");
    assert!(
        page.len() <= super::enter::PAGE_BYTES_MAX,
        "{} bytes",
        page.len()
    );
}
