//! Things that a person must know of: a code and a sentence come in, the last ones can be read, the number of all is kept.
//! An alarm never stops anything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sled::Db;

use super::limits::{ALARM_BYTES_MAX, ALARMS_MAX};

const PREFIX: &[u8] = b"\0alarm";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub at_ms: u64,
    /// Stable and kebab-case.
    pub code: String,
    pub text: String,
}

/// The alarms in one index.
pub struct Alarms {
    db: Db,
    raised: AtomicU64,
}

impl Alarms {
    pub fn new(db: Db) -> Alarms {
        let last = db.scan_prefix(PREFIX).next_back();
        let number = last.and_then(Result::ok).and_then(|(key, _)| {
            key.last_chunk()
                .map(|number| u64::from_be_bytes(*number) + 1)
        });
        Alarms {
            db,
            raised: AtomicU64::new(number.unwrap_or(0)),
        }
    }

    pub fn raise(&self, code: &str, mut text: String) {
        tracing::error!(code, "{text}");
        text.truncate(text.floor_char_boundary(ALARM_BYTES_MAX));
        let alarm = Alarm {
            at_ms: now_ms(),
            code: code.into(),
            text,
        };
        let number = self.raised.fetch_add(1, Ordering::Relaxed);
        let value = serde_json::to_vec(&alarm).expect("an alarm is plain text");
        let old = number.checked_sub(ALARMS_MAX as u64);
        let kept = self.db.insert(key(number), value);
        if let Err(error) = kept.and_then(|_| old.map_or(Ok(None), |old| self.db.remove(key(old))))
        {
            tracing::error!(%error, "cannot keep an alarm");
        }
    }

    /// Those kept, newest first.
    pub fn list(&self) -> Vec<Alarm> {
        let values = self.db.scan_prefix(PREFIX).values().rev().flatten();
        values
            .filter_map(|value| serde_json::from_slice(&value).ok())
            .collect()
    }

    /// How many were raised since the index was begun.
    pub fn raised(&self) -> u64 {
        self.raised.load(Ordering::Relaxed)
    }
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
