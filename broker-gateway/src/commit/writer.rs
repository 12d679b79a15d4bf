//! The one writer of a feed's stream: units come in, and each is answered. It takes what waits, judges it against the heads, stores
//! together what can be stored together, and while that is on its way the next gathers in the line.
//!
//! Never: an event stored behind a head that was not read since the connection began, or an answer `stored` before JetStream's.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use schemas::chain::Head;
use schemas::refusal::Hold;
use schemas::signing::SignedEvent;
use schemas::subject::{FeedName, LogName};
use tokio::time::Instant;
use tracing::debug;

use super::confirmed::{Brought, Heard};
use super::heads::{Heads, LogHead};
use super::known::{self, Known, Lookup};
use super::line::{self, Entrance, Exit, Rest};
use super::notary::Notary;
use super::plan::{Joint, Plan};
use super::read::{Reader, Unreadable};
use super::readback::{May, Readback};
use super::share::Shares;
use super::unit::Unit;
use crate::ends::{self, Ends};
use crate::limits::{HEADS_READ_AT_ONCE, WRITING_RESTS};
use crate::seldom::seldom;
use crate::upstream::jetstream::{Ear, JetStream, Outage, Source};

pub(super) struct Writer {
    pub(super) feed: FeedName,
    broker: Arc<dyn Source>,
    line: Exit<Unit>,
    /// Where what stands below a head is looked up.
    known: Entrance<Known>,
    pub(super) notary: Arc<Notary>,
    pub(super) readback: Arc<Readback>,
    pub(super) ends: Ends,
    connection: Option<JetStream>,
    pub(super) heads: Heads,
    pub(super) shares: Shares,
    heard: Arc<Heard>,
    /// When this turn began.
    pub(super) began: Instant,
    /// Counts what was stored together; a head that was read in this turn is not read again.
    turn: u64,
}

impl Writer {
    pub fn new(
        feed: FeedName,
        (broker, readback): (Arc<dyn Source>, Arc<Readback>),
        (notary, ends): (Arc<Notary>, Ends),
        line: Exit<Unit>,
    ) -> Writer {
        let (known, unknown) = line::line();
        tokio::spawn(Lookup::new(feed.clone(), broker.clone()).run(unknown));
        Writer {
            shares: Shares::new(feed.clone()),
            feed,
            broker,
            line,
            known,
            notary,
            readback,
            ends,
            connection: None,
            heads: Heads::default(),
            heard: Arc::default(),
            began: Instant::now(),
            turn: 0,
        }
    }

    /// Works until nobody can put anything in line any longer, and the line is empty.
    pub async fn run(mut self) {
        while let Some(mut turn) = self.line.turn().await {
            let mut waiting = std::mem::take(&mut turn.work);
            let known = self.take_turn(&mut waiting).await;
            let left = waiting
                .into_iter()
                .map(|unit| (unit.log().office.clone(), unit));
            let rest = Rest::AmongOthers(WRITING_RESTS);
            self.line.end(turn, left, rest);
            self.look_up(known);
        }
    }

    /// Stores or answers at least the first that waits, by one append at most; what stands below its log's head comes back, to be
    /// looked up.
    async fn take_turn(&mut self, waiting: &mut VecDeque<Unit>) -> Vec<Unit> {
        self.turn = self.turn.saturating_add(1);
        self.began = Instant::now();
        let jetstream = match self.connected().await {
            Ok(jetstream) => jetstream,
            Err(outage) => {
                let feed = &self.feed;
                seldom!(warn, feed, "bus-silent", %feed, %outage, "the bus does not answer; what waits is held");
                hold_all(waiting.drain(..), &Hold::BusUnavailable);
                return Vec::new();
            }
        };
        match self.readback.admits(&jetstream).await {
            Ok(May::Store) => {}
            Ok(May::Try) => {
                let others = waiting.split_off(waiting.len().min(1));
                hold_all(others, &self.readback.hold());
            }
            Err(hold) => {
                hold_all(waiting.drain(..), &hold);
                return Vec::new();
            }
        }
        self.read_end(&jetstream).await;
        self.read_heads(&jetstream, waiting).await;
        let mut plan = self.plan(&jetstream, waiting).await;
        let known = std::mem::take(&mut plan.known);
        if !plan.is_empty() {
            self.store(&jetstream, plan, waiting).await;
        }
        known
    }

