//! One connection to one gateway, from its handshake to its end. Publishes and requests come in, answers go out; when it ends,
//! whatever had no answer is unreachable. It never reconnects: the next connection is another session, with nothing under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture};
use schemas::envelope::nats;
use schemas::signing::SignedEvent;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Pending};
use super::counts::Told;
use super::limits::EVENT_HEADERS_USUAL;
use super::liveness::Sight;
use super::message::Delivery;
use super::named::Named;
use super::replies::{Forget, Replies, Subscription};
use super::window::{UnderWay, Window};
use super::wire::{Deliveries, Message, Wire};

/// The line failed; the next session may do better.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    #[error("the session ended")]
    Ended,
    #[error("the gateway did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("nobody answers on {0}")]
    NobodyThere(String),
}

/// Cheap to clone; the connection closes when the last one goes.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    wire: Arc<dyn Wire>,
    inbox: String,
    state: Mutex<State>,
    /// Room came into the window.
    room: Notify,
    ended: CancellationToken,
    counts: Told,
    named: Named,
}

struct State {
    window: Window,
    due: HashMap<u64, Due>,
    next: u64,
}

/// An answer that is due.
struct Due {
    since: Instant,
    to: Asker,
}

enum Asker {
    Publish {
        under_way: UnderWay,
        answer: oneshot::Sender<Answer>,
    },
    Request(oneshot::Sender<Delivery>),
    /// Answered in several messages; ended by whoever asked.
    Stream(mpsc::Sender<Delivery>),
}

impl Session {
    /// Subscribes to the one inbox on which all answers arrive. The token is the wire's: cancelled when that is gone.
    ///
    /// # Errors
    /// The wire is gone already.
    pub async fn open(
        wire: Arc<dyn Wire>,
        inbox: String,
        handshake: Duration,
        ended: CancellationToken,
    ) -> Result<Session, Outage> {
        let answers = wire.subscribe(format!("{inbox}.*")).await?;
        let state = State {
            window: Window::new(handshake, wire.events_max()),
            due: HashMap::new(),
            next: 0,
        };
        let session = Session {
            inner: Arc::new(Inner {
                wire,
                inbox,
                state: Mutex::new(state),
                room: Notify::new(),
                ended,
                counts: Told::default(),
                named: Named::default(),
            }),
        };
        // It ends with the session's token, and holds no connection open by itself.
        tokio::spawn(distribute(answers, session.clone()));
        Ok(session)
    }

    /// Cancelled when the connection is gone.
    pub fn ended(&self) -> &CancellationToken {
        &self.inner.ended
    }

    /// Sends an event to its log as soon as the window has room, and returns; the answer is awaited later.
    pub async fn publish(&self, event: &SignedEvent) -> Pending {
        let data = event.event().data().len();
        let bytes = data.saturating_add(EVENT_HEADERS_USUAL);
        self.hand(bytes, |wire, reply| wire.offer(event, reply))
            .await
    }

    /// The same, to one of the subjects beside its log.
    pub async fn publish_on(&self, subject: String, event: &SignedEvent) -> Pending {
        let headers = nats::encode(event);
        let payload = event.event().data().clone();
        let bytes = [subject.len(), headers.len(), payload.len()].iter().sum();
        let message = |reply| Message {
            subject,
            reply: Some(reply),
            headers: headers.into(),
            payload,
        };
        self.hand(bytes, |wire, reply| wire.publish(message(reply)))
            .await
    }

    async fn hand<'s>(
        &'s self,
        bytes: usize,
        hand: impl FnOnce(&'s dyn Wire, String) -> BoxFuture<'s, Result<(), Outage>>,
    ) -> Pending {
        let (answer, pending) = Pending::new();
        if let Ok(reply) = self.reserve(bytes, answer).await {
            // What cannot be handed over ends with the session; the answer is then `Unreachable`.
            if hand(&*self.inner.wire, reply).await.is_err() {
                self.end();
            }
        }
        pending
    }

    async fn reserve(
        &self,
        bytes: usize,
        answer: oneshot::Sender<Answer>,
    ) -> Result<String, Outage> {
        loop {
            let room = self.inner.room.notified();
            {
                let mut state = self.state();
                // Under the lock: `end` empties the table once, after the token is cancelled.
                if self.inner.ended.is_cancelled() {
                    return Err(Outage::Ended);
                }
                if state.window.has_room(bytes) {
                    let under_way = state.window.sent(bytes);
                    let token = state.put(Asker::Publish { under_way, answer });
                    return Ok(self.reply(token));
                }
            }
            tokio::select! {
                () = room => {}
                () = self.inner.ended.cancelled() => return Err(Outage::Ended),
            }
        }
    }

    /// Whether a publish would have to wait.
    pub fn is_full(&self) -> bool {
        !self.state().window.has_room(1)
    }

