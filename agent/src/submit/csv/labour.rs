//! Labour: a row in the columns of ILOSTAT, bare or with `.label` headings, or of WFP's day wages, comes in; the data of one
//! figure goes out. What a source does not split by sex or disability is `_T`.

use schemas::refusal::Detail;
use serde_json::{Map, Value};

use super::cells::{digits, month, province, province_of_code};
use super::{Figure, Line, ReadRow, Sheet, SheetFault, prices};

/// Columns that hold codes, or labels where only labels are given. A code goes before its label.
const AS_WRITTEN: [&str; 8] = [
    "source",
    "indicator",
    "classif1",
    "classif2",
    "icls",
    "note_classif",
    "note_indicator",
    "note_source",
];

const COLUMNS: &[&str] = &[
    "ref_area",
    "ref_area.label",
    "source",
    "source.label",
    "indicator",
    "indicator.label",
    "sex",
    "sex.label",
    "disability",
    "classif1",
    "classif1.label",
    "classif2",
    "classif2.label",
    "icls",
    "time",
    "obs_value",
    "obs_status",
    "obs_status.label",
    "note_classif",
    "note_classif.label",
    "note_indicator",
    "note_indicator.label",
    "note_source",
    "note_source.label",
];

const NEEDED: &[&[&str]] = &[
    &["ref_area", "ref_area.label"],
    &["indicator", "indicator.label"],
    &["time"],
    &["obs_value"],
];

/// Labels and ILOSTAT's codes, with the code that the contract knows.
const SEXES: [(&str, &str); 9] = [
    ("_T", "_T"),
    ("SEX_T", "_T"),
    ("Total", "_T"),
    ("M", "M"),
    ("SEX_M", "M"),
    ("Male", "M"),
    ("F", "F"),
    ("SEX_F", "F"),
    ("Female", "F"),
];

const STATUSES: [(&str, &str); 6] = [
    ("Break in series", "B"),
    ("Estimated", "E"),
    ("Imputation", "I"),
    ("Provisional", "P"),
    ("Unreliable", "U"),
    ("Real value", "A"),
];

/// Chooses how rows are read by the heading.
///
/// # Errors
/// The heading is of neither form.
pub fn reader(sheet: &Sheet) -> Result<ReadRow, SheetFault> {
    if sheet.has("price") {
        sheet.expect(prices::COLUMNS, prices::NEEDED)?;
        return Ok(wage);
    }
    sheet.expect(COLUMNS, NEEDED)?;
    Ok(figure)
}

fn figure(line: &Line) -> Result<Figure, Vec<Detail>> {
    let mut wrong = Vec::new();
    let mut data = Map::new();
    let either = |column: &str| line.cell(column).or(line.cell(&format!("{column}.label")));
    for column in AS_WRITTEN {
        if let Some(cell) = either(column) {
            data.insert(column.into(), cell.into());
        }
    }
    for column in ["time", "obs_value"] {
        if let Some(cell) = line.cell(column) {
            data.insert(column.into(), digits(cell).into());
        }
    }
    let sex = either("sex").map_or(Some("_T"), |cell| code_of(&SEXES, cell));
    match sex {
        Some(sex) => data.insert("sex".into(), sex.into()),
        None => {
            wrong.push(Detail::new(
                "sex",
                "must be total, male or female",
                "ត្រូវជា Total, Male ឬ Female",
            ));
            None
        }
    };
    let disability = line.cell("disability").unwrap_or("_T");
    data.insert("disability".into(), disability.into());
    if let Some(status) = either("obs_status") {
        let status = code_of(&STATUSES, status).unwrap_or(status);
        data.insert("obs_status".into(), status.into());
    }
    match area(line) {
        Ok(area) if wrong.is_empty() => {
            data.insert("ref_area".into(), area.into());
            let subject = format!("{area}/{}", data["time"].as_str().unwrap_or_default());
            Ok(Figure {
                data: Value::Object(data),
                subject,
            })
        }
        Ok(_) => Err(wrong),
        Err(detail) => {
            wrong.push(detail);
            Err(wrong)
        }
    }
}

fn code_of(table: &[(&str, &'static str)], cell: &str) -> Option<&'static str> {
    let row = table
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(cell));
    row.map(|(_, code)| *code)
}

/// The whole country, or a province by its code or name.
fn area(line: &Line) -> Result<&'static str, Detail> {
    let code = line.cell("ref_area");
    let label = line.cell("ref_area.label");
    match code.or(label) {
        Some("KHM" | "Cambodia" | "កម្ពុជា") => Ok("KHM"),
        Some(cell) if code.is_some() && province_of_code(cell).is_none() => {
            let name = Some(("ref_area", cell));
            province(None, name).map(|province| province.pcode.as_str())
        }
        _ => {
            let code = code.map(|cell| ("ref_area", cell));
            let label = label.map(|cell| ("ref_area.label", cell));
            province(code, label).map(|province| province.pcode.as_str())
        }
    }
}

/// A day wage, which WFP keeps among the prices.
fn wage(line: &Line) -> Result<Figure, Vec<Detail>> {
    let named = |column| line.cell(column).map(|cell| (column, cell));
    let province =
        province(named("admin1_code"), named("admin1")).map_err(|detail| vec![detail])?;
    let time = line.cell("period").or(line.cell("date")).map(month);
    let time = time.unwrap_or_default();
    let cell = |column| line.cell(column).unwrap_or_default();
    let mut data = Map::new();
    let mut put = |name: &str, value: String| data.insert(name.into(), value.into());
    put("ref_area", province.pcode.clone());
    put("source", "WFP - Food prices".into());
    put("indicator", cell("commodity").into());
    put("sex", "_T".into());
    put("disability", "_T".into());
    put("classif1", format!("Market: {}", cell("market")));
    put(
        "classif2",
        format!("Currency: {} a {}", cell("currency"), cell("unit")),
    );
    put("time", time.clone());
    put("obs_value", digits(cell("price")));
    Ok(Figure {
        data: Value::Object(data),
        subject: format!("{}/{time}", province.pcode),
    })
}
