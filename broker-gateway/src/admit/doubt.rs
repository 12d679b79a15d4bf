//! Logs in which a bad signature was found come in; for a while each of their events is verified on its own. Nothing is kept for
//! good: a restarted gateway begins without doubts, which costs it no more than one sample.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use schemas::subject::LogName;

use crate::limits::{DOUBT_TIME, DOUBTED_LOGS_MAX};

#[derive(Debug, Default)]
pub(super) struct Doubts(Mutex<HashMap<LogName, Instant>>);

impl Doubts {
    pub fn about(&self, log: &LogName) -> bool {
        self.lock()
            .get(log)
            .is_some_and(|since| since.elapsed() < DOUBT_TIME)
    }

    pub fn begin(&self, log: LogName) {
        let mut doubts = self.lock();
        if doubts.len() >= DOUBTED_LOGS_MAX {
            doubts.retain(|_, since| since.elapsed() < DOUBT_TIME);
        }
        if doubts.len() >= DOUBTED_LOGS_MAX {
            let oldest = doubts.iter().min_by_key(|(_, since)| **since);
            let oldest = oldest.map(|(log, _)| log.clone());
            oldest.and_then(|log| doubts.remove(&log));
        }
        doubts.insert(log, Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LogName, Instant>> {
        // Whoever panicked with the lock left a whole map behind: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
