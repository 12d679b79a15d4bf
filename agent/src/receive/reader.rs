//! One pass through a feed's stream over one session: from behind the cursor, or, where the stream is not the one that the cursor
//! was made on, through the logs that are not complete here and then on from the stream's end. Deliveries come in, kept
//! events and the moved cursor are on disk before more is asked for.

pub(crate) mod batch;
mod beginning;
mod stamps;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemas::alarm::Alarm;
use schemas::event::Hash;
use schemas::heal::LogCount;
use schemas::refusal::{Hold, Refusal};
use schemas::registry::Registry;
use schemas::subject::{FeedName, LogName, OfficeId};
use tokio::sync::watch;
use tokio::time::Instant;

use self::batch::Batch;
use self::beginning::Beginning;
use super::Trouble;
use super::limits::{COUNT_INTERVAL, PULL_GRACE};
use super::verify::{
    Incoming, No, Unbelieved, Unread, Verified, VerifiedEvent, VerifiedGap, Verifier,
};
use crate::inbox::{Cursor, Inbox};
use crate::link::{
    Delivery, Ends, NoAnswer, PULL_EVENTS, PULL_TIME, Session, Subscription, ends_now,
};

/// Why a pass ended although the session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The registry changed while something was held.
    RegistryChanged,
    /// The bus counts more than was seen: something was passed over.
    PassedOver,
}

/// What is read, and into what.
pub struct Reader<'a> {
    pub feed: &'a FeedName,
    pub office: &'a OfficeId,
    pub inbox: &'a Inbox,
    pub session: &'a Session,
    pub verifier: Verifier,
    /// The registry that the verifier checks by; a pass ends when there is a newer one.
    pub registry: watch::Receiver<Arc<Registry>>,
    /// The consumer of a pass that was cut off; none where it was given back.
    pub leftover: &'a Mutex<Option<String>>,
    /// Until then counts are not compared with what is held: they were a moment ago, and what they showed was read again.
    pub compare_from: Instant,
    pub ends: &'a Ends,
    /// Is told what could not be checked.
    pub on_hold: &'a (dyn Fn(&LogName, &Hold) + Sync),
}

/// How far a consumer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Nothing more lies ready.
    CaughtUp,
    /// Something calls for another pass.
    Ended,
}

/// How far a pass has come.
#[derive(Debug, Default)]
struct Progress {
    /// How many more the consumer has.
    pending: u64,
    /// The last event that was read.
    read: Option<Cursor>,
    /// The first event that could not be checked yet, and what came before it: the cursor stays there.
    held: Option<Option<Cursor>>,
    /// Logs of which an event could not be checked yet.
    held_logs: BTreeMap<LogName, Hold>,
}

