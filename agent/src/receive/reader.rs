//! One pass through a feed's stream over one session: from behind the cursor, or from the beginning where the stream is not the
//! one that the cursor was made on. Deliveries come in, kept events and the moved cursor are on disk before more is asked for.

use std::collections::BTreeMap;
use std::time::Instant;

use schemas::event::Hash;
use schemas::refusal::{Hold, Refusal};
use schemas::registry::Registry;
use schemas::subject::{FeedName, LogName, LogSubject, OfficeId};

use super::Trouble;
use super::limits::{BATCH_BYTES, BATCH_EVENTS, COUNT_INTERVAL, PULL_GRACE};
use super::verify::{Incoming, No, VerifiedEvent, Verifier};
use crate::inbox::{Cursor, Inbox};
use crate::link::{Delivery, Get, NoAnswer, PULL_EVENTS, PULL_TIME, Session, Subscription};

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

    /// Reads until the session ends or something calls for another pass. `on_hold` is told what could not be checked.
    pub async fn pass(
        &self,
        from_beginning: bool,
        mut on_hold: impl FnMut(&LogName, &Hold),
        registry_changed: impl Future<Output = ()>,
    ) -> Result<Ended, Trouble> {
        let cursor = match from_beginning {
            true => None,
            false => self.confirmed_cursor().await?,
        };
        let start = cursor.map_or(1, |cursor| cursor.stream_sequence + 1);
        let name = format!(
            "{}_{}_{:016x}",
            self.office.ministry(),
            self.office.place(),
            fastrand::u64(..)
        );
        let mut arrivals = self.session.subscribe(&name).await?;
        let pending = self
            .session
            .create_consumer(self.feed, &name, &[self.filter()], start)
            .await?;
        let mut progress = Progress {
            read: cursor,
            pending,
            ..Progress::default()
        };
        let reading = self.read_on(&name, &mut arrivals, &mut progress, &mut on_hold);
        tokio::pin!(registry_changed);
        let ended = tokio::select! {
            ended = reading => ended?,
            () = &mut registry_changed => Ended::RegistryChanged,
        };
        self.session.delete_consumer(self.feed, &name).await;
        Ok(ended)
    }

    /// The cursor, if the stream still has the event that it was made on. Else the stream went back or began anew, and
    /// everything is read again: what is known is seen, what is missing arrives.
    async fn confirmed_cursor(&self) -> Result<Option<Cursor>, Trouble> {
        let Some(cursor) = self.inbox.cursor(self.feed)? else {
            return Ok(None);
        };
        let filter = self.filter();
        let get = Get::From(cursor.stream_sequence, &filter);
        let there = self.session.message(self.feed, get).await?;
        let same = there.is_some_and(|message| {
            let (sequence, subject) = (message.sequence, message.subject.clone());
            let read = Incoming::read(
                self.feed,
                &subject,
                sequence,
                &message.headers,
                message.data,
            );
            let hash = read.ok().flatten().map(|incoming| incoming.event.hash());
            sequence == cursor.stream_sequence && hash == Some(cursor.hash)
        });
        if same {
            return Ok(Some(cursor));
        }
        let text = format!(
            "{}: sequence {} of the stream is not what was read there; the stream went back or began anew, and is read again",
            self.feed, cursor.stream_sequence
        );
        self.inbox.alarms().raise("stream-went-back", text);
        Ok(None)
    }

    async fn read_on(
        &self,
        consumer: &str,
        arrivals: &mut Subscription,
        progress: &mut Progress,
        on_hold: &mut impl FnMut(&LogName, &Hold),
    ) -> Result<Ended, Trouble> {
        let mut asked_for = 0;
        let mut count: Option<Count> = None;
        loop {
            if asked_for == 0 {
                self.session.pull(self.feed, consumer, arrivals).await?;
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
                    return Ok(Ended::PassedOver);
                }
                if old {
                    count = Some(self.count().await?);
                    continue;
                }
            }
            let first = tokio::time::timeout(PULL_TIME + PULL_GRACE, arrivals.next()).await;
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
                    code: "consumer-lost".into(),
                    text: why,
                }));
            }
            self.keep(batch.messages, progress, on_hold).await?;
        }
    }

    /// Verifies and keeps, with the cursor, in one sync.
    async fn keep(
        &self,
        messages: Vec<(u64, Delivery)>,
        progress: &mut Progress,
        on_hold: &mut impl FnMut(&LogName, &Hold),
    ) -> Result<(), Trouble> {
        let mut batch = Vec::with_capacity(messages.len());
        for (sequence, message) in messages {
            let read = Incoming::read(
                self.feed,
                &message.subject,
                sequence,
                &message.headers,
                message.payload,
            );
            match read {
                Ok(Some(incoming)) => batch.push(incoming),
                Ok(None) => {}
                Err(refusal) => self.tell_bad(&message.subject, sequence, &refusal),
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        let verdicts = self.verifier.verify(self.feed, &batch);
        let mut verified: Vec<VerifiedEvent> = Vec::with_capacity(batch.len());
        for (incoming, verdict) in batch.iter().zip(verdicts) {
            let log = incoming.event.event().log();
            let own = log.office == *self.office;
            let verdict = match verdict {
                Ok(_) if progress.held_logs.contains_key(log) => None,
                Ok(event) => Some(event).filter(|_| !own),
                Err(No::Held(hold)) => {
                    if progress
                        .held_logs
                        .insert(log.clone(), hold.clone())
                        .is_none()
                    {
                        on_hold(log, &hold);
                    }
                    None
                }
                Err(No::Bad(refusal)) => {
                    let subject = LogSubject::Log(log.clone()).to_string();
                    self.tell_bad(&subject, incoming.sequence, &refusal);
                    None
                }
            };
            if progress.held_logs.contains_key(log) {
                progress.held.get_or_insert(progress.read);
            }
            progress.read = Some(cursor_at(incoming.sequence, incoming.event.hash()));
            verified.extend(verdict);
        }
        let cursor = progress.held.unwrap_or(progress.read);
        self.inbox.keep(self.feed, verified, cursor).await?;
        Ok(())
    }

    /// It never passes; what is behind it in its log waits for the true one.
    fn tell_bad(&self, subject: &str, sequence: u64, refusal: &Refusal) {
        let text =
            format!("{subject}: sequence {sequence} of the stream is not believed: {refusal}");
        self.inbox.alarms().raise("event-not-believed", text);
    }

    /// What the bus counts. Counts cost little, and no log has more events than positions, so that they are heads at least.
    async fn count(&self) -> Result<Count, Trouble> {
        let counted = self.session.counts(self.feed, &self.filter()).await?;
        let mut heads: Vec<(LogName, u64)> = Vec::new();
        for (subject, count) in counted.subjects {
            if let Ok(LogSubject::Log(log)) = subject.parse()
                && log.office != *self.office
            {
                heads.push((log, count));
            }
        }
        self.inbox.note_heads(&heads)?;
        Ok(Count {
            at: Instant::now(),
            last_sequence: counted.last_sequence,
            heads,
        })
    }

    /// Compares what the bus counted with what is held, once.
    fn has_passed_over(
        &self,
        count: Option<&mut Count>,
        progress: &Progress,
    ) -> Result<bool, Trouble> {
        let heads = count.map(|count| std::mem::take(&mut count.heads));
        for (log, head) in heads.unwrap_or_default() {
            let state = self.inbox.state(&log)?;
            let held = state.complete + state.parked_events;
            let room_again = state.left_behind && state.parked_events == 0;
            let short = room_again || (head > held && !state.left_behind);
            if short && !progress.held_logs.contains_key(&log) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What the bus counted, to be compared with what is held once everything up to there was read.
struct Count {
    at: Instant,
    last_sequence: u64,
    heads: Vec<(LogName, u64)>,
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

/// What lay ready at once.
struct Batch {
    messages: Vec<(u64, Delivery)>,
    /// How many of what was asked for have come.
    count: u64,
    /// How many more the consumer has, by the last message's word.
    pending: Option<u64>,
    pull_ended: bool,
    /// The bus has no such consumer any more.
    consumer_lost: Option<String>,
}

impl Batch {
    /// The first message and those that have arrived behind it.
    fn gather(first: Delivery, arrivals: &mut Subscription) -> Batch {
        let mut batch = Batch {
            messages: Vec::new(),
            count: 0,
            pending: None,
            pull_ended: false,
            consumer_lost: None,
        };
        let mut next = Some(first);
        let mut bytes = 0;
        while let Some(message) = next {
            bytes += message.payload.len() + message.headers.len();
            batch.take(message);
            let full = batch.messages.len() >= BATCH_EVENTS || bytes >= BATCH_BYTES;
            next = if full { None } else { arrivals.now() };
        }
        batch
    }

    fn take(&mut self, message: Delivery) {
        match message.status {
            None => {}
            // The pull has waited long enough, or has brought as many bytes as were asked for.
            Some(408) => return self.pull_ended = true,
            Some(409) if message.description.contains("MaxBytes") => return self.pull_ended = true,
            Some(409) if message.description.contains("Batch Completed") => {
                return self.pull_ended = true;
            }
            Some(status) => {
                self.consumer_lost = Some(format!("{status} {}", message.description));
                return;
            }
        }
        self.count += 1;
        if let Some((sequence, pending)) = message.reply.as_deref().and_then(place) {
            self.pending = Some(pending);
            self.messages.push((sequence, message));
        }
    }
}

/// The stream's sequence, and how many more there are: `$JS.ACK[.<domain>.<account>].<stream>.<consumer>.<delivered>.
/// <stream sequence>.<consumer sequence>.<time>.<pending>[.<token>]`.
fn place(reply: &str) -> Option<(u64, u64)> {
    let tokens: Vec<&str> = reply.split('.').collect();
    let at = match tokens.len() {
        9 => 5,
        11.. => 7,
        _ => return None,
    };
    Some((tokens[at].parse().ok()?, tokens[at + 3].parse().ok()?))
}

/// The registry that a reader of a feed checks by.
pub fn verifier(registry: &std::sync::Arc<Registry>) -> Verifier {
    Verifier {
        registry: registry.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_read_from_both_forms_of_the_reply_subject() {
        let short = "$JS.ACK.market-prices.maff_hq_1.1.42.7.1790000000000000000.3";
        assert_eq!(place(short), Some((42, 3)));
        let long = "$JS.ACK._.hash.market-prices.maff_hq_1.1.42.7.1790000000000000000.3.x";
        assert_eq!(place(long), Some((42, 3)));
        assert_eq!(place("_INBOX.x"), None);
        assert_eq!(place("$JS.ACK.a.b.1.x.7.0.3"), None);
    }
}
