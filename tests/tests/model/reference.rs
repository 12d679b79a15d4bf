//! The reference: what was accepted, what the bus, the offices and the readers hold, and what must be true of it. Plain data and plain rules,
//! which know nothing of how the real parts come to what they hold. In: what was seen before and after each step. Out: a breach, by name.

mod between;
mod rest;
mod tally;

use std::collections::{BTreeMap, BTreeSet};

use self::between::{
    check_bus_grows, check_confirmed_is_free, check_confirmed_is_held, check_declared_is_lost,
    check_delivered_grows, check_office_keeps, check_reader_keeps,
};
pub use self::tally::Tally;

/// A signed event as anybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    pub hash: String,
    /// The hash of the position before.
    pub prev: String,
    /// What an office says of its log, and no application's.
    pub is_notice: bool,
}

/// One log on the bus, in the order of the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnBus {
    pub appended: Vec<(u64, Entry)>,
    pub refilled: Vec<(u64, Entry)>,
    /// First and last position, and the hash from which the log goes on.
    pub declared: Vec<(u64, u64, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    pub reader: String,
    pub office: String,
    pub position: u64,
    pub hash: String,
}

/// What an office's agent holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InOffice {
    pub office: String,
    pub is_gone: bool,
    pub waiting: Vec<String>,
    pub tray: Vec<String>,
    /// The own log, as far as it was not pruned.
    pub own: BTreeMap<u64, Entry>,
    pub last: u64,
    pub pruned: u64,
    /// Position and hash of what was displaced by others, and is kept beside the own log.
    pub branched: Vec<(u64, String)>,
    /// It has something to tell of a taking.
    pub untold: bool,
    /// Why it sends nothing.
    pub waits: Option<String>,
    pub alarms: BTreeSet<String>,
}

/// What a reader's agent holds, and what its application got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InReader {
    pub reader: String,
    pub held: BTreeMap<String, BTreeMap<u64, Entry>>,
    pub complete: BTreeMap<String, u64>,
    /// What is not held because it was declared lost.
    pub declared: BTreeMap<String, Vec<u64>>,
    pub delivered: Vec<(String, u64, String)>,
    pub alarms: BTreeSet<String>,
}

/// Everything at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    pub bus: BTreeMap<String, OnBus>,
    pub confirmed: Vec<Confirmed>,
    pub offices: Vec<InOffice>,
    pub readers: Vec<InReader>,
}

/// What a step may take away. All else only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    FromBus,
    /// The store of the office with this index.
    FromOffice(usize),
    /// Of that store what its index knew and had not synced: what was settled is in line again, and found by its id.
    Unsynced(usize),
    /// The inbox of the reader with this index, but nothing of what was delivered.
    FromReader(usize),
}

/// What was promised.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// Office and id of all that was answered with 202.
    accepted: BTreeMap<String, String>,
    /// Died with the last store that had it.
    gone: BTreeSet<String>,
    /// Hashes of all that was ever on the bus: nothing else may be settled, or reach a reader.
    signed: BTreeSet<String>,
    /// Office and position of all that was ever declared lost: it may come back behind what followed it.
    declared: BTreeSet<(String, u64)>,
    /// Office and position of all that the bus has ever lost.
    lost: BTreeSet<(String, u64)>,
}

pub type Held = Result<(), String>;

fn require(holds: bool, what: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(what()) }
}

impl OnBus {
    /// Every event by its position.
    pub fn events(&self) -> BTreeMap<u64, &Entry> {
        let all = self.appended.iter().chain(&self.refilled);
        all.map(|(position, entry)| (*position, entry)).collect()
    }

    pub fn is_declared(&self, position: u64) -> bool {
        let mut all = self.declared.iter();
        all.any(|(first, last, _)| (first..=last).contains(&&position))
    }

    /// The end of the log: its last event, or what was declared lost behind it.
    pub fn head(&self) -> u64 {
        let last = self.events().keys().next_back().copied().unwrap_or(0);
        let declared = self.declared.iter().map(|(_, last, _)| *last);
        declared.chain([last]).max().unwrap_or(0)
    }
}

impl Sight {
    /// Every id that is held somewhere from which it can come back.
    fn ids(&self) -> BTreeSet<&str> {
        let on_bus = self.bus.values().flat_map(|log| log.events().into_values());
        let own = self.offices.iter().flat_map(|office| office.own.values());
        let held = self.readers.iter().flat_map(|reader| reader.held.values());
        let held = held.flat_map(BTreeMap::values);
        let waiting = self
            .offices
            .iter()
            .flat_map(|office| office.waiting.iter().chain(&office.tray));
        let entries = on_bus.chain(own).chain(held);
        let ids = entries.map(|entry| entry.id.as_str());
        ids.chain(waiting.map(String::as_str)).collect()
    }
}

impl Reference {
    pub fn accepted(&mut self, office: &str, id: String) {
        self.accepted.insert(id, office.to_owned());
    }

    /// Holds what is seen after a step against what was seen before it.
    pub fn step(&mut self, takes: Takes, before: &Sight, after: &Sight) -> Held {
        for (office, log) in &after.bus {
            self.check_ids(office, log)?;
        }
        self.note_bus(before, after);
        self.note_gone(before, after);
        for (office, log) in &after.bus {
            self.check_log(office, log)?;
        }
        if takes != Takes::FromBus {
            check_bus_grows(before, after)?;
            check_confirmed_is_free(before, after)?;
            check_confirmed_is_held(before, after)?;
            check_declared_is_lost(before, after)?;
        }
        for office in &after.offices {
            self.check_settled(office)?;
        }
        for (index, (was, is)) in before.offices.iter().zip(&after.offices).enumerate() {
            if takes != Takes::FromOffice(index) {
                check_office_keeps(was, is, takes == Takes::Unsynced(index))?;
            }
        }
        for (index, (was, is)) in before.readers.iter().zip(&after.readers).enumerate() {
            self.check_reader(is)?;
            check_delivered_grows(was, is)?;
            if takes != Takes::FromReader(index) {
                check_reader_keeps(was, is)?;
            }
        }
        Ok(())
    }

