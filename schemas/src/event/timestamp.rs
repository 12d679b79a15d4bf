//! Times: text or a clock's reading comes in, an instant that is written in one form goes out. No clock is read here.

use std::fmt;
use std::str::FromStr;

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use super::{AttributeFault, Must, fault};

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

    pub fn time(self) -> OffsetDateTime {
        self.0
    }

    /// Reads any RFC 3339 time, as a submitter may write it.
    pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
        Timestamp::from_time(OffsetDateTime::parse(text, &Rfc3339).ok()?)
    }
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
    // All ASCII by now, so that every index is a character.
    let number = |from: usize, to: usize| text[from..to].parse::<u16>().ok();
    let short = |from: usize| u8::try_from(number(from, from + 2)?).ok();
    if !marks_stand {
        return None;
    }
    let month = Month::try_from(short(5)?).ok()?;
    let date = Date::from_calendar_date(number(0, 4)?.into(), month, short(8)?).ok()?;
    let time = Time::from_hms(short(11)?, short(14)?, short(17)?).ok()?;
    Some(Timestamp(OffsetDateTime::new_utc(date, time)))
}
