//! Each known sheet, as its source writes it, and what it becomes.

use serde_json::json;

use super::*;

const HDX: &str = "date,admin1,admin2,market,market_id,latitude,longitude,category,commodity,commodity_id,unit,priceflag,pricetype,currency,price,usdprice\n";
const HXL: &str = "#date,#adm1+name,#adm2+name,#loc+market+name,#loc+market+code,#geo+lat,#geo+lon,#item+type,#item+name,#item+code,#item+unit,#item+price+flag,#item+price+type,#currency,#value,#value+usd\n";
const HDX_ROW: &str = "2024-01-15,Siemreap,Siem Reap,Leu,703,13.36,103.86,cereals and tubers,\"Rice (mixed, low quality)\",71,KG,actual,Retail,KHR,4100.50,1.00\n";

#[test]
fn prices_are_read_in_hdx_columns_with_and_without_the_hxl_row() {
    let with = events("market-prices", &format!("{HDX}{HXL}{HDX_ROW}"));
    assert_eq!(with, events("market-prices", &format!("{HDX}{HDX_ROW}")));
    let expected = json!({
        "period": "2024-01", "date": "2024-01-15", "admin1_code": "KH17", "admin1": "Siemreap", "admin2": "Siem Reap",
        "market": "Leu", "market_id": "703", "latitude": "13.36", "longitude": "103.86", "category": "cereals and tubers",
        "commodity": "Rice (mixed, low quality)", "commodity_id": "71", "unit": "KG", "priceflag": "actual",
        "pricetype": "Retail", "currency": "KHR", "price": "4100.5", "usdprice": "1",
    });
    assert_eq!(with, [expected]);
}

#[test]
fn prices_are_read_as_spreadsheet_programs_leave_them() {
    let plain = format!("{PRICES}2024-01,17,Leu,Rice,KG,Retail,USD,1.10\n");
    let expected = events("market-prices", &plain);
    assert_eq!(expected[0]["price"], "1.1");
    let semicolons = format!("\u{feff}{}", plain.replace(',', ";"));
    let comma = plain.replace(',', ";").replace("1.10", "1,10");
    let tabs = plain.replace(',', "\t").replace('\n', "\r\n");
    let blanks = format!("{}\n,,,,,,,\n", plain.replace(',', " , "));
    let day = plain.replace("2024-01", "2024-1-1");
    let khmer = plain
        .replace(",17,", ",១៧,")
        .replace("2024-01", "២០២៤-០១")
        .replace("1.10", "១.១០");
    let named = plain
        .replace(",17,", ",សៀមរាប,")
        .replace("Retail", "លក់រាយ")
        .replace("USD", "ដុល្លារ");
    let hidden = plain
        .replace(",17,", ",KH\u{200b}17,")
        .replace("1.10", "1.10\u{200b}");
    let upper = plain
        .replacen("period", " PERIOD", 1)
        .replace("Retail", "RETAIL");
    for text in [
        semicolons, comma, tabs, blanks, day, khmer, named, hidden, upper,
    ] {
        assert_eq!(events("market-prices", &text), expected, "{text}");
    }
}

const DHIS2: &str = "dataset,dataelement,period,orgunit,categoryoptioncombo,attributeoptioncombo,value,storedby,lastupdated,comment,followup\n";

#[test]
fn health_rows_become_one_set_for_each_province_quarter_and_data_set() {
    let text = format!(
        "{DHIS2}DENGUE_Q,DENGUE_CASES,2026Q3,KH17,default,,39,so.pheap,2026-10-01T08:00:00,,false\n\
         DENGUE_Q,DENGUE_CASES,2026Q2,KH17,,,12,,,,\n\
         DENGUE_Q,DENGUE_DEATHS,2026Q3,Siem Reap,,default,0,,,checked,\n"
    );
    let reading = read("health-quarterly", &text);
    let first = json!({
        "dataSet": "DENGUE_Q", "period": "2026Q3", "orgUnit": "KH17", "attributeOptionCombo": "default",
        "dataValues": [
            {"dataElement": "DENGUE_CASES", "categoryOptionCombo": "default", "value": "39"},
            {"dataElement": "DENGUE_DEATHS", "categoryOptionCombo": "default", "value": "0", "comment": "checked"},
        ],
    });
    assert_eq!(data(&reading.entries[0]), first);
    assert_eq!(
        reading.entries[0].draft.subject.as_deref(),
        Some("KH17/2026Q3")
    );
    assert_eq!(reading.entries.len(), 2);
    let stays = ["H (storedby)", "I (lastupdated)", "K (followup)"];
    assert_eq!(
        reading.stays, stays,
        "who stored a value stays at the office"
    );
    assert!(!format!("{:?}", data(&reading.entries[0])).contains("so.pheap"));
}