    /// What was on the bus, what it lost, and what was declared.
    fn note_bus(&mut self, before: &Sight, after: &Sight) {
        for (office, log) in &after.bus {
            let all = log.appended.iter().chain(&log.refilled);
            self.signed.extend(all.map(|(_, entry)| entry.hash.clone()));
            let ranges = log.declared.iter().map(|(first, last, _)| *first..=*last);
            let positions = ranges.flatten().map(|at| (office.clone(), at));
            self.declared.extend(positions);
        }
        for (office, was) in &before.bus {
            let is = after.bus.get(office).cloned().unwrap_or_default();
            let (was, is) = (was.events(), is.events());
            let lost = was.keys().filter(|at| !is.contains_key(at));
            self.lost.extend(lost.map(|at| (office.clone(), *at)));
        }
    }

    /// What stands in its log has its position: no id gets another one there. What the bus had lost at its position, and has again, may
    /// have gone behind, for an office that had not settled it does not look for it below the head; applications get each id once.
    fn check_ids(&self, office: &str, log: &OnBus) -> Held {
        let mut places: BTreeMap<&str, BTreeMap<u64, &Entry>> = BTreeMap::new();
        for (position, entry) in &log.appended {
            let was_lost = self.lost.contains(&(office.to_owned(), *position));
            if was_lost && self.signed.contains(&entry.hash) {
                continue;
            }
            let places = places.entry(&entry.id).or_default();
            places.insert(*position, entry);
        }
        for (id, places) in places.iter().filter(|(_, places)| places.len() > 1) {
            let new = places
                .values()
                .find(|entry| !self.signed.contains(&entry.hash));
            require(new.is_none(), || {
                format!("{office}: {id} got another position: {log:?}")
            })?;
        }
        Ok(())
    }

    /// What was held before and is nowhere now died with what was taken away; what turns up again is there.
    fn note_gone(&mut self, before: &Sight, after: &Sight) {
        let now = after.ids();
        let lost = before.ids().into_iter().filter(|id| !now.contains(id));
        self.gone.extend(lost.map(str::to_owned));
        self.gone.retain(|id| !now.contains(id.as_str()));
    }

    /// The chain; one content for a position; and nothing that no application handed in.
    fn check_log(&self, office: &str, log: &OnBus) -> Held {
        let events = log.events();
        // The same event may stand on the log's subject and on its own, where the tail before it was lost behind a refill.
        let mut all = log.appended.iter().chain(&log.refilled);
        require(all.all(|(at, entry)| events[at] == entry), || {
            format!("{office}: a position has two contents: {log:?}")
        })?;
        let places = log.appended.iter().map(|(at, _)| *at);
        require(places.is_sorted_by(|at, next| at < next), || {
            format!("{office}: a position was appended out of its order: {log:?}")
        })?;
        for (position, entry) in &events {
            let signed_here = self.accepted.get(&entry.id).map(String::as_str) == Some(office);
            require(entry.is_notice || signed_here, || {
                format!("{office}: position {position} was never accepted: {entry:?}")
            })?;
            if let Some(next) = events.get(&(position + 1)) {
                require(next.prev == entry.hash, || {
                    format!("{office}: position {} does not link: {log:?}", position + 1)
                })?;
            }
        }
        Ok(())
    }

    /// An office settles what stood on the bus, and nothing else.
    fn check_settled(&self, office: &InOffice) -> Held {
        let never = office.own.iter();
        let mut never = never.filter(|(_, entry)| !self.signed.contains(&entry.hash));
        match never.next() {
            None => Ok(()),
            Some((position, entry)) => Err(format!(
                "{}: position {position} is settled, and was never on the bus: {entry:?}",
                office.office
            )),
        }
    }

    /// Each once, in the order of its log, but for what comes back late of a declared range, and where the log goes on from another event
    /// than was delivered, which is told; and nothing but what was accepted.
    fn check_reader(&self, reader: &InReader) -> Held {
        let name = &reader.reader;
        let branch = reader.alarms.contains("delivered-branch");
        let mut ids = BTreeSet::new();
        let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
        for (office, position, id) in &reader.delivered {
            let end = ends.entry(office).or_default();
            let late = self.declared.contains(&(office.clone(), *position));
            require(*position > *end || late || branch, || {
                format!("{name}: {id} of {office} at {position} was delivered behind {end}")
            })?;
            *end = match branch && !late {
                true => *position,
                false => (*end).max(*position),
            };
            require(ids.insert(id), || {
                format!("{name}: {id} was delivered twice")
            })?;
            let signed_here = self.accepted.get(id) == Some(office);
            require(signed_here, || {
                format!("{name}: {id} of {office} at {position} was never accepted")
            })?;
        }
        let held = reader.held.values().flat_map(BTreeMap::values);
        for entry in held {
            require(self.signed.contains(&entry.hash), || {
                format!("{name}: holds what was never on the bus: {entry:?}")
            })?;
        }
        Ok(())
    }
}
