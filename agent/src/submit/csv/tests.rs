//! Sheets as spreadsheet programs write them come in, promises about what is read from them go out. No file is needed.

use schemas::refusal::Refusal;

use super::*;

fn open(text: &str) -> Result<Sheet, SheetFault> {
    Sheet::open(Box::new(std::io::Cursor::new(text.as_bytes().to_vec())))
}

fn read(feed: &str, text: &str) -> Result<Vec<Result<Entry, BadRow>>, SheetFault> {
    let feed: FeedName = feed.parse().expect("a feed");
    let office = "maff/siem-reap".parse().expect("an office");
    let form = Form::of(&feed, None).expect("a form");
    let entries = form.read(open(text)?, &LogName { feed, office })?;
    Ok(entries.collect())
}

/// A bad row's line, its first wrong column, and the reason.
type Told = (u64, String, String);

/// The data of each entry; a bad row as what is told of it.
fn all(feed: &str, text: &str) -> Vec<Result<Value, Told>> {
    let rows = read(feed, text).expect("a sheet");
    rows.into_iter()
        .map(|row| match row {
            Ok(entry) => Ok(serde_json::from_slice(&entry.draft.data).expect("JSON")),
            Err(mut bad) => {
                let Detail { at, en, .. } = bad.wrong.remove(0);
                Err((bad.line.number, at, en))
            }
        })
        .collect()
}

const HDX: &str = "date,admin1,admin2,market,market_id,latitude,longitude,category,commodity,commodity_id,unit,priceflag,pricetype,currency,price,usdprice\n";
const HXL: &str = "#date,#adm1+name,#adm2+name,#loc+market+name,#loc+market+code,#geo+lat,#geo+lon,#item+type,#item+name,#item+code,#item+unit,#item+price+flag,#item+price+type,#currency,#value,#value+usd\n";
const HDX_ROW: &str = "2024-01-15,Siemreap,Siem Reap,Leu,703,13.36,103.86,cereals and tubers,\"Rice (mixed, low quality)\",71,KG,actual,Retail,KHR,4100.50,1.00\n";

#[test]
fn prices_are_read_in_hdx_columns_with_and_without_the_hxl_row() {
    let with = all("market-prices", &format!("{HDX}{HXL}{HDX_ROW}"));
    assert_eq!(with, all("market-prices", &format!("{HDX}{HDX_ROW}")));
    let expected = serde_json::json!({
        "period": "2024-01", "date": "2024-01-15", "admin1_code": "KH17", "admin1": "Siemreap", "admin2": "Siem Reap",
        "market": "Leu", "market_id": "703", "latitude": "13.36", "longitude": "103.86", "category": "cereals and tubers",
        "commodity": "Rice (mixed, low quality)", "commodity_id": "71", "unit": "KG", "priceflag": "actual",
        "pricetype": "Retail", "currency": "KHR", "price": "4100.50", "usdprice": "1.00",
    });
    assert_eq!(with, [Ok(expected)]);
}

const SHORT: &str =
    "period,admin1_code,admin1,market,category,commodity,unit,pricetype,currency,price\n";

#[test]
fn prices_are_read_as_spreadsheet_programs_leave_them() {
    let plain = format!("{SHORT}2024-01,01,Banteay Meanchey,Leu,food,Rice,KG,Retail,USD,1.10\n");
    let expected = all("market-prices", &plain);
    assert_eq!(expected[0].as_ref().expect("good")["admin1_code"], "KH01");
    let semicolons = format!("\u{feff}{}", plain.replace(',', ";"));
    let tabs = plain.replace(',', "\t").replace('\n', "\r\n");
    let blanks = format!("{}\n,,,,,,,,,\n", plain.replace(',', " , "));
    let zeros_lost = plain.replace(",01,", ",1,").replace("2024-01", "2024-1");
    let khmer = plain
        .replace(",01,", ",០១,")
        .replace("2024-01", "២០២៤-០១")
        .replace("1.10", "១.១០");
    let pcode = plain.replace(",01,", ",KH01,");
    let upper = plain.replacen("period", "PERIOD", 1);
    for text in [semicolons, tabs, blanks, zeros_lost, khmer, pcode, upper] {
        assert_eq!(all("market-prices", &text), expected, "{text}");
    }
}

