//! Owner of async-nats. A gateway's address comes in, sessions go out, one after the other; signed events go over a session,
//! and each comes back as Stored, Refused, Held or Unreachable. Nothing is kept here that a cut could lose.

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

mod answer;
mod api;
mod counts;
mod dial;
mod ends;
mod limits;
mod liveness;
mod message;
mod named;
mod packed;
mod replies;
mod session;
mod tls;
mod window;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use schemas::event::Timestamp;
use schemas::subject::OfficeId;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::dial::{Dialled, NoSession, Tries, dial};
use self::limits::{SESSION_SHORT, WATCH_INTERVAL};
use self::liveness::{Liveness, Verdict};
use crate::status::LinkState;

pub use self::answer::{Answer, Pending};
pub use self::api::{Count, Get, NoAnswer, StoredMessage};
pub use self::counts::Counts;
pub use self::dial::said;
pub use self::ends::{Ends, now as ends_now};
pub use self::limits::{PULL_EVENTS, PULL_TIME, REQUEST_TIME, SEQUENCE_MAX};
pub use self::message::Delivery;
pub use self::named::THE_GATEWAY;
pub use self::packed::Keys;
pub use self::replies::{Replies, Subscription};
pub use self::session::{Outage, Session};
pub use self::tls::install_provider;
pub use self::wire::{Deliveries, Message, Wire};

/// The gateway's subject for the registry's further lines; asking there is also the sign of life.
pub const REGISTRY_SUBJECT: &str = "spean.registry";

#[derive(Debug, Clone)]
pub struct LinkSettings {
    pub office: OfficeId,
    /// `host:port` of each gateway, in the order in which they are tried.
    pub gateways: Vec<String>,
    /// The name in the gateways' certificates.
    pub gateway_name: String,
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Whether frames are spoken with gateways that do.
    pub packed: bool,
}

impl LinkSettings {
    fn inbox_prefix(&self) -> String {
        format!("_INBOX.{}.{}", self.office.ministry(), self.office.place())
    }
}

/// The link, as everyone else sees it.
#[derive(Clone)]
pub struct Link {
    sessions: watch::Receiver<Option<Session>>,
    state: watch::Receiver<LinkState>,
    ends: Ends,
}

impl Link {
    /// A link whose sessions somebody else opens.
    pub fn of(sessions: watch::Receiver<Option<Session>>) -> Link {
        let (_fixed, state) = watch::channel(LinkState::Connecting);
        let ends = Ends::default();
        Link {
            sessions,
            state,
            ends,
        }
    }

    /// The session that is open now, or the next one.
    pub async fn session(&self) -> Session {
        let mut sessions = self.sessions.clone();
        loop {
            let open = sessions.borrow_and_update().clone();
            if let Some(session) = open.filter(|session| !session.ended().is_cancelled()) {
                return session;
            }
            if sessions.changed().await.is_err() {
                // The link has ended, and with it everything that waits for a session.
                std::future::pending::<()>().await;
            }
        }
    }

    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    /// Where feeds' streams end, over all its sessions.
    pub fn ends(&self) -> &Ends {
        &self.ends
    }
}

/// What the sign of life is good for besides: the registry's further lines.
#[derive(Clone)]
pub struct SignOfLife {
    /// The registry's position that is known here.
    pub known: Arc<AtomicU64>,
    /// Where the answers go; one that finds no room comes again.
    pub answers: mpsc::Sender<Delivery>,
}

impl SignOfLife {
    async fn ask(&self, session: &Session) -> Result<(), Outage> {
        let question = format!(r#"{{"after":{}}}"#, self.known.load(Ordering::Relaxed));
        let time = limits::PATIENCE * 2;
        let answer = session
            .request(REGISTRY_SUBJECT, question.into(), time)
            .await?;
        let _comes_again = self.answers.try_send(answer);
        Ok(())
    }
}

/// Keeps the link up; the returned task is the owner's to wait for.
pub struct LinkTask {
    settings: LinkSettings,
    sign: SignOfLife,
    keys: Keys,
    sessions: watch::Sender<Option<Session>>,
    state: watch::Sender<LinkState>,
}

/// Makes the link and the task that keeps it up.
pub fn new(settings: LinkSettings, sign: SignOfLife) -> (Link, LinkTask) {
    let (sessions, open) = watch::channel(None);
    let (state, seen) = watch::channel(LinkState::Connecting);
    let link = Link {
        sessions: open,
        state: seen,
        ends: Ends::default(),
    };
    let task = LinkTask {
        settings,
        sign,
        keys: Arc::new(|_| Vec::new()),
        sessions,
        state,
    };
    (link, task)
}

impl LinkTask {
    /// By which words ids of sheets are made: they need not be sent then.
    pub fn with_keys(self, keys: Keys) -> LinkTask {
        LinkTask { keys, ..self }
    }

