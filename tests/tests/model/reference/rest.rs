//! What must be true once the faults have stopped and everything has come to rest: nothing is stuck, nothing that is left anywhere is missing
//! anywhere, and what is missing is named.

use std::collections::BTreeSet;

use super::{Held, InOffice, InReader, OnBus, Reference, Sight, require};

/// The alarms by which a reader names that the bus has another history than it read.
const NAMES_A_BRANCH: [&str; 2] = ["branch", "chain-broken"];

impl Reference {
    pub fn rest(&self, seen: &Sight) -> Held {
        for (office, log) in &seen.bus {
            check_whole(office, log, seen)?;
        }
        for office in seen.offices.iter().filter(|office| !office.is_gone) {
            check_nothing_waits(office)?;
            check_agrees(office, seen)?;
            self.check_remembers(office, seen)?;
        }
        self.check_nothing_lost(seen)?;
        for reader in &seen.readers {
            check_complete(reader, seen)?;
        }
        check_confirmed(seen)
    }

    /// An office with one agent has all of its log that it did not prune, but for what it had to let go when the bus lost it.
    fn check_remembers(&self, office: &InOffice, seen: &Sight) -> Held {
        let mut agents = seen.offices.iter();
        let is_alone = agents.all(|other| other == office || other.office != office.office);
        let log = seen.bus.get(&office.office).filter(|_| is_alone);
        let appended = log.into_iter().flat_map(|log| &log.appended);
        for (position, entry) in appended.filter(|(position, _)| *position > office.pruned) {
            let name = &office.office;
            let had_to = self.lost.contains(&(name.clone(), *position));
            require(had_to || office.own.get(position) == Some(entry), || {
                format!(
                    "{name}: {entry:?} stands on the bus, and is not in its own log: {office:?}"
                )
            })?;
        }
        Ok(())
    }

    /// What was accepted is on the bus, unless it died with the last store that had it, or is a branch that its reader names.
    fn check_nothing_lost(&self, seen: &Sight) -> Held {
        for (id, office) in &self.accepted {
            let log = seen.bus.get(office);
            let on_bus = log.is_some_and(|log| log.events().values().any(|entry| entry.id == *id));
            let named = || {
                seen.readers
                    .iter()
                    .any(|reader| reader.names_branch_with(office, id))
            };
            require(on_bus || self.gone.contains(id) || named(), || {
                format!("{office}: {id} was accepted and is not on the bus")
            })?;
        }
        Ok(())
    }
}

impl InReader {
    fn names_a_branch(&self) -> bool {
        NAMES_A_BRANCH
            .iter()
            .any(|code| self.alarms.contains(*code))
    }

    /// Its application was given another event there or further on, of a history that bus, office and inbox have all forgotten. What
    /// stands there now counts as delivered: only positions are marked.
    fn was_given(&self, office: &str, log: &OnBus, position: u64) -> bool {
        let events = log.events();
        self.delivered.iter().any(|(given, at, id)| {
            let stands = events.get(at).map(|entry| &entry.id);
            given == office && *at >= position && stands != Some(id)
        })
    }

    fn names_branch_with(&self, office: &str, id: &str) -> bool {
        let held = self.held.get(office);
        let holds = held.is_some_and(|held| held.values().any(|entry| entry.id == id));
        holds && self.names_a_branch()
    }
}

impl OnBus {
    /// Positions below the head that are neither there nor declared lost.
    fn missing(&self) -> Vec<u64> {
        let events = self.events();
        let missing = |at: &u64| !events.contains_key(at) && !self.is_declared(*at);
        (1..=self.head()).filter(missing).collect()
    }
}

/// Every position up to the head is there, or declared lost by its office; where that is gone, its readers name the gap.
fn check_whole(office: &str, log: &OnBus, seen: &Sight) -> Held {
    let missing = log.missing();
    let mut agents = seen.offices.iter().filter(|one| one.office == office);
    let is_gone = agents.all(|agent| agent.is_gone);
    let mut readers = seen.readers.iter();
    let is_named = is_gone && readers.all(|reader| reader.alarms.contains("gap"));
    require(missing.is_empty() || is_named, || {
        format!("{office}: the bus lacks {missing:?}, and nobody says so: {log:?}")
    })
}

fn check_nothing_waits(office: &InOffice) -> Held {
    let InOffice {
        waiting,
        tray,
        waits,
        untold,
        ..
    } = office;
    let rests = waiting.is_empty() && tray.is_empty() && waits.is_none() && !untold;
    require(rests, || {
        format!("{}: it is stuck: {office:?}", office.office)
    })
}

/// An office's own log is what the bus has.
fn check_agrees(office: &InOffice, seen: &Sight) -> Held {
    let log = seen.bus.get(&office.office).cloned().unwrap_or_default();
    let events = log.events();
    for (position, entry) in &office.own {
        let there = events.get(position).copied();
        require(there == Some(entry) || log.is_declared(*position), || {
            format!(
                "{}: its position {position} is {entry:?}, the bus has {there:?}",
                office.office
            )
        })?;
    }
    Ok(())
}

/// A reader holds what the bus has, and its application got it; another history is named.
fn check_complete(reader: &InReader, seen: &Sight) -> Held {
    if reader.names_a_branch() {
        return Ok(());
    }
    let name = &reader.reader;
    let delivered: BTreeSet<&str> = reader
        .delivered
        .iter()
        .map(|(_, _, id)| id.as_str())
        .collect();
    for (office, log) in &seen.bus {
        let empty = std::collections::BTreeMap::new();
        let held = reader.held.get(office).unwrap_or(&empty);
        // What lies behind a gap that stays open waits for it.
        let missing = log.missing();
        let end = missing.first().map_or(log.head(), |first| first - 1);
        for (position, entry) in log.events() {
            let there = held.get(&position);
            let is_due =
                position <= end && !entry.is_notice && !reader.was_given(office, log, position);
            require(there == Some(entry), || {
                format!("{name}: {office} {position} is {entry:?} on the bus, and {there:?} here")
            })?;
            require(!is_due || delivered.contains(entry.id.as_str()), || {
                format!("{name}: {} of {office} was not delivered", entry.id)
            })?;
        }
        let complete = reader.complete.get(office).copied().unwrap_or(0);
        require(complete == end, || {
            format!("{name}: {office} is complete to {complete}, and ends at {end}")
        })?;
    }
    Ok(())
}

/// What a reader confirmed stands there, or is declared lost, or the reader names that it does not.
fn check_confirmed(seen: &Sight) -> Held {
    for said in &seen.confirmed {
        let log = seen.bus.get(&said.office).cloned().unwrap_or_default();
        let events = log.events();
        let stands = events.get(&said.position).map(|entry| &entry.hash) == Some(&said.hash);
        let mut readers = seen.readers.iter();
        let named = readers.any(|reader| reader.reader == said.reader && reader.names_a_branch());
        require(stands || named || log.is_declared(said.position), || {
            format!("{said:?} stands no longer, and nobody says so: {log:?}")
        })?;
    }
    Ok(())
}
