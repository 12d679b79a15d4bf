//! What readers have confirmed of a log is a head, too, as long as the bus has less: what they say comes in, whether events may
//! be stored there goes out. Known again from the stream of confirmations by whoever asks; nothing of it is kept but a hint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::confirmation::{Confirmation, Said, is_proved};
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::signing::SignedEvent;
use schemas::subject::{CONFIRMATIONS, ConfirmSubject, FeedName, LogName};
use tokio::time::Instant;

use super::read::{Got, GotMessage, NO_MESSAGE, Reader, Unreadable, Wanted};
use crate::limits::{CONFIRMED_FRESH, CONFIRMED_SETTLES};
use crate::seldom::seldom;
use crate::streams::STREAM_NOT_FOUND;

/// As what events are brought: that decides how much has to be proved of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brought {
    /// As new ones. At or below a confirmed position there is nothing new.
    New,
    /// As what was there before. Each is its office's, and linked; which it was is known at the confirmed positions alone.
    Back,
}

/// What is confirmed of a log, by the registry of whoever asks.
#[derive(Debug)]
pub(super) struct Confirmed(Vec<Said>);

impl Confirmed {
    /// From the leader; as many messages as the log has readers.
    pub async fn read(reader: Reader<'_>, registry: &Registry) -> Result<Confirmed, Unreadable> {
        let subject = format!("$JS.API.STREAM.MSG.GET.{CONFIRMATIONS}");
        let filter = ConfirmSubject::filter(reader.log);
        let (mut all, mut next) = (Vec::new(), 1);
        loop {
            let wanted = Wanted::From {
                seq: next,
                next_by_subj: &filter,
            };
            let message = match reader.jetstream.ask::<Got>(&subject, &wanted).await? {
                Ok(got) => got.message,
                // Where there is no such stream, nothing was ever confirmed.
                Err(error) if [NO_MESSAGE, STREAM_NOT_FOUND].contains(&error.err_code) => {
                    return Ok(Confirmed(all));
                }
                Err(error) => return Err(error.into()),
            };
            next = message.seq.saturating_add(1);
            match said(&message, reader.log, registry) {
                Some(said) => all.push(said),
                None => {
                    let (log, seq) = (reader.log, message.seq);
                    seldom!(warn, log, "confirmation-void", %log, seq, "a confirmation proves nothing")
                }
            }
        }
    }

    /// The highest confirmed position; 0 where there is none.
    pub fn up_to(&self) -> u64 {
        let positions = self.0.iter().map(|said| said.position.number());
        positions.max().unwrap_or(0)
    }

    /// Whether events that are the log's next ones may be stored there. One that is confirmed proves, by the chain, all before it.
    pub fn admits(&self, events: &[&SignedEvent], brought: Brought) -> Result<(), Hold> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return Ok(());
        };
        let (first, last) = (first.link().position, last.link().position);
        for Said {
            position,
            hash,
            reader,
            ..
        } in self.0.iter().filter(|said| said.position >= first)
        {
            let admitted = match *position > last {
                true => brought == Brought::Back,
                false => events
                    .iter()
                    .any(|event| event.link().position == *position && event.hash() == *hash),
            };
            if !admitted {
                return Err(Hold::PositionConfirmed {
                    position: *position,
                    reader: reader.clone(),
                });
            }
        }
        Ok(())
    }
}

/// A reader's word as long as the registry has it for one, and honours the key with which the office has signed what it names: who
/// must not read a log any longer holds nobody up, and nobody by a position that was never filled.
fn said(message: &GotMessage, log: &LogName, registry: &Registry) -> Option<Said> {
    let body = STANDARD.decode(&message.data).ok()?;
    let headers = STANDARD.decode(&message.hdrs).ok()?;
    let confirmation: Confirmation = serde_json::from_slice(&body).ok()?;
    let said = confirmation.verified(registry).ok()?;
    let reads = said.reader != log.office && registry.may_read(&said.reader, log).is_ok();
    let binds = reads && said.log == *log && is_proved(&headers, said, registry);
    binds.then(|| said.clone())
}