    /// Asks and waits for one answer.
    pub async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        within: Duration,
    ) -> Result<Delivery, Outage> {
        self.request_with(Bytes::new(), subject, payload, within)
            .await
    }

    /// The same with a header block.
    pub async fn request_with(
        &self,
        headers: Bytes,
        subject: &str,
        payload: Bytes,
        within: Duration,
    ) -> Result<Delivery, Outage> {
        let (to, answer) = oneshot::channel();
        let token = self.put(Asker::Request(to))?;
        let _forget = Forget {
            session: self,
            token,
        };
        let question = Message {
            subject: subject.to_owned(),
            reply: Some(self.reply(token)),
            headers,
            payload,
        };
        self.inner.wire.publish(question).await?;
        let answered = tokio::time::timeout(within, answer).await;
        let answered = answered.map_err(|_| Outage::TimedOut(within))?;
        let delivery = answered.map_err(|_| Outage::Ended)?;
        match delivery.status {
            Some(503) => Err(Outage::NobodyThere(subject.into())),
            Some(_) | None => Ok(delivery),
        }
    }

    /// Asks for so many messages at most, and hands on every answer until the returned value is dropped.
    pub async fn ask_for_many(
        &self,
        subject: &str,
        payload: Bytes,
        most: usize,
    ) -> Result<Replies, Outage> {
        // One more says that these were all.
        let (to, replies) = mpsc::channel(most.saturating_add(1));
        let token = self.put(Asker::Stream(to))?;
        let replies = Replies {
            replies,
            session: self.clone(),
            token,
        };
        self.send(subject, token, payload).await?;
        Ok(replies)
    }

    async fn send(&self, subject: &str, token: u64, payload: Bytes) -> Result<(), Outage> {
        let reply = self.reply(token);
        self.tell(subject.to_owned(), reply, payload).await
    }

    /// Sends something that nobody answers on the inbox, such as a pull whose messages go to a subscription.
    pub async fn tell(&self, subject: String, reply: String, payload: Bytes) -> Result<(), Outage> {
        let message = Message::plain(subject, Some(reply), payload);
        self.inner.wire.publish(message).await
    }

    /// A subscription of its own, inside the office's inbox, for what a consumer delivers. It lies deeper than the answers: where two
    /// subscriptions match, each of them gets every event, over the same line.
    pub async fn subscribe(&self, name: &str) -> Result<Subscription, Outage> {
        let inbox = &self.inner.inbox;
        self.listen(format!("{inbox}.pull.{name}")).await
    }

    /// A subscription to what others say.
    pub async fn listen(&self, subject: String) -> Result<Subscription, Outage> {
        Ok(Subscription {
            deliveries: self.inner.wire.subscribe(subject.clone()).await?,
            inbox: subject,
            ended: self.inner.ended.clone(),
        })
    }

    /// Says something to whoever listens.
    pub async fn say(&self, subject: String, payload: Bytes) -> Result<(), Outage> {
        let message = Message::plain(subject, None, payload);
        self.inner.wire.publish(message).await
    }

    pub(super) fn named(&self) -> &Named {
        &self.inner.named
    }

    pub(super) fn counts(&self) -> &Told {
        &self.inner.counts
    }

    fn put(&self, asker: Asker) -> Result<u64, Outage> {
        let mut state = self.state();
        if self.inner.ended.is_cancelled() {
            return Err(Outage::Ended);
        }
        Ok(state.put(asker))
    }

    fn reply(&self, token: u64) -> String {
        format!("{}.{token:x}", self.inner.inbox)
    }

    fn answer(&self, delivery: Delivery) {
        let token = delivery.subject.rsplit_once('.');
        let Some(token) = token.and_then(|(_, token)| u64::from_str_radix(token, 16).ok()) else {
            return;
        };
        if let Some(to) = self.asked_for_many(token) {
            return self.hand_on(&to, delivery);
        }
        let Some(Due { since, to }) = self.state().due.remove(&token) else {
            return;
        };
        match to {
            Asker::Publish { under_way, answer } => {
                self.state().window.answered(under_way, since.elapsed());
                self.inner.room.notify_waiters();
                let _gone = answer.send(match delivery.status {
                    Some(_) => Answer::nobody_there(),
                    None => Answer::read(&delivery.payload),
                });
            }
            Asker::Request(to) => {
                let _gone = to.send(delivery);
            }
            Asker::Stream(_) => {}
        }
    }

    fn asked_for_many(&self, token: u64) -> Option<mpsc::Sender<Delivery>> {
        match &self.state().due.get(&token)?.to {
            Asker::Stream(to) => Some(to.clone()),
            Asker::Publish { .. } | Asker::Request(_) => None,
        }
    }

    /// One of several answers. A gateway that gives more of them than it was asked for is left.
    fn hand_on(&self, to: &mpsc::Sender<Delivery>, delivery: Delivery) {
        match to.try_send(delivery) {
            // Whoever asked may have gone: `Replies` takes the entry out.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => {
                tracing::warn!("the gateway answers more than it was asked for");
                self.end();
            }
        }
    }

    /// Takes a question back: its answer is of no use any more.
    pub(super) fn forget(&self, token: u64) {
        self.state().due.remove(&token);
    }

    pub(super) fn sight(&self) -> Sight {
        let state = self.state();
        let oldest = |counts: fn(&Asker) -> bool| {
            let due = state.due.values().filter(|due| counts(&due.to));
            due.map(|due| due.since).min()
        };
        Sight {
            bytes_in: self.inner.wire.bytes_in(),
            due_since: oldest(|asker| !matches!(asker, Asker::Stream(_))),
            publish_due_since: oldest(|asker| matches!(asker, Asker::Publish { .. })),
            time_under_way: state.window.time_under_way(),
        }
    }

    /// Ends it: everything due is unreachable.
    pub fn end(&self) {
        self.inner.ended.cancel();
        let due = std::mem::take(&mut self.state().due);
        drop(due);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, to: Asker) -> u64 {
        self.next = self.next.wrapping_add(1);
        let since = Instant::now();
        self.due.insert(self.next, Due { since, to });
        self.next
    }
}

async fn distribute(mut answers: Deliveries, session: Session) {
    let ended = session.inner.ended.clone();
    loop {
        let message = tokio::select! {
            message = answers.next() => message,
            () = ended.cancelled() => None,
        };
        match message {
            Some(message) => session.answer(message),
            None => return session.end(),
        }
    }
}

#[cfg(test)]
mod tests;
