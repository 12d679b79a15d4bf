//! Numbers: digits in any of the habits of people and programs come in, a decimal number with a point goes out, or why it cannot be
//! told. `1,200` is 1200 for one clerk and 1.2 for another; only the rest of its column tells, and where it does not, nobody guesses.

use super::cell::{Why, plain, visible};
use crate::words;

/// What a column shows of its habit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// A point before decimals, as the contracts have it.
    Point,
    /// A comma: at least one cell can be read in no other way, and none has a point.
    Comma,
    /// Both stand in it.
    Mixed,
}

/// A number of digits with one sign between them.
struct Parted<'t> {
    whole: &'t str,
    rest: &'t str,
}

impl<'t> Parted<'t> {
    fn at(text: &'t str, sign: char) -> Option<Parted<'t>> {
        let (whole, rest) = text.strip_prefix('-').unwrap_or(text).split_once(sign)?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (digits(whole) && digits(rest)).then_some(Parted { whole, rest })
    }

    /// What stands behind the sign may be thousands.
    fn may_be_thousands(&self) -> bool {
        self.rest.len() == 3 && self.whole.len() <= 3 && !self.whole.starts_with('0')
    }
}

/// Looks at all cells of a column.
pub fn marks<'c>(cells: impl Iterator<Item = &'c str>) -> Marks {
    let (mut comma, mut point) = (false, false);
    for cell in cells {
        let text = plain(cell);
        point |= Parted::at(&text, '.').is_some();
        comma |= Parted::at(&text, ',').is_some_and(|parted| !parted.may_be_thousands());
    }
    match (comma, point) {
        (true, false) => Marks::Comma,
        (true, true) => Marks::Mixed,
        (false, _) => Marks::Point,
    }
}

/// # Errors
/// Why it is no number, or can be two.
pub fn read(cell: &str, marks: Marks) -> Result<String, Why> {
    let text = plain(cell).replace('\u{2212}', "-");
    let khmer = visible(cell).chars().any(|c| ('០'..='៩').contains(&c));
    let sign = if text.starts_with('-') { "-" } else { "" };
    if text.chars().any(char::is_whitespace) && text.chars().any(|c| c.is_ascii_digit()) {
        return Err(Some(words::number_blank()));
    }
    if let Some(parted) = Parted::at(&text, ',') {
        let Parted { whole, rest } = parted;
        return match marks {
            Marks::Comma => written(sign, whole, rest),
            Marks::Mixed => Err(Some(words::number_mixed())),
            Marks::Point => Err(Some(words::number_comma(
                &format!("{sign}{whole}{rest}"),
                &format!("{sign}{whole}.{rest}"),
            ))),
        };
    }
    if let Some(parted) = Parted::at(&text, '.') {
        let Parted { whole, rest } = parted;
        // Khmer writes its thousands with a point.
        if khmer && parted.may_be_thousands() {
            return Err(Some(words::number_point(
                &format!("{sign}{whole}{rest}"),
                &format!("{sign}{whole}.{rest}"),
            )));
        }
        return written(sign, whole, rest);
    }
    let bare = text.strip_prefix('-').unwrap_or(&text);
    match bare.bytes().all(|b| b.is_ascii_digit()) && !bare.is_empty() {
        true => written(sign, bare, ""),
        false => Err(otherwise(bare)),
    }
}

/// As it is written once and for all: a spreadsheet program that saves a sheet again changes the zeros at the end.
fn written(sign: &str, whole: &str, decimals: &str) -> Result<String, Why> {
    if whole.len() > 1 && whole.starts_with('0') {
        return Err(Some(words::number_zero()));
    }
    let decimals = decimals.trim_end_matches('0');
    Ok(match (whole, decimals) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, decimals) => format!("{sign}{whole}.{decimals}"),
    })
}

fn otherwise(text: &str) -> Why {
    let only = |signs: &str| {
        text.chars()
            .all(|c| c.is_ascii_digit() || signs.contains(c))
    };
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    if digits && only(".,'") {
        return Some(words::number_thousands());
    }
    (digits && only(".,eE+-") && text.contains(['e', 'E'])).then(words::number_short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(cell: &str) -> Result<String, Why> {
        read(cell, marks([cell].into_iter()))
    }

    #[test]
    fn a_number_is_read_from_every_habit_that_means_one_thing() {
        for (cell, number) in [
            ("41", "41"),
            (" 41\u{200b}", "41"),
            ("'41", "41"),
            ("៤១", "41"),
            ("４１", "41"),
            ("\u{a0}41", "41"),
            ("0.60", "0.6"),
            ("1.0", "1"),
            ("-12.50", "-12.5"),
            ("−3", "-3"),
            ("-0", "0"),
            ("591.463", "591.463"),
            ("1,5", "1.5"),
            ("0,500", "0.5"),
            ("1234,567", "1234.567"),
            ("១២,៧៥", "12.75"),
        ] {
            assert_eq!(one(cell), Ok(number.to_owned()), "{cell:?}");
        }
    }

    #[test]
    fn what_can_mean_two_things_is_told_and_never_guessed() {
        for (cell, said) in [
            ("1,200", "the comma can mean 1200 or 1.200"),
            (
                "១.២០០",
                "with Khmer digits the point can mean 1200 or 1.200",
            ),
            ("1 200", "there is a blank inside the number"),
            ("1\u{a0}200", "there is a blank inside the number"),
            ("007", "begins with a zero that does not belong there"),
            ("1,234,567", "signs between the thousands"),
            ("1,234.50", "signs between the thousands"),
            ("1.2E+05", "has shortened the number"),
        ] {
            let why = one(cell).expect_err(cell).expect("words");
            assert!(why.en.contains(said), "{cell:?}: {}", why.en);
        }
        for cell in ["", "many", "4100 KHR a", "+", "-", "=1+1", "1-2"] {
            assert!(one(cell).is_err(), "{cell:?}");
        }
    }

    #[test]
    fn a_column_tells_what_its_commas_mean_unless_it_has_points_too() {
        let column = ["12,5", "1,200", "7"];
        assert_eq!(marks(column.into_iter()), Marks::Comma);
        assert_eq!(read("1,200", Marks::Comma), Ok("1.2".to_owned()));
        let mixed = marks(["12,5", "1.5"].into_iter());
        assert_eq!(mixed, Marks::Mixed);
        let why = read("12,5", mixed).expect_err("mixed").expect("words");
        assert!(why.en.contains("points and commas"));
        assert_eq!(read("1.5", mixed), Ok("1.5".to_owned()));
    }
}