    /// The connection, or a new one; with a new one nothing that was known of heads holds.
    async fn connected(&mut self) -> Result<JetStream, Outage> {
        match self.connection.take_if(|open| !open.is_closed()) {
            Some(open) => {
                self.connection = Some(open.clone());
                Ok(open)
            }
            None => {
                self.heads.forget_all();
                self.ends.forget(&self.feed);
                let heard = Arc::new(Heard::default());
                let hears = heard.clone();
                let ear = Ear {
                    subject: Heard::subject(&self.feed),
                    hear: Box::new(move |subject, body| hears.hear(subject, body)),
                };
                let opened = self.broker.open(Some(ear)).await?;
                self.shares.look(&opened).await?;
                self.heard = heard;
                let (feed, server) = (&self.feed, &opened.info().server_name);
                seldom!(info, feed, "bus-connected", %feed, server, "connected to nats-server");
                self.connection = Some(opened.clone());
                Ok(opened)
            }
        }
    }

    /// Reads where the stream ends, after a rest. Where that is not told, nothing is said of it.
    async fn read_end(&self, jetstream: &JetStream) {
        if self.ends.fresh(&self.feed).is_none()
            && let Err(why) = ends::look(jetstream, &self.feed, &self.ends).await
        {
            debug!(feed = %self.feed, %why, "where the stream ends is not told");
        }
    }

    /// Reads the heads that are not known yet, many at a time.
    async fn read_heads(&mut self, jetstream: &JetStream, waiting: &mut VecDeque<Unit>) {
        let mut unknown: Vec<(LogName, _)> = waiting
            .iter()
            .filter(|unit| self.heads.of(unit.log()).is_none())
            .map(|unit| (unit.log().clone(), unit.registry().clone()))
            .collect();
        unknown.sort_by(|(log, _), (other, _)| log.cmp(other));
        unknown.dedup_by(|(log, _), (other, _)| log == other);
        let (turn, heard) = (self.turn, &self.heard);
        let reading = unknown.into_iter().map(|(log, registry)| async move {
            let reader = Reader {
                jetstream,
                log: &log,
            };
            let head = match heard.read(reader, &registry).await {
                Ok(()) => reader.head(registry.genesis(), turn).await,
                Err(why) => Err(why),
            };
            (log, head)
        });
        let mut reading = stream::iter(reading).buffer_unordered(HEADS_READ_AT_ONCE);
        while let Some((log, head)) = reading.next().await {
            match head {
                Ok(head) => self.heads.learn(&log, head),
                Err(why) => hold_log(&log, &why, waiting),
            }
        }
    }

    /// Takes from what waits what can be stored together, and answers on the way what is stored already or cannot be now.
    async fn plan(&mut self, jetstream: &JetStream, waiting: &mut VecDeque<Unit>) -> Plan {
        let mut plan = Plan::default();
        let mut later = VecDeque::new();
        while let Some(mut unit) = waiting.pop_front() {
            let head = self.heads.of(unit.log()).filter(|_| plan.takes(&unit));
            let Some(remembered @ LogHead { head, read_in, .. }) = head else {
                plan.put_off(unit.log());
                later.push_back(unit);
                continue;
            };
            let fresh = *read_in == self.turn;
            let planned = plan.end_of(unit.log()).is_some();
            let joint = self.joint(&unit, remembered, &plan);
            let verdict = match joint {
                Joint::Next if plan.has_room(&unit) => {
                    plan.add(unit);
                    continue;
                }
                Joint::Next => {
                    waiting.push_front(unit);
                    break;
                }
                // What stands to a head that is only planned is judged when it is one.
                Joint::Known(_)
                | Joint::Ahead
                | Joint::Unlinked
                | Joint::Confirmed
                | Joint::BeyondShare
                    if planned =>
                {
                    plan.put_off(unit.log());
                    later.push_back(unit);
                    continue;
                }
                // The stream is searched beside the writer.
                Joint::Known(count)
                    if !unit.looked_up && !remembered.covers(unit.events(), count) =>
                {
                    plan.put_off(unit.log());
                    plan.known.push(unit);
                    continue;
                }
                // What stood there a while ago may be lost since: that is why it is sent again.
                Joint::Known(_) | Joint::Confirmed if !fresh => Err(Hold::LogUnreadable),
                Joint::Confirmed => self.prove(jetstream, &mut unit, waiting).await,
                Joint::Known(count) => self.answer_known(jetstream, &mut unit, count).await,
                Joint::Ahead => Err(Hold::PositionAhead {
                    head: head.number(),
                }),
                Joint::Unlinked => Err(Hold::ChainMismatch {
                    head: head.number(),
                }),
                Joint::BeyondShare => self.shares.admit_again(jetstream, &unit, remembered).await,
            };
            match verdict {
                Ok(()) if unit.events().is_empty() => unit.finish(),
                Ok(()) => waiting.push_front(unit),
                Err(hold) if fresh => unit.hold(&hold),
                Err(_) => {
                    // Another gateway may have stored what is missed here, and no answer comes from memory alone.
                    waiting.push_front(unit);
                    self.read_head_again(jetstream, waiting).await;
                }
            }
        }
        back_in_line(later, waiting);
        plan
    }

