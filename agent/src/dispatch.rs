//! What waits in the outbox comes in, signed events behind the log's head go out, each settled, refused or sent again.
//! Accept early, number late: nothing has a position before the head was read from the bus in this session.

#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::unwrap_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
    )
)]

mod clock;
mod limits;
mod line;
mod lost_tail;
pub(crate) mod own_log;
mod reconcile;
mod sending;

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use schemas::alarm::Alarm;
use schemas::code::CodeName;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::signing::SigningKey;
use schemas::subject::{FeedName, LogName, OfficeId};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::limits::{
    FAREWELL_TIME, HEAD_READS_MAX, HOLD_FIRST, HOLD_LONGEST, TAKINGS_MAX, TAKINGS_TIME,
};
use self::own_log::SessionLog;
use self::reconcile::Own;
use crate::link::{Link, NoAnswer, Session};
use crate::outbox::Outbox;
use crate::store;
use crate::watchdog::in_room;

pub use self::line::Stop;
pub use self::sending::Sending;

/// Why a line cannot go on now.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("the session ended")]
    Ended,
    /// Nothing passes; it is shown, and tried again slowly.
    #[error("{code}: {text}")]
    Held { code: CodeName, text: String },
    #[error(transparent)]
    Store(#[from] store::Outage),
}

impl From<NoAnswer> for Trouble {
    fn from(no: NoAnswer) -> Trouble {
        match no {
            NoAnswer::Outage(crate::link::Outage::Ended) => Trouble::Ended,
            NoAnswer::Outage(outage) => Trouble::Held {
                code: Hold::BusUnavailable.code().into(),
                text: outage.to_string(),
            },
            NoAnswer::Held { code, text } => Trouble::Held { code, text },
        }
    }
}

impl From<Hold> for Trouble {
    fn from(hold: Hold) -> Trouble {
        let details = hold.details().into_iter().map(|detail| detail.en);
        let words: Vec<String> = [hold.code().en.to_owned()]
            .into_iter()
            .chain(details)
            .collect();
        Trouble::Held {
            code: hold.code().into(),
            text: words.join(": "),
        }
    }
}

/// What dispatch stands on.
#[derive(Clone)]
pub struct Dispatch {
    pub office: OfficeId,
    pub key: Arc<SigningKey>,
    pub outbox: Outbox,
    pub link: Link,
    pub registry: watch::Receiver<Arc<Registry>>,
    /// Somebody found out that the bus has lost something: the heads are read again.
    pub nudge: Arc<Notify>,
    /// How long readers are waited for before a lost end of the log is declared.
    pub gap_wait: Duration,
}

impl Dispatch {
    /// One line for each feed that the office may publish or has events for, until the shutdown.
    ///
    /// # Errors
    /// The store failed: whoever owns it opens it anew.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), store::Outage> {
        let mut news = self.outbox.news();
        let mut begun = BTreeSet::new();
        let mut lines = JoinSet::new();
        loop {
            for feed in self.feeds()? {
                if begun.insert(feed.clone()) {
                    let line = FeedLine::new(self.clone(), feed).run(shutdown.clone());
                    lines.spawn(in_room("dispatch/line", line));
                }
            }
            tokio::select! {
                Some(ended) = lines.join_next() => match ended {
                    Ok(done) => done?,
                    Err(_panicked) => return Err(store::Outage::Stopped),
                },
                Ok(()) = self.registry.changed() => {}
                Ok(()) = news.changed() => {}
                () = shutdown.cancelled() => break,
            }
        }
        while let Some(ended) = lines.join_next().await {
            ended.unwrap_or(Err(store::Outage::Stopped))?;
        }
        Ok(())
    }

    fn feeds(&self) -> Result<BTreeSet<FeedName>, store::Outage> {
        let registry = self.registry.borrow().clone();
        let granted = registry.publishable_feeds(&self.office);
        let mut feeds: BTreeSet<FeedName> =
            granted.into_iter().map(|feed| feed.name.clone()).collect();
        let status = self.outbox.status()?;
        feeds.extend(status.feeds.into_iter().map(|known| known.feed));
        Ok(feeds)
    }
}

/// One feed's way to the bus, from session to session.
pub struct FeedLine {
    dispatch: Dispatch,
    log: LogName,
    /// Holds in a row.
    holds: u32,
    /// Heads read in a row without anything stored since.
    head_reads: u32,
    /// When events were taken back that this store did not know.
    takings: VecDeque<Instant>,
    /// The last position of a lost end of the log, and since when readers are asked for it.
    lost: Option<(u64, Instant)>,
}

impl FeedLine {
    pub fn new(dispatch: Dispatch, feed: FeedName) -> FeedLine {
        let office = dispatch.office.clone();
        FeedLine {
            dispatch,
            log: LogName { feed, office },
            holds: 0,
            head_reads: 0,
            takings: VecDeque::new(),
            lost: None,
        }
    }

    async fn run(mut self, shutdown: CancellationToken) -> Result<(), store::Outage> {
        while !shutdown.is_cancelled() {
            let session = tokio::select! {
                session = self.dispatch.link.session() => session,
                () = shutdown.cancelled() => break,
            };
            let stop = match self.serve(&session, &shutdown).await {
                Ok(stop) => stop,
                Err(Trouble::Ended) => Stop::Ended,
                Err(Trouble::Held { code, text }) => Stop::Wait { code, text },
                Err(Trouble::Store(store::Outage::Full)) => Stop::Wait {
                    code: Alarm::DiskFull.into(),
                    text: "the disk is full: nothing can be settled".into(),
                },
                Err(Trouble::Store(outage)) => return Err(outage),
            };
            self.pause(stop, &session, &shutdown).await;
        }
        Ok(())
    }

