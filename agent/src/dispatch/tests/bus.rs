//! The bus, its gateways and a half-open line, in memory: what the model of the protocol says of them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use schemas::chain::Head;
use schemas::event::{Hash, Position};
use schemas::signing::SignedEvent;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Notary;
use crate::dispatch::Trouble;
use crate::dispatch::own_log::{Answered, BusHead, BusLog, OnBus};
use crate::dispatch::sending::Lane;
use crate::link::{Answer, Pending};

/// The model's window.
const WINDOW: usize = 3;

/// One log on the bus.
#[derive(Default, Clone)]
pub struct Log {
    pub events: Vec<OnBus>,
    pub next: u64,
}

#[derive(Clone)]
pub struct Bus {
    pub log: Arc<Mutex<Log>>,
    pub notary: Arc<Notary>,
}

impl Bus {
    pub fn events(&self) -> Vec<OnBus> {
        self.log.lock().unwrap().events.clone()
    }

    pub fn head(&self) -> (Head, u64) {
        let events = self.events();
        let last = events.last();
        (
            last.map_or(Head::empty(genesis()), |last| Head::of(&last.event)),
            last.map_or(0, |last| last.sequence),
        )
    }

    pub fn append(&self, event: &SignedEvent, expected: u64) -> bool {
        let mut log = self.log.lock().unwrap();
        if log.events.last().map_or(0, |last| last.sequence) != expected {
            return false;
        }
        log.next += 7;
        let sequence = log.next;
        let event = event.clone();
        log.events.push(OnBus { sequence, event });
        true
    }

    pub fn at(&self, position: Position) -> Option<SignedEvent> {
        let mut events = self.events().into_iter().map(|on_bus| on_bus.event);
        events.find(|event| event.link().position == position)
    }

    pub fn ids(&self) -> BTreeSet<String> {
        let events = self.events();
        events.iter().map(|on| on.event.id().to_owned()).collect()
    }
}

impl BusLog for Bus {
    async fn head(&self) -> Result<BusHead, Trouble> {
        Ok(BusHead {
            head: self.head().0,
            last: self.events().pop(),
            declared: Vec::new(),
        })
    }

    async fn from(&self, sequence: u64) -> Result<Option<OnBus>, Trouble> {
        let mut events = self.events().into_iter();
        Ok(events.find(|on_bus| on_bus.sequence >= sequence))
    }

    async fn page(&self, sequence: u64) -> Result<Vec<OnBus>, Trouble> {
        let events = self.events().into_iter();
        let page = events.filter(|on_bus| on_bus.sequence >= sequence).take(2);
        Ok(page.collect())
    }

    async fn receipt(&self, event: &SignedEvent) -> Answered {
        Ok(Some(Ok(Box::new(self.notary.receipt(event)))))
    }
}

/// A gateway with the head that it has seen.
#[derive(Default)]
pub struct Gateway(Option<(Head, u64)>);

impl Gateway {
    pub fn judge(&mut self, bus: &Bus, event: &SignedEvent) -> Answer {
        let number = event.link().position.number();
        // Some answers are without a receipt, as inside a run.
        let receipt = (!number.is_multiple_of(3)).then(|| Ok(Box::new(bus.notary.receipt(event))));
        let stored = |duplicate| Answer::Stored {
            sequence: 1,
            duplicate,
            receipt: receipt.clone(),
        };
        let held = |code: &str, head: &Head| Answer::Held {
            code: code.into(),
            head: Some(head.number()),
            text: String::new(),
        };
        for _ in 0..3 {
            let (head, sequence) = *self.0.get_or_insert_with(|| bus.head());
            if number <= head.number() {
                match bus.at(event.link().position) {
                    None => self.0 = None,
                    Some(there) if there.hash() == event.hash() => return stored(true),
                    Some(_) => return held("position-taken", &head),
                }
                continue;
            }
            if number > head.number() + 1 {
                self.0 = Some(bus.head());
                if number > bus.head().0.number() + 1 {
                    return held("position-ahead", &head);
                }
                continue;
            }
            if event.link().prev != head.hash {
                if bus.head() == (head, sequence) {
                    return held("chain-mismatch", &head);
                }
                self.0 = Some(bus.head());
                continue;
            }
            let appended = bus.append(event, sequence);
            self.0 = appended.then(|| bus.head());
            if appended {
                return stored(false);
            }
        }
        Answer::Held {
            code: "bus-unavailable".into(),
            head: None,
            text: String::new(),
        }
    }
}

type OnWire = (SignedEvent, oneshot::Sender<Answer>);

/// What was sent and not yet judged.
#[derive(Clone)]
pub struct Wire {
    pub gateway: usize,
    pub queue: Arc<Mutex<VecDeque<OnWire>>>,
    pub ended: CancellationToken,
}

impl Lane for Wire {
    async fn publish(&self, event: &SignedEvent) -> Pending {
        let (answer, pending) = Pending::new();
        let mut queue = self.queue.lock().unwrap();
        queue.push_back((event.clone(), answer));
        pending
    }

    async fn bring_back(&self, event: &SignedEvent) -> Pending {
        self.publish(event).await
    }

    fn is_full(&self) -> bool {
        self.queue.lock().unwrap().len() >= WINDOW
    }

    fn ended(&self) -> &CancellationToken {
        &self.ended
    }
}

pub fn genesis() -> Hash {
    Hash::of(b"genesis")
}
