//! What one office may have at once, and what it costs the bus at most: sessions, half-sent publishes, reads that nobody takes.
//! In: a bus. Out: sessions that stand, MiB. Never: a session counted that answers nobody.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use serde_json::json;
use tests::raw::{Credentials, Handshake, RawClient, ServerOp};
use tokio::time::timeout;

use super::gauge::Gauge;
use super::hostile::Hostile;
use super::scene::{HONEST, HOSTILE, Scene, inbox};
use super::storm::CONNECT;
use super::{floods, frames};
use crate::Effort;
use crate::events::places;
use crate::figure::{Figure, Outcome, plain};

const SESSIONS_ASKED: usize = 64;
const SESSIONS_MOST: f64 = 8.0;
const HALF_SENT_MIB_MOST: f64 = 64.0;
const UNREAD_MIB_MOST: f64 = 4.0;
/// Of each office: what its account allows.
const SESSIONS_OF_OFFICE: usize = 8;
/// What is announced, and what is sent of it.
const ANNOUNCED: usize = 1_000_000;
const SENT: usize = 999_990;
/// Reads of 1,000 events in one session that takes none of them.
const READS: usize = 200;
/// Pulls in one session, each from a consumer of its own: of all sessions what an office may have under way.
const CONSUMERS: usize = 8;
const ANSWER_WAIT: Duration = Duration::from_secs(5);
const SEND_WAIT: Duration = Duration::from_secs(10);

pub async fn sessions(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let scene = Scene::build().await?;
    let asked = effort.pick(SESSIONS_ASKED, 16);
    let mut all = Vec::new();
    for _ in 0..asked {
        all.extend(connect(&scene, HOSTILE).await);
    }
    let answered = join_all(all.iter_mut().map(answers)).await;
    let standing = answered.into_iter().filter(|answered| *answered).count();
    let honest = connect(&scene, HONEST).await;
    let words = match honest {
        Some(_) => "another office is let in beside them",
        None => "another office is NOT let in beside them",
    };
    let figure = Figure::new("sessions that one office gets", standing as f64, "")
        .at_most(SESSIONS_MOST)
        .made_of(format!("of {asked} that it asked for; {words}"));
    outcome.show(figure);
    Ok(())
}

pub async fn half_sent(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let places = places(effort.pick(75, 6));
    let offices: Vec<&str> = places.iter().map(|place| place.office.as_str()).collect();
    let scene = Scene::with(&offices).await?;
    let gauge = Gauge::of(&scene);
    let mut sessions = Vec::new();
    for office in &offices {
        for _ in 0..SESSIONS_OF_OFFICE {
            sessions.extend(
                connect(&scene, office)
                    .await
                    .map(|client| (*office, client)),
            );
        }
    }
    let before = gauge.memory()?;
    let sending = sessions
        .iter_mut()
        .map(|(office, client)| timeout(SEND_WAIT, send_half(office, client)));
    let (sent, worst) = tokio::join!(join_all(sending), gauge.worst(SEND_WAIT));
    let sent = sent.into_iter().filter(Result::is_ok).count();
    let grown = worst?.gateway - before.gateway;
    let figure = Figure::new("half-sent publishes: the gateway grows by", grown, "MiB")
        .at_most(HALF_SENT_MIB_MOST)
        .made_of(format!(
            "{} sessions of {} offices that asked for {}; {sent} of them could send {} of {} bytes",
            sessions.len(),
            offices.len(),
            offices.len() * SESSIONS_OF_OFFICE,
            plain(SENT as f64),
            plain(ANNOUNCED as f64)
        ));
    outcome.show(figure);
    Ok(())
}

/// All of an event's operation but its last bytes.
async fn send_half(office: &str, client: &mut RawClient) {
    let feed = match office.split_once('/') {
        Some(("mlvt", _)) => "labour-returns",
        Some(("moh", _)) => "health-quarterly",
        _ => "market-prices",
    };
    let (office, reply) = (office.replace('/', "."), inbox(office));
    let headers = "NATS/1.0\r\n\r\n";
    let block = headers.len();
    let line = format!("HPUB spean.log.{feed}.{office} {reply} {block} {ANNOUNCED}\r\n{headers}");
    let data = vec![b' '; SENT - headers.len()];
    // The gateway may rather end the session.
    let _ = client.try_send([line.as_bytes(), &data].concat()).await;
}

