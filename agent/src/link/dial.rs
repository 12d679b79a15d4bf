//! Dialling: a gateway's address comes in, a session goes out, or why there is none. Waits are short enough that a line that
//! returns is used within seconds, and long enough that a slow line can finish its handshake.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectErrorKind, Event};
use rustls::CertificateError;
use rustls_pki_types::UnixTime;
use schemas::event::Timestamp;
use schemas::packed::ALPN;
use schemas::refusal::{Code, Hold};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::LinkSettings;
use super::limits::{
    EARLY, HANDSHAKE_TIME, HANDSHAKE_TIME_MAX, KNOCK_LONG_ONE_IN, KNOCK_LONG_TIME, KNOCK_TIME,
    PING_INTERVAL, RETRY_DROPPED, RETRY_EARLY, RETRY_LATE, RETRY_SILENT, SUBSCRIPTION_CAPACITY,
};
use super::packed::{Keys, Misunderstood, PackedWire, Unspoken};
use super::session::{Outage, Session};
use super::tls::{self, TlsFault};
use super::wire::Wire;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    #[error("{0} does not answer")]
    Silent(String),
    #[error("{address} cannot be reached: {error}")]
    Unreachable {
        address: String,
        error: std::io::Error,
    },
    #[error("{0} answered, but the handshake was not finished in time")]
    HandshakeTimedOut(String),
    #[error("{address} does not take this office: {reason}")]
    NotTaken { address: String, reason: String },
    #[error(
        "this machine's clock says {clock}, and the certificate of {address} begins on {begins}: set the clock (timedatectl set-time)"
    )]
    ClockBehind {
        address: String,
        clock: Timestamp,
        begins: Timestamp,
    },
    #[error(
        "this machine's clock says {clock}, and the certificate of {address} ended on {ended}: set the clock (timedatectl set-time), or tell the operator where it is right"
    )]
    ClockAhead {
        address: String,
        clock: Timestamp,
        ended: Timestamp,
    },
    #[error(transparent)]
    Tls(#[from] TlsFault),
    #[error(transparent)]
    Session(#[from] Outage),
}

impl NoSession {
    /// The same in Khmer, where somebody in the office can mend it.
    pub fn km(&self) -> Option<String> {
        match self {
            NoSession::ClockBehind { clock, begins, .. } => Some(format!(
                "នាឡិកាម៉ាស៊ីននេះបង្ហាញ {clock} តែវិញ្ញាបនបត្ររបស់ច្រកចាប់ផ្តើមនៅ {begins}៖ សូមកែនាឡិកា"
            )),
            NoSession::ClockAhead { clock, ended, .. } => Some(format!(
                "នាឡិកាម៉ាស៊ីននេះបង្ហាញ {clock} តែវិញ្ញាបនបត្ររបស់ច្រកបានផុតកំណត់នៅ {ended}៖ សូមកែនាឡិកា ឬប្រាប់អ្នកគ្រប់គ្រង"
            )),
            NoSession::Silent(_)
            | NoSession::Unreachable { .. }
            | NoSession::HandshakeTimedOut(_)
            | NoSession::NotTaken { .. }
            | NoSession::Tls(_)
            | NoSession::Session(_) => None,
        }
    }

    /// The code by which the gateway turned the office away, if it was for the registry's sake: it takes a word of the authority.
    pub fn turned_away(&self) -> Option<Code> {
        let NoSession::NotTaken { reason, .. } = self else {
            return None;
        };
        let shut = [
            Hold::OfficeUnknown,
            Hold::OfficeClosed,
            Hold::CertificateRevoked,
        ];
        let mut codes = shut.iter().map(Hold::code);
        codes.find(|code| reason.contains(&format!("({})", code.name)))
    }
}

/// The tries since the last session.
#[derive(Debug)]
pub struct Tries {
    since: Instant,
    count: u32,
    /// Time allowed for a handshake; what a slow line needed once, it is given again.
    handshake: Duration,
    /// Gateways that do not speak frames; what a gateway does not speak now it may speak when this program is started anew.
    nats_only: BTreeSet<String>,
    misunderstood: BTreeMap<String, Misunderstood>,
}

impl Tries {
    pub fn new(now: Instant) -> Tries {
        Tries {
            since: now,
            count: 0,
            handshake: HANDSHAKE_TIME,
            nats_only: BTreeSet::new(),
            misunderstood: BTreeMap::new(),
        }
    }

    pub fn succeeded(&mut self, handshake: Duration, now: Instant) {
        self.since = now;
        self.count = 0;
        self.handshake = (handshake * 3).clamp(HANDSHAKE_TIME, HANDSHAKE_TIME_MAX);
    }

    /// How long to wait before the next try. `lot` is drawn from 0.0..1.0, so that offices that lost one gateway do not
    /// come back as one.
    pub fn failed(&mut self, why: &NoSession, lot: f64, now: Instant) -> Duration {
        self.count = self.count.saturating_add(1);
        if let NoSession::HandshakeTimedOut(_) = why {
            self.handshake = (self.handshake * 8 / 5).min(HANDSHAKE_TIME_MAX);
        }
        let longest = match why {
            NoSession::Silent(_) | NoSession::HandshakeTimedOut(_) => RETRY_SILENT,
            NoSession::Unreachable { .. } => {
                let ceiling = match now.duration_since(self.since) < EARLY {
                    true => RETRY_EARLY,
                    false => RETRY_LATE,
                };
                (RETRY_SILENT * self.count).min(ceiling)
            }
            NoSession::NotTaken { .. }
            | NoSession::ClockBehind { .. }
            | NoSession::ClockAhead { .. }
            | NoSession::Tls(_)
            | NoSession::Session(_) => {
                let doubled = RETRY_SILENT * (1 << self.count.saturating_sub(1).min(8));
                doubled.min(RETRY_DROPPED)
            }
        };
        longest.mul_f64(0.3 + 0.7 * lot)
    }

    fn knock_time(&self) -> Duration {
        match self
            .count
            .saturating_add(1)
            .is_multiple_of(KNOCK_LONG_ONE_IN)
        {
            true => KNOCK_LONG_TIME,
            false => KNOCK_TIME,
        }
    }
}

/// A session, and what it took to open it.
pub struct Dialled {
    pub session: Session,
    pub handshake: Duration,
    /// Why the gateway keeps from us the one inbox on which all answers come: such a session hears nothing.
    pub deaf: Arc<OnceLock<String>>,
}

/// Tries one gateway once.
pub async fn dial(
    settings: &LinkSettings,
    address: &str,
    tries: &mut Tries,
    keys: &Keys,
) -> Result<Dialled, NoSession> {
    knock(address, tries.knock_time()).await?;
    let started = Instant::now();
    let ended = CancellationToken::new();
    let deaf = Arc::default();
    let wire = match settings.packed && !tries.nats_only.contains(address) {
        true => packed(settings, address, tries, keys, &ended, &deaf).await?,
        false => None,
    };
    let wire = match wire {
        Some(wire) => wire,
        None => {
            let client = connect(settings, address, tries.handshake, &ended, &deaf).await?;
            Arc::new(client) as Arc<dyn Wire>
        }
    };
    let handshake = started.elapsed();
    let name: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(8)
        .collect();
    let inbox = format!("{}.{name}", settings.inbox_prefix());
    let session = Session::open(wire, inbox, handshake, ended).await?;
    Ok(Dialled {
        session,
        handshake,
        deaf,
    })
}

/// A cut line costs a packet or two each time, and the first packet that passes is noticed. A handshake's time limit, which
/// has to fit slow lines, would be too long for that.
async fn knock(address: &str, within: Duration) -> Result<(), NoSession> {
    let knocked = timeout(within, async {
        let all: Vec<SocketAddr> = lookup_host(address).await?.collect();
        TcpStream::connect(&all[..]).await
    });
    match knocked.await {
        Ok(Ok(_answers)) => Ok(()),
        Ok(Err(error)) => Err(NoSession::Unreachable {
            address: address.into(),
            error,
        }),
        Err(_) => Err(NoSession::Silent(address.into())),
    }
}

/// A wire that speaks frames. None where the gateway does not: it is remembered, and met in NATS.
async fn packed(
    settings: &LinkSettings,
    address: &str,
    tries: &mut Tries,
    keys: &Keys,
    ended: &CancellationToken,
    deaf: &Arc<OnceLock<String>>,
) -> Result<Option<Arc<dyn Wire>>, NoSession> {
    let connector = TlsConnector::from(Arc::new(tls::packed(settings)?));
    let name = tls::server_name(settings)?;
    let misunderstood = tries.misunderstood.entry(address.to_owned()).or_default();
    let knows = (keys.clone(), misunderstood.clone());
    let opening = async {
        let all: Vec<SocketAddr> = lookup_host(address).await?.collect();
        let socket = TcpStream::connect(&all[..]).await?;
        socket.set_nodelay(true)?;
        let stream = connector.connect(name, socket).await?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(Unspoken::NatsOnly);
        }
        PackedWire::open(stream, knows, ended.clone(), deaf.clone()).await
    };
    match timeout(tries.handshake, opening).await {
        Ok(Ok(wire)) => Ok(Some(Arc::new(wire))),
        Ok(Err(Unspoken::NatsOnly | Unspoken::OtherCodec)) => {
            tries.nats_only.insert(address.to_owned());
            Ok(None)
        }
        Ok(Err(why @ (Unspoken::Line(_) | Unspoken::Told(_) | Unspoken::Unreadable(_)))) => {
            Err(not_taken(address, &why))
        }
        Err(_) => Err(NoSession::HandshakeTimedOut(address.into())),
    }
}