#[test]
fn a_bad_row_is_named_by_line_column_and_reason_and_the_others_are_read() {
    let good = "2024-01,17,,Leu,food,Rice,KG,Retail,USD,1.10\n";
    let text = format!(
        "{SHORT}{good}2024-01,,Saigon,Leu,food,Rice,KG,Retail,USD,1\n2024-01,26,,Leu,food,Rice,KG,Retail,USD,1\n2024-01,17\n{good}"
    );
    let rows = all("market-prices", &text);
    let bad: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
    let places: Vec<_> = bad.iter().map(|(line, at, _)| (*line, &**at)).collect();
    assert_eq!(places, [(3, "admin1"), (4, "admin1_code"), (5, "")]);
    assert_eq!(bad[2].2, "the row has 2 cells, the heading 10");
    assert!(rows[0].is_ok() && rows[4].is_ok());
}

#[test]
fn a_code_and_a_name_of_two_provinces_and_a_date_of_another_month_are_told() {
    let heading = format!("date,{SHORT}");
    let text = format!(
        "{heading}2024-01-15,2024-01,17,Kampot,Leu,food,Rice,KG,Retail,USD,1\n2024-02-15,2024-01,17,,Leu,food,Rice,KG,Retail,USD,1\n"
    );
    let at: Vec<String> = all("market-prices", &text)
        .into_iter()
        .map(|row| row.expect_err("bad").1)
        .collect();
    assert_eq!(at, ["admin1_code", "period"]);
}

#[test]
fn a_heading_of_another_form_is_refused_whole_and_says_why() {
    let fault = |text: &str| {
        read("market-prices", text)
            .expect_err("a fault")
            .to_string()
    };
    assert_eq!(
        fault(""),
        "the file is empty: its first line names the columns"
    );
    assert_eq!(fault("a,a\n"), "the column a stands twice in the heading");
    let more = SHORT.replacen("price\n", "price,remark\n", 1);
    assert_eq!(
        fault(&more),
        "this form has no such column: remark; leave it out"
    );
    let fewer = SHORT.replacen("period,admin1_code,admin1", "admin2", 1);
    assert_eq!(
        fault(&fewer),
        "the heading lacks: period or date, admin1_code or admin1"
    );
    let utf16 = Sheet::open(Box::new(&b"\xff\xfep\0"[..]));
    assert_eq!(utf16.err(), Some(SheetFault::Utf16));
}

#[test]
fn rows_that_are_no_utf8_are_bad_and_not_mended() {
    let text = [
        SHORT.as_bytes(),
        b"2024-01,17,,Le\xe9,food,Rice,KG,Retail,USD,1\n",
    ]
    .concat();
    let mut sheet = Sheet::open(Box::new(std::io::Cursor::new(text))).expect("a sheet");
    let bad = sheet.next().expect("a row").expect_err("no UTF-8");
    assert_eq!(bad.line.number, 2);
}

const DHIS2: &str = "dataset,dataelement,period,orgunit,categoryoptioncombo,attributeoptioncombo,value,storedby,lastupdated,comment,followup\n";

#[test]
fn health_rows_become_one_set_for_each_province_quarter_and_data_set() {
    let text = format!(
        "{DHIS2}DENGUE_Q,DENGUE_CASES,2026Q3,KH17,default,,39,so.pheap,2026-10-01T08:00:00,,false\n\
         DENGUE_Q,DENGUE_CASES,2026Q2,KH17,,,12,,,,\n\
         DENGUE_Q,DENGUE_DEATHS,2026Q3,Siem Reap,,,0,,,checked,\n\
         DENGUE_Q,DENGUE_CASES,2026Q3,17,default,,40,,,,\n\
         DENGUE_Q,DENGUE_CASES,,Saigon,,,,,,,\n"
    );
    let rows = all("health-quarterly", &text);
    let told = |row: &Result<Value, Told>| row.clone().map_err(|(line, at, _)| (line, at));
    assert_eq!(
        told(&rows[0]),
        Err((5, "dataelement".into())),
        "given twice"
    );
    assert_eq!(told(&rows[1]), Err((6, "period".into())));
    let second = serde_json::json!({
        "dataSet": "DENGUE_Q", "period": "2026Q3", "orgUnit": "KH17",
        "dataValues": [
            {"dataElement": "DENGUE_CASES", "categoryOptionCombo": "default", "value": "39"},
            {"dataElement": "DENGUE_DEATHS", "value": "0", "comment": "checked"},
        ],
    });
    assert_eq!(rows[3], Ok(second));
    assert_eq!(rows.len(), 4);
    assert!(
        !format!("{rows:?}").contains("so.pheap"),
        "who stored a value stays at the office"
    );
}

