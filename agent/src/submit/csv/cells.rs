//! What stands in a cell: text as people and spreadsheet programs write it comes in, codes and numbers as contracts want them go out.
//! Khmer digits become ASCII ones and lost leading zeros come back; anything else is left as it is, for the contract to judge.

use schemas::refusal::Detail;
use schemas::tables::{Province, province_by_code, province_by_name};

/// Writes ០-៩ as 0-9.
pub fn digits(cell: &str) -> String {
    let digit = |c: char| match u32::from(c).checked_sub(u32::from('០')) {
        Some(value) => char::from_digit(value, 10).unwrap_or(c),
        None => c,
    };
    cell.chars().map(digit).collect()
}

/// A month as `2024-07`, where it is one: of a month `2024-7`, or of a day `2024-07-15`.
pub fn month(cell: &str) -> String {
    let date = date(cell);
    match date.split('-').collect::<Vec<_>>()[..] {
        [year, month, ..] => format!("{year}-{month}"),
        _ => date,
    }
}

/// A date, or a part of one, with the zeros of its month and day.
pub fn date(cell: &str) -> String {
    let parts: Vec<String> = digits(cell).split('-').map(two_digits).collect();
    parts.join("-")
}

fn two_digits(part: &str) -> String {
    let short = part.len() == 1 && part.bytes().all(|b| b.is_ascii_digit());
    if short {
        format!("0{part}")
    } else {
        part.into()
    }
}

/// The province of a code in any of its forms, with or without its leading zero: `17`, `KH17`, `KH-17`, `1`.
pub fn province_of_code(cell: &str) -> Option<&'static Province> {
    let code = digits(cell).to_ascii_uppercase();
    let code = code.strip_prefix("KH").unwrap_or(&code);
    province_by_code(&two_digits(code.strip_prefix('-').unwrap_or(code)))
}

/// The P-code of the province that a row names, by a column of codes or one of names.
///
/// # Errors
/// The column that names no province, or another one than the code.
pub fn province(
    code: Option<(&str, &str)>,
    name: Option<(&str, &str)>,
) -> Result<&'static Province, Detail> {
    let by_code = code.map(|(at, cell)| province_of_code(cell).ok_or_else(|| no_code(at)));
    let by_name = name.map(|(at, cell)| province_by_name(cell).ok_or(at));
    match (by_code.transpose()?, by_name) {
        (Some(code), Some(Ok(name))) if code != name => Err(Detail::new(
            "admin1_code",
            "the code is another province's than the name",
            "លេខកូដជារបស់ខេត្តផ្សេងពីឈ្មោះ",
        )),
        (Some(code), _) => Ok(code),
        (None, Some(Ok(name))) => Ok(name),
        (None, Some(Err(at))) => Err(Detail::new(
            at,
            "no province is known by this name; write its name otherwise, or its code",
            "គ្មានខេត្តដែលមានឈ្មោះនេះទេ សូមសរសេរឈ្មោះផ្សេង ឬលេខកូដ",
        )),
        (None, None) => Err(Detail::new(
            "admin1_code",
            "the province is missing",
            "ខ្វះខេត្ត",
        )),
    }
}

fn no_code(at: &str) -> Detail {
    Detail::new(
        at,
        "this is no province's code; codes are 01 to 25",
        "នេះមិនមែនជាលេខកូដខេត្តទេ លេខកូដគឺ 01 ដល់ 25",
    )
}

pub fn missing(column: &str) -> Detail {
    Detail::new(column, "the cell is empty", "ក្រឡាទទេ")
}
