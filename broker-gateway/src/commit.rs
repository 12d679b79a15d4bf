//! Admitted runs come in, stored positions go out. Each feed's stream has one writer, which alone knows the heads of its logs;
//! what waits together is stored together. Nothing is answered as stored before JetStream has synced it, and nothing whose outcome
//! is unknown is sent again: it is held, and judged anew when it comes again, by what the stream then holds.

mod append;
mod asked;
mod confirmed;
mod gap;
mod heads;
mod notary;
mod heal;
mod holes;
mod known;
mod line;
mod plan;
mod read;
mod readback;
mod share;
mod store;
mod unit;
mod writer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemas::heal::HealRequest;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::subject::{FeedName, OfficeId};
use tokio::sync::oneshot;

use self::asked::AskUnit;
pub use self::asked::{Looked, Passed};
use self::gap::GapUnit;
use self::heal::{HealUnit, Healer, Work};
use self::line::Entrance;
pub use self::notary::{Notary, NotaryFault};
use self::readback::Readback;
use self::unit::Unit;
use self::writer::Writer;
use crate::admit::{Admitted, Declared, Healings};
use crate::ends::Ends;
use crate::refuse::Answered;
use crate::upstream::jetstream::Source;

/// The answers of one admitted run, each with its event's place in the submission. A closed channel means that nothing is
/// known: the session then says so.
pub type Answers = oneshot::Receiver<Vec<Answered>>;

/// The writers of all feeds' streams. They end with it, once what waits in their lines is answered.
#[derive(Debug)]
pub struct Commits {
    broker: Arc<dyn Source>,
    notary: Arc<Notary>,
    ends: Ends,
    lines: Mutex<HashMap<FeedName, Arc<Entrance<Unit>>>>,
    healers: Mutex<HashMap<FeedName, Arc<Entrance<Work>>>>,
    readbacks: Mutex<HashMap<FeedName, Arc<Readback>>>,
}

impl Commits {
    pub fn new(broker: impl Source + 'static, notary: Notary) -> Commits {
        Commits {
            broker: Arc::new(broker),
            notary: Arc::new(notary),
            ends: Ends::default(),
            lines: Mutex::default(),
            healers: Mutex::default(),
            readbacks: Mutex::default(),
        }
    }

    /// Of the key with which receipts are signed.
    pub fn keyid(&self) -> &str {
        self.notary.keyid()
    }

    /// Where streams end, as far as is known here.
    pub fn ends(&self) -> &Ends {
        &self.ends
    }

    /// Puts a run in line behind what its office stored before it; waits while the office's line is full.
    pub async fn store(&self, admitted: Admitted) -> Answers {
        let log = admitted.log().clone();
        let (unit, answers) = Unit::new(admitted, self.notary.clone());
        // A writer that is gone answers by silence: the unit's end of the channel goes with it.
        self.line(&log.feed).put(&log.office, unit).await;
        answers
    }

    /// Puts events that an office brings back in line for the feed's healer.
    pub async fn heal(&self, office: &OfficeId, healings: Healings) -> Answers {
        let line = self.healer(&healings.log().feed);
        let (unit, answers) = HealUnit::new(healings);
        line.put(office, Work::Refill(unit)).await;
        answers
    }

    /// Puts a declaration in the same line.
    pub async fn declare(&self, declared: Declared) -> Answers {
        let log = declared.log().clone();
        let (unit, answers) = GapUnit::new(declared);
        let work = Work::Declare(Box::new(unit));
        self.healer(&log.feed).put(&log.office, work).await;
        answers
    }

    /// Puts an office's request to heal in the same line; what of it is missing is passed on.
    pub async fn ask(
        &self,
        office: &OfficeId,
        request: HealRequest,
        registry: Arc<Registry>,
    ) -> oneshot::Receiver<Result<Looked, Hold>> {
        let line = self.healer(&request.log.feed);
        let (answer, passed) = oneshot::channel();
        let unit = AskUnit {
            asker: office.clone(),
            request,
            registry,
            answer,
        };
        line.put(office, Work::Ask(Box::new(unit))).await;
        passed
    }

    /// What both of a feed's stream know of its readability.
    fn readback(&self, feed: &FeedName) -> Arc<Readback> {
        let all = self.readbacks.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        all.entry(feed.clone()).or_default().clone()
    }

    fn healer(&self, feed: &FeedName) -> Arc<Entrance<Work>> {
        let mut healers = self.healers.lock().unwrap_or_else(PoisonError::into_inner);
        match healers.get(feed).filter(|line| !line.is_closed()) {
            Some(line) => line.clone(),
            None => {
                let (line, waiting) = line::line();
                let line = Arc::new(line);
                let healer = Healer::new(
                    feed.clone(),
                    (self.broker.clone(), self.readback(feed)),
                    (self.notary.clone(), self.ends.clone()),
                );
                tokio::spawn(healer.run(waiting));
                healers.insert(feed.clone(), line.clone());
                line
            }
        }
    }

    /// The line of a feed's writer, who begins with its first event. The registry bounds the feeds.
    fn line(&self, feed: &FeedName) -> Arc<Entrance<Unit>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // A writer that ended by a fault is replaced; it had no memory that cannot be read again.
        match lines.get(feed).filter(|line| !line.is_closed()) {
            Some(line) => line.clone(),
            None => {
                let (line, waiting) = line::line();
                let line = Arc::new(line);
                let bus = (self.broker.clone(), self.readback(feed));
                let signs = (self.notary.clone(), self.ends.clone());
                let writer = Writer::new(feed.clone(), bus, signs, waiting);
                tokio::spawn(writer.run());
                lines.insert(feed.clone(), line.clone());
                line
            }
        }
    }
}

#[cfg(test)]
mod tests;
