//! Things that a person must know of: a code and a sentence come in, the last ones can be read, the number of all is kept.
//! An alarm never stops anything.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Outage;
use super::limits::{ALARM_BYTES_MAX, ALARMS_MAX};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub at_ms: u64,
    /// Stable and kebab-case.
    pub code: String,
    pub text: String,
}

/// What is told: an alarm of the list. Rooms that still write its code as text are held against the list by a test.
pub trait AlarmCode {
    fn code(&self) -> &str;
}

impl AlarmCode for schemas::alarm::Alarm {
    fn code(&self) -> &str {
        (*self).code()
    }
}

impl AlarmCode for &str {
    fn code(&self) -> &str {
        self
    }
}

/// Writes an alarm with this number down, so that the next start has it.
type Keep = dyn Fn(u64, &Alarm) -> Result<(), Outage> + Send + Sync;

/// The alarms of one store.
pub struct Alarms {
    raised: Mutex<Raised>,
    keep: Box<Keep>,
    /// Codes of what lasts, each with where.
    standing: Mutex<BTreeSet<(String, String)>>,
}

/// The last ones, oldest first, and how many there were in all.
struct Raised {
    last: VecDeque<Alarm>,
    count: u64,
}

impl Alarms {
    /// `count` were raised until now, and `last` are the last of them, oldest first.
    pub fn new(
        last: VecDeque<Alarm>,
        count: u64,
        keep: impl Fn(u64, &Alarm) -> Result<(), Outage> + Send + Sync + 'static,
    ) -> Alarms {
        let mut raised = Raised { last, count };
        raised.forget_old();
        Alarms {
            raised: Mutex::new(raised),
            keep: Box::new(keep),
            standing: Mutex::default(),
        }
    }

    pub fn raise(&self, what: impl AlarmCode, text: String) {
        let alarm = alarm(what.code(), text);
        let number = {
            let mut raised = self.list_of();
            let number = raised.count;
            raised.count += 1;
            raised.last.push_back(alarm.clone());
            raised.forget_old();
            number
        };
        if let Err(error) = (self.keep)(number, &alarm) {
            tracing::error!(%error, "cannot keep an alarm");
        }
    }

    /// Raises what has begun, and not again until it was over. Forgotten with the process: then it is told once more.
    pub fn stands(&self, what: impl AlarmCode, text: Option<String>) {
        self.stands_at(what, "", text);
    }

    /// The same of one of several.
    pub fn stands_at(&self, what: impl AlarmCode, place: &str, text: Option<String>) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let code = what.code();
        let key = (code.to_owned(), place.to_owned());
        match text {
            Some(text) if standing.insert(key.clone()) => {
                drop(standing);
                self.raise(code, text);
            }
            Some(_) => {}
            None => {
                standing.remove(&key);
            }
        }
    }

    /// Those kept, newest first.
    pub fn list(&self) -> Vec<Alarm> {
        self.list_of().last.iter().rev().cloned().collect()
    }

    /// How many were raised since the store was begun.
    pub fn raised(&self) -> u64 {
        self.list_of().count
    }

    fn list_of(&self) -> MutexGuard<'_, Raised> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Raised {
    fn forget_old(&mut self) {
        let too_many = self.last.len().saturating_sub(ALARMS_MAX);
        self.last.drain(..too_many);
    }
}

fn alarm(code: &str, mut text: String) -> Alarm {
    tracing::error!(code, "{text}");
    text.truncate(text.floor_char_boundary(ALARM_BYTES_MAX));
    Alarm {
        at_ms: now_ms(),
        code: code.into(),
        text,
    }
}

/// Milliseconds since 1970 by this machine's clock, which may be wrong: for people, never for order.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
