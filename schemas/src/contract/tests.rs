//! The contracts on good documents and on each class of bad ones; and what is no contract.

use super::*;

fn own(feed: &str) -> Contract {
    let text = match feed {
        "health-quarterly" => include_str!("../../contracts/health-quarterly/1.0.json"),
        "market-prices" => include_str!("../../contracts/market-prices/1.0.json"),
        "price-bulletin" => include_str!("../../contracts/price-bulletin/1.0.json"),
        "labour-returns" => include_str!("../../contracts/labour-returns/1.0.json"),
        "withdrawal" => include_str!("../../contracts/withdrawal/1.0.json"),
        _ => panic!("no such feed: {feed}"),
    };
    Contract::compile(&format!("https://spean.gov.kh/contracts/{feed}/1.0"), text)
        .expect("own contracts compile")
}

/// A document with every field of its contract, and good.
fn good(feed: &str) -> &'static str {
    match feed {
        "health-quarterly" => {
            r#"{"dataSet":"DENGUE_Q","period":"2026Q3","orgUnit":"KH17","completeDate":"2026-10-05","attributeOptionCombo":"default",
                "dataValues":[{"dataElement":"DENGUE_CASES","categoryOptionCombo":"default","value":"39","comment":"ករណីគ្រុនឈាម"}]}"#
        }
        "market-prices" => {
            r#"{"period":"2024-01","date":"2024-01-15","admin1_code":"KH17","admin1":"Siemreap","admin2":"Siem Reap","market":"Leu",
                "market_id":"703","latitude":"13.36","longitude":"103.86","category":"cereals and tubers","commodity":"Rice (mixed, low quality)",
                "commodity_id":"165","unit":"KG","priceflag":"actual,aggregate","pricetype":"Wholesale","currency":"USD","price":"1.10","usdprice":"1.10"}"#
        }
        "price-bulletin" => {
            r#"{"bulletin":"2024-01","period":"2024-01","released":"2024-02-05","title_en":"Market prices in January","title_km":"តម្លៃទីផ្សារ ខែមករា",
                "note_en":"Medians of what was reported.","note_km":"តម្លៃមធ្យម",
                "prices":[{"admin1_code":"KH17","market":"Leu","category":"cereals and tubers","commodity":"Rice","unit":"KG","pricetype":"Retail",
                "currency":"USD","price":"0.5","lowest":"0.4","highest":"0.6","reports":3}]}"#
        }
        "labour-returns" => {
            r#"{"ref_area":"KH17","source":"WFP","indicator":"EAR_DAY","sex":"_T","disability":"_T","classif1":"Wage (non-qualified labour)",
                "classif2":"USD","icls":"ICLS13","time":"2019-01","obs_value":"7.23","obs_status":"B","note_classif":"n","note_indicator":"n","note_source":"n"}"#
        }
        _ => r#"{"reason":"sent for the wrong quarter"}"#,
    }
}

const FEEDS: [&str; 5] = [
    "health-quarterly",
    "market-prices",
    "price-bulletin",
    "labour-returns",
    "withdrawal",
];

/// The pointers of all faults of a good document after one change.
fn broken(feed: &str, from: &str, to: &str) -> Vec<String> {
    let text = good(feed);
    assert!(text.contains(from), "{feed} holds {from}");
    let faults = own(feed)
        .check(text.replacen(from, to, 1).as_bytes())
        .expect_err(to);
    faults.into_iter().map(|fault| fault.pointer).collect()
}

#[test]
fn a_good_document_passes_each_contract() {
    for feed in FEEDS {
        let expected: Value = serde_json::from_str(good(feed)).unwrap();
        assert_eq!(
            own(feed).check(good(feed).as_bytes()),
            Ok(expected),
            "{feed}"
        );
    }
}

#[test]
fn no_contract_has_a_field_that_its_good_document_does_not_show() {
    for feed in FEEDS {
        let document: Value = serde_json::from_str(good(feed)).unwrap();
        let contract = own(feed);
        let declared = contract.schema()["properties"].as_object().unwrap();
        assert!(
            declared.keys().eq(document.as_object().unwrap().keys()),
            "{feed}"
        );
    }
}