/// How high the confirmations are that were read or heard on one connection, by log. A hint: what lies above needs no look, and
/// for what does not, they are read. What another gateway takes is heard here, too.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<HashMap<LogName, OfLog>>);

#[derive(Debug, Default)]
struct OfLog {
    up_to: u64,
    /// When something was said of it last.
    at: Option<Instant>,
    known: Option<Known>,
}

/// What was read of a log, when, and by which registry it was judged.
#[derive(Debug)]
struct Known {
    confirmed: Arc<Confirmed>,
    read: Instant,
    registry: u64,
}

impl Heard {
    /// What is said of any log of a feed.
    pub fn subject(feed: &FeedName) -> String {
        format!("spean.confirm.*.*.{feed}.*.*")
    }

    /// Reads what was confirmed of a log, once; what is said of it from here on is heard.
    pub async fn read(&self, reader: Reader<'_>, registry: &Registry) -> Result<(), Unreadable> {
        if !self.begin(reader.log) {
            return Ok(());
        }
        match Confirmed::read(reader, registry).await {
            Ok(confirmed) => self.raise(reader.log, confirmed.up_to()),
            Err(why) => {
                self.all().remove(reader.log);
                return Err(why);
            }
        }
        Ok(())
    }

    /// What is confirmed of a log: read, or as it was read a moment ago if nothing was said of it since.
    pub async fn confirmed(
        &self,
        reader: Reader<'_>,
        registry: &Registry,
    ) -> Result<Arc<Confirmed>, Unreadable> {
        let (began, registry_at) = (Instant::now(), registry.position());
        if let Some(confirmed) = self.known(reader.log, registry_at, began) {
            return Ok(confirmed);
        }
        let confirmed = Arc::new(Confirmed::read(reader, registry).await?);
        let known = Known {
            confirmed: confirmed.clone(),
            read: began,
            registry: registry_at,
        };
        if let Some(of_log) = self.all().get_mut(reader.log) {
            of_log.known = Some(known).filter(|known| of_log.is_settled_at(known.read));
        }
        Ok(confirmed)
    }

    fn known(&self, log: &LogName, registry: u64, now: Instant) -> Option<Arc<Confirmed>> {
        let all = self.all();
        let known = all.get(log)?.known.as_ref()?;
        let fresh = now.duration_since(known.read) < CONFIRMED_FRESH;
        (fresh && known.registry == registry).then(|| known.confirmed.clone())
    }

    /// False where it was heard before.
    fn begin(&self, log: &LogName) -> bool {
        let mut all = self.all();
        let known = all.contains_key(log);
        all.entry(log.clone()).or_default();
        !known
    }

    /// Something was said. Without headers it was taken without evidence, and binds nobody; what cannot be read is a reason to look.
    pub fn hear(&self, subject: &[u8], body: &[u8]) {
        let subject = std::str::from_utf8(subject).unwrap_or_default();
        let Ok(ConfirmSubject { log, .. }) = subject.parse() else {
            return;
        };
        let Some(headers) = body.windows(4).position(|end| end == b"\r\n\r\n") else {
            return;
        };
        let payload = body.get(headers.saturating_add(4)..).unwrap_or_default();
        let read: Result<Confirmation, _> = serde_json::from_slice(payload);
        let position = read.map_or(u64::MAX, |read| read.said().position.number());
        self.raise(&log, position);
        if let Some(of_log) = self.all().get_mut(&log) {
            of_log.at = Some(Instant::now());
            of_log.known = None;
        }
    }

    fn raise(&self, log: &LogName, position: u64) {
        if let Some(of_log) = self.all().get_mut(log) {
            of_log.up_to = position.max(of_log.up_to);
        }
    }

    /// 0 where nothing is confirmed.
    pub fn up_to(&self, log: &LogName) -> u64 {
        self.all().get(log).map_or(0, |of_log| of_log.up_to)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<LogName, OfLog>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OfLog {
    /// Whether all that was heard is stored, at this moment and since.
    fn is_settled_at(&self, read: Instant) -> bool {
        let since = |at| read.saturating_duration_since(at);
        self.at.is_none_or(|at| since(at) >= CONFIRMED_SETTLES)
    }
}

#[cfg(test)]
pub(super) mod tests;