    /// Where a unit stands to its log's head, or to its end by what is planned.
    fn joint(&self, unit: &Unit, known: &LogHead, plan: &Plan) -> Joint {
        let end = plan.end_of(unit.log()).unwrap_or(&known.head);
        let used = plan.bytes_of(unit.log());
        match Joint::of(unit.events(), end) {
            Joint::Next if self.is_confirmed(unit) => Joint::Confirmed,
            Joint::Next if !self.shares.admit(unit, known, used) => Joint::BeyondShare,
            joint => joint,
        }
    }

    /// Has units looked up; what waits behind each in its log waits in line until then.
    fn look_up(&mut self, known: Vec<Unit>) {
        for unit in known {
            let office = unit.log().office.clone();
            let away = self.line.go_away(&office);
            self.known.hand(&office, Known { unit, away });
        }
    }

    /// Answers a unit's first events, which the log's head covers.
    async fn answer_known(
        &self,
        jetstream: &JetStream,
        unit: &mut Unit,
        count: usize,
    ) -> Result<(), Hold> {
        let log = unit.log().clone();
        let head = self.heads.of(&log).ok_or(Hold::LogUnreadable)?;
        let reader = Reader {
            jetstream,
            log: &log,
        };
        known::answer(reader, head, unit, count).await
    }

    /// Whether readers have confirmed, as far as is heard, what the unit is to stand for.
    fn is_confirmed(&self, unit: &Unit) -> bool {
        let up_to = self.heard.up_to(unit.log());
        let first = unit.events().first().map(|first| first.link().position);
        up_to > unit.proved && first.is_some_and(|first| first.number() <= up_to)
    }

    /// Holds what is not what readers have confirmed. What waits behind it in its log may prove it.
    async fn prove(
        &self,
        jetstream: &JetStream,
        unit: &mut Unit,
        waiting: &VecDeque<Unit>,
    ) -> Result<(), Hold> {
        let log = unit.log().clone();
        let up_to = self.heard.up_to(&log);
        let reader = Reader {
            jetstream,
            log: &log,
        };
        let confirmed = self.heard.confirmed(reader, unit.registry()).await;
        let confirmed = confirmed.map_err(|why| held(&log, &why))?;
        let behind = waiting.iter().filter(|behind| *behind.log() == log);
        let all = unit.events().iter().chain(behind.flat_map(Unit::events));
        confirmed.admits(&chained(all), Brought::New)?;
        unit.proved = up_to;
        Ok(())
    }

    /// Reads the head of the first unit's log anew.
    async fn read_head_again(&mut self, jetstream: &JetStream, waiting: &mut VecDeque<Unit>) {
        let Some(unit) = waiting.front() else { return };
        let (log, genesis) = (unit.log().clone(), unit.genesis());
        let reader = Reader {
            jetstream,
            log: &log,
        };
        match reader.head(genesis, self.turn).await {
            Ok(head) => self.heads.learn(&log, head),
            Err(why) => hold_log(&log, &why, waiting),
        }
    }
}

/// The first events, as far as each is linked to the one before it.
fn chained<'e>(events: impl Iterator<Item = &'e SignedEvent>) -> Vec<&'e SignedEvent> {
    let mut chain: Vec<&SignedEvent> = Vec::new();
    for event in events {
        let linked = |last: &&SignedEvent| Head::of(last).is_followed_by(event.link());
        if !chain.last().is_none_or(linked) {
            break;
        }
        chain.push(event);
    }
    chain
}

/// Puts units in front of all that waits, in their order.
pub(super) fn back_in_line(
    units: impl IntoIterator<Item = Unit, IntoIter: DoubleEndedIterator>,
    waiting: &mut VecDeque<Unit>,
) {
    for unit in units.into_iter().rev() {
        waiting.push_front(unit);
    }
}

pub(super) fn hold_all(units: impl IntoIterator<Item = Unit>, hold: &Hold) {
    for unit in units {
        unit.hold(hold);
    }
}

/// Holds what waits for a log of which nothing can be said now.
fn hold_log(log: &LogName, why: &Unreadable, waiting: &mut VecDeque<Unit>) {
    let hold = held(log, why);
    let (of_log, others): (Vec<Unit>, Vec<Unit>) =
        waiting.drain(..).partition(|unit| unit.log() == log);
    waiting.extend(others);
    hold_all(of_log, &hold);
}

pub(super) fn held(log: &LogName, why: &Unreadable) -> Hold {
    seldom!(warn, log, "log-unreadable", %log, %why, "the log cannot be read; what waits for it is held");
    match why {
        Unreadable::Outage(_) | Unreadable::Api(_) => Hold::BusUnavailable,
        Unreadable::Message { .. } => Hold::LogUnreadable,
        Unreadable::Newer { why, .. } => (**why).clone(),
    }
}