#[test]
fn each_class_of_mistake_is_named_where_it_is() {
    for (feed, from, to, at) in [
        ("health-quarterly", "2026Q3", "2026Q5", "/period"),
        ("health-quarterly", "KH17", "KH26", "/orgUnit"),
        (
            "health-quarterly",
            "2026-10-05",
            "2026-02-30",
            "/completeDate",
        ),
        ("health-quarterly", "\"39\"", "39", "/dataValues/0/value"),
        (
            "health-quarterly",
            "\"39\"",
            "\"-1\"",
            "/dataValues/0/value",
        ),
        (
            "health-quarterly",
            "\"comment\"",
            "\"patient\"",
            "/dataValues/0/patient",
        ),
        ("health-quarterly", "\"dataSet\"", "\"dataset\"", "/dataset"),
        ("market-prices", "\"KH17\"", "\"17\"", "/admin1_code"),
        ("market-prices", "\"1.10\"", "1.10", "/price"),
        ("market-prices", "\"1.10\"", "\"1,10\"", "/price"),
        ("market-prices", "\"1.10\"", "\"=1+1\"", "/price"),
        ("market-prices", "\"1.10\"", "\"\"", "/price"),
        ("market-prices", "\"1.10\"", "\"1.10\\n\"", "/price"),
        ("market-prices", "2024-01\"", "2024-13\"", "/period"),
        ("market-prices", "Wholesale", "wholesale", "/pricetype"),
        ("market-prices", "\"Leu\"", "\"Le\\u0000u\"", "/market"),
        (
            "price-bulletin",
            "\"reports\":3",
            "\"reports\":0",
            "/prices/0/reports",
        ),
        (
            "price-bulletin",
            "\"reports\":3",
            "\"reports\":1.5",
            "/prices/0/reports",
        ),
        ("labour-returns", "KH17", "KH", "/ref_area"),
        ("labour-returns", "\"_T\"", "\"T\"", "/sex"),
        ("labour-returns", "2019-01", "19-01", "/time"),
        ("withdrawal", "sent for the wrong quarter", "", "/reason"),
    ] {
        assert!(
            broken(feed, from, to).contains(&at.to_owned()),
            "{feed}: {from} as {to}"
        );
    }
    let bare = own("labour-returns").check(b"[]").expect_err("a list");
    assert_eq!(bare[0].pointer, "");
    assert_eq!(bare[0].en, "must be an object of named fields");
}

#[test]
fn every_wrong_field_is_named_at_once_and_missing_ones_too() {
    let faults = own("market-prices")
        .check(br#"{"period":"January","price":1.1,"admin1_code":"KH17","market":"Leu","unit":"KG","currency":"USD","colour":"red"}"#)
        .expect_err("five mistakes");
    let mut pointers: Vec<&str> = faults.iter().map(|fault| &*fault.pointer).collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        ["/colour", "/commodity", "/period", "/price", "/pricetype"]
    );
    let price = faults
        .iter()
        .find(|fault| fault.pointer == "/price")
        .unwrap();
    assert_eq!(
        price.en,
        "must be a price as text: a decimal number with a point, such as 1.10"
    );
    for fault in &faults {
        assert!(
            fault
                .km
                .chars()
                .any(|c| ('\u{1780}'..='\u{17ff}').contains(&c)),
            "{}",
            fault.km
        );
        assert!(
            !fault.en.contains("January"),
            "data is not repeated: {}",
            fault.en
        );
    }
}

#[test]
fn the_faults_named_are_bounded() {
    let row = r#"{"dataElement":"A"}"#;
    let rows = (0..600).map(|_| row).collect::<Vec<_>>().join(",");
    let data =
        format!(r#"{{"dataSet":"D","period":"2026Q3","orgUnit":"KH17","dataValues":[{rows}]}}"#);
    let faults = own("health-quarterly")
        .check(data.as_bytes())
        .expect_err("no values");
    assert_eq!(faults.len(), FAULTS_NAMED_MAX);
}

#[test]
fn data_that_is_no_strict_json_is_a_fault_with_its_place() {
    let fault = |data: &[u8]| {
        own("withdrawal")
            .check(data)
            .expect_err("no JSON")
            .remove(0)
    };
    assert_eq!(fault(br#"{"reason":"a","reason":"b"}"#).pointer, "/reason");
    assert_eq!(fault(br#"{"reason":1e400}"#).pointer, "/reason");
    assert!(fault(b"{").en.starts_with("the data is no JSON document"));
    assert_eq!(
        fault(b"\xef\xbb\xbf{}").en,
        "the data begins with a byte order mark; leave it out"
    );
}

#[test]
fn a_schema_that_could_not_be_checked_with_is_no_contract() {
    let compile = |id: &str, body: &str| {
        let schema = format!(
            r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"{id}",{body}}}"#
        );
        Contract::compile("https://x.test/1.0", &schema)
    };
    assert!(compile("https://x.test/1.0", r#""type":"object""#).is_ok());
    assert!(matches!(
        compile("https://x.test/2.0", r#""type":"object""#),
        Err(SchemaFault::Id { .. })
    ));
    for body in [
        r#""type":"thing""#,
        r#""format":"riel""#,
        r#""pattern":"(""#,
        r#""pattern":"(?=a)b""#,
        r#""$ref":"https://elsewhere.test/schema""#,
        r#""$ref":"file:///etc/passwd""#,
    ] {
        assert!(
            matches!(
                compile("https://x.test/1.0", body),
                Err(SchemaFault::Dialect { .. })
            ),
            "{body}"
        );
    }
    let twice = compile("https://x.test/1.0", r#""type":"object","type":"array""#);
    assert!(matches!(twice, Err(SchemaFault::Json { .. })));
    let old = r#"{"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://x.test/1.0"}"#;
    assert!(matches!(
        Contract::compile("https://x.test/1.0", old),
        Err(SchemaFault::Dialect { .. })
    ));
}