#[test]
fn a_file_of_dhis2_itself_names_no_data_set_and_gets_the_usual_one() {
    let rows = all(
        "health-quarterly",
        "dataelement,period,orgunit,value\nDENGUE_CASES,2008Q1,KH02,16\n",
    );
    assert_eq!(
        rows[0].as_ref().expect("good")["dataSet"],
        "QUARTERLY_REPORT"
    );
}

#[test]
fn a_fault_of_a_data_value_is_its_own_lines_fault() {
    let text = format!("{DHIS2}D,A,2026Q3,KH17,,,1,,,,\nD,B,2026Q3,KH17,,,many,,,,\n");
    let entry = read("health-quarterly", &text)
        .expect("a sheet")
        .remove(0)
        .expect("a set");
    let wrong = Detail::new("/dataValues/1/value", "must be a number", "ត្រូវជាលេខ");
    let rows = entry.blame(&Problem::Refused(Refusal::ContractViolated(vec![wrong])));
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].line.number, &*rows[0].wrong[0].at), (3, "value"));
}

#[test]
fn labour_is_read_with_bare_headings_and_with_labels() {
    let label = "ref_area.label,source.label,indicator.label,sex.label,classif1.label,classif2.label,time,obs_value,obs_status.label,note_indicator.label\n\
         Cambodia,HIES,Average monthly earnings,Female,Area type: Rural,Currency: 2021 PPP $,2021,591.463,Unreliable,Currency: KHM\n";
    let expected = serde_json::json!({
        "ref_area": "KHM", "source": "HIES", "indicator": "Average monthly earnings", "sex": "F", "disability": "_T",
        "classif1": "Area type: Rural", "classif2": "Currency: 2021 PPP $", "time": "2021", "obs_value": "591.463",
        "obs_status": "U", "note_indicator": "Currency: KHM",
    });
    assert_eq!(all("labour-returns", label), [Ok(expected)]);
    let bare = "ref_area,indicator,sex,disability,time,obs_value,obs_status\n17,EAR_4MTH,SEX_T,PD,2021,5,\nKHM,EAR_4MTH,,,2021,6,A\n";
    let rows = all("labour-returns", bare);
    let first = serde_json::json!({"ref_area": "KH17", "indicator": "EAR_4MTH", "sex": "_T", "disability": "PD", "time": "2021", "obs_value": "5"});
    assert_eq!(rows[0], Ok(first));
    assert_eq!(rows[1].as_ref().expect("good")["ref_area"], "KHM");
    let bad = "ref_area,indicator,sex,time,obs_value\nKHM,EAR,both,2021,5\nLaos,EAR,,2021,5\n";
    let at: Vec<String> = all("labour-returns", bad)
        .into_iter()
        .map(|row| row.expect_err("bad").1)
        .collect();
    assert_eq!(at, ["sex", "ref_area"]);
}

#[test]
fn a_day_wage_among_the_prices_becomes_a_labour_figure() {
    let text = format!(
        "{SHORT}2019-01,01,Banteay Meanchey,Poi Pet,non-food,Wage (non-qualified labour),Day,Retail,USD,7.23\n"
    );
    let expected = serde_json::json!({
        "ref_area": "KH01", "source": "WFP - Food prices", "indicator": "Wage (non-qualified labour)", "sex": "_T",
        "disability": "_T", "classif1": "Market: Poi Pet", "classif2": "Currency: USD a Day", "time": "2019-01", "obs_value": "7.23",
    });
    assert_eq!(all("labour-returns", &text), [Ok(expected)]);
}