#[test]
fn the_names_of_dhis2s_manuals_and_its_json_mean_what_its_csv_means() {
    let expected = events(
        "health-quarterly",
        &format!("{VALUES}A,2026Q1,KH17,default,default,1\n"),
    );
    for heading in [
        "dataelement,period,orgunit,catoptcombo,attroptcombo,value,strby,lstupd,cmt",
        "dataelement,period,orgunit,catoptcombo,attroptcombo,value,storedby,timestamp,comment",
        "\"dataelement\",\"period\",\"orgunit\",\"catoptcombo\",\"attroptcombo\",\"value\",\"storedby\",\"flwup\",\"cmt\"",
    ] {
        let text = format!("{heading}\nA,2026Q1,KH17,default,default,1,clerk,,\n");
        assert_eq!(events("health-quarterly", &text), expected, "{heading}");
    }
    let export = json!({"dataValues": [{
        "dataElement": "A", "period": "2026Q1", "orgUnit": "KH17", "categoryOptionCombo": "default",
        "attributeOptionCombo": "default", "value": "1", "storedBy": "clerk", "created": "2026-04-05T19:58:12.000+0000",
        "lastUpdated": "2026-04-05T19:58:12.000+0000", "followup": false,
    }]});
    let table = table_of_export(&export).expect("an export");
    let read: Vec<Value> = read_as(
        "moh/siem-reap",
        "health-quarterly",
        Ok(table),
        |_, reading| reading.expect("read").entries.iter().map(data).collect(),
    );
    assert_eq!(read, expected);
    let own = json!({"dataSet": "D", "period": "2026Q1", "orgUnit": "KH17", "dataValues": [{"dataElement": "A", "value": "1"}]});
    assert!(table_of_export(&own).is_none(), "the contract's own form");
}

#[test]
fn a_file_that_names_no_data_set_gets_the_usual_one_or_the_one_that_is_said() {
    let text = "dataelement,period,orgunit,value\nDENGUE_CASES,2008Q1,KH17,16\n";
    assert_eq!(
        events("health-quarterly", text)[0]["dataSet"],
        "QUARTERLY_REPORT"
    );
    let registry = registry();
    let office = "moh/siem-reap".parse().expect("an office");
    let now = Timestamp::from_rfc3339("2026-10-02T03:00:07Z").expect("a time");
    let desk = Desk {
        registry: &registry,
        office: &office,
        now,
    };
    let feed = "health-quarterly".parse().expect("a feed");
    let reader = Reader::of(desk, &feed).expect("a reader");
    let reader = reader.unless_said("/dataSet", "DENGUE_Q".into());
    let table = Table::of_csv(text.as_bytes()).expect("a table");
    let reading = reader.read(table).expect("read");
    assert_eq!(data(&reading.entries[0])["dataSet"], "DENGUE_Q");
}

#[test]
fn labour_is_read_with_bare_headings_and_with_labels() {
    let label = "ref_area.label,source.label,indicator.label,sex.label,classif1.label,classif2.label,time,obs_value,obs_status.label,note_indicator.label\n\
         Siem Reap,HIES,Average monthly earnings,Female,Area type: Rural,Currency: 2021 PPP $,2021,591.463,Unreliable,Currency: KHM\n";
    let expected = json!({
        "ref_area": "KH17", "source": "HIES", "indicator": "Average monthly earnings", "sex": "F", "disability": "_T",
        "classif1": "Area type: Rural", "classif2": "Currency: 2021 PPP $", "time": "2021", "obs_value": "591.463",
        "obs_status": "U", "note_indicator": "Currency: KHM",
    });
    assert_eq!(events("labour-returns", label), [expected]);
    let bare = "ref_area,indicator,sex,disability,time,obs_value,obs_status\n17,EAR_4MTH,SEX_T,PD,2019M03,5,\n";
    let expected = json!({"ref_area": "KH17", "indicator": "EAR_4MTH", "sex": "_T", "disability": "PD", "time": "2019-03", "obs_value": "5"});
    assert_eq!(events("labour-returns", bare), [expected]);
    let table = Table::of_csv(b"ref_area,indicator,time,obs_value\nCambodia,EAR,2021,6\n");
    let country = read_as("mlvt/hq", "labour-returns", table, |_, reading| {
        data(&reading.expect("read").entries[0])
    });
    assert_eq!(country["ref_area"], "KHM");
    let bad = "ref_area,indicator,sex,time,obs_value\nKHM,EAR,both,2021,5\nLaos,EAR,,2021,5\n";
    let expected = [
        (2, "ref_area".to_owned()),
        (2, "sex".to_owned()),
        (3, "ref_area".to_owned()),
    ];
    assert_eq!(
        places("labour-returns", bad),
        expected,
        "a province does not speak for the country"
    );
}

