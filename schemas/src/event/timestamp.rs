//! Times: text or a clock's reading comes in, an instant that is written in one form goes out. No clock is read here.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use super::{AttributeFault, Must, fault};
use crate::limits::{CLOCK_AHEAD_MAX, CLOCK_FLOOR_UNIX_S};

/// An instant in whole seconds, written in UTC with `Z`: the one form in which times are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// Cuts the fraction of a second off. None outside the years 0 to 9999, which RFC 3339 cannot write.
    pub fn from_time(time: OffsetDateTime) -> Option<Timestamp> {
        let time = time.checked_to_offset(UtcOffset::UTC)?;
        let whole = time.replace_nanosecond(0).ok()?;
        (0..=9999)
            .contains(&whole.year())
            .then_some(Timestamp(whole))
    }

    pub fn from_unix_seconds(seconds: i64) -> Option<Timestamp> {
        Timestamp::from_time(OffsetDateTime::from_unix_timestamp(seconds).ok()?)
    }

    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// Whether an event may name this time where a clock shows that one: not before 2000, and not more than a day ahead.
    pub fn is_within_reach_of(self, now: Timestamp) -> bool {
        self.unix_seconds() >= CLOCK_FLOOR_UNIX_S
            && self.seconds_behind(now) <= seconds(CLOCK_AHEAD_MAX)
    }

    /// Seconds from another time to this one; less than 0 where this one is earlier.
    pub fn seconds_behind(self, other: Timestamp) -> i64 {
        self.unix_seconds().saturating_sub(other.unix_seconds())
    }

    pub fn time(self) -> OffsetDateTime {
        self.0
    }

    /// Reads any RFC 3339 time, as a submitter may write it.
    pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
        Timestamp::from_time(OffsetDateTime::parse(text, &Rfc3339).ok()?)
    }
}

/// A span of whole seconds.
pub(crate) fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        let (hour, minute, second) = self.0.to_hms();
        let month = u8::from(month);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl FromStr for Timestamp {
    type Err = AttributeFault;

    /// Reads the signed form only: digits and marks each at their place, so that one instant is written in one way.
    fn from_str(text: &str) -> Result<Timestamp, AttributeFault> {
        signed_form(text).ok_or(fault("time", Must::BeTime))
    }
}

fn signed_form(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let marked = b"    -  -  T  :  :  Z".iter().zip(bytes);
    let marks_stand = marked
        .into_iter()
        .all(|(mark, byte)| mark == byte || (*mark == b' ' && byte.is_ascii_digit()));
    if !marks_stand {
        return None;
    }
    let year: u16 = text.get(0..4)?.parse().ok()?;
    let short = |digits: Range<usize>| text.get(digits)?.parse::<u8>().ok();
    let month = Month::try_from(short(5..7)?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, short(8..10)?).ok()?;
    let time = Time::from_hms(short(11..13)?, short(14..16)?, short(17..19)?).ok()?;
    Some(Timestamp(OffsetDateTime::new_utc(date, time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_within_reach_from_2000_to_a_day_ahead() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let now = time("2026-10-02T03:00:00Z");
        for (text, within) in [
            ("0001-01-01T00:00:00Z", false),
            ("1999-12-31T23:59:59Z", false),
            ("2000-01-01T00:00:00Z", true),
            ("2026-10-03T03:00:00Z", true),
            ("2026-10-03T03:00:01Z", false),
            ("9999-12-31T23:59:59Z", false),
        ] {
            assert_eq!(time(text).is_within_reach_of(now), within, "{text}");
        }
    }
}
