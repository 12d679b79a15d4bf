//! Confirmations, both ways: what the inbox holds of others' logs goes out signed, "complete to position n"; what other offices hold
//! of ours comes in. Never for each event, and never anything while nothing changes.

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

mod limits;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use schemas::alarm::Alarm;
use schemas::confirmation::{Confirmation, Evidence, Said};
use schemas::envelope::nats;
use schemas::event::{Position, Timestamp};
use schemas::registry::Registry;
use schemas::signing::SigningKey;
use schemas::subject::{ConfirmSubject, FeedName, LogName, OfficeId, confirmations};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::limits::{INTERVAL, PAUSE, ROUND_MAX};
use crate::inbox::Inbox;
use crate::link::{Link, NoAnswer, Outage, PULL_EVENTS, PULL_TIME, REQUEST_TIME, Session};
use crate::outbox::Outbox;
use crate::receive::Batch;
use crate::status::Told;
use crate::store;

/// What confirming stands on.
#[derive(Clone)]
pub struct Confirm {
    pub office: OfficeId,
    pub key: Arc<SigningKey>,
    pub inbox: Inbox,
    pub outbox: Outbox,
    pub link: Link,
    pub registry: watch::Receiver<Arc<Registry>>,
}

impl Confirm {
    /// Tells what this office holds, until the shutdown.
    ///
    /// # Errors
    /// The inbox cannot be read.
    pub async fn tell(self, shutdown: CancellationToken) -> Result<(), store::Outage> {
        let work = async {
            let mut news = self.inbox.news();
            loop {
                let session = self.link.session().await;
                let told = self.tell_round(&session).await?;
                let pause = async {
                    tokio::time::sleep(INTERVAL).await;
                    if told == Round::Everything {
                        // The inbox ends with the process, and this with it.
                        let _closed = news.changed().await;
                    }
                };
                tokio::select! {
                    () = pause => {}
                    () = self.inbox.is_unconfirmed() => {}
                }
            }
        };
        tokio::select! {
            failed = work => failed,
            () = shutdown.cancelled() => Ok(()),
        }
    }

    /// Confirms what has grown since the last time, a bounded number of logs.
    async fn tell_round(&self, session: &Session) -> Result<Round, store::Outage> {
        let grown = self.grown()?;
        let last = if grown.len() > ROUND_MAX {
            Round::Part
        } else {
            Round::Everything
        };
        for (log, position) in grown.into_iter().take(ROUND_MAX) {
            let Some((confirmation, evidence)) = self.confirmation(&log, position)? else {
                continue;
            };
            match publish(session, &confirmation, &evidence).await {
                Ok(()) => self.inbox.note_confirmed(&log, position)?,
                Err(why) => {
                    // It is said again, until it is heard.
                    tracing::debug!(%log, %why, "what is held cannot be confirmed now");
                    return Ok(Round::Part);
                }
            }
        }
        Ok(last)
    }

    /// Others' logs that hold more than was confirmed.
    fn grown(&self) -> Result<Vec<(LogName, Position)>, store::Outage> {
        let registry = self.registry.borrow().clone();
        let mut grown = Vec::new();
        // A bus that went back since may have another history by now: what it has is looked at first.
        let readable = registry.readable_feeds(&self.office).into_iter();
        for feed in readable.filter(|feed| self.inbox.is_in_step(&feed.name)) {
            for (log, state) in self.inbox.logs(&feed.name)? {
                let complete = Position::new(state.complete);
                let Some(complete) = complete.filter(|_| log.office != self.office) else {
                    continue;
                };
                let unconfirmed = self.inbox.confirmed(&log)? < complete.number();
                if unconfirmed && !self.inbox.is_on_branch(&log)? {
                    grown.push((log, complete));
                }
            }
        }
        Ok(grown)
    }

    /// With the office's own signature under what is confirmed: by that alone the word keeps the position free.
    fn confirmation(
        &self,
        log: &LogName,
        position: Position,
    ) -> Result<Option<(Confirmation, Evidence)>, store::Outage> {
        let stored = self.inbox.get(log, position)?;
        let event = stored.and_then(|stored| nats::read_stored(&stored).ok());
        Ok(event.zip(now()).map(|(event, time)| {
            let said = Said {
                reader: self.office.clone(),
                log: log.clone(),
                position,
                hash: event.hash(),
                time,
                registry: self.registry.borrow().head(),
                newest: self.link.ends().seen(&log.feed),
            };
            (Confirmation::sign(said, &self.key), Evidence::of(&event))
        }))
    }