#[test]
fn a_day_wage_among_the_prices_becomes_a_labour_figure_and_nothing_else_does() {
    let heading =
        "period,admin1_code,admin1,market,category,commodity,unit,pricetype,currency,price\n";
    let row = "2019-01,17,Siem Reap,Leu,non-food,Wage (non-qualified labour),Day,Retail,USD,7.23\n";
    let expected = json!({
        "ref_area": "KH17", "source": "WFP - Food prices", "indicator": "Wage (non-qualified labour)", "sex": "_T",
        "disability": "_T", "classif1": "Market: Leu", "classif2": "Currency: USD a Day", "time": "2019-01", "obs_value": "7.23",
    });
    assert_eq!(
        events("labour-returns", &format!("{heading}{row}")),
        [expected]
    );
    let price = row
        .replace("Wage (non-qualified labour)", "Rice")
        .replace("Day", "KG");
    let told = wrong("labour-returns", &format!("{heading}{price}{row}"));
    assert_eq!((told[0].0, &*told[0].1), (2, "commodity"));
    assert!(
        told[0].2.contains("no day wage") && told[0].2.contains("--feed"),
        "{}",
        told[0].2
    );
    assert_eq!(told[1].1, "unit");
    assert_eq!(told.len(), 2, "the wage is good");
}

#[test]
fn a_day_that_is_none_or_of_another_month_is_bad_in_a_sheet_of_wages_as_in_one_of_prices() {
    let row = |date: &str, commodity: &str| {
        format!("{date},2026-07,Siem Reap,Psar Leu,{commodity},Day,Retail,KHR,20000\n")
    };
    let heading = "date,period,admin1,market,commodity,unit,pricetype,currency,price\n";
    for (feed, commodity) in [
        ("labour-returns", "Wage (non-qualified labour)"),
        ("market-prices", "Rice"),
    ] {
        for date in ["2026-07-99", "2026-08-01", "07/01/2026", "1-7-2026"] {
            let told = places(feed, &format!("{heading}{}", row(date, commodity)));
            assert_eq!(told, [(2, "date".to_owned())], "{feed} {date}");
        }
        assert_eq!(
            events(feed, &format!("{heading}{}", row("2026-07-31", commodity))).len(),
            1
        );
    }
    let bare = "date,admin1,market,commodity,unit,pricetype,currency,price\n2026-07-99,Siem Reap,Psar Leu,Wage (non-qualified labour),Day,Retail,KHR,20000\n";
    assert_eq!(places("labour-returns", bare), [(2, "date".to_owned())]);
}

#[test]
fn a_bulletin_is_a_sheet_too_with_a_row_for_each_price() {
    let text = "bulletin,period,released,title_en,title_km,admin1_code,commodity,unit,pricetype,currency,price,reports\n\
        2026-07,2026-07,2026-08-05,Prices in July,តម្លៃខែកក្កដា,17,Rice,KG,Retail,KHR,2400,3\n\
        2026-07,2026-07,2026-08-05,Prices in July,តម្លៃខែកក្កដា,02,Rice,KG,Retail,KHR,2300,4\n";
    let read = events("price-bulletin", text);
    assert_eq!(read.len(), 1);
    assert_eq!(
        read[0]["prices"][1],
        json!({"admin1_code": "KH02", "commodity": "Rice", "unit": "KG", "pricetype": "Retail", "currency": "KHR", "price": "2300", "reports": 4})
    );
    let other = text.replacen("Prices in July,តម្លៃខែកក្កដា,02", "Prices,តម្លៃខែកក្កដា,02", 1);
    assert_eq!(
        places("price-bulletin", &other),
        [(2, String::new()), (3, "title_en".to_owned())]
    );
}
