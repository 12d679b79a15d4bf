//! What stands in a cell: text as people and spreadsheet programs write it comes in, what the contract wants goes out, or why not.
//! Khmer and wide digits become ASCII ones, lost zeros of codes and dates come back; what can mean two things is told, never guessed.

use schemas::form::{self, Field, Kind};
use schemas::period::Period;
use schemas::tables::{province_by_code, province_by_name};
use serde_json::Value;

use super::number::{self, Marks};
use crate::words::{self, Words, is_invisible};

/// Why a cell cannot be read: in words, or no more than that it is not what the field expects.
pub type Why = Option<Words>;

/// # Errors
/// Why the cell is not what the field asks for.
pub fn read(field: &Field, cell: &str, marks: Marks) -> Result<Value, Why> {
    sound(cell)?;
    let text = |text: String| Ok(Value::from(text));
    match &field.kind {
        Kind::Text => text(cell.trim().to_owned()),
        Kind::Code => text(visible(cell)),
        Kind::Digits => text(plain(cell)),
        Kind::Number => number::read(cell, marks).and_then(text),
        Kind::Whole => {
            let number = number::read(cell, marks)?;
            number.parse::<u64>().map(Value::from).map_err(|_| None)
        }
        Kind::Day => day(cell).and_then(text),
        Kind::Month => month(cell).and_then(text),
        Kind::Quarter => quarter(cell).ok_or(None).and_then(text),
        Kind::Period => period(cell).and_then(text),
        Kind::Province(more) => province(more, cell).map(Value::from),
        Kind::Codes(codes) => {
            let word = visible(cell);
            codes.of(&word).map(Value::from).ok_or(None)
        }
    }
}

/// Whether the cell is one line of text, and no error of the program that wrote it.
///
/// # Errors
/// Why it is not.
pub fn sound(cell: &str) -> Result<(), Why> {
    if cell.trim().contains(['\n', '\r']) {
        return Err(Some(words::line_break()));
    }
    if is_error_value(&visible(cell)) {
        return Err(Some(words::error_value()));
    }
    Ok(())
}

/// What spreadsheet programs write where a formula failed or a column is too narrow: `#N/A`, `#REF!`, `#NAME?`, `Err:502`, `####`.
fn is_error_value(cell: &str) -> bool {
    let Some(rest) = cell.strip_prefix('#') else {
        let number = cell.strip_prefix("Err:").unwrap_or_default();
        return !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    };
    let named = ["N/A", "N/D", "NV", "GETTING_DATA"].contains(&rest);
    let capitals = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'/';
    let marked = rest.strip_suffix(['!', '?']);
    let marked = marked.is_some_and(|word| !word.is_empty() && word.bytes().all(capitals));
    let narrow = !rest.is_empty() && rest.bytes().all(|b| b == b'#');
    named || marked || narrow
}

/// Whether a flag is set.
///
/// # Errors
/// The word is neither.
pub fn truth(cell: &str) -> Result<bool, Why> {
    match plain(cell).to_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" => Ok(true),
        "" | "false" | "f" | "0" | "no" | "n" => Ok(false),
        _ => Err(Some(words::truth())),
    }
}

/// Without what nobody sees, and without blanks around it.
pub fn visible(cell: &str) -> String {
    let seen: String = cell.chars().filter(|c| !is_invisible(*c)).collect();
    seen.trim().to_owned()
}

/// As [`visible`], with ASCII digits, and without the quote by which a spreadsheet program keeps a number as text.
pub fn plain(cell: &str) -> String {
    let cell = visible(cell);
    let bare = cell.strip_prefix('\'').unwrap_or(&cell);
    let wide = |c: char, zero: char| {
        let value = u32::from(c).checked_sub(u32::from(zero))?;
        char::from_digit(value, 10)
    };
    let digit = |c: char| wide(c, '០').or(wide(c, '０')).unwrap_or(c);
    bare.chars().map(digit).collect()
}

/// A date or a part of one, with the zeros of its month and day, and without midnight.
fn dashed(cell: &str) -> String {
    let text = plain(cell);
    let midnights = ["T00:00:00", " 00:00:00", "T00:00:00.000", "T00:00:00Z"];
    let midnight = midnights.iter().find_map(|time| text.strip_suffix(time));
    let parts = midnight.unwrap_or(&text).split('-').map(two_digits);
    parts.collect::<Vec<_>>().join("-")
}

fn two_digits(part: &str) -> String {
    match part.len() == 1 && part.bytes().all(|b| b.is_ascii_digit()) {
        true => format!("0{part}"),
        false => part.to_owned(),
    }
}

/// Dates that other habits write: which part is the month, nobody can tell.
fn day_or_month_first(text: &str) -> Why {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let short = |part: &&str| part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit());
    let unclear = parts.len() >= 2 && parts.first().is_some_and(short);
    unclear.then(words::date_order)
}

fn day(cell: &str) -> Result<String, Why> {
    let text = dashed(cell);
    match text.parse() {
        Ok(day @ Period::Day(_)) => Ok(day.to_string()),
        Ok(Period::Month { .. } | Period::Quarter { .. }) | Err(_) => {
            Err(day_or_month_first(&text))
        }
    }
}

/// A month, or that of a day: spreadsheet programs make `2026-07` the first of July.
fn month(cell: &str) -> Result<String, Why> {
    let text = dashed(cell);
    match text.parse() {
        Ok(month @ Period::Month { .. }) => Ok(month.dashed()),
        Ok(Period::Day(date)) => Ok(format!("{}-{:02}", date.year(), u8::from(date.month()))),
        Ok(Period::Quarter { .. }) | Err(_) => Err(day_or_month_first(&text)),
    }
}

fn quarter(cell: &str) -> Option<String> {
    let text = plain(cell).to_uppercase().replace("-Q", "Q");
    match text.parse() {
        Ok(quarter @ Period::Quarter { .. }) => Some(quarter.to_string()),
        Ok(Period::Month { .. } | Period::Day(_)) | Err(_) => None,
    }
}

/// A year; a quarter as `2026Q3`; a month as `2026-07`, also of `2026M07`.
fn period(cell: &str) -> Result<String, Why> {
    let text = plain(cell);
    if text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text);
    }
    quarter(cell).map_or_else(
        || month(&text.to_uppercase().replace("-M", "-").replace('M', "-")),
        Ok,
    )
}

/// By its code in any form, with or without its leading zero (`17`, `KH17`, `KH-17`, `1`), or by its name.
fn province<'f>(more: &'f [form::Code], cell: &str) -> Result<&'f str, Why> {
    let text = plain(cell);
    if let Some(code) = form::find(more, &text) {
        return Ok(code);
    }
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("KH").unwrap_or(&upper);
    let bare = bare.strip_prefix('-').unwrap_or(bare);
    let by_code = province_by_code(&two_digits(bare));
    if let Some(province) = by_code.or_else(|| province_by_name(&text)) {
        return Ok(&province.pcode);
    }
    let like_a_code = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit());
    Err(Some(match like_a_code {
        true => words::province_code(),
        false => words::province_name(),
    }))
}