impl Reader<'_> {
    pub fn filter(&self) -> String {
        format!("spean.log.{}.>", self.feed)
    }

    /// Reads until the session ends or something calls for another pass. With `doubt` the cursor is not enough: each log is
    /// compared with the bus.
    pub async fn pass(&self, doubt: bool) -> Result<Ended, Trouble> {
        let mut progress = Progress::default();
        match self.beginning(doubt).await? {
            Beginning::Behind(cursor) => progress.read = cursor,
            Beginning::CatchUp { filters, end } => {
                if !filters.is_empty()
                    && let Some(ended) = self.read(&filters, Until::CaughtUp, &mut progress).await?
                {
                    return Ok(ended);
                }
                progress.read = end;
                if progress.held.is_none() {
                    self.inbox.keep(self.feed, Vec::new(), end).await?;
                }
            }
        }
        self.inbox.in_step(self.feed, self.session.ended().clone());
        let all = [self.filter()];
        loop {
            // Only who wants to catch up ends without a reason.
            if let Some(ended) = self.read(&all, Until::Ended, &mut progress).await? {
                return Ok(ended);
            }
        }
    }

    /// Reads what lies behind `progress` through a consumer of its own.
    async fn read(
        &self,
        filters: &[String],
        until: Until,
        progress: &mut Progress,
    ) -> Result<Option<Ended>, Trouble> {
        let (ministry, place) = (self.office.ministry(), self.office.place());
        let name = format!("{ministry}_{place}_{:016x}", fastrand::u64(..));
        let mut arrivals = self.session.subscribe(&name).await?;
        let behind = |read: Cursor| read.stream_sequence.saturating_add(1);
        let start = progress.read.map_or(1, behind);
        let left = self.exchange_leftover(Some(name.clone()));
        let created = self
            .session
            .create_consumer(self.feed, &name, filters, start);
        let (created, ()) = tokio::join!(created, self.give_back(left));
        progress.pending = created?;
        let ended = self.read_on(&name, &mut arrivals, until, progress).await?;
        let done = self.exchange_leftover(None);
        self.give_back(done).await;
        Ok(ended)
    }

    fn exchange_leftover(&self, name: Option<String>) -> Option<String> {
        let mut leftover = self.leftover.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *leftover, name)
    }

    async fn give_back(&self, consumer: Option<String>) {
        if let Some(name) = consumer {
            self.session.delete_consumer(self.feed, &name).await;
        }
    }

    async fn read_on(
        &self,
        consumer: &str,
        arrivals: &mut Subscription,
        until: Until,
        progress: &mut Progress,
    ) -> Result<Option<Ended>, Trouble> {
        let mut registry = self.registry.clone();
        let mut asked_for = 0;
        let mut count: Option<Count> = None;
        loop {
            if progress.pending == 0 && until == Until::CaughtUp {
                return Ok(None);
            }
            if asked_for == 0 {
                self.session
                    .pull(self.feed, consumer, arrivals.inbox())
                    .await?;
                asked_for = PULL_EVENTS;
            }
            if progress.pending == 0 {
                let old = count
                    .as_ref()
                    .is_none_or(|count| count.at.elapsed() >= COUNT_INTERVAL);
                if count
                    .as_ref()
                    .is_some_and(|count| old || count.is_reached(progress))
                    && self.has_passed_over(count.as_mut(), progress)?
                {
                    return Ok(Some(Ended::PassedOver));
                }
                if old {
                    count = Some(self.count().await?);
                    continue;
                }
            }
            let first = tokio::time::timeout(PULL_TIME + PULL_GRACE, arrivals.next());
            let first = tokio::select! {
                first = first => first,
                Ok(()) = registry.changed() => return Ok(Some(Ended::RegistryChanged)),
            };
            let Ok(first) = first else {
                asked_for = 0;
                continue;
            };
            let batch = Batch::gather(first?, arrivals);
            asked_for = match batch.pull_ended {
                true => 0,
                false => asked_for.saturating_sub(batch.count),
            };
            progress.pending = batch.pending.unwrap_or(progress.pending);
            if let Some(why) = batch.consumer_lost {
                return Err(Trouble::Unanswered(NoAnswer::Held {
                    code: Alarm::ConsumerLost.into(),
                    text: why,
                }));
            }
            self.keep(batch.messages, progress).await?;
        }
    }

    /// Verifies and keeps, with the cursor, in one sync.
    async fn keep(
        &self,
        messages: Vec<(u64, Delivery)>,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        self.hear_registry(&messages);
        let mut batch = Vec::with_capacity(messages.len());
        for (sequence, message) in messages {
            self.ends.sees(self.feed, sequence);
            let read = Incoming::read(
                self.feed,
                &message.subject,
                sequence,
                &message.headers,
                message.payload,
            );
            match read {
                Ok(incoming) => batch.push(incoming),
                Err(Unread::Bad(refusal)) => self.tell_bad(&message.subject, sequence, &refusal),
                Err(Unread::Held(log, hold)) => {
                    self.keep_read(&std::mem::take(&mut batch), progress)
                        .await?;
                    self.hold(&log, &hold, progress);
                }
            }
        }
        self.keep_read(&batch, progress).await
    }

    async fn keep_read(&self, batch: &[Incoming], progress: &mut Progress) -> Result<(), Trouble> {
        if batch.is_empty() {
            return Ok(());
        }
        let Sorted {
            events,
            gaps,
            aside,
        } = self.sort(batch, progress);
        let cursor = progress.held.unwrap_or(progress.read);
        // What came back of a declared range is taken first, so that it arrives in its order.
        let with_events = cursor.filter(|_| gaps.is_empty());
        if !aside.is_empty() {
            self.inbox.put_aside(aside).await?;
        }
        self.inbox.keep(self.feed, events, with_events).await?;
        if !gaps.is_empty() {
            self.inbox.declare(self.feed, gaps, cursor).await?;
        }
        Ok(())
    }

    /// Judges what came together, and says what of it is kept where. Past an event that cannot be checked yet nothing of its log is.
    fn sort(&self, batch: &[Incoming], progress: &mut Progress) -> Sorted {
        let mut sorted = Sorted::default();
        let verdicts = self.verifier.verify(self.feed, batch);
        for (incoming, verdict) in batch.iter().zip(verdicts) {
            let log = incoming.event.event().log();
            if let Err(No::Held(hold)) = &verdict {
                self.hold(log, hold, progress);
            }
            let held = progress.held_logs.contains_key(log);
            let kept = !held && log.office != *self.office;
            match verdict {
                Ok(Verified::Event(event)) => sorted.events.extend(Some(event).filter(|_| kept)),
                Ok(Verified::Gap(gap)) => sorted.gaps.extend(Some(*gap).filter(|_| kept)),
                Err(No::Held(_)) => {}
                Err(No::Bad(refusal)) => {
                    self.tell_bad(&log.subject(), incoming.sequence, &refusal);
                }
                Err(No::Unbelieved(event)) => {
                    self.tell_bad(&log.subject(), incoming.sequence, event.why());
                    sorted.aside.extend(Some(*event).filter(|_| kept));
                }
            }
            progress.read = Some(cursor_at(incoming.sequence, incoming.event.hash()));
        }
        sorted
    }

    /// Past what cannot be checked yet nothing of its log is kept, and the cursor stays before it.
    fn hold(&self, log: &LogName, hold: &Hold, progress: &mut Progress) {
        if !progress.held_logs.contains_key(log) {
            progress.held_logs.insert(log.clone(), hold.clone());
            (self.on_hold)(log, hold);
        }
        progress.held.get_or_insert(progress.read);
    }

    /// It never passes; what is behind it in its log waits for the true one, or names this one.
    fn tell_bad(&self, subject: &str, sequence: u64, refusal: &Refusal) {
        let text =
            format!("{subject}: sequence {sequence} of the stream is not believed: {refusal}");
        self.inbox.alarms().raise(Alarm::EventNotBelieved, text);
    }

    /// What the bus counts. Counts cost little, and no log has more events than positions, so that they are heads at least.
    async fn count(&self) -> Result<Count, Trouble> {
        let counted = self.session.feed_counts(self.feed).await?;
        let last = ends_now(self.feed, counted.last_sequence);
        self.ends.gateway_says(last.as_slice(), self.inbox.alarms());
        let others = counted.logs.into_iter();
        let logs = others.filter(|(office, _)| office != self.office);
        let logs = logs.map(|(office, count)| {
            let feed = self.feed.clone();
            (LogName { feed, office }, count)
        });
        let logs: Vec<(LogName, LogCount)> = logs.collect();
        let heads = logs
            .iter()
            .map(|(log, count)| (log.clone(), count.appended));
        self.inbox.note_heads(&heads.collect::<Vec<_>>())?;
        Ok(Count {
            at: Instant::now(),
            last_sequence: counted.last_sequence,
            logs,
        })
    }

    /// Compares what the bus counted with what is held, once.
    fn has_passed_over(
        &self,
        count: Option<&mut Count>,
        progress: &Progress,
    ) -> Result<bool, Trouble> {
        if Instant::now() < self.compare_from {
            return Ok(false);
        }
        let logs = count.map(|count| std::mem::take(&mut count.logs));
        for (log, counted) in logs.unwrap_or_default() {
            let state = self.inbox.state(&log)?;
            let declared = self.inbox.declared(&log)?.up_to(state.complete).count();
            let held = state.complete.saturating_sub(declared);
            let held = held.saturating_add(state.parked_events);
            let room_again = state.left_behind && state.parked_events == 0;
            let short = room_again
                || (counted.appended > held && !state.left_behind)
                || self.has_beside(&log, &counted)?;
            if short && !progress.held_logs.contains_key(&log) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the bus has beside a log what it lacks here: what was refilled or declared. A stream that began anew may have the same
    /// event at the cursor again, and before it what was never read.
    fn has_beside(&self, log: &LogName, counted: &LogCount) -> Result<bool, Trouble> {
        let missing = self.inbox.gaps(log)?;
        if missing.is_empty() {
            return Ok(false);
        }
        let refilled = missing.without(&counted.refilled) != missing;
        Ok(refilled || counted.gaps > self.inbox.declarations(log)?)
    }
}

/// What is kept of what came together.
#[derive(Default)]
struct Sorted {
    events: Vec<VerifiedEvent>,
    gaps: Vec<VerifiedGap>,
    aside: Vec<Unbelieved>,
}

/// What the bus counted, to be compared with what is held once everything up to there was read.
struct Count {
    at: Instant,
    last_sequence: u64,
    logs: Vec<(LogName, LogCount)>,
}

impl Count {
    fn is_reached(&self, progress: &Progress) -> bool {
        let read = progress.read.map_or(0, |read| read.stream_sequence);
        read >= self.last_sequence
    }
}

fn cursor_at(stream_sequence: u64, hash: Hash) -> Cursor {
    Cursor {
        stream_sequence,
        hash,
    }
}
