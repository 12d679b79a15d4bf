//! Single rows and cells: what is wrong with them is named where it is, all at once, and nothing is taken for what it is not.

use super::*;

fn price(change: impl Fn(&str) -> String) -> String {
    format!(
        "{PRICES}{}",
        change("2026-07,17,Psar Leu,Rice,KG,Retail,KHR,2400\n")
    )
}

#[test]
fn everything_that_is_wrong_with_a_row_is_told_at_once_and_where_it_is() {
    let told = wrong(
        "health-quarterly",
        &format!("{VALUES}bad code,Q1,Atlantis,default,default,abc\n"),
    );
    let columns: Vec<&str> = told.iter().map(|(_, column, _)| &**column).collect();
    assert_eq!(columns, ["dataelement", "period", "orgunit", "value"]);
    assert_eq!(
        told[3].2,
        "“abc” was read: must be a number that is not negative, such as 12"
    );
    let reading = read("health-quarterly", &format!("{VALUES}A,2026Q1,KH17,,,\n"));
    let wrong = &reading.bad[0].wrong[0];
    assert_eq!(wrong.column, Some((5, "value".to_owned())));
    assert_eq!(
        wrong.told().en,
        "the cell is empty; must be a number that is not negative, such as 12"
    );
}

#[test]
fn an_error_of_the_spreadsheet_program_is_bad_wherever_it_stands_and_no_hxl_row() {
    let row = "#N/A,2026Q1,KH17,default,default,14\n";
    let text = format!("{VALUES}{row}DENGUE_CASES,2026Q1,KH17,default,default,15\n");
    let told = wrong("health-quarterly", &text);
    assert_eq!((told[0].0, &*told[0].1), (2, "dataelement"));
    assert!(
        told[0].2.contains("an error of the spreadsheet program"),
        "{}",
        told[0].2
    );
    for value in [
        "#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "#NULL!", "#NUM!", "####", "Err:502", "#NV",
    ] {
        let text = price(|row| row.replace("Psar Leu", value));
        assert_eq!(
            places("market-prices", &text),
            [(2, "market".to_owned())],
            "{value}"
        );
    }
    let market = events(
        "market-prices",
        &price(|row| row.replace("Psar Leu", "#1 Psar")),
    );
    assert_eq!(market[0]["market"], "#1 Psar");
    let tags = "#period,#adm1+code,#loc+market,#item,#item+unit,#item+type,#currency,#value\n";
    let skipped = read("market-prices", &price(|row| format!("{tags}{row}"))).skipped;
    assert_eq!((skipped[0].row, &*skipped[0].why.en), (2, "HXL tags"));
    let twice = price(|row| format!("{row}{tags}"));
    assert_eq!(
        read("market-prices", &twice).bad[0].row.number,
        3,
        "only below the heading"
    );
    let lone = price(|row| format!("#value,,,,,,,\n{row}"));
    assert_eq!(
        read("market-prices", &lone).bad[0].row.number,
        2,
        "one tag makes no row of tags"
    );
}

#[test]
fn a_cell_with_a_line_break_is_bad_also_where_its_column_is_not_sent() {
    let heading = "dataelement,period,orgunit,value,storedby,lastupdated,comment,followup\n";
    for row in [
        "MALARIA,2026Q1,KH17,30,,,,\"false\nOTHER_1,2026Q1,KH17,1,,,,x\"\n",
        "MALARIA,2026Q1,KH17,30,\"so\nOTHER_1,2026Q1,KH17,1\",,,\n",
        "MALARIA,2026Q1,KH17,30,,,\"so\nOTHER_1,2026Q1,KH17,1\",\n",
    ] {
        let reading = read(
            "health-quarterly",
            &format!("{heading}{row}OTHER_2,2026Q1,KH17,2,,,,\n"),
        );
        let bad = &reading.bad[0];
        assert_eq!((bad.row.number, bad.row.last), (2, 3), "{row}");
        assert!(
            bad.wrong[0].words.en.contains("is a quote not closed?"),
            "{row}"
        );
        assert_eq!(reading.bad.len(), 2, "the report goes whole: {row}");
    }
    let text = "dataelement,period,orgunit,value,\nA,2026Q1,KH17,1,\"x\ny\"\n";
    assert_eq!(read("health-quarterly", text).bad.len(), 1);
}

#[test]
fn a_cell_below_an_empty_heading_is_bad_and_empty_columns_are_none() {
    let text = "dataelement,period,orgunit,,value\nDENGUE_CASES,2026Q1,KH17,NOT YET CHECKED,41\n";
    let reading = read("health-quarterly", text);
    assert_eq!(reading.bad[0].wrong[0].column, Some((3, String::new())));
    assert!(
        reading.bad[0].wrong[0]
            .words
            .en
            .contains("nothing stands in the heading")
    );
    assert_eq!(
        events("health-quarterly", &text.replace("NOT YET CHECKED", "")).len(),
        1
    );
    let wide = price(|row| row.replace("2400", "2400,,,"));
    assert_eq!(events("market-prices", &wide).len(), 1);
    let beyond = price(|row| row.replace("2400", "2400,,x"));
    assert_eq!(
        wrong("market-prices", &beyond)[0].2,
        "the row has 10 cells, the heading 8"
    );
    let short = price(|_| "2026-07,17\n".to_owned());
    assert!(
        wrong("market-prices", &short)[0]
            .2
            .contains("the row has 2 cells, the heading 8")
    );
}