    /// Waits as long as the stop asks for.
    async fn pause(&mut self, stop: Stop, session: &Session, shutdown: &CancellationToken) {
        let (code, text) = match stop {
            // The link offers the next session, or is gone itself.
            Stop::Ended => {
                tokio::select! {
                    () = session.ended().cancelled() => {}
                    () = shutdown.cancelled() => {}
                }
                return;
            }
            Stop::ReadHead if self.head_reads < HEAD_READS_MAX => return,
            Stop::ReadHead => (
                Alarm::HeadMoves.into(),
                "the head moves each time that it was read: somebody else writes this log".into(),
            ),
            Stop::Wait { code, text } => (code, text),
        };
        let outbox = &self.dispatch.outbox;
        if outbox.hold(&self.log.feed, code.as_str(), &text) {
            tracing::warn!(log = %self.log, %code, text, "the feed waits");
        }
        self.holds = self.holds.saturating_add(1);
        let mut registry = self.dispatch.registry.clone();
        registry.mark_unchanged();
        tokio::select! {
            () = tokio::time::sleep(hold_time(self.holds, fastrand::f64())) => {}
            Ok(()) = registry.changed() => {}
            () = session.ended().cancelled() => {}
            () = shutdown.cancelled() => {}
        }
    }

    /// Reads the head, makes store and bus agree, and sends until something stops the line.
    async fn serve(
        &mut self,
        session: &Session,
        shutdown: &CancellationToken,
    ) -> Result<Stop, Trouble> {
        let mut sending = match self.begin(session).await? {
            ControlFlow::Continue(sending) => sending,
            ControlFlow::Break(stop) => return Ok(stop),
        };
        let stop = tokio::select! {
            stop = sending.run() => stop?,
            () = self.dispatch.nudge.notified() => {
                self.head_reads = 0;
                Stop::ReadHead
            }
            () = shutdown.cancelled() => Stop::Ended,
        };
        if shutdown.is_cancelled() {
            // What is under way may still be settled; what is not is found by its id after the next start.
            let _too_late = tokio::time::timeout(FAREWELL_TIME, sending.finish()).await;
        }
        if sending.stored() > 0 || sending.is_idle() {
            self.holds = 0;
            self.head_reads = 0;
        }
        Ok(stop)
    }

    /// Reads the head, and makes store and bus agree: then there may be something to send, or a reason to send nothing.
    ///
    /// # Errors
    /// [`Trouble`]; what was done until then stands, and doing it again does no harm.
    pub async fn begin(
        &mut self,
        session: &Session,
    ) -> Result<ControlFlow<Stop, Sending>, Trouble> {
        self.head_reads = self.head_reads.saturating_add(1);
        let registry = self.dispatch.registry.borrow().clone();
        let own = Own {
            log: self.log.clone(),
            outbox: self.dispatch.outbox.clone(),
            registry: registry.clone(),
            key: self.dispatch.key.clone(),
            ends: self.dispatch.link.ends().clone(),
        };
        let bus = SessionLog {
            session,
            log: &self.log,
            genesis: registry.genesis(),
        };
        let standing = own.reconcile(&bus).await?;
        if standing.taken_back > 0 {
            tracing::warn!(log = %self.log, events = standing.taken_back, "took back events of our own log");
            self.takings.push_back(Instant::now());
        }
        if own.has_several_agents() {
            // What another agent has sent is known of when the head is read.
            self.takings.clear();
        } else {
            let resent = standing.resend.as_ref().map_or(0, |resend| *resend.end());
            let reach = standing.head.number().max(resent);
            self.dispatch.outbox.reaches(&self.log.feed, reach)?;
        }
        if is_shared(&mut self.takings) {
            return Ok(ControlFlow::Break(Stop::Wait {
                code: Alarm::LogShared.into(),
                text: "another machine has this office's identity and writes its log; the registry gives the office one agent".into(),
            }));
        }
        if let Some(stop) = self.wait_for_lost_tail(session, &own, &standing).await? {
            return Ok(ControlFlow::Break(stop));
        }
        if standing.head.next().is_none() {
            return Err(log_full());
        }
        let sending = Sending::new(own, session.clone(), standing);
        Ok(ControlFlow::Continue(sending))
    }
}

/// Nothing goes behind the last position that there is.
fn log_full() -> Trouble {
    Trouble::Held {
        code: Alarm::LogFull.into(),
        text: "the log has reached the last position that there is; the authority gives the office another name".into(),
    }
}

/// A restored office takes its events back once; where it happens again and again, two agents write one log.
fn is_shared(takings: &mut VecDeque<Instant>) -> bool {
    takings.retain(|taking| taking.elapsed() < TAKINGS_TIME);
    takings.len() >= TAKINGS_MAX
}

fn hold_time(holds: u32, lot: f64) -> Duration {
    let doubled = HOLD_FIRST.saturating_mul(1 << holds.saturating_sub(1).min(8));
    doubled.min(HOLD_LONGEST).mul_f64(0.75 + 0.25 * lot)
}

#[cfg(test)]
pub(crate) mod tests;
