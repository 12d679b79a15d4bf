//! Periods as DHIS2 writes them: `2026Q3`, `202607`, and as dates and months are written elsewhere: `2026-07`, `2026-07-15`.
//! Text comes in, a period that exists goes out. Periods are those of Asia/Phnom_Penh, which is seven hours ahead of UTC
//! all the year; which period it is now is asked for a given instant, never of a clock.

use std::fmt;
use std::str::FromStr;

use time::macros::offset;
use time::{Date, Month, UtcOffset};

use crate::event::Timestamp;

/// Cambodia's time, all the year.
const PHNOM_PENH: UtcOffset = offset!(+7);

/// A quarter by the month that it begins with, a month or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    Quarter { year: u16, first: Month },
    Month { year: u16, month: Month },
    Day(Date),
}

/// Text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no period: write 2026Q3, 202607, 2026-07 or 2026-07-15")]
pub struct PeriodFault(String);

/// The day that it is in Cambodia at an instant. None in the last hours of the year 9999: it is a year there that cannot be written.
pub fn day_at(instant: Timestamp) -> Option<Date> {
    let there = instant.time().checked_to_offset(PHNOM_PENH)?;
    Some(there.date())
}

impl Period {
    /// The quarter that it is in Cambodia at an instant.
    pub fn quarter_at(instant: Timestamp) -> Option<Period> {
        Some(Period::Day(day_at(instant)?).quarter())
    }

    /// The month that it is in Cambodia at an instant.
    pub fn month_at(instant: Timestamp) -> Option<Period> {
        let day = day_at(instant)?;
        Some(Period::Month {
            year: year_of(day),
            month: day.month(),
        })
    }

    /// The quarter that it lies in.
    pub fn quarter(self) -> Period {
        let (year, month) = match self {
            Period::Quarter { .. } => return self,
            Period::Month { year, month } => (year, month),
            Period::Day(date) => (year_of(date), date.month()),
        };
        let first = match month {
            Month::January | Month::February | Month::March => Month::January,
            Month::April | Month::May | Month::June => Month::April,
            Month::July | Month::August | Month::September => Month::July,
            Month::October | Month::November | Month::December => Month::October,
        };
        Period::Quarter { year, first }
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        match self {
            Period::Quarter { year, first } => day(year, first, 1),
            Period::Month { year, month } => day(year, month, 1),
            Period::Day(date) => date,
        }
    }

    /// Its last day.
    pub fn last_day(self) -> Date {
        let (year, last) = match self {
            Period::Quarter { year, first } => (year, first.nth_next(2)),
            Period::Month { year, month } => (year, month),
            Period::Day(date) => return date,
        };
        day(year, last, last.length(year.into()))
    }

    /// The one before it, of its kind. None before the first day that can be written.
    pub fn previous(self) -> Option<Period> {
        let last = Period::Day(self.first_day().previous_day()?);
        Some(match self {
            Period::Quarter { .. } => last.quarter(),
            Period::Month { .. } => Period::Month {
                year: year_of(last.first_day()),
                month: last.first_day().month(),
            },
            Period::Day(_) => last,
        })
    }

    /// A month as feeds carry it, `2026-07`; quarters and days as `Display` writes them.
    pub fn dashed(self) -> String {
        match self {
            Period::Month { year, month } => format!("{year}-{:02}", u8::from(month)),
            Period::Quarter { .. } | Period::Day(_) => self.to_string(),
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "a year is read as four digits, and every month has a day 1 and as many as its length says"
)]
fn day(year: u16, month: Month, day: u8) -> Date {
    Date::from_calendar_date(year.into(), month, day).expect("a day that there is")
}

fn year_of(date: Date) -> u16 {
    u16::try_from(date.year()).unwrap_or(0)
}

impl fmt::Display for Period {
    /// As DHIS2 writes quarters and months; days as ISO 8601 does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Period::Quarter { year, first } => {
                write!(f, "{year}Q{}", u8::from(*first).div_ceil(3))
            }
            Period::Month { year, month } => write!(f, "{year}{:02}", u8::from(*month)),
            Period::Day(date) => {
                write!(
                    f,
                    "{}-{:02}-{:02}",
                    date.year(),
                    u8::from(date.month()),
                    date.day()
                )
            }
        }
    }
}

impl FromStr for Period {
    type Err = PeriodFault;

