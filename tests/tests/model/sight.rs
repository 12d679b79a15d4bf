//! What can be seen from outside at one moment: bus, offices and readers come in, plain data goes out. Read through the stores' own
//! interfaces and from the broker's messages; nothing is judged.

use std::collections::BTreeMap;

use agent::inbox::Inbox;
use agent::outbox::Outbox;
use schemas::envelope::nats::{self, Origin};
use schemas::envelope::structured;
use schemas::event::Position;
use schemas::heal::Ranges;
use schemas::notice::{GapDeclared, LogResumed};
use schemas::signing::SignedEvent;
use schemas::subject::{CONFIRMATIONS, LogSubject, OfficeId};

use crate::ground::{FEED, feed, log};
use crate::nats::{Nats, Stored};
use crate::office::Office;
use crate::reader::Reader;
use crate::reference::{Confirmed, Entry, InOffice, InReader, OnBus, Sight};

pub async fn sight(nats: &Nats, offices: &[Office], readers: &[Reader]) -> Sight {
    let mut seen = Sight::default();
    for (_, stored) in nats.stream(FEED).from(0, ">") {
        on_bus(stored, &mut seen.bus);
    }
    for (_, stored) in nats.stream(CONFIRMATIONS).from(0, ">") {
        seen.confirmed.extend(confirmed(stored));
    }
    for office in offices {
        seen.offices.push(in_office(office).await);
    }
    seen.readers = readers.iter().map(in_reader).collect();
    seen
}

fn entry(event: &SignedEvent) -> Entry {
    Entry {
        id: event.id().to_owned(),
        hash: event.hash().to_string(),
        prev: event.link().prev.to_string(),
        is_notice: LogResumed::read(event.event()).is_some(),
    }
}

fn on_bus(stored: &Stored, bus: &mut BTreeMap<String, OnBus>) {
    let event = nats::decode(&stored.headers, stored.payload.clone(), Origin::Bus);
    let event = event.expect("the bus holds events alone");
    let subject: LogSubject = stored.subject.parse().expect("a log's subject");
    let there = bus.entry(subject.log().office.to_string()).or_default();
    let position = event.link().position.number();
    match subject {
        LogSubject::Log(_) => there.appended.push((position, entry(&event))),
        LogSubject::Refill(_, at) => {
            assert_eq!(at.number(), position, "a refill at its own position");
            there.refilled.push((position, entry(&event)));
        }
        LogSubject::Gap(_) => {
            let gap = GapDeclared::read(&event).expect("a declaration");
            let prev = event.link().prev.to_string();
            there.declared.push((gap.first, gap.last, prev));
        }
    }
}

fn confirmed(stored: &Stored) -> Option<Confirmed> {
    let said: schemas::confirmation::Confirmation =
        serde_json::from_slice(&stored.payload).expect("a confirmation");
    let said = said.said();
    Some(Confirmed {
        reader: said.reader.to_string(),
        office: said.log.office.to_string(),
        position: said.position.number(),
        hash: said.hash.to_string(),
    })
}

async fn in_office(office: &Office) -> InOffice {
    let id = office.id();
    let mut seen = InOffice {
        office: id.to_string(),
        is_gone: office.is_gone(),
        waits: office.waits().map(str::to_owned),
        ..InOffice::default()
    };
    let Some(outbox) = office.outbox() else {
        return seen;
    };
    let waiting = outbox.waiting(&feed(), 0, 1_000).await;
    let waiting = waiting.expect("the store is readable").into_iter();
    seen.waiting = waiting.map(|waiting| waiting.id).collect();
    let tray = outbox.tray().expect("the store is readable").into_iter();
    seen.tray = tray.map(|refused| refused.entry.id).collect();
    let last = outbox.last_settled(&feed()).expect("readable");
    seen.last = last.map_or(0, |last| last.position.number());
    let pruned = outbox.pruned(&feed()).expect("readable");
    seen.pruned = pruned.map_or(0, |pruned| pruned.position.number());
    seen.own = own(outbox, seen.last);
    seen.untold = outbox.untold(&feed()).expect("readable").is_some();
    let branches = outbox.branches(&feed(), 0, 100).expect("readable");
    let branches = branches.into_iter().map(|(position, bytes)| {
        let event = nats::read_stored(&bytes).expect("it is an event");
        (position.number(), event.hash().to_string())
    });
    seen.branched = branches.collect();
    let alarms = outbox.alarms().list().into_iter();
    seen.alarms = alarms.map(|alarm| alarm.code.to_string()).collect();
    seen
}

fn own(outbox: &Outbox, last: u64) -> BTreeMap<u64, Entry> {
    let positions = (1..=last).filter_map(Position::new);
    let read = positions.filter_map(|position| {
        let bytes = outbox.own(&feed(), position).expect("readable")?;
        let event = nats::read_stored(&bytes).expect("it is an event");
        Some((position.number(), entry(&event)))
    });
    read.collect()
}

fn in_reader(reader: &Reader) -> InReader {
    let inbox = reader.inbox();
    let mut seen = InReader {
        reader: reader.id().to_string(),
        delivered: delivered(reader),
        ..InReader::default()
    };
    for (log, state) in inbox.logs(&feed()).expect("readable") {
        let office = log.office.to_string();
        seen.held
            .insert(office.clone(), held(inbox, &log.office, state.known));
        seen.complete.insert(office.clone(), state.complete);
        let declared = inbox.declared(&log).expect("readable");
        seen.declared.insert(office, numbers(&declared));
    }
    let alarms = inbox.alarms().list().into_iter();
    seen.alarms = alarms.map(|alarm| alarm.code.to_string()).collect();
    seen
}

#[expect(clippy::disallowed_methods, reason = "a run has few positions")]
fn numbers(ranges: &Ranges) -> Vec<u64> {
    ranges.positions().collect()
}

fn held(inbox: &Inbox, office: &OfficeId, known: u64) -> BTreeMap<u64, Entry> {
    let positions = (1..=known).filter_map(Position::new);
    let read = positions.filter_map(|position| {
        let bytes = inbox.get(&log(office), position).expect("readable")?;
        let event = nats::read_stored(&bytes).expect("it is an event");
        Some((position.number(), entry(&event)))
    });
    read.collect()
}

/// What the application got, in its order.
fn delivered(reader: &Reader) -> Vec<(String, u64, String)> {
    let lines = std::fs::read(reader.application()).unwrap_or_default();
    let lines = lines.split_inclusive(|byte| *byte == b'\n');
    let events = lines.map(|line| {
        let line = line.strip_suffix(b"\n").expect("lines are whole");
        structured::decode(line).expect("a line is an event")
    });
    events
        .map(|event| {
            let office = event.event().log().office.to_string();
            (
                office,
                event.link().position.number(),
                event.id().to_owned(),
            )
        })
        .collect()
}
