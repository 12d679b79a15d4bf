//! DHIS2's export of data values as JSON: a document comes in, the table that its CSV would have been goes out, a row for each value.
//! A data value set of the contract's own form, with one period and one unit above its values, is no export, and is left alone.

use serde_json::Value;

use super::table::{Row, Table};

/// Members above the values that are said of each of them.
const OF_ALL: [&str; 5] = [
    "dataSet",
    "period",
    "orgUnit",
    "completeDate",
    "attributeOptionCombo",
];

/// The table of an export; none where the document is another one.
pub fn table(document: &Value) -> Option<Table> {
    let values = document.get("dataValues")?.as_array()?;
    let of_each = |name: &str| values.iter().any(|value| value.get(name).is_some());
    if !of_each("period") && !of_each("orgUnit") {
        return None;
    }
    let mut names: Vec<&str> = Vec::new();
    for value in values {
        for name in value.as_object()?.keys() {
            if !names.contains(&&**name) {
                names.push(name);
            }
        }
    }
    let above = OF_ALL
        .into_iter()
        .filter(|name| document.get(name).is_some());
    let above: Vec<&str> = above.filter(|name| !of_each(name)).collect();
    let heading = names.iter().chain(&above).map(|name| (*name).to_owned());
    let mut rows = vec![row(0, heading.collect())];
    for (number, value) in (1..).zip(values) {
        let own = names.iter().map(|name| text(value.get(name)));
        let shared = above.iter().map(|name| text(document.get(name)));
        rows.push(row(number, own.chain(shared).collect()));
    }
    Some(Table {
        rows,
        separator: ',',
    })
}

fn row(number: u64, cells: Vec<String>) -> Row {
    Row {
        number,
        last: number,
        cells,
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