    fn from_str(text: &str) -> Result<Period, PeriodFault> {
        read(text).ok_or_else(|| PeriodFault(text.chars().take(32).collect()))
    }
}

fn read(text: &str) -> Option<Period> {
    if !text.is_ascii() || !text.starts_with(['1', '2']) {
        return None;
    }
    let (year, rest) = text.split_at_checked(4)?;
    let year = digits(year)?;
    if let Some(quarter) = rest.strip_prefix('Q') {
        let first = match quarter {
            "1" => Month::January,
            "2" => Month::April,
            "3" => Month::July,
            "4" => Month::October,
            _ => return None,
        };
        return Some(Period::Quarter { year, first });
    }
    let two = |text: &str| u8::try_from(digits(text).filter(|_| text.len() == 2)?).ok();
    let month = |text: &str| Month::try_from(two(text)?).ok();
    let Some(rest) = rest.strip_prefix('-') else {
        let month = month(rest)?;
        return Some(Period::Month { year, month });
    };
    match rest.split_once('-') {
        None => Some(Period::Month {
            year,
            month: month(rest)?,
        }),
        Some((number, day)) => {
            let date = Date::from_calendar_date(year.into(), month(number)?, two(day)?);
            Some(Period::Day(date.ok()?))
        }
    }
}

fn digits(text: &str) -> Option<u16> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        text.parse().expect(text)
    }

    #[test]
    fn the_period_before_is_of_the_same_kind_also_over_the_end_of_a_year() {
        for (text, before) in [
            ("2026Q3", "2026Q2"),
            ("2026Q1", "2025Q4"),
            ("202607", "202606"),
            ("202601", "202512"),
            ("2024-03-01", "2024-02-29"),
        ] {
            assert_eq!(period(text).previous(), Some(period(before)), "{text}");
        }
    }

    #[test]
    fn periods_are_read_as_they_are_written_and_nothing_else_is_one() {
        for text in ["2026Q3", "202607", "2026-07-15", "2024-02-29"] {
            assert_eq!(period(text).to_string(), text);
        }
        assert_eq!(period("2024-01"), period("202401"));
        assert_eq!(period("202401").dashed(), "2024-01");
        for text in [
            "",
            "2026",
            "2026Q0",
            "2026Q5",
            "2026q3",
            "2026Q03",
            "202613",
            "202600",
            "2026-7",
            "2026-13",
            "2026-07-",
            "2026-02-30",
            "2026-07-15-",
            "2026-7-15",
            "26Q3",
            "2026Q3 ",
            " 2026Q3",
            "២០២៦Q3",
            "+026Q3",
            "2026-Q3",
            "2026+7",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_quarter_has_its_first_and_last_day_and_holds_its_months() {
        let days = |text| {
            (
                period(text).first_day().to_string(),
                period(text).last_day().to_string(),
            )
        };
        assert_eq!(days("2026Q3"), ("2026-07-01".into(), "2026-09-30".into()));
        assert_eq!(days("2026Q4"), ("2026-10-01".into(), "2026-12-31".into()));
        assert_eq!(days("202402"), ("2024-02-01".into(), "2024-02-29".into()));
        assert_eq!(period("202609").quarter(), period("2026Q3"));
        assert_eq!(period("2026-10-01").quarter(), period("2026Q4"));
    }

    #[test]
    fn a_quarter_begins_at_midnight_in_phnom_penh() {
        let at = |text| Timestamp::from_rfc3339(text).expect(text);
        let quarter = |text| Period::quarter_at(at(text)).expect(text).to_string();
        assert_eq!(quarter("2026-09-30T16:59:59Z"), "2026Q3");
        assert_eq!(quarter("2026-09-30T17:00:00Z"), "2026Q4");
        assert_eq!(quarter("2026-12-31T17:00:00Z"), "2027Q1");
        let month = Period::month_at(at("2026-06-30T17:00:00Z"));
        assert_eq!(month, Some(period("202607")));
    }

    #[test]
    fn an_instant_that_lies_behind_the_last_day_there_is_on_no_day() {
        let day = |text| day_at(Timestamp::from_rfc3339(text).expect(text));
        assert_eq!(day("9999-12-31T16:59:59Z"), Some(Date::MAX));
        assert_eq!(day("9999-12-31T17:00:00Z"), None);
    }
}
