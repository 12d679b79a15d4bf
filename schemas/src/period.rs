//! Periods as DHIS2 writes them: `2026Q3`, `202607`, and as dates and months are written elsewhere: `2026-07`, `2026-07-15`.
//! Text comes in, a period that exists goes out. Periods are those of Asia/Phnom_Penh, which is seven hours ahead of UTC
//! all the year; which period it is now is asked for a given instant, never of a clock.

use std::fmt;
use std::str::FromStr;

use time::{Date, Month, UtcOffset};

use crate::event::Timestamp;

/// A quarter, a month or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    Quarter { year: u16, quarter: u8 },
    Month { year: u16, month: u8 },
    Day(Date),
}

/// Text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no period: write 2026Q3, 202607, 2026-07 or 2026-07-15")]
pub struct PeriodFault(String);

/// The day that it is in Cambodia at an instant.
pub fn day_at(instant: Timestamp) -> Date {
    let cambodia = UtcOffset::from_hms(7, 0, 0).expect("seven hours are an offset");
    instant.time().to_offset(cambodia).date()
}

impl Period {
    /// The quarter that it is in Cambodia at an instant.
    pub fn quarter_at(instant: Timestamp) -> Period {
        Period::Day(day_at(instant)).quarter()
    }

    /// The month that it is in Cambodia at an instant.
    pub fn month_at(instant: Timestamp) -> Period {
        let day = day_at(instant);
        Period::Month {
            year: year_of(day),
            month: day.month().into(),
        }
    }

    /// The quarter that it lies in.
    pub fn quarter(self) -> Period {
        let (year, month) = match self {
            Period::Quarter { .. } => return self,
            Period::Month { year, month } => (year, month),
            Period::Day(date) => (year_of(date), date.month().into()),
        };
        Period::Quarter {
            year,
            quarter: (month - 1) / 3 + 1,
        }
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        let (year, month) = match self {
            Period::Quarter { year, quarter } => (year, (quarter - 1) * 3 + 1),
            Period::Month { year, month } => (year, month),
            Period::Day(date) => return date,
        };
        let month = Month::try_from(month).expect("1 to 12 was checked when it was read");
        Date::from_calendar_date(year.into(), month, 1).expect("every month has a first day")
    }

    /// Its last day.
    pub fn last_day(self) -> Date {
        let first = self.first_day();
        let last_month = match self {
            Period::Quarter { .. } => first.month().nth_next(2),
            Period::Month { .. } => first.month(),
            Period::Day(date) => return date,
        };
        let days = last_month.length(first.year());
        Date::from_calendar_date(first.year(), last_month, days).expect("a month has so many days")
    }

    /// A month as feeds carry it, `2026-07`; quarters and days as `Display` writes them.
    pub fn dashed(self) -> String {
        match self {
            Period::Month { year, month } => format!("{year}-{month:02}"),
            Period::Quarter { .. } | Period::Day(_) => self.to_string(),
        }
    }
}

fn year_of(date: Date) -> u16 {
    u16::try_from(date.year()).unwrap_or(0)
}

impl fmt::Display for Period {
    /// As DHIS2 writes quarters and months; days as ISO 8601 does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Period::Quarter { year, quarter } => write!(f, "{year}Q{quarter}"),
            Period::Month { year, month } => write!(f, "{year}{month:02}"),
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
    let (year, rest) = (digits(text.get(..4)?)?, &text[4..]);
    if let Some(quarter) = rest.strip_prefix('Q') {
        let quarter =
            digits(quarter).filter(|number| quarter.len() == 1 && (1..=4).contains(number))?;
        return Some(Period::Quarter {
            year,
            quarter: quarter as u8,
        });
    }
    let month = |text: &str| {
        digits(text)
            .filter(|number| text.len() == 2 && (1..=12).contains(number))
            .map(|number| number as u8)
    };
    match rest
        .strip_prefix('-')
        .map(|rest| rest.split_once('-').unwrap_or((rest, "")))
    {
        None => Some(Period::Month {
            year,
            month: month(rest)?,
        }),
        Some((number, "")) if rest.len() == 3 => Some(Period::Month {
            year,
            month: month(number)?,
        }),
        Some((number, day)) => {
            let day = digits(day).filter(|_| day.len() == 2)?;
            let month = Month::try_from(month(number)?).ok()?;
            Some(Period::Day(
                Date::from_calendar_date(year.into(), month, day as u8).ok()?,
            ))
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
        let quarter =
            |text| Period::quarter_at(Timestamp::from_rfc3339(text).expect(text)).to_string();
        assert_eq!(quarter("2026-09-30T16:59:59Z"), "2026Q3");
        assert_eq!(quarter("2026-09-30T17:00:00Z"), "2026Q4");
        assert_eq!(quarter("2026-12-31T17:00:00Z"), "2027Q1");
        let month =
            Period::month_at(Timestamp::from_rfc3339("2026-06-30T17:00:00Z").expect("a time"));
        assert_eq!(month, period("202607"));
    }
}
