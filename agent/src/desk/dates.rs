//! Times and numbers as people of the office read them: milliseconds since 1970 and numbers come in, text of Phnom Penh goes out. Prose has
//! Khmer digits; tables have Latin ones, in an order that sorts.

use time::{Date, OffsetDateTime, UtcOffset};

use super::words::Lang;

/// Asia/Phnom_Penh, which knows no summer time.
const SECONDS_AHEAD_OF_UTC: i64 = 7 * 60 * 60;

const MONTHS: [(&str, &str); 12] = [
    ("មករា", "January"),
    ("កុម្ភៈ", "February"),
    ("មីនា", "March"),
    ("មេសា", "April"),
    ("ឧសភា", "May"),
    ("មិថុនា", "June"),
    ("កក្កដា", "July"),
    ("សីហា", "August"),
    ("កញ្ញា", "September"),
    ("តុលា", "October"),
    ("វិច្ឆិកា", "November"),
    ("ធ្នូ", "December"),
];

const DAYS: [(&str, &str); 7] = [
    ("ច័ន្ទ", "Monday"),
    ("អង្គារ", "Tuesday"),
    ("ពុធ", "Wednesday"),
    ("ព្រហស្បតិ៍", "Thursday"),
    ("សុក្រ", "Friday"),
    ("សៅរ៍", "Saturday"),
    ("អាទិត្យ", "Sunday"),
];

/// A number in prose: no separators, because Khmer digits swap them.
pub fn digits(lang: Lang, number: u64) -> String {
    in_digits_of(lang, &number.to_string())
}

fn in_digits_of(lang: Lang, text: &str) -> String {
    match lang {
        Lang::Km => text.chars().map(khmer_digit).collect(),
        Lang::En | Lang::Qps => text.to_owned(),
    }
}

fn khmer_digit(c: char) -> char {
    match c.to_digit(10).filter(|_| c.is_ascii_digit()) {
        Some(digit) => char::from_u32('០' as u32 + digit).unwrap_or(c),
        None => c,
    }
}

/// Khmer digits are read as Latin ones; everything else stays.
pub fn latin_digits(text: &str) -> String {
    let latin = |c: char| match c {
        '០'..='៩' => char::from_digit(c as u32 - '០' as u32, 10).unwrap_or(c),
        other => other,
    };
    text.chars().map(latin).collect()
}

/// The wall clock of Phnom Penh; None for what no calendar has.
fn there(ms: u64) -> Option<OffsetDateTime> {
    let seconds = i64::try_from(ms / 1_000).ok()?;
    let shifted = seconds.checked_add(SECONDS_AHEAD_OF_UTC)?;
    let time = OffsetDateTime::from_unix_timestamp(shifted).ok()?;
    Some(time.replace_offset(UtcOffset::UTC))
}

/// For a table: `2026-11-30 10:05`.
pub fn stamp(ms: u64) -> String {
    there(ms).map_or_else(String::new, |at| {
        let (month, day) = (u8::from(at.month()), at.day());
        let (hour, minute) = (at.hour(), at.minute());
        format!("{:04}-{month:02}-{day:02} {hour:02}:{minute:02}", at.year())
    })
}

/// In prose, with its day of the week: `Monday, 30 November 2026`.
pub fn day(lang: Lang, ms: u64) -> String {
    let Some(at) = there(ms) else {
        return String::new();
    };
    let day_of_week = at.weekday().number_days_from_monday();
    let (km, en) = DAYS
        .get(usize::from(day_of_week))
        .copied()
        .unwrap_or_default();
    match lang {
        Lang::Km => format!("ថ្ងៃ{km} {}", date(lang, at)),
        Lang::En | Lang::Qps => format!("{en}, {}", date(lang, at)),
    }
}

/// A day in prose: `30 November 2026`.
pub fn written(lang: Lang, day: Date) -> String {
    date(lang, day.midnight().assume_utc())
}

fn date(lang: Lang, at: OffsetDateTime) -> String {
    let month = usize::from(u8::from(at.month())) - 1;
    let (km, en) = MONTHS.get(month).copied().unwrap_or_default();
    let (day, year) = (at.day(), at.year());
    match lang {
        Lang::Km => in_digits_of(lang, &format!("ទី{day} ខែ{km} ឆ្នាំ{year}")),
        Lang::En | Lang::Qps => format!("{day} {en} {year}"),
    }
}

/// In prose: the time alone where it is today, else with its date.
pub fn moment(lang: Lang, ms: u64, now_ms: u64) -> String {
    let (Some(at), Some(now)) = (there(ms), there(now_ms)) else {
        return String::new();
    };
    let time = format!("{:02}:{:02}", at.hour(), at.minute());
    let time = match lang {
        Lang::Km => format!("ម៉ោង {}", in_digits_of(lang, &time)),
        Lang::En | Lang::Qps => time,
    };
    match (at.date() == now.date(), lang) {
        (true, _) => time,
        (false, Lang::Km) => format!("ថ្ងៃ{} {time}", date(lang, at)),
        (false, Lang::En | Lang::Qps) => format!("{}, {time}", date(lang, at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 November 2026, 10:05 in Phnom Penh.
    const MORNING: u64 = 1_796_007_900_000;
    const HOUR: u64 = 60 * 60 * 1_000;

    #[test]
    fn prose_has_khmer_digits_and_tables_have_latin_ones() {
        assert_eq!(stamp(MORNING), "2026-11-30 10:05");
        assert_eq!(day(Lang::Km, MORNING), "ថ្ងៃច័ន្ទ ទី៣០ ខែវិច្ឆិកា ឆ្នាំ២០២៦");
        assert_eq!(day(Lang::En, MORNING), "Monday, 30 November 2026");
        assert_eq!(digits(Lang::Km, 1_234), "១២៣៤");
        assert_eq!(latin_digits("១២៣ 45"), "123 45");
    }

    #[test]
    fn today_needs_no_date() {
        let evening = MORNING + 9 * HOUR;
        assert_eq!(moment(Lang::Km, MORNING, evening), "ម៉ោង ១០:០៥");
        assert_eq!(moment(Lang::En, MORNING, evening), "10:05");
        let next_day = MORNING + 14 * HOUR;
        assert_eq!(
            moment(Lang::En, MORNING, next_day),
            "30 November 2026, 10:05"
        );
        assert_eq!(
            moment(Lang::Km, MORNING, next_day),
            "ថ្ងៃទី៣០ ខែវិច្ឆិកា ឆ្នាំ២០២៦ ម៉ោង ១០:០៥"
        );
    }

    #[test]
    fn a_clock_that_is_years_off_is_no_panic() {
        assert_eq!(stamp(u64::MAX), "");
        assert_eq!(stamp(0), "1970-01-01 07:00");
    }
}
