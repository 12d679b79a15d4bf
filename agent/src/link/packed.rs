//! A wire that speaks frames: events go out in runs, answers to runs come in as the answers to each of their events, and all else is NATS
//! within frames. In: messages of a session. Out: deliveries to its subscriptions. Never: a frame before the gateway has greeted.

mod flow;
mod greeting;
mod pace;
mod said;
mod text;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use schemas::packed::hello::CODEC_ZSTD;
use schemas::packed::{Answers, Frame, GatewayHello, Kind, OfficeHello, frame};
use schemas::signing::SignedEvent;
use schemas::subject::FeedName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

pub use self::greeting::Unspoken;

use self::flow::{Flow, Offer};
use self::greeting::{Ear, greeting};
use self::pace::Pace;
use self::said::{Hearing, Said};
use super::limits::{PACKED_EVENTS_MAX, SUBSCRIPTION_CAPACITY, TEXTS_BYTES_MAX};
use super::message::Delivery;
use super::session::Outage;
use super::wire::{Deliveries, Message, Wire};

/// The places of the words by which a feed's ids of sheets are made; none where its form is not known.
pub type Keys = Arc<dyn Fn(&FeedName) -> Vec<String> + Send + Sync>;

/// How often a gateway and this program did not mean the same by a frame, over all sessions with it.
#[derive(Debug, Clone, Default)]
pub struct Misunderstood(Arc<AtomicUsize>);

