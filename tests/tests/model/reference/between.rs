//! What must be true between one sight and the next: what was held stays, and what is new has its reason.

use std::collections::BTreeSet;

use super::{Held, InOffice, InReader, Sight, require};

pub(super) fn check_bus_grows(before: &Sight, after: &Sight) -> Held {
    for (office, was) in &before.bus {
        let is = after.bus.get(office).cloned().unwrap_or_default();
        let kept = is.appended.starts_with(&was.appended)
            && is.refilled.starts_with(&was.refilled)
            && is.declared.starts_with(&was.declared);
        require(kept, || {
            format!("{office}: what stood on the bus changed: {was:?}, then {is:?}")
        })?;
    }
    Ok(())
}

/// As long as the bus knows what a reader has confirmed, nothing else is stored there, nor below it where the reader has it.
pub(super) fn check_confirmed_is_free(before: &Sight, after: &Sight) -> Held {
    for said in &before.confirmed {
        let reader = before.readers.iter().find(|one| one.reader == said.reader);
        let held = reader.and_then(|reader| reader.held.get(&said.office));
        let at = |seen: &Sight, position| -> Option<String> {
            let events = seen.bus.get(&said.office)?.events();
            events.get(&position).map(|entry| entry.hash.clone())
        };
        for position in 1..=said.position {
            let held = held.and_then(|held| held.get(&position));
            let known = match position == said.position {
                true => Some(&said.hash),
                false => held.map(|entry| &entry.hash),
            };
            let now = at(after, position);
            let new = now.is_some() && now != at(before, position);
            require(!new || known.is_none() || now.as_ref() == known, || {
                format!("{said:?}, and {now:?} was stored at {position}")
            })?;
        }
    }
    Ok(())
}

/// A reader confirms what it holds, with all before it.
pub(super) fn check_confirmed_is_held(before: &Sight, after: &Sight) -> Held {
    let new = after.confirmed.iter();
    for said in new.filter(|said| !before.confirmed.contains(said)) {
        let mut readers = after.readers.iter();
        let holds = readers.any(|reader| {
            let held = reader.held.get(&said.office);
            let held = held.and_then(|held| held.get(&said.position));
            reader.reader == said.reader
                && reader.complete.get(&said.office) >= Some(&said.position)
                && held.is_some_and(|held| held.hash == said.hash)
        });
        require(holds, || format!("{said:?}, and it does not hold that"))?;
    }
    Ok(())
}

/// What is declared lost stands nowhere on the bus, and is not with the agent that says so.
pub(super) fn check_declared_is_lost(before: &Sight, after: &Sight) -> Held {
    for (office, log) in &after.bus {
        let was = before.bus.get(office).cloned().unwrap_or_default();
        for (first, last, _) in log.declared.iter().skip(was.declared.len()) {
            let stands = was.events().range(first..=last).next().is_some();
            let mut agents = before.offices.iter().filter(|one| one.office == *office);
            let lacks = agents.any(|agent| agent.own.range(first..=last).next().is_none());
            require(!stands && lacks, || {
                format!("{office}: {first} to {last} were declared lost, and are there: {was:?}")
            })?;
        }
    }
    Ok(())
}

/// What was accepted stays in line, in the own log or in the tray; of what was pruned the own log's end stays.
pub(super) fn check_office_keeps(was: &InOffice, is: &InOffice, unsynced: bool) -> Held {
    let ids = |office: &InOffice| -> BTreeSet<String> {
        let own = office.own.values().map(|entry| entry.id.clone());
        let waiting = office.waiting.iter().chain(&office.tray).cloned();
        own.chain(waiting).collect()
    };
    let (before, now) = (ids(was), ids(is));
    let lost: Vec<&String> = before.difference(&now).collect();
    require(lost.is_empty() || is.pruned > was.pruned, || {
        format!("{}: lost {lost:?} from its store", was.office)
    })?;
    for (position, entry) in was.own.range(is.pruned + 1..) {
        let stays = is.own.get(position) == Some(entry);
        let kept = is.branched.contains(&(*position, entry.hash.clone()));
        let again = unsynced && is.waiting.contains(&entry.id);
        require(stays || kept || again, || {
            format!(
                "{}: {entry:?} left position {position}, and is not kept",
                was.office
            )
        })?;
    }
    Ok(())
}

/// Whoever had something from an agent keeps it, in its order.
pub(super) fn check_delivered_grows(was: &InReader, is: &InReader) -> Held {
    require(is.delivered.starts_with(&was.delivered), || {
        format!("{}: the application's file changed", was.reader)
    })
}

/// What is held never changes; what was parked may make room for the history that was complete first.
pub(super) fn check_reader_keeps(was: &InReader, is: &InReader) -> Held {
    for (office, held) in &was.held {
        let complete = was.complete.get(office).copied().unwrap_or(0);
        for (position, entry) in held.range(..=complete) {
            let now = is.held.get(office).and_then(|held| held.get(position));
            require(now == Some(entry), || {
                format!(
                    "{}: {office} {position} was {entry:?}, is {now:?}",
                    was.reader
                )
            })?;
        }
    }
    Ok(())
}