#[test]
fn a_deleted_value_is_not_sent_however_the_word_is_written() {
    let row =
        |word: &str| format!("dataelement,period,orgunit,value,deleted\nA,2026Q1,KH17,41,{word}\n");
    for word in ["True", "TRUE", "true", "t", "T", "1", "yes"] {
        let told = wrong("health-quarterly", &row(word));
        assert_eq!(told[0].1, "deleted", "{word}");
        assert!(
            told[0].2.contains("a deleted value is not reported"),
            "{word}"
        );
    }
    for word in ["False", "f", "0", ""] {
        assert_eq!(events("health-quarterly", &row(word)).len(), 1, "{word}");
    }
    for word in ["maybe", "2", "x"] {
        assert!(
            wrong("health-quarterly", &row(word))[0]
                .2
                .contains("must be true or false"),
            "{word}"
        );
    }
}

#[test]
fn a_number_with_hidden_characters_is_read_and_one_that_can_mean_two_things_is_not() {
    let value = |cell: &str| format!("{VALUES}A,2026Q1,KH17,default,default,{cell}\n");
    for cell in [
        "41\u{200b}",
        "'41",
        "៤១",
        "\u{ff14}\u{ff11}",
        "\u{a0}41 ",
        "41.0",
    ] {
        let read = events("health-quarterly", &value(cell));
        assert_eq!(read[0]["dataValues"][0]["value"], "41", "{cell:?}");
    }
    for cell in [
        "\"1,200\"",
        "1\u{a0}200",
        "1 200",
        "007",
        "1.2E+05",
        "-1",
        "=1+1",
    ] {
        let told = places("health-quarterly", &value(cell));
        assert_eq!(told, [(2, "value".to_owned())], "{cell:?}");
    }
    let told = wrong("health-quarterly", &value("007"));
    assert!(
        told[0]
            .2
            .starts_with("“007” was read: the number begins with a zero"),
        "{}",
        told[0].2
    );
    assert!(!told[0].2.contains("as text"), "a sheet knows no JSON");
}

#[test]
fn decimal_commas_are_read_where_the_column_is_clear_and_named_where_it_is_not() {
    let rows = |prices: [&str; 3]| {
        let row = |(market, price): (char, &str)| {
            format!("2026-07;17;{market};Rice;KG;Retail;USD;{price}\n")
        };
        let rows: String = ('A'..).zip(prices).map(row).collect();
        format!("{}{rows}", PRICES.replace(',', ";"))
    };
    let prices = |text: &str| -> Vec<Value> {
        events("market-prices", text)
            .into_iter()
            .map(|mut data| data["price"].take())
            .collect()
    };
    assert_eq!(prices(&rows(["0,60", "1,250", "2"])), ["0.6", "1.25", "2"]);
    let unclear = wrong("market-prices", &rows(["1,250", "2,500", "2"]));
    assert_eq!(unclear.len(), 2);
    assert!(
        unclear[0].2.contains("the comma can mean 1250 or 1.250"),
        "{}",
        unclear[0].2
    );
    let mixed = wrong("market-prices", &rows(["0,60", "1.25", "2"]));
    assert!(
        mixed[0].2.contains("decimal points and commas"),
        "{}",
        mixed[0].2
    );
}

#[test]
fn a_province_is_known_by_code_or_name_and_two_different_ones_are_told() {
    let heading = "period,admin1_code,admin1,market,commodity,unit,pricetype,currency,price\n";
    let row = |code: &str, name: &str| {
        format!("{heading}2026-07,{code},{name},Leu,Rice,KG,Retail,KHR,100\n")
    };
    for (code, name) in [
        ("17", ""),
        ("KH17", "Siemreap"),
        ("KH-17", "សៀមរាប"),
        ("", "Siem Reap"),
        ("17", "Angkor"),
    ] {
        assert_eq!(
            events("market-prices", &row(code, name))[0]["admin1_code"],
            "KH17"
        );
    }
    assert_eq!(
        places("market-prices", &row("17", "Kampot")),
        [(2, "admin1".to_owned())]
    );
    assert_eq!(
        places("market-prices", &row("26", "")),
        [(2, "admin1_code".to_owned())]
    );
    assert_eq!(
        places("market-prices", &row("", "Saigon")),
        [(2, "admin1".to_owned())]
    );
    let other = wrong("market-prices", &row("12", ""));
    assert!(
        other[0]
            .2
            .contains("must be KH17: a provincial office sends only its own"),
        "{}",
        other[0].2
    );
    let twice =
        "ref_area,ref_area.label,indicator,sex,time,obs_value\nKH17,Kandal,EMP,SEX_T,2026,100\n";
    let told = wrong("labour-returns", twice);
    assert_eq!(told[0].1, "ref_area.label");
    assert!(
        told[0]
            .2
            .contains("something else than the column ref_area"),
        "{}",
        told[0].2
    );
}

#[test]
fn what_is_no_utf8_is_a_bad_row_and_the_others_are_read() {
    let text = [
        PRICES.as_bytes(),
        b"2026-07,17,Le\xe9,Rice,KG,Retail,KHR,1\n2026-07,17,Leu,Rice,KG,Retail,KHR,100\n",
    ]
    .concat();
    let table = Table::of_csv(&text);
    let reading = read_as("maff/siem-reap", "market-prices", table, |_, reading| {
        reading.expect("read")
    });
    assert_eq!((reading.entries.len(), reading.bad[0].row.number), (1, 2));
    assert!(reading.bad[0].wrong[0].words.en.contains("not UTF-8"));
}
