//! Health: rows of DHIS2 data values come in, one data value set for each province, quarter and data set goes out.
//! Who stored a value and when it was last changed stay at the office: the report is of figures, not of people.

use std::collections::{BTreeMap, HashMap};

use schemas::refusal::Detail;
use schemas::subject::LogName;
use serde_json::{Map, Value};

use super::cells::{digits, missing, province, province_of_code};
use super::{BadRow, Entries, Entry, Line, Sheet, SheetFault, draft};

const COLUMNS: &[&str] = &[
    "dataset",
    "dataelement",
    "period",
    "orgunit",
    "categoryoptioncombo",
    "attributeoptioncombo",
    "value",
    "storedby",
    "lastupdated",
    "comment",
    "followup",
    "deleted",
];

const NEEDED: &[&[&str]] = &[&["dataelement"], &["period"], &["orgunit"], &["value"]];

/// The data set of a file that names none, as DHIS2's own do; illustrative, as are all codes of data sets here.
const DATA_SET: &str = "QUARTERLY_REPORT";

/// Rows of one file: they are gathered in memory, and an office's quarter has a few hundred.
const ROWS_MAX: usize = 100_000;

/// What one data value set is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Set {
    data_set: String,
    period: String,
    org_unit: String,
    attribute_option_combo: Option<String>,
}

/// A set's values and lines, in the file's order, and the line that each data element stands on.
#[derive(Default)]
struct Values {
    values: Vec<Value>,
    lines: Vec<Line>,
    seen: HashMap<(String, String), u64>,
}

/// # Errors
/// The heading is of another form, no data set is named, or the file is too long.
pub fn read(sheet: Sheet, log: &LogName, data_set: Option<&str>) -> Result<Entries, SheetFault> {
    sheet.expect(COLUMNS, NEEDED)?;
    let data_set = data_set.unwrap_or(DATA_SET);
    let mut sets: BTreeMap<Set, Values> = BTreeMap::new();
    let mut bad = Vec::new();
    for (count, line) in sheet.enumerate() {
        if count == ROWS_MAX {
            return Err(SheetFault::TooLong(ROWS_MAX));
        }
        match line.and_then(|line| keep(line, data_set, &mut sets)) {
            Ok(()) => {}
            Err(row) => bad.push(row),
        }
    }
    let log = log.clone();
    let good = sets
        .into_iter()
        .map(move |(set, values)| Ok(entry(&log, set, values)));
    Ok(Box::new(bad.into_iter().map(Err).chain(good)))
}

fn keep(line: Line, data_set: &str, sets: &mut BTreeMap<Set, Values>) -> Result<(), BadRow> {
    let (set, element) = match set_of(&line, data_set) {
        Ok(found) => found,
        Err(wrong) => return Err(BadRow { line, wrong }),
    };
    let values = sets.entry(set).or_default();
    let combo = line.cell("categoryoptioncombo").unwrap_or_default();
    let place = (element, combo.to_owned());
    if let Some(other) = values.seen.get(&place) {
        let wrong = Detail::new(
            "dataelement",
            format!("line {other} gives this value already"),
            format!("បន្ទាត់ {other} មានតម្លៃនេះរួចហើយ"),
        );
        return Err(BadRow {
            line,
            wrong: vec![wrong],
        });
    }
    values.values.push(value_of(&line));
    values.seen.insert(place, line.number);
    values.lines.push(line);
    Ok(())
}

/// The set that a row belongs to, and its data element.
fn set_of(line: &Line, data_set: &str) -> Result<(Set, String), Vec<Detail>> {
    let mut wrong = Vec::new();
    let mut need = |column: &str, cell: Option<String>| {
        if cell.is_none() {
            wrong.push(missing(column));
        }
        cell.unwrap_or_default()
    };
    let owned = |column| line.cell(column).map(str::to_owned);
    let data_set = need("dataset", owned("dataset").or(Some(data_set.into())));
    let period = need("period", line.cell("period").map(digits));
    let element = need("dataelement", owned("dataelement"));
    need("value", owned("value"));
    if matches!(line.cell("deleted"), Some("true" | "TRUE" | "1")) {
        wrong.push(Detail::new(
            "deleted",
            "a deleted value is not reported; leave the row out",
            "តម្លៃដែលបានលុបមិនត្រូវរាយការណ៍ទេ សូមដកជួរនេះចេញ",
        ));
    }
    let unit = line.cell("orgunit").map(|cell| ("orgunit", cell));
    let (code, name) = match unit {
        Some((_, cell)) if province_of_code(cell).is_none() => (None, unit),
        unit => (unit, None),
    };
    match province(code, name) {
        Ok(province) if wrong.is_empty() => Ok((
            Set {
                data_set,
                period,
                org_unit: province.pcode.clone(),
                attribute_option_combo: owned("attributeoptioncombo"),
            },
            element,
        )),
        Ok(_) => Err(wrong),
        Err(Detail { en, km, .. }) => {
            wrong.push(Detail::new("orgunit", en, km));
            Err(wrong)
        }
    }
}

fn value_of(line: &Line) -> Value {
    let mut value = Map::new();
    for (column, name) in [
        ("dataelement", "dataElement"),
        ("categoryoptioncombo", "categoryOptionCombo"),
        ("comment", "comment"),
    ] {
        if let Some(cell) = line.cell(column) {
            value.insert(name.into(), cell.into());
        }
    }
    let number = line.cell("value").map(digits).unwrap_or_default();
    value.insert("value".into(), number.into());
    Value::Object(value)
}

fn entry(log: &LogName, set: Set, values: Values) -> Entry {
    let subject = format!("{}/{}", set.org_unit, set.period);
    let mut data = Map::new();
    data.insert("dataSet".into(), set.data_set.into());
    data.insert("period".into(), set.period.into());
    data.insert("orgUnit".into(), set.org_unit.into());
    if let Some(combo) = set.attribute_option_combo {
        data.insert("attributeOptionCombo".into(), combo.into());
    }
    data.insert("dataValues".into(), values.values.into());
    Entry {
        draft: draft(log, &Value::Object(data), subject),
        lines: values.lines,
    }
}
