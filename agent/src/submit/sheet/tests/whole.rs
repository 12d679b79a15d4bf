//! A sheet as a whole: its heading, what its rows say of each other, what it is known by, and the bad ones given back.

use super::*;

#[test]
fn a_heading_of_no_known_sheet_is_told_whole() {
    assert_eq!(
        fault("market-prices", ""),
        "the file is empty: its first line names the columns"
    );
    assert_eq!(
        fault("health-quarterly", VALUES),
        "there is no row below the heading"
    );
    assert_eq!(
        fault("health-quarterly", &format!("{VALUES}\n,,,,,\n")),
        "there is no row below the heading"
    );
    let more = format!(
        "{}2026-07,17,Leu,Rice,KG,Retail,KHR,1,x\n",
        PRICES.replace("price\n", "price,remark\n")
    );
    let said = fault("market-prices", &more);
    assert!(
        said.contains("this form has no such column: remark; leave it out"),
        "{said}"
    );
    let fewer = PRICES.replacen("period,admin1_code", "admin2", 1);
    let said = fault(
        "market-prices",
        &format!("{fewer}x,Leu,Rice,KG,Retail,KHR,1\n"),
    );
    assert!(
        said.contains("it lacks: period / date, admin1_code / admin1"),
        "{said}"
    );
    for text in [
        format!("Quarterly report Siem Reap,,,,,\n{VALUES}A,2026Q1,KH17,default,default,7\n"),
        "A,2026Q1,KH17,default,default,7\n".to_owned(),
    ] {
        let said = fault("health-quarterly", &text);
        assert!(said.starts_with("row 1 was read as the heading"), "{said}");
        assert!(
            said.contains("must have: period, orgunit, dataelement, value"),
            "{said}"
        );
    }
    let twice = PRICES.replacen("price\n", "price,price\n", 1);
    let said = fault(
        "market-prices",
        &format!("{twice}2026-07,17,Leu,Rice,KG,Retail,KHR,1,1\n"),
    );
    assert!(said.contains("stands there twice: price"), "{said}");
}

#[test]
fn a_sheet_of_another_feed_is_known_for_what_it_is() {
    let said = fault(
        "health-quarterly",
        &format!("{PRICES}2026-07,17,Leu,Rice,KG,Retail,KHR,1\n"),
    );
    assert!(
        said.contains("it looks like a sheet of market-prices: look at --feed"),
        "{said}"
    );
    let said = fault(
        "market-prices",
        &format!("{VALUES}A,2026Q1,KH17,default,default,7\n"),
    );
    assert!(
        said.contains("it looks like a sheet of health-quarterly"),
        "{said}"
    );
}

#[test]
fn nothing_of_a_heading_moves_the_cursor_of_a_terminal() {
    let text = "dataelement,period,orgunit,value,\u{1b}]0;title changed\u{7}\u{1b}[31mred\nA,2026Q1,KH17,1,x\n";
    let said = fault("health-quarterly", text);
    assert!(!said.chars().any(char::is_control), "{said:?}");
    assert!(said.contains("‹U+001B›[31mred"), "{said}");
    let row = format!("{VALUES}A,2026Q1,KH17,default,default,\u{1b}[31m7\n");
    let told = wrong("health-quarterly", &row);
    assert!(!told[0].2.chars().any(char::is_control), "{told:?}");
}

#[test]
fn two_values_for_one_thing_are_told_and_the_same_row_twice_is_one() {
    let row = "2026-07,17,Psar Leu,Maize,KG,Retail,KHR,2401\n";
    let two = format!("{PRICES}{row}{}", row.replace("2401", "2402"));
    let told = wrong("market-prices", &two);
    assert_eq!(
        told.len(),
        2,
        "which of them is meant nobody can tell: {told:?}"
    );
    assert_eq!(
        (told[1].0, &*told[1].2),
        (3, "row 2 says this already, with another value")
    );
    let same = read(
        "market-prices",
        &format!("{PRICES}{row}{}", row.replace("2401", "2401.0")),
    );
    assert_eq!((same.entries.len(), same.skipped[0].row), (1, 3));
    assert_eq!(same.skipped[0].why.en, "the same as row 2");
    let empty_is_default =
        format!("{VALUES}D,2026Q1,KH17,default,default,41\nD,2026Q1,KH17,,default,42\n");
    let told = wrong("health-quarterly", &empty_is_default);
    assert_eq!(told[1].2, "row 2 says this already, with another value");
    let other =
        format!("{VALUES}D,2026Q1,KH17,,,41\nD,2026Q1,KH17,MALE,,42\nD,2026Q1,KH17,,X,43\n");
    assert_eq!(events("health-quarterly", &other).len(), 2);
}