/// What is asked for and not taken, by each way that there is to ask.
pub async fn unread(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    for way in [Way::Reads, Way::Pulls, Way::Pushes] {
        outcome.show(way.unread(effort).await?);
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Way {
    Reads,
    Pulls,
    Pushes,
}

impl Way {
    async fn unread(self, effort: Effort) -> Result<Figure> {
        let scene = Scene::build().await?;
        let hostile = Hostile::prepare(&scene, effort.pick(6_000, 1_000)).await?;
        let gauge = Gauge::of(&scene);
        let mut sessions = Vec::new();
        for number in 0..SESSIONS_OF_OFFICE {
            let client = connect(&scene, HOSTILE).await;
            sessions.extend(client.map(|client| (number, client)));
        }
        let before = gauge.memory()?;
        let asking = sessions.iter_mut().map(|(number, client)| {
            let asks = self.asks(&hostile, *number);
            timeout(SEND_WAIT, async move { client.try_send(asks).await })
        });
        let (_, worst) = tokio::join!(join_all(asking), gauge.worst(SEND_WAIT));
        let worst = worst?;
        let count = sessions.len().max(1) as f64;
        let grown = (worst.nats - before.nats) / count;
        let figure = Figure::new(self.words(), grown, "MiB").at_most(UNREAD_MIB_MOST);
        Ok(figure.made_of(format!(
            "{count} sessions, {} in each; nats-server {} to {} MiB, gateway {} to {}",
            self.each(),
            plain(before.nats.round()),
            plain(worst.nats.round()),
            plain(before.gateway.round()),
            plain(worst.gateway.round())
        )))
    }

    fn words(self) -> &'static str {
        match self {
            Way::Reads => "reads that nobody takes: nats-server grows, a session",
            Way::Pulls => "pulls that nobody takes: nats-server grows, a session",
            Way::Pushes => "what is pushed and nobody takes: nats-server grows, a session",
        }
    }

    fn each(self) -> String {
        match self {
            Way::Reads => format!("{READS} reads of 1,000 events"),
            Way::Pulls => format!("{CONSUMERS} pulls of all of the log"),
            Way::Pushes => "a consumer that pushes all of the log".to_owned(),
        }
    }

    /// What one of the sessions says; nobody but itself hears the answers.
    fn asks(self, hostile: &Hostile, session: usize) -> Vec<u8> {
        let inbox = format!("{}.unread{session}", hostile.inbox);
        let mut asks = frames::subscribe(&format!("{inbox}.*"), "u").to_vec();
        let settings = json!({
            "ack_policy": "none", "filter_subject": hostile.subject(), "mem_storage": true,
        });
        match self {
            Way::Reads => {
                let read = floods::read_of_own_log(hostile);
                let read = floods::answered_at(&read, &hostile.reply, &format!("{inbox}.r"));
                asks.extend_from_slice(&read.repeat(READS));
            }
            Way::Pulls => {
                for number in 0..CONSUMERS {
                    let name = format!("mlvt_kampot_unread{session}-{number}");
                    let made = floods::create(hostile, &name, settings.clone());
                    asks.extend_from_slice(&made);
                    let reply = format!("{inbox}.{number}");
                    asks.extend_from_slice(&floods::pull(&name, &reply));
                }
            }
            Way::Pushes => {
                let subject = format!("{inbox}.pushed");
                asks.extend_from_slice(&frames::subscribe(&subject, "p"));
                let mut settings = settings;
                settings["deliver_subject"] = subject.into();
                let name = format!("mlvt_kampot_unread{session}");
                asks.extend_from_slice(&floods::create(hostile, &name, settings));
            }
        }
        asks
    }
}

pub async fn connect(scene: &Scene, office: &str) -> Option<RawClient> {
    let (gateway, credentials) = (scene.bus.gateway.address(), scene.bus.credentials(office));
    connect_from(Ipv4Addr::LOCALHOST, gateway, credentials).await
}

/// A session that has said CONNECT; None where it was not let in soon.
pub async fn connect_from(
    here: Ipv4Addr,
    gateway: SocketAddr,
    credentials: Credentials,
) -> Option<RawClient> {
    let opening = RawClient::open_from(here.into(), gateway, &credentials, Handshake::TlsFirst);
    let connecting = async {
        let mut client = opening.await.ok()?;
        client.try_send(CONNECT).await.ok()?;
        answers(&mut client).await.then_some(client)
    };
    timeout(ANSWER_WAIT, connecting).await.ok()?
}

async fn answers(client: &mut RawClient) -> bool {
    if client.try_send("PING\r\n").await.is_err() {
        return false;
    }
    let pong = async {
        loop {
            match client.next().await {
                Some(ServerOp::Pong) => return true,
                Some(ServerOp::Error(_)) | None => return false,
                Some(_) => {}
            }
        }
    };
    timeout(ANSWER_WAIT, pong).await.unwrap_or(false)
}
