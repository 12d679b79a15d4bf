//! The tables of the inbox: a record that fills one comes in, what is written there goes out. It is the same at a start and while living, so that
//! what a table says is always what the records say, in their order.
//!
//! | table | key | value |
//! |---|---|---|
//! | branches | log, position, hash | place, bytes |
//! | aside | log, position, hash | place, bytes |
//! | declared | log, last | first, hash |
//! | unbelieved | log, position | |

use schemas::event::{Hash, Position};

use super::kinds::{Entry, Flags, Which};
use super::reads::{Reads, Result};
use crate::store::Outage;
use crate::store::alarms::Alarm;
use crate::store::limits::TABLE_PAGE_MAX;
use crate::store::log::{Head, Looked, OwnedHead, Place};
use crate::store::tables::{Table, TableWrites, Tables, place_value};

/// A log's number, and a position: they sort.
pub fn log_and(log: u32, position: u64) -> Vec<u8> {
    [&log.to_be_bytes()[..], &position.to_be_bytes()].concat()
}

pub fn event_key(log: u32, position: u64, hash: Hash) -> Vec<u8> {
    [&log_and(log, position)[..], hash.as_bytes()].concat()
}

/// Position and hash of such a key.
pub fn read_event_key(key: &[u8]) -> Option<(Position, Hash)> {
    let (position, hash) = key.get(4..)?.split_first_chunk::<8>()?;
    let position = Position::new(u64::from_be_bytes(*position))?;
    Some((position, Hash::from_bytes(hash.try_into().ok()?)))
}

/// What a record changes in the tables.
pub fn fill(writes: &mut TableWrites, head: Head<'_>, place: Place) {
    let Some(entry) = Entry::read(head) else {
        return;
    };
    match entry {
        Entry::Branch { which, .. } => {
            let key = event_key(which.log, which.position, which.hash);
            writes.insert(Table::Branches, &key, &event_value(place, which.size));
        }
        Entry::Aside(which) => {
            let key = event_key(which.log, which.position, which.hash);
            writes.insert(Table::Aside, &key, &event_value(place, which.size));
        }
        Entry::NotAside(which) => {
            let key = event_key(which.log, which.position, which.hash);
            writes.remove(Table::Aside, &key);
        }
        Entry::Declared {
            log,
            first,
            last,
            hash,
        } => {
            let value = [&first.to_be_bytes()[..], hash.as_bytes()].concat();
            writes.insert(Table::Declared, &log_and(log, last), &value);
        }
        Entry::Kept { event, .. } if event.flags.has(Flags::UNBELIEVED) => {
            let key = log_and(event.at.log, event.at.position);
            writes.insert(Table::Unbelieved, &key, &[]);
        }
        Entry::Kept { .. }
        | Entry::Arrived(_)
        | Entry::Cursor { .. }
        | Entry::Log { .. }
        | Entry::Numbers { .. }
        | Entry::Alarm { .. }
        | Entry::Named { .. } => {}
    }
}

fn event_value(place: Place, size: u64) -> Vec<u8> {
    [&place_value(place)[..], &size.to_be_bytes()].concat()
}

/// How many bytes the event of such a value has.
pub fn read_size(value: &[u8]) -> Option<u64> {
    value.last_chunk().map(|size| u64::from_be_bytes(*size))
}

/// Puts the new place of a record in the place of its old one, where a table names that.
pub fn moved(
    tables: &Tables,
    head: Head<'_>,
    from: Place,
    to: Place,
) -> std::result::Result<(), Outage> {
    let Some((table, which)) = in_table(head) else {
        return Ok(());
    };
    let key = event_key(which.log, which.position, which.hash);
    let [from, to] = [from, to].map(|place| event_value(place, which.size));
    tables.replace(table, &key, &from, &to).map(|_| ())
}

/// Whether a table still names a record at this place.
pub fn is_named(tables: &Tables, which: Which, place: Place) -> std::result::Result<bool, Outage> {
    let key = event_key(which.log, which.position, which.hash);
    let value = tables.get(Table::Aside, &key)?;
    Ok(value == Some(event_value(place, which.size)))
}

/// The table in which a record's place stands.
fn in_table(head: Head<'_>) -> Option<(Table, Which)> {
    match Entry::read(head)? {
        Entry::Branch { which, .. } => Some((Table::Branches, which)),
        Entry::Aside(which) => Some((Table::Aside, which)),
        _ => None,
    }
}

impl Reads<'_> {
    /// Tables are filled anew, in the order of the records, and the last alarms are handed out.
    pub fn fill_tables(&self, mut alarm: impl FnMut(u64, Alarm)) -> Result<()> {
        let (mut writes, mut count) = (TableWrites::default(), 0);
        self.reading.tables(|looked| {
            let (head, place) = match &looked {
                Looked::Record(record) => (Some(record.head()), record.at),
                Looked::Damaged { at, head } => (head.as_ref().map(OwnedHead::head), *at),
            };
            if let Some(head) = head {
                fill(&mut writes, head, place);
            }
            if let Looked::Record(record) = &looked
                && let Some(Entry::Alarm {
                    number,
                    at_ms,
                    code,
                }) = Entry::read(record.head())
            {
                let text = String::from_utf8_lossy(record.bytes()).into_owned();
                let code = code.into();
                alarm(number, Alarm { at_ms, code, text });
            }
            count += 1;
            if count % TABLE_PAGE_MAX == 0 {
                self.tables.apply(std::mem::take(&mut writes))?;
            }
            Ok::<(), Outage>(())
        })?;
        Ok(self.tables.apply(writes)?)
    }
}
