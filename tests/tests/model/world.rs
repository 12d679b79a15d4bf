//! A run: real offices, readers and gateways around a broker in memory, under a clock that moves only when all of them wait. Actions come in,
//! one after the other; after each, what is seen is held against the reference, and at the end everything has to come to rest.

use std::sync::Arc;
use std::time::Duration;

use crate::action::{Action, BusFault, OfficeFault, ReaderFault};
use crate::bus::Bus;
use crate::clock;
use crate::ground::{FEED, READERS, WRITERS, ground};
use crate::nats::{MESSAGES_MAX, Stream};
use crate::office::Office;
use crate::play::Played;
use crate::reader::Reader;
use crate::reference::{Held, Reference, Sight, Takes};
use crate::sight::sight;
use crate::wire::{Gate, Line};

/// Who takes part.
#[derive(Debug, Clone, Copy)]
pub struct Cast {
    pub offices: usize,
    /// Of the first office.
    pub agents: usize,
    pub readers: usize,
    /// Whether gateways read the streams whole behind each start of the broker; else what it has lost is found by counts alone.
    pub watched: bool,
}

const SUBMISSIONS_MAX: usize = 8;
/// Rounds after the last fault in which everything has to come to rest.
const ROUNDS_MAX: usize = 24;
/// Seconds of a round; where the last one changed nothing, a long one: what was given up is asked for again after an hour.
const ROUND_SECONDS: u64 = 130;
const LONG_ROUND_SECONDS: u64 = 4_000;
/// Rounds in a row that change nothing, all but the first of them long ones. What they do not mend, nothing mends.
const STILL_ROUNDS_MAX: usize = 3;

pub struct World {
    bus: Bus,
    offices: Vec<Office>,
    readers: Vec<Reader>,
    /// What was under way at a cut and may still arrive.
    late: Vec<Arc<Line>>,
    backup: Option<std::collections::BTreeMap<String, Stream>>,
    submissions: usize,
    reference: Reference,
    seen: Sight,
    trace: Vec<Sight>,
    _folder: tempfile::TempDir,
}

/// Ends when everybody waits for somebody else or for the clock, which stands still meanwhile.
pub async fn at_rest() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

impl World {
    pub fn new(cast: Cast) -> World {
        let folder = ground().folder();
        let bus = Bus::new(cast.agents, cast.watched);
        let first = std::iter::repeat_n(WRITERS[0].0, cast.agents);
        let others = WRITERS.iter().skip(1).take(cast.offices - 1);
        let names = first.chain(others.map(|(name, _)| *name));
        let offices = names.enumerate().map(|(index, name)| {
            let path = folder.path().join(format!("office-{index}"));
            Office::new(ground().person(name), &path, &bus)
        });
        let offices = offices.collect();
        let genesis = bus.registry().borrow().genesis();
        let names = READERS.iter().take(cast.readers).enumerate();
        let readers = names.map(|(index, name)| {
            let path = folder.path().join(format!("reader-{index}"));
            Reader::new(ground().person(name), genesis, &path)
        });
        World {
            readers: readers.collect(),
            offices,
            bus,
            late: Vec::new(),
            backup: None,
            submissions: 0,
            reference: Reference::default(),
            seen: Sight::default(),
            trace: Vec::new(),
            _folder: folder,
        }
    }

    /// Does one thing, and looks.
    pub async fn step(&mut self, action: Action) -> Held {
        if self.seen.offices.is_empty() {
            self.seen = self.sight().await;
        }
        self.dispatching();
        let takes = self.act(action).await;
        at_rest().await;
        self.look(takes).await
    }

    /// Only dispatch waits for what outboxes write.
    fn dispatching(&self) {
        let outboxes = self.offices.iter().filter_map(Office::outbox);
        clock::wait_for(outboxes.cloned().collect());
    }

    async fn look(&mut self, takes: Takes) -> Held {
        if self.bus.nats.is_spent() {
            return Err(format!(
                "more than {MESSAGES_MAX} messages: it goes round in circles"
            ));
        }
        let after = self.sight().await;
        self.trace.push(after.clone());
        let before = std::mem::replace(&mut self.seen, after);
        self.reference.step(takes, &before, &self.seen)
    }