    /// Hears what other offices hold of this one's logs, until the shutdown.
    ///
    /// # Errors
    /// The outbox has stopped.
    pub async fn hear(mut self, shutdown: CancellationToken) -> Result<(), store::Outage> {
        let mut heard = 0;
        let mut told = Told::default();
        let work = async {
            loop {
                let session = self.link.session().await;
                let registry = self.registry.borrow_and_update().clone();
                let mut changed = self.registry.clone();
                let ended = tokio::select! {
                    ended = self.hear_on(&session, &registry, &mut heard) => ended,
                    Ok(()) = changed.changed() => continue,
                };
                match ended {
                    Err(Trouble::Store(outage)) => return Err(outage),
                    Err(Trouble::Unanswered(NoAnswer::Outage(Outage::Ended))) => {
                        session.ended().cancelled().await;
                    }
                    Err(Trouble::Unanswered(why)) => {
                        if told.is_news(&why.to_string(), Instant::now()) {
                            tracing::warn!(%why, "what readers confirm cannot be heard now");
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                    Ok(()) => {}
                }
            }
        };
        tokio::select! {
            failed = work => failed,
            () = shutdown.cancelled() => Ok(()),
        }
    }

    /// One consumer's life: from behind what was heard, or from the beginning where the stream is a shorter one.
    async fn hear_on(
        &self,
        session: &Session,
        registry: &Registry,
        heard: &mut u64,
    ) -> Result<(), Trouble> {
        let filters = self.filters(registry)?;
        let Some(first) = filters.first() else {
            // The registry changes before there is anything to hear.
            return std::future::pending().await;
        };
        let stream = confirmations();
        if *heard > session.count(&stream, first).await?.last {
            *heard = 0;
        }
        let (ministry, place) = (self.office.ministry(), self.office.place());
        let name = format!("{ministry}_{place}_{:016x}", fastrand::u64(..));
        let mut arrivals = session.subscribe(&name).await.map_err(NoAnswer::from)?;
        session
            .create_consumer(&stream, &name, &filters, heard.saturating_add(1))
            .await?;
        let mut asked_for = 0;
        loop {
            if asked_for == 0 {
                session.pull(&stream, &name, arrivals.inbox()).await?;
                asked_for = PULL_EVENTS;
            }
            let first = tokio::time::timeout(PULL_TIME + PAUSE, arrivals.next()).await;
            let Ok(first) = first else {
                asked_for = 0;
                continue;
            };
            let batch = Batch::gather(first.map_err(NoAnswer::from)?, &mut arrivals);
            asked_for = match batch.pull_ended {
                true => 0,
                false => asked_for.saturating_sub(batch.count),
            };
            if let Some(text) = batch.consumer_lost {
                let code = Alarm::ConsumerLost.into();
                return Err(NoAnswer::Held { code, text }.into());
            }
            for (sequence, message) in batch.messages {
                self.take(session, &message.payload, registry)?;
                *heard = (*heard).max(sequence);
            }
        }
    }

    /// What readers say of the logs that this office has or may have.
    fn filters(&self, registry: &Registry) -> Result<Vec<String>, store::Outage> {
        let publishable = registry.publishable_feeds(&self.office).into_iter();
        let mut feeds: Vec<FeedName> = publishable.map(|feed| feed.name.clone()).collect();
        feeds.extend(
            self.outbox
                .status()?
                .feeds
                .into_iter()
                .map(|feed| feed.feed),
        );
        feeds.sort();
        feeds.dedup();
        let office = self.office.clone();
        let log = |feed| LogName {
            feed,
            office: office.clone(),
        };
        Ok(feeds
            .into_iter()
            .map(|feed| ConfirmSubject::filter(&log(feed)))
            .collect())
    }

    /// The gateway is not believed: a confirmation is its reader's by its signature.
    fn take(
        &self,
        session: &Session,
        payload: &Bytes,
        registry: &Registry,
    ) -> Result<(), store::Outage> {
        let read: Result<Confirmation, _> = serde_json::from_slice(payload);
        match read {
            Ok(confirmation) if confirmation.said().log.office == self.office => {
                match confirmation.verified(registry) {
                    Ok(said) => {
                        if let Some(head) = said.registry {
                            session.names_registry(&said.reader.to_string(), head);
                        }
                        if let Some(newest) = said.newest {
                            let (ends, reader) = (self.link.ends(), said.reader.to_string());
                            ends.names(&said.log.feed, &reader, newest);
                        }
                        return self.outbox.confirm(confirmation);
                    }
                    Err(fault) => tracing::warn!(%fault, "a confirmation proves nothing"),
                }
            }
            Ok(_) => tracing::warn!("a confirmation of another office's log"),
            Err(fault) => tracing::warn!(%fault, "no confirmation stands there"),
        }
        Ok(())
    }
}

/// How much of what has grown was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Everything,
    Part,
}

/// Why nothing is heard now.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Unanswered(#[from] NoAnswer),
    #[error(transparent)]
    Store(#[from] store::Outage),
}

/// The bus's word that it stands, or why it does not.
async fn publish(
    session: &Session,
    confirmation: &Confirmation,
    evidence: &Evidence,
) -> Result<(), NoAnswer> {
    #[derive(serde::Deserialize)]
    struct Ack {
        #[serde(default)]
        seq: u64,
    }
    let subject = confirmation.said().subject().to_string();
    let body = confirmation.to_string().into();
    let headers = evidence.headers().into();
    let asked = session.request_with(headers, &subject, body, REQUEST_TIME);
    let answer = asked.await?;
    let ack: Option<Ack> = serde_json::from_slice(&answer.payload).ok();
    match ack {
        Some(Ack { seq: 1.. }) => Ok(()),
        Some(_) | None => Err(NoAnswer::Held {
            code: Alarm::ConfirmationNotTaken.into(),
            text: String::from_utf8_lossy(&answer.payload).into_owned(),
        }),
    }
}

fn now() -> Option<Timestamp> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.unwrap_or(Duration::ZERO).as_secs();
    Timestamp::from_unix_seconds(i64::try_from(seconds).ok()?)
}
