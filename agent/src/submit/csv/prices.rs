//! Prices: a row in the columns of WFP and HDX, or of `period,admin1_code,...`, comes in; the data of one market price goes out.
//! A province's name becomes its code; prices stay the text that they are.

use schemas::refusal::Detail;
use serde_json::{Map, Value};

use super::cells::{date, digits, month, province};
use super::{Figure, Line};

pub const COLUMNS: &[&str] = &[
    "period",
    "date",
    "admin1_code",
    "admin1",
    "admin2",
    "market",
    "market_id",
    "latitude",
    "longitude",
    "category",
    "commodity",
    "commodity_id",
    "unit",
    "priceflag",
    "pricetype",
    "currency",
    "price",
    "usdprice",
];

pub const NEEDED: &[&[&str]] = &[
    &["period", "date"],
    &["admin1_code", "admin1"],
    &["market"],
    &["commodity"],
    &["unit"],
    &["pricetype"],
    &["currency"],
    &["price"],
];

const AS_WRITTEN: [&str; 9] = [
    "admin1",
    "admin2",
    "market",
    "category",
    "commodity",
    "unit",
    "priceflag",
    "pricetype",
    "currency",
];

const NUMBERS: [&str; 6] = [
    "market_id",
    "latitude",
    "longitude",
    "commodity_id",
    "price",
    "usdprice",
];

/// # Errors
/// What the row says of its province and month that cannot be read; the rest is the contract's question.
pub fn read(line: &Line) -> Result<Figure, Vec<Detail>> {
    let mut wrong = Vec::new();
    let mut data = Map::new();
    for column in AS_WRITTEN {
        if let Some(cell) = line.cell(column) {
            data.insert(column.into(), cell.into());
        }
    }
    for column in NUMBERS {
        if let Some(cell) = line.cell(column) {
            data.insert(column.into(), digits(cell).into());
        }
    }
    let day = line.cell("date").map(date);
    let period = line.cell("period").or(line.cell("date")).map(month);
    if let (Some(day), Some(period)) = (&day, &period)
        && month(day) != *period
    {
        wrong.push(Detail::new(
            "period",
            "the date lies in another month",
            "កាលបរិច្ឆេទស្ថិតក្នុងខែផ្សេង",
        ));
    }
    if let Some(day) = day {
        data.insert("date".into(), day.into());
    }
    if let Some(period) = &period {
        data.insert("period".into(), period.as_str().into());
    }
    let named = |column| line.cell(column).map(|cell| (column, cell));
    let place = province(named("admin1_code"), named("admin1"));
    let place = place.map_err(|detail| wrong.push(detail)).ok();
    match (place, wrong.is_empty()) {
        (Some(province), true) => {
            data.insert("admin1_code".into(), province.pcode.as_str().into());
            let period = period.unwrap_or_default();
            Ok(Figure {
                data: Value::Object(data),
                subject: format!("{}/{period}", province.pcode),
            })
        }
        (_, _) => Err(wrong),
    }
}