    /// What came of it, counted, and as it was seen.
    pub fn into_end(self) -> Played {
        Played {
            tally: self.reference.tally(&self.seen),
            trace: self.trace,
        }
    }

    async fn sight(&self) -> Sight {
        sight(&self.bus.nats, &self.offices, &self.readers).await
    }

    async fn act(&mut self, action: Action) -> Takes {
        let offices = self.offices.len();
        let (bus, all) = (&self.bus, &mut self.offices);
        match action {
            Action::Submit(who) => self.submit(who % offices).await,
            Action::Send(who) => all[who % offices].send(bus).await,
            Action::Arrive(who, count) => {
                if let Some(line) = all[who % offices].uplink.line() {
                    line.let_pass(count);
                }
            }
            Action::Settle(who) => all[who % offices].settle().await,
            Action::Work(who) => all[who % offices].work(bus).await,
            Action::Cut(who, arrives) => {
                let late = all[who % offices].cut(arrives);
                self.late.extend(late.filter(|_| arrives));
            }
            Action::ArriveLate(count) => {
                if let Some(line) = self.late.first() {
                    line.let_pass(count);
                }
                let first = self.late.len().min(1);
                self.late.rotate_left(first);
            }
            Action::Pass(seconds) => self.pass(seconds).await,
            Action::Sleep(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            Action::Down(who) => self.set_up(who, false),
            Action::Up(who) => self.set_up(who, true),
            Action::Office(who, fault) => return self.harm_office(who % offices, fault).await,
            Action::Reader(who, fault) => return self.harm_reader(who, fault),
            Action::Bus(fault) => return self.harm_bus(fault),
        }
        Takes::Nothing
    }

    async fn submit(&mut self, who: usize) {
        if self.submissions == SUBMISSIONS_MAX {
            return;
        }
        let number = self.submissions + 1;
        if self.offices[who].submit(number, &self.bus).await {
            self.submissions = number;
            let office = self.offices[who].id().to_string();
            self.reference.accepted(&office, format!("event-{number}"));
        }
    }

    fn set_up(&mut self, who: usize, up: bool) {
        let offices = self.offices.len();
        let who = who % (offices + self.readers.len());
        let office = self.offices.get_mut(who);
        if let Some(office) = office {
            if !office.is_gone() {
                office.cut(false);
                office.uplink.set_up(up);
            }
        } else {
            let uplink = &mut self.readers[who - offices].uplink;
            uplink.cut(false);
            uplink.set_up(up);
        }
    }

    async fn harm_office(&mut self, who: usize, fault: OfficeFault) -> Takes {
        let (bus, office) = (&self.bus, &mut self.offices[who]);
        if office.is_gone() {
            return Takes::Nothing;
        }
        match fault {
            OfficeFault::Kill => office.kill(bus),
            OfficeFault::Copy(number) => office.copy(number).await,
            OfficeFault::Restore(number) => office.restore(number, bus),
            OfficeFault::LoseHints => office.lose_hints(bus),
            OfficeFault::Empty => office.empty(bus),
            OfficeFault::Prune => office.prune(bus).await,
            OfficeFault::Leave => office.leave(),
        }
        match fault {
            OfficeFault::Kill | OfficeFault::LoseHints => Takes::Unsynced(who),
            OfficeFault::Copy(_) | OfficeFault::Prune => Takes::Nothing,
            OfficeFault::Restore(_) | OfficeFault::Empty | OfficeFault::Leave => {
                Takes::FromOffice(who)
            }
        }
    }

    fn harm_reader(&mut self, who: usize, fault: ReaderFault) -> Takes {
        let Some(who) = who.checked_rem(self.readers.len()) else {
            return Takes::Nothing;
        };
        let reader = &mut self.readers[who];
        match fault {
            ReaderFault::Kill => reader.kill(),
            ReaderFault::Copy(number) => reader.copy(number),
            ReaderFault::Restore(number) => reader.restore(number),
            ReaderFault::Empty => reader.empty(),
        }
        match fault {
            ReaderFault::Kill | ReaderFault::Copy(_) => Takes::Nothing,
            ReaderFault::Restore(_) | ReaderFault::Empty => Takes::FromReader(who),
        }
    }

    /// The broker ends, and with it every session; what was under way may arrive over what is left of them.
    fn harm_bus(&mut self, fault: BusFault) -> Takes {
        let backup = self.backup.clone();
        let stream = |harm: &dyn Fn(&mut Stream)| {
            self.bus.restart(|streams| {
                harm(streams.get_mut(FEED).expect("it is there"));
            });
            Takes::FromBus
        };
        let takes = match fault {
            BusFault::Backup => {
                self.backup = Some(self.bus.nats.streams());
                return Takes::Nothing;
            }
            BusFault::Hang => {
                self.bus.nats.deafen();
                return Takes::Nothing;
            }
            BusFault::Restart => {
                self.bus.restart(|_| {});
                Takes::Nothing
            }
            BusFault::RestoreBackup => {
                self.bus.restart(|streams| {
                    if let Some(backup) = backup {
                        *streams = backup;
                    }
                });
                Takes::FromBus
            }
            BusFault::LoseTail(keep) => stream(&|there| there.lose_tail(keep)),
            BusFault::LoseMiddle(skip, count) => stream(&|there| there.lose_middle(skip, count)),
            BusFault::Wipe => {
                self.bus
                    .restart(|streams| streams.values_mut().for_each(Stream::wipe));
                Takes::FromBus
            }
        };
        for office in &mut self.offices {
            self.late.extend(office.cut(true));
        }
        for reader in &mut self.readers {
            reader.uplink.cut(false);
        }
        takes
    }

    /// All rooms but dispatch work for a while.
    async fn pass(&mut self, seconds: u64) {
        clock::wait_for(Vec::new());
        for office in &mut self.offices {
            let session = office.uplink.session(&self.bus).await;
            office.uplink.set_gate(Gate::Open);
            drop(session);
        }
        for reader in &mut self.readers {
            reader.uplink.session(&self.bus).await;
        }
        let offices = self.offices.iter().map(|office| office.rooms(&self.bus));
        let readers = self.readers.iter().map(|reader| reader.rooms(&self.bus));
        let all = futures_util::future::join3(
            futures_util::future::join_all(offices),
            futures_util::future::join_all(readers),
            self.bus.watch(),
        );
        let time = Duration::from_secs(seconds);
        let _dropped = tokio::time::timeout(time, all).await;
    }

    /// The faults have stopped: everything has to come to rest, and then nothing is missing.
    pub async fn rest(&mut self) -> Held {
        if self.seen.offices.is_empty() {
            self.seen = self.sight().await;
        }
        if self.bus.nats.is_deaf() {
            let takes = self.harm_bus(BusFault::Restart);
            self.look(takes).await?;
        }
        for line in std::mem::take(&mut self.late) {
            line.set_gate(Gate::Open);
        }
        at_rest().await;
        for who in 0..self.offices.len() + self.readers.len() {
            self.set_up(who, true);
        }
        let (mut last, mut still) = (Ok(()), 0);
        for _ in 0..ROUNDS_MAX {
            let before = self.seen.clone();
            self.round(still).await?;
            still = if before == self.seen { still + 1 } else { 0 };
            last = self.reference.rest(&self.seen);
            match (&last, still) {
                (Ok(()), 1..) => return Ok(()),
                (Err(_), STILL_ROUNDS_MAX) => return last,
                (Ok(()) | Err(_), _) => {}
            }
        }
        last.and(Err("it does not come to rest".into()))
    }

    /// Dispatch works, and then all other rooms.
    async fn round(&mut self, still: usize) -> Held {
        self.dispatching();
        for who in 0..self.offices.len() {
            self.offices[who].work(&self.bus).await;
            at_rest().await;
            self.look(Takes::Nothing).await?;
        }
        self.pass(match still {
            0 => ROUND_SECONDS,
            1.. => LONG_ROUND_SECONDS,
        })
        .await;
        at_rest().await;
        self.look(Takes::Nothing).await
    }
}