#[test]
fn the_same_row_has_the_same_id_and_another_row_another() {
    let ids = |text: &str| -> Vec<String> {
        let rows = read("market-prices", text).expect("a sheet");
        rows.into_iter()
            .map(|row| row.expect("good").draft.id.expect("an id"))
            .collect()
    };
    let row = "2024-01,17,,Leu,food,Rice,KG,Retail,USD,1.10\n";
    let once = ids(&format!("{SHORT}{row}{}", row.replace("1.10", "1.1")));
    assert_ne!(once[0], once[1]);
    assert_eq!(ids(&format!("{SHORT}\n{row}"))[0], once[0]);
    assert!(
        once[0].starts_with("csv-") && once[0].len() == 30,
        "{}",
        once[0]
    );
}

#[test]
fn bad_rows_are_written_as_a_sheet_that_can_be_mended_and_read_again() {
    let text =
        format!("{SHORT}2024-01,,Saigon,Leu,food,\"Rice, mixed\",KG,Retail,USD,1\n2024-01,17\n");
    let rows = read("market-prices", &text).expect("a sheet");
    let rows: Vec<BadRow> = rows.into_iter().map(|row| row.expect_err("bad")).collect();
    let mut out = Vec::new();
    let mut bad_rows = BadRows::begin(&mut out, rows[0].line.heading()).expect("begun");
    for row in &rows {
        bad_rows.write(row).expect("written");
    }
    bad_rows.finish().expect("written");
    let written = String::from_utf8(out).expect("text");
    let expected = "\
period,admin1_code,admin1,market,category,commodity,unit,pricetype,currency,price,bad_line,bad_reason
2024-01,,Saigon,Leu,food,\"Rice, mixed\",KG,Retail,USD,1,2,\"admin1: no province is known by this name; write its name otherwise, or its code\"
2024-01,17,,,,,,,,,3,\"the row has 2 cells, the heading 10\"
";
    assert_eq!(written, expected);
    let mended = written.replace("Saigon", "Siem Reap");
    assert!(all("market-prices", &mended)[0].is_ok());
}

#[test]
fn a_cell_without_an_end_is_not_held_and_says_that_a_quote_is_open() {
    struct Endless(u64);
    impl std::io::Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.0 += into.len() as u64;
            assert!(self.0 < 3_000_000, "no more is read than a row may have");
            into.fill(b'x');
            Ok(into.len())
        }
    }
    let after = |text: &str| {
        let begin = std::io::Cursor::new(text.to_owned().into_bytes());
        Sheet::open(Box::new(std::io::Read::chain(begin, Endless(0))))
    };
    let mut sheet = after(&format!("{SHORT}2024-01,17,\"")).expect("a sheet");
    let bad = sheet.next().expect("a row").expect_err("too long");
    assert!(bad.wrong[0].en.contains("is a quote not closed?"));
    assert!(sheet.next().is_none(), "what follows is not read");
    assert_eq!(after("period,\"").err(), Some(SheetFault::HeadingTooLong));
}

#[test]
fn a_formula_among_the_bad_rows_is_harmless_there_and_itself_when_it_is_read_again() {
    let text = format!("{SHORT}2024-01,26,,=cmd|x,food,Rice,KG,Retail,USD,-5\n");
    let mut rows = read("market-prices", &text).expect("a sheet");
    let row = rows.remove(0).expect_err("bad");
    let mut out = Vec::new();
    let mut bad_rows = BadRows::begin(&mut out, row.line.heading()).expect("begun");
    bad_rows.write(&row).expect("written");
    bad_rows.finish().expect("written");
    let written = String::from_utf8(out).expect("text");
    assert!(written.contains("2024-01,26,,'=cmd|x,food,Rice,KG,Retail,USD,-5,2,"));
    let mut again = read("market-prices", &written).expect("a sheet");
    let again = again.remove(0).expect_err("still bad");
    assert_eq!(again.line.cell("market"), Some("=cmd|x"));
}