async fn connect(
    settings: &LinkSettings,
    address: &str,
    within: Duration,
    ended: &CancellationToken,
    deaf: &Arc<OnceLock<String>>,
) -> Result<Client, NoSession> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let (over, deaf, inbox) = (ended.clone(), deaf.clone(), settings.inbox_prefix());
    let first = Arc::new(AtomicBool::new(true));
    let options = tls::options(settings, host)?
        .name(settings.office.to_string())
        .connection_timeout(within)
        .ping_interval(PING_INTERVAL)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .custom_inbox_prefix(settings.inbox_prefix())
        .ignore_discovered_servers()
        // A session ends with its connection: see `last_of_its_kind`.
        .max_reconnects(1)
        .reconnect_delay_callback(move |_| match first.swap(false, Ordering::Relaxed) {
            true => Duration::ZERO,
            false => Duration::from_millis(1),
        })
        .event_callback(move |event| {
            match event {
                Event::Disconnected | Event::Closed => over.cancel(),
                Event::ServerError(error) => {
                    let words = error.to_string();
                    tracing::warn!(words, "the gateway refuses something");
                    if words.contains("Violation for Subscription") && words.contains(&inbox) {
                        // The first reason is the reason.
                        let _told_before = deaf.set(words);
                        over.cancel();
                    }
                }
                _ => {}
            }
            std::future::ready(())
        });
    let client = options
        .connect(format!("tls://{address}"))
        .await
        .map_err(|error| match error.kind() {
            ConnectErrorKind::TimedOut => NoSession::HandshakeTimedOut(address.into()),
            _ => not_taken(address, &error),
        })?;
    last_of_its_kind(&client).await?;
    Ok(client)
}

