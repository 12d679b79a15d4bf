//! Giving space back: the inbox keeps all that it has read, but not what later records have made idle. A tick comes in, and a segment that has much
//! of that is written anew. What is kept stays the same.

use tokio_util::sync::CancellationToken;

use super::kinds::{ALARM, CURSOR, Entry, LOG, NUMBERS};
use super::state::State;
use super::{Inbox, tables};
use crate::store::Outage;
use crate::store::limits::{ALARMS_MAX, CHECKPOINT_INTERVAL};
use crate::store::log::{Fate, Head, Place, Weight};
use crate::store::tables::Tables;

/// A segment is written anew when more than so many hundredths of it are idle.
const IDLE_HUNDREDTHS: u64 = 35;

impl Inbox {
    /// Until the end, in the moments between: segments with much that is idle are written anew.
    ///
    /// # Errors
    /// When the inbox cannot be read, or the disk fails.
    pub async fn tidy(self, end: CancellationToken) -> Result<(), Outage> {
        loop {
            tokio::select! {
                () = tokio::time::sleep(CHECKPOINT_INTERVAL) => {}
                () = end.cancelled() => return Ok(()),
            }
            while !end.is_cancelled() && self.tidy_step().await? {}
        }
    }

    async fn tidy_step(&self) -> Result<bool, Outage> {
        let inbox = self.clone();
        self.at_work(move || inbox.write_one_anew()).await
    }

    /// False where none is worth while.
    pub(super) fn write_one_anew(&self) -> Result<bool, Outage> {
        let all = self.inner.reading.segments();
        let Some(chosen) = all.iter().find(|weight| is_idle(weight)) else {
            return Ok(false);
        };
        let cleaning = self.with_log(|log| log.cleaning(chosen.segment, chosen.segment))?;
        let Some(cleaning) = cleaning else {
            return Ok(false);
        };
        let tables = &self.inner.tables;
        let mut unread = None;
        let cleaned = cleaning.run(|state, place, head| {
            fate(state, tables, place, head).unwrap_or_else(|outage| {
                unread = Some(outage);
                Fate::Lives
            })
        });
        let cleaned = match cleaned {
            // It is tried again where there is room.
            Err(Outage::Full) => return Ok(false),
            cleaned => cleaned.inspect_err(|_| self.inner.failed.cancel())?,
        };
        let moved = cleaned.map(|cleaned| cleaned.moved).unwrap_or_default();
        for (from, to) in moved {
            let record = self.inner.reading.record(to);
            if let Ok(record) = record {
                tables::moved(tables, record.head(), from, to)?;
            }
        }
        match unread {
            Some(outage) => Err(outage),
            None => Ok(true),
        }
    }
}

/// What of it the state says, or nobody asks for any more.
fn is_idle(weight: &Weight) -> bool {
    let kinds = weight.kinds.iter();
    let idle = kinds.filter(|of| [CURSOR, LOG, NUMBERS].contains(&of.kind));
    let idle: u64 = idle.map(|of| of.bytes).sum();
    !weight.damaged && idle * 100 > u64::from(weight.bytes) * IDLE_HUNDREDTHS
}

/// What becomes of a record of a sealed segment: the next one begins with what it says.
fn fate(state: &State, tables: &Tables, place: Place, head: Head<'_>) -> Result<Fate, Outage> {
    let dead = match (head.kind, Entry::read(head)) {
        (CURSOR | LOG | NUMBERS, Some(_)) => true,
        (ALARM, Some(Entry::Alarm { number, .. })) => {
            number.saturating_add(ALARMS_MAX as u64) <= state.alarms
        }
        // It fills no position any more; what says so stays, and says nothing then.
        (_, Some(Entry::Aside(which))) => !tables::is_named(tables, which, place)?,
        _ => false,
    };
    Ok(if dead { Fate::Dead } else { Fate::Lives })
}