    /// Dials, watches, and dials again, until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        install_provider();
        let mut tries = Tries::new(Instant::now());
        let mut outage = Spell::default();
        let mut gateways = self.settings.gateways.iter().cycle();
        let Some(mut address) = gateways.next() else {
            return;
        };
        while !shutdown.is_cancelled() {
            let dialled = tokio::select! {
                dialled = dial(&self.settings, address, &mut tries, &self.keys) => dialled,
                () = shutdown.cancelled() => break,
            };
            let why = match dialled {
                Ok(Dialled {
                    session,
                    handshake,
                    deaf,
                }) => {
                    let opened = Instant::now();
                    let why = self.serve(address, session, &mut outage, &shutdown).await;
                    if opened.elapsed() >= SESSION_SHORT {
                        tries.succeeded(handshake, Instant::now());
                    }
                    let refused = deaf.get().map(|reason| NoSession::NotTaken {
                        address: address.clone(),
                        reason: reason.clone(),
                    });
                    refused.unwrap_or(why)
                }
                Err(why) => {
                    address = gateways.next().unwrap_or(address);
                    why
                }
            };
            self.tell_down(&why, &mut outage);
            let wait = tries.failed(&why, fastrand::f64(), Instant::now());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Offers the session until it ends, and tells why it did.
    async fn serve(
        &self,
        address: &str,
        session: Session,
        outage: &mut Spell,
        shutdown: &CancellationToken,
    ) -> NoSession {
        if outage.since.is_none() {
            tracing::info!(gateway = address, "connected");
        }
        self.state.send_replace(LinkState::Connected {
            gateway: address.into(),
            since: now(),
        });
        self.sessions.send_replace(Some(session.clone()));
        let why = tokio::select! {
            why = self.watch(address, &session, outage) => why,
            () = shutdown.cancelled() => NoSession::Session(Outage::Ended),
        };
        self.sessions.send_replace(None);
        session.end();
        why
    }

    async fn watch(&self, address: &str, session: &Session, outage: &mut Spell) -> NoSession {
        let opened = Instant::now();
        let mut liveness = Liveness::new(opened);
        let mut tick = tokio::time::interval(WATCH_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = session.ended().cancelled() => return NoSession::Session(Outage::Ended),
            }
            // One that is dropped at once has ended no outage.
            if opened.elapsed() >= SESSION_SHORT
                && let Some(since) = outage.since.take()
            {
                tracing::info!(gateway = address, down_since = %since, "connected again");
            }
            match liveness.look(session.sight(), Instant::now()) {
                Verdict::Alive => {}
                Verdict::Ask => {
                    let (sign, session) = (self.sign.clone(), session.clone());
                    // The question ends with its session or its deadline.
                    tokio::spawn(async move { sign.ask(&session).await });
                }
                Verdict::Silent => return NoSession::Silent(address.into()),
                Verdict::Unanswered => {
                    return NoSession::Session(Outage::TimedOut(limits::ANSWER_TIME));
                }
            }
        }
    }

    /// An outage has one beginning, whatever else goes wrong in it.
    fn tell_down(&self, why: &NoSession, outage: &mut Spell) {
        let since = *outage.since.get_or_insert_with(|| {
            tracing::warn!(%why, "the link is down");
            now()
        });
        self.state.send_replace(LinkState::Down {
            since,
            why: why.to_string(),
            why_km: why.km(),
            turned_away: why.turned_away(),
        });
    }
}

/// An outage, from the first failure to a session that lasts.
#[derive(Debug, Default)]
struct Spell {
    since: Option<Timestamp>,
}

/// The wall clock, for people to read.
#[expect(clippy::expect_used, reason = "1970 can be written")]
fn now() -> Timestamp {
    let seconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    i64::try_from(seconds)
        .ok()
        .and_then(Timestamp::from_unix_seconds)
        .or_else(|| Timestamp::from_unix_seconds(0))
        .expect("1970 can be written")
}
