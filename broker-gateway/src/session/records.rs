//! What comes in many small records of TLS costs more than what is in them: bytes that came on the wire and bytes that were read of them come
//! in, what was besides goes out, each byte once, and is paid for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Session, prices};
use crate::limits::RECORDS_BESIDES_USUAL;

/// Bytes that came on a session's socket.
#[derive(Debug, Clone, Default)]
pub struct OnTheWire(Arc<AtomicU64>);

impl OnTheWire {
    pub fn came(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(super) struct Records {
    wire: OnTheWire,
    read: u64,
    told: u64,
    /// What of it was told since somebody waited until it was paid for.
    unwaited: usize,
}

impl Records {
    pub fn new(wire: OnTheWire) -> Records {
        Records {
            wire,
            read: 0,
            told: 0,
            unwaited: 0,
        }
    }

    pub fn read(&mut self, bytes: usize) {
        self.read = self.read.saturating_add(bytes as u64);
    }

    /// Bytes that came besides what was read, and were not told before. A record that has come half is among them.
    pub fn besides(&mut self) -> usize {
        let came = self.wire.0.load(Ordering::Relaxed);
        let besides = came.saturating_sub(self.read);
        let new = besides.saturating_sub(self.told);
        self.told = self.told.max(besides);
        usize::try_from(new).unwrap_or(usize::MAX)
    }
}

impl Session {
    /// Who sends much in records that hold little pays before more of it is read.
    pub(super) async fn pay_for_records(&mut self) {
        let besides = self.records.besides();
        let account = self.desk.account.clone();
        account.pay(prices::records(besides));
        self.records.unwaited = self.records.unwaited.saturating_add(besides);
        if self.records.unwaited > RECORDS_BESIDES_USUAL {
            self.records.unwaited = 0;
            let _told_at_the_next_operation = account.solvent().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_besides_is_told_once() {
        let wire = OnTheWire::default();
        let mut records = Records::new(wire.clone());
        wire.came(1_022);
        assert_eq!(records.besides(), 1_022, "it may be half a record");
        records.read(1_000);
        assert_eq!(records.besides(), 0);
        wire.came(230);
        records.read(10);
        assert_eq!(records.besides(), 0, "of what was told before");
        wire.came(23_000);
        records.read(1_000);
        assert_eq!(records.besides(), 21_220);
    }
}