impl Misunderstood {
    fn again(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn times(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One read of the line.
const READ_BYTES: usize = 16 * 1024;

/// One connection to one gateway that has greeted.
pub struct PackedWire {
    shared: Arc<Shared>,
}

struct Shared {
    flow: Mutex<Flow>,
    /// Something is to go.
    news: Notify,
    /// Something has gone.
    room: Notify,
    subscriptions: Mutex<Vec<Subscription>>,
    bytes_in: AtomicU64,
    ended: CancellationToken,
    misunderstood: Misunderstood,
    /// Why the gateway keeps the inbox of all answers from us.
    deaf: Arc<OnceLock<String>>,
    hello: GatewayHello,
}

struct Subscription {
    sid: u64,
    subject: String,
    to: mpsc::Sender<Delivery>,
}

impl PackedWire {
    /// Greets, and waits to be greeted; the caller bounds the wait. Its tasks end with the token.
    ///
    /// # Errors
    /// `Unspoken`.
    pub async fn open(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        (keys, misunderstood): (Keys, Misunderstood),
        ended: CancellationToken,
        deaf: Arc<OnceLock<String>>,
    ) -> Result<PackedWire, Unspoken> {
        let began = Instant::now();
        let (mut reader, mut writer) = tokio::io::split(stream);
        let hello = OfficeHello { codec: CODEC_ZSTD };
        let first = [
            frame::write(Kind::Hello, &hello.write()),
            frame::write(Kind::Text, text::CONNECT),
        ];
        writer.write_all(&first.concat().concat()).await?;
        writer.flush().await?;
        let mut ear = Ear::default();
        let hello = greeting(&mut reader, &mut ear).await?;
        let flow = Flow::new(Pace::new(began.elapsed()), keys, misunderstood.clone());
        let shared = Arc::new(Shared {
            flow: Mutex::new(flow),
            news: Notify::new(),
            room: Notify::new(),
            subscriptions: Mutex::default(),
            bytes_in: AtomicU64::new(0),
            ended,
            misunderstood,
            deaf,
            hello,
        });
        tokio::spawn(shared.clone().run(reader, writer, ear));
        Ok(PackedWire { shared })
    }
}

impl Shared {
    /// Reads and writes until either fails, or the session ends.
    async fn run(
        self: Arc<Shared>,
        mut reader: impl AsyncRead + Unpin,
        mut writer: impl AsyncWrite + Unpin,
        mut ear: Ear,
    ) {
        let ended = self.ended.clone();
        tokio::select! {
            heard = self.listen(&mut reader, &mut ear) => {
                if let Err(why) = heard {
                    tracing::warn!(%why, "the packed session ends");
                    if let Unspoken::Unreadable(_) = why {
                        self.misunderstood.again();
                    }
                }
            }
            _failed = self.write(&mut writer) => {}
            () = ended.cancelled() => {}
        }
        ended.cancel();
        self.subscriptions().clear();
        // Where the line is gone there is nothing to be done about it.
        let _ = tokio::time::timeout(Duration::from_secs(1), writer.shutdown()).await;
    }

    async fn write(&self, writer: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        loop {
            let next = self.flow().next(Instant::now());
            match next {
                Some(bytes) => {
                    writer.write_all(&bytes).await?;
                    self.room.notify_waiters();
                }
                None => {
                    writer.flush().await?;
                    self.news.notified().await;
                }
            }
        }
    }

    async fn listen(
        &self,
        reader: &mut (impl AsyncRead + Unpin),
        ear: &mut Ear,
    ) -> Result<(), Unspoken> {
        loop {
            while let Some(frame) = ear
                .frames
                .next(&mut ear.arrived)
                .map_err(|fault| Unspoken::Unreadable(fault.to_string()))?
            {
                self.hear(frame, &mut ear.hearing)?;
            }
            // What a TLS record holds; left to itself the buffer would grow by bytes.
            ear.arrived.reserve(READ_BYTES);
            let read = reader.read_buf(&mut ear.arrived).await?;
            if read == 0 {
                return Ok(());
            }
            self.bytes_in.fetch_add(read as u64, Ordering::Relaxed);
        }
    }

    fn hear(&self, Frame { kind, body }: Frame, hearing: &mut Hearing) -> Result<(), Unspoken> {
        let unreadable = |fault: &dyn std::fmt::Display| Unspoken::Unreadable(fault.to_string());
        match kind {
            Kind::Text => {
                hearing.feed(&body);
                while let Some(said) = hearing.next().map_err(|fault| unreadable(&fault))? {
                    self.take(said);
                }
            }
            Kind::Answers => {
                let answers = Answers::read(&body, &self.hello);
                let answers = answers.map_err(|fault| unreadable(&fault))?;
                let told = self.flow().answered(answers, Instant::now());
                for delivery in told.map_err(|fault| unreadable(&fault))? {
                    self.deliver_locally(delivery);
                }
                self.news.notify_one();
            }
            Kind::Beat | Kind::News => {}
            Kind::Hello | Kind::Run | Kind::Part => {
                return Err(Unspoken::Unreadable("a frame that no gateway sends".into()));
            }
        }
        Ok(())
    }

    fn take(&self, said: Said) {
        match said {
            Said::Message(sid, delivery) => {
                let known = self
                    .subscriptions()
                    .iter()
                    .find(|s| s.sid == sid)
                    .map(|s| s.to.clone());
                known
                    .iter()
                    .for_each(|to| self.hand_on(to, delivery.clone()));
            }
            Said::Ping => self.say(text::PONG),
            Said::Error(words) => {
                tracing::warn!(words, "the gateway refuses something");
                let first = self
                    .subscriptions()
                    .first()
                    .map(|first| first.subject.clone());
                let inbox = first.is_some_and(|inbox| words.contains(&inbox));
                if inbox && words.contains("Violation for Subscription") {
                    // The first reason is the reason.
                    let _told_before = self.deaf.set(words);
                    self.ended.cancel();
                }
            }
        }
    }

    /// An answer to an event of a run goes where one in NATS would have gone: to the inbox of all answers.
    fn deliver_locally(&self, delivery: Delivery) {
        let inbox = |subject: &str| {
            let prefix = subject.strip_suffix('*')?;
            let token = delivery.subject.strip_prefix(prefix)?;
            (!token.contains('.')).then_some(())
        };
        let known = self
            .subscriptions()
            .iter()
            .find(|s| inbox(&s.subject).is_some())
            .map(|s| s.to.clone());
        known
            .iter()
            .for_each(|to| self.hand_on(to, delivery.clone()));
    }

    /// Whoever asks bounds what comes: a gateway that says more is left.
    fn hand_on(&self, to: &mpsc::Sender<Delivery>, delivery: Delivery) {
        if let Err(mpsc::error::TrySendError::Full(_)) = to.try_send(delivery) {
            tracing::warn!("the gateway says more than it was asked for");
            self.ended.cancel();
        }
    }

    /// The gateway is told of subscriptions that nobody listens to any more. The newest stays known, for its number.
    fn forget_unheard(&self) {
        let mut all = self.subscriptions();
        let newest = all.last().map(|last| last.sid);
        let (kept, gone): (Vec<_>, Vec<_>) = all
            .drain(..)
            .partition(|known| !known.to.is_closed() || Some(known.sid) == newest);
        *all = kept;
        drop(all);
        gone.iter()
            .for_each(|gone| self.say(&text::unsubscribe(gone.sid)));
    }

    /// Waits until what is to be said in NATS is not more than the line takes in some seconds.
    async fn has_room(&self) -> Result<(), Outage> {
        loop {
            let room = self.room.notified();
            if self.ended.is_cancelled() {
                return Err(Outage::Ended);
            }
            if self.flow().text_bytes() < TEXTS_BYTES_MAX {
                return Ok(());
            }
            tokio::select! {
                () = room => {}
                () = self.ended.cancelled() => return Err(Outage::Ended),
            }
        }
    }

    fn say(&self, text: &[u8]) {
        self.flow().say(text);
        self.news.notify_one();
    }

    fn flow(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscriptions(&self) -> MutexGuard<'_, Vec<Subscription>> {
        self.subscriptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PackedWire {
    fn drop(&mut self) {
        self.shared.ended.cancel();
    }
}

impl Wire for PackedWire {
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), Outage>> {
        Box::pin(async move {
            self.shared.has_room().await?;
            self.shared.say(&text::publish(&message));
            Ok(())
        })
    }

    fn offer(&self, event: &SignedEvent, reply: String) -> BoxFuture<'_, Result<(), Outage>> {
        let event = event.clone();
        Box::pin(async move {
            if self.shared.ended.is_cancelled() {
                return Err(Outage::Ended);
            }
            self.shared.flow().offer(Offer { event, reply });
            self.shared.news.notify_one();
            Ok(())
        })
    }

    fn subscribe(&self, subject: String) -> BoxFuture<'_, Result<Deliveries, Outage>> {
        Box::pin(async move {
            self.shared.has_room().await?;
            let (to, from) = mpsc::channel(SUBSCRIPTION_CAPACITY);
            let sid = {
                let mut all = self.shared.subscriptions();
                let sid = all.last().map_or(1, |last| last.sid.saturating_add(1));
                let subject = subject.clone();
                all.push(Subscription { sid, subject, to });
                sid
            };
            self.shared.forget_unheard();
            self.shared.say(&text::subscribe(&subject, sid));
            let next = |mut from: mpsc::Receiver<Delivery>| async {
                from.recv().await.map(|delivery| (delivery, from))
            };
            Ok(stream::unfold(from, next).boxed())
        })
    }

    fn bytes_in(&self) -> u64 {
        self.shared.bytes_in.load(Ordering::Relaxed)
    }

    fn events_max(&self) -> usize {
        PACKED_EVENTS_MAX
    }
}
