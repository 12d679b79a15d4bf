//! Log lines that a peer can cause as often as it likes: what a line is about comes in, whether it is written goes out, and how many
//! like it were left out. The first is written at once, and then one a minute. So nobody fills the operator's disk, and nobody's
//! flood hides another's line. What everybody did is in the audit.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::sync::{LazyLock, Mutex, PoisonError};

use tokio::time::Instant;

use crate::limits::{SELDOM_INTERVAL, SELDOM_REMEMBERED_MAX};

/// Writes a line about somebody at a level of tracing's, if it is time for one: `seldom!(warn, office, "code", field, "words")`.
macro_rules! seldom {
    ($level:ident, $about:expr, $code:literal, $($line:tt)+) => {
        if let Some(left_out) = $crate::seldom::line(&$about, $code) {
            tracing::$level!(left_out, $($line)+);
        }
    };
}
pub(crate) use seldom;

/// Lines of this process, by whom they are about and their code.
static LINES: LazyLock<Mutex<Lines>> = LazyLock::new(Mutex::default);

/// A line that may be written now, with the number of those that were left out before it; None where it is left out itself.
pub fn line(about: &impl Display, code: &'static str) -> Option<Option<u64>> {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let (taken, forgotten) = lines.take(about.to_string(), code, Instant::now());
    drop(lines);
    for (code, Forgotten { lines, left_out }) in forgotten {
        tracing::info!(
            code,
            lines,
            left_out,
            "lines that were left out and never told"
        );
    }
    taken
}

/// Lines of one code that are remembered no longer, and how many like them were left out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Forgotten {
    lines: u64,
    left_out: u64,
}

/// By their code.
type AllForgotten = BTreeMap<&'static str, Forgotten>;

#[derive(Debug, Default)]
struct Lines(HashMap<(String, &'static str), Line>);

#[derive(Debug)]
struct Line {
    written: Instant,
    left_out: u64,
}

impl Lines {
    /// Whether a line may be written, as `line` says; and what is forgotten for it.
    fn take(
        &mut self,
        about: String,
        code: &'static str,
        now: Instant,
    ) -> (Option<Option<u64>>, AllForgotten) {
        let known = self.0.contains_key(&(about.clone(), code));
        let forgotten = match known {
            true => AllForgotten::new(),
            false => self.make_room(now),
        };
        let about = match known || self.0.len() < SELDOM_REMEMBERED_MAX {
            true => about,
            // As many at once are a flood of many: they are told of together.
            false => String::new(),
        };
        (self.write((about, code), now), forgotten)
    }

    fn write(&mut self, key: (String, &'static str), now: Instant) -> Option<Option<u64>> {
        let Some(line) = self.0.get_mut(&key) else {
            let (written, left_out) = (now, 0);
            self.0.insert(key, Line { written, left_out });
            return Some(None);
        };
        if now.duration_since(line.written) < SELDOM_INTERVAL {
            line.left_out = line.left_out.saturating_add(1);
            return None;
        }
        line.written = now;
        let left_out = std::mem::take(&mut line.left_out);
        Some(Some(left_out).filter(|left_out| *left_out > 0))
    }

    /// Forgets what was written a while ago, where there are too many.
    fn make_room(&mut self, now: Instant) -> AllForgotten {
        let mut forgotten = AllForgotten::new();
        if self.0.len() < SELDOM_REMEMBERED_MAX {
            return forgotten;
        }
        self.0.retain(|(_, code), line| {
            let lately = now.duration_since(line.written) < SELDOM_INTERVAL;
            if !lately && line.left_out > 0 {
                let of_code: &mut Forgotten = forgotten.entry(code).or_default();
                of_code.lines = of_code.lines.saturating_add(1);
                of_code.left_out = of_code.left_out.saturating_add(line.left_out);
            }
            lately
        });
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(lines: &mut Lines, about: &str, now: Instant) -> Option<Option<u64>> {
        lines.take(about.to_owned(), "false", now).0
    }

    #[test]
    fn the_first_is_written_at_once_then_one_a_minute_with_what_was_left_out() {
        let (mut lines, began) = (Lines::default(), Instant::now());
        assert_eq!(take(&mut lines, "moh/kandal", began), Some(None));
        for _ in 0..1_000 {
            assert_eq!(take(&mut lines, "moh/kandal", began), None);
        }
        assert_eq!(take(&mut lines, "moh/kep", began), Some(None));
        let (other, _) = lines.take("moh/kandal".into(), "other", began);
        assert_eq!(other, Some(None), "another code");
        let later = began + SELDOM_INTERVAL;
        assert_eq!(take(&mut lines, "moh/kandal", later), Some(Some(1_000)));
        assert_eq!(take(&mut lines, "moh/kep", later), Some(None));
    }

    #[test]
    fn as_many_as_are_remembered_and_all_others_together() {
        let (mut lines, began) = (Lines::default(), Instant::now());
        let all = 0..4 * SELDOM_REMEMBERED_MAX;
        let written = all.filter(|number| take(&mut lines, &number.to_string(), began).is_some());
        // And one for those for whom there is no room.
        assert_eq!(written.count(), SELDOM_REMEMBERED_MAX + 1);
        assert_eq!(lines.0.len(), SELDOM_REMEMBERED_MAX + 1);
        let later = began + SELDOM_INTERVAL;
        assert_eq!(take(&mut lines, "new", later), Some(None));
        assert!(lines.0.len() < 3, "what is over is forgotten");
    }

    #[test]
    fn what_was_left_out_is_told_when_it_is_forgotten() {
        let (mut lines, began) = (Lines::default(), Instant::now());
        for number in 0..SELDOM_REMEMBERED_MAX {
            take(&mut lines, &number.to_string(), began);
        }
        for about in ["7", "7", "7", "8", "and others", "and still others"] {
            take(&mut lines, about, began);
        }
        let later = began + SELDOM_INTERVAL;
        let (written, forgotten) = lines.take("new".to_owned(), "other", later);
        assert_eq!(written, Some(None));
        // Three, one, and the second of those for whom there was no room.
        let told = Forgotten {
            lines: 3,
            left_out: 5,
        };
        assert_eq!(forgotten, AllForgotten::from([("false", told)]));
    }
}
