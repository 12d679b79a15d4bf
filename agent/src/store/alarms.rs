//! Things that a person must know of: a code and a sentence come in, the last ones can be read, the number of all is kept.
//! An alarm never stops anything.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sled::Db;

use super::batch::Batch;
use super::index::Index;
use super::limits::{ALARM_BYTES_MAX, ALARMS_MAX};

const PREFIX: &[u8] = b"\0alarm";

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

/// The alarms in one index.
pub struct Alarms {
    index: Arc<Index>,
    raised: AtomicU64,
    /// Codes of what lasts, each with where.
    standing: Mutex<BTreeSet<(String, String)>>,
}

impl Alarms {
    pub fn new(index: Arc<Index>) -> Alarms {
        let raised = AtomicU64::new(next(&index.db()));
        Alarms {
            index,
            raised,
            standing: Mutex::default(),
        }
    }

    pub fn raise(&self, what: impl AlarmCode, text: String) {
        let value = written(what.code(), text);
        let number = self.raised.fetch_add(1, Ordering::Relaxed);
        let mut batch = Batch::default();
        batch.insert(key(number), value);
        if let Some(old) = number.checked_sub(ALARMS_MAX as u64) {
            batch.remove(key(old));
        }
        if let Err(error) = self.index.write(&batch) {
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
        let values = self.index.db().scan_prefix(PREFIX).values().rev().flatten();
        values
            .filter_map(|value| serde_json::from_slice(&value).ok())
            .collect()
    }

    /// How many were raised since the index was begun.
    pub fn raised(&self) -> u64 {
        self.raised.load(Ordering::Relaxed)
    }
}

/// Raises an alarm in an index that is still being made.
pub fn raise_in(db: &Db, code: &str, text: String) -> Result<(), sled::Error> {
    db.insert(key(next(db)), written(code, text)).map(|_| ())
}

/// The number of the alarm that comes next.
fn next(db: &Db) -> u64 {
    let last = db.scan_prefix(PREFIX).next_back();
    let number = last.and_then(Result::ok).and_then(|(key, _)| {
        key.last_chunk()
            .map(|number| u64::from_be_bytes(*number) + 1)
    });
    number.unwrap_or(0)
}

fn written(code: &str, mut text: String) -> Vec<u8> {
    tracing::error!(code, "{text}");
    text.truncate(text.floor_char_boundary(ALARM_BYTES_MAX));
    let alarm = Alarm {
        at_ms: now_ms(),
        code: code.into(),
        text,
    };
    serde_json::to_vec(&alarm).expect("an alarm is plain text")
}

fn key(number: u64) -> Vec<u8> {
    [PREFIX, &number.to_be_bytes()].concat()
}

/// Milliseconds since 1970 by this machine's clock, which may be wrong: for people, never for order.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