#[test]
fn a_bad_row_holds_back_its_own_report_and_no_other() {
    let text = format!(
        "{VALUES}A,2026Q1,KH17,,,1\nB,2026Q1,KH17,,,many\nA,2026Q2,KH17,,,3\nC,2026Q9,KH17,,,4\n"
    );
    let reading = read("health-quarterly", &text);
    let bad: Vec<u64> = reading.bad.iter().map(|bad| bad.row.number).collect();
    assert_eq!(bad, [2, 3, 5]);
    assert!(
        reading.bad[0].wrong[0]
            .words
            .en
            .contains("row 3, which is bad")
    );
    assert_eq!(data(&reading.entries[0])["period"], "2026Q2");
}

fn ids(text: &str) -> Vec<String> {
    let reading = read("market-prices", text);
    reading
        .entries
        .into_iter()
        .map(|entry| entry.draft.id.expect("an id"))
        .collect()
}

#[test]
fn a_row_is_known_by_what_it_is_about_and_a_sheet_that_is_saved_again_is_the_same() {
    let row = "2026-07,KH17,Psar Leu,Mung beans,KG,Retail,USD,0.60\n";
    let first = format!("{PRICES}{row}");
    let saved_again = first
        .replace("0.60", "0.6")
        .replace("KH17", "17")
        .replace(',', ";");
    assert_eq!(ids(&first), ids(&saved_again));
    assert_eq!(
        events("market-prices", &first),
        events("market-prices", &saved_again)
    );
    let mended = first.replace("0.60", "0.70");
    assert_eq!(
        ids(&first),
        ids(&mended),
        "the agent sees that it is about the same"
    );
    let other = first.replace("Psar Leu", "Psar Chas");
    assert_ne!(ids(&first), ids(&other));
    let id = &ids(&first)[0];
    assert!(id.starts_with("sheet-") && id.len() == 32, "{id}");
}

#[test]
fn a_correction_names_what_it_corrects_and_is_known_by_what_it_says() {
    let table = Table::of_csv(format!("{VALUES}A,2026Q1,KH17,,,14\n").as_bytes());
    read_as(
        "moh/siem-reap",
        "health-quarterly",
        table,
        |reader, reading| {
            let mut entry = reading.expect("read").entries.remove(0);
            let first = entry.draft.id.clone().expect("an id");
            reader.correct(&mut entry, &first);
            assert_eq!(entry.draft.causation_id.as_deref(), Some(&*first));
            assert_eq!(
                entry.draft.event_type.as_deref(),
                Some("kh.gov.moh.quarterly-report.corrected.v1")
            );
            assert_ne!(entry.draft.id.as_ref(), Some(&first));
        },
    );
}

#[test]
fn unusual_figures_are_told_and_submitted() {
    let text = format!("{PRICES}2026-07,17,Leu,Rice,KG,Retail,KHR,2.4\n");
    let reading = read("market-prices", &text);
    assert_eq!((reading.entries.len(), reading.doubts[0].0), (1, 2));
    assert!(reading.doubts[0].1.en.contains("is it in dollars?"));
}

fn given_back(reading: &Reading) -> String {
    let mut out = Vec::new();
    let mut notes = Notes::begin(&mut out, &reading.heading, reading.separator).expect("begun");
    for bad in &reading.bad {
        notes.write(bad).expect("written");
    }
    notes.finish().expect("written");
    String::from_utf8(out).expect("text")
}

#[test]
fn bad_rows_are_given_back_as_the_file_was_with_the_reasons_in_both_languages() {
    let text = "dataelement;period;orgunit;value;comment\nA;2026Q1;សៀមរាប;1;ល្អ\nB;2026Q9;សៀមរាប;2;\"a;b\"\n";
    let reading = read("health-quarterly", text);
    let written = given_back(&reading);
    assert!(written.starts_with(
        "\u{feff}dataelement;period;orgunit;value;comment;bad_line;bad_reason;bad_reason_km\r\n"
    ));
    assert!(
        written.contains("B;2026Q9;សៀមរាប;2;\"a;b\";3;"),
        "{written}"
    );
    assert!(
        written.contains("B period: “2026Q9” was read: must be a quarter"),
        "{written}"
    );
    assert!(written.contains("ត្រូវតែជា"), "{written}");
    // Mended wrongly, it is given back again with the same columns, and mended at last it is read.
    let again = read("health-quarterly", &written.replace("2026Q9", "2026Q8"));
    let second = given_back(&again);
    assert_eq!(second.matches("bad_line").count(), 1, "{second}");
    assert!(
        second.contains("\"a;b\";2;"),
        "rows are numbered as in the file that was read: {second}"
    );
    let mended = second.replace("2026Q8", "2026Q2");
    assert_eq!(events("health-quarterly", &mended)[0]["period"], "2026Q2");
}

#[test]
fn a_formula_among_the_bad_rows_is_harmless_there_and_itself_when_it_is_read_again() {
    let text = format!("{PRICES}2026-07,26,=cmd|x,Rice,KG,Retail,KHR,5\n");
    let written = given_back(&read("market-prices", &text));
    assert!(
        written.contains("2026-07,26,'=cmd|x,Rice,KG,Retail,KHR,5,2,"),
        "{written}"
    );
    let again = read("market-prices", &written.replace(",26,", ",17,"));
    assert_eq!(data(&again.entries[0])["market"], "=cmd|x");
}