/// The library would reconnect by itself and send again what was under way. Its pool is emptied instead, but for an address
/// where nobody can ever listen, so that its task ends when the connection does.
async fn last_of_its_kind(client: &Client) -> Result<(), Outage> {
    let nowhere = "nats://127.0.0.1:0";
    let set = client.set_server_pool(nowhere).await;
    set.map_err(|_| Outage::Ended)
}

/// A clock that is wrong looks like a gateway that is.
fn not_taken(address: &str, error: &(dyn Error + 'static)) -> NoSession {
    let time = |time: &UnixTime| {
        let seconds = i64::try_from(time.as_secs()).ok();
        seconds.and_then(Timestamp::from_unix_seconds)
    };
    let address = address.to_owned();
    match tls::certificate_fault(error) {
        Some(CertificateError::NotValidYetContext {
            time: clock,
            not_before,
        }) => match (time(clock), time(not_before)) {
            (Some(clock), Some(begins)) => NoSession::ClockBehind {
                address,
                clock,
                begins,
            },
            _ => NoSession::NotTaken {
                address,
                reason: said(error),
            },
        },
        Some(CertificateError::ExpiredContext {
            time: clock,
            not_after,
        }) => match (time(clock), time(not_after)) {
            (Some(clock), Some(ended)) => NoSession::ClockAhead {
                address,
                clock,
                ended,
            },
            _ => NoSession::NotTaken {
                address,
                reason: said(error),
            },
        },
        Some(_) | None => NoSession::NotTaken {
            address,
            reason: said(error),
        },
    }
}

/// An error with what caused it.
pub fn said(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
