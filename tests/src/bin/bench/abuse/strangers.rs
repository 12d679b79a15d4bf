//! Peers that never show who they are: what each costs, and whether an office still gets in.
//! In: as many addresses of loopback as an attacker may have. Out: KiB a stranger, the share of offices let in. Never: an address beyond loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use super::bounds::{connect, connect_from};
use super::gauge::Gauge;
use super::scene::{HONEST, Scene};
use super::storm;
use crate::Effort;
use crate::figure::{Figure, Outcome, plain};

const STRANGER_KIB_MOST: f64 = 32.0;
const LET_IN_LEAST: f64 = 90.0;
const ADDRESSES: usize = 250;
/// Honest connects before anything is weighed: what the gateway needs for any connection is there.
const WARMING: usize = 20;
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// A stranger that was turned away comes again after so long.
const COME_AGAIN: Duration = Duration::from_secs(1);
/// An honest office comes this often.
const COMES_EVERY: Duration = Duration::from_millis(100);
/// A little under what a stranger may send.
const HALF_HELLO_BYTES: u16 = 4_000;

/// What a stranger says before it says nothing more.
#[derive(Clone, Copy, Debug)]
enum Stranger {
    Silent,
    HalfHello,
    WholeHello,
}

const KINDS: [Stranger; 3] = [Stranger::Silent, Stranger::HalfHello, Stranger::WholeHello];

impl Stranger {
    fn name(self) -> &'static str {
        match self {
            Stranger::Silent => "silent",
            Stranger::HalfHello => "with a byte less than a ClientHello",
            Stranger::WholeHello => "with a ClientHello and nothing after it",
        }
    }

    /// A few less than the gateway has places for.
    fn count(self) -> usize {
        match self {
            Stranger::Silent | Stranger::HalfHello => 380,
            Stranger::WholeHello => 190,
        }
    }

    fn says(self, scene: &Scene) -> Vec<u8> {
        match self {
            Stranger::Silent => Vec::new(),
            Stranger::HalfHello => half_hello(),
            Stranger::WholeHello => scene.bus.credentials(HONEST).first_flight(),
        }
    }
}

/// A long record with a ClientHello that goes on behind it, less its last bytes.
fn half_hello() -> Vec<u8> {
    let [high, low] = HALF_HELLO_BYTES.to_be_bytes();
    let head = [0x16, 3, 1, high, low, 1, 0, 0xff, 0];
    let rest = usize::from(HALF_HELLO_BYTES) - 9;
    [&head[..], &vec![3; rest]].concat()
}

pub async fn cost(outcome: &mut Outcome) -> Result<()> {
    let mut scene = Scene::build().await?;
    for kind in KINDS {
        let count = kind.count();
        scene.bus.gateway.restart().await;
        let gauge = Gauge::of(&scene);
        let (gateway, says) = (scene.bus.gateway.address(), kind.says(&scene));
        for _ in 0..WARMING {
            drop(connect(&scene, HONEST).await);
        }
        let before = gauge.memory()?;
        let coming = (0..count).map(|number| begin(number, gateway, &says));
        let mut strangers: Vec<TcpStream> = join_all(coming).await.into_iter().flatten().collect();
        let worst = gauge.worst(Duration::from_millis(600)).await?;
        strangers.retain_mut(still_there);
        let held = strangers.len().max(1) as f64;
        let figure = Figure::new(
            format!("a stranger {} costs", kind.name()),
            (worst.gateway - before.gateway) * 1024.0 / held,
            "KiB",
        )
        .at_most(STRANGER_KIB_MOST)
        .made_of(format!(
            "{held} of {count} were kept; the gateway {} to {} MiB",
            plain(before.gateway),
            plain(worst.gateway)
        ));
        outcome.show(figure);
    }
    Ok(())
}

async fn begin(number: usize, gateway: SocketAddr, says: &[u8]) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(address(number))?;
    let mut stream = timeout(CONNECT_WAIT, socket.connect(gateway)).await??;
    stream.write_all(says).await?;
    Ok(stream)
}

/// 250 addresses in turn.
fn address(number: usize) -> SocketAddr {
    let last = u8::try_from(2 + number % ADDRESSES).unwrap_or(2);
    (Ipv4Addr::new(127, 0, 0, last), 0).into()
}

/// Whether the gateway has not ended it; what it said (INFO, its first flight) is read on the way.
fn still_there(stream: &mut TcpStream) -> bool {
    let mut said = [0; 16 * 1024];
    loop {
        match stream.try_read(&mut said) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}

pub async fn newcomers(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    for kind in KINDS {
        let scene = Scene::build().await?;
        let (strangers, time) = effort.pick((10_000, 20), (1_000, 4));
        let time = Duration::from_secs(time);
        let gauge = Gauge::of(&scene);
        let before = gauge.memory()?;
        let siege = lay_siege(
            strangers,
            kind.says(&scene),
            scene.bus.gateway.address(),
            time,
        )?;
        // Until all of them are there.
        tokio::time::sleep(time / 4).await;
        let (let_in, worst) = tokio::join!(come_in(&scene, time / 2), gauge.worst(time / 2));
        let (came, got_in) = let_in;
        let worst = worst?;
        let connects = siege.await.context("the siege ended with a panic")?;
        let figure = Figure::new(
            format!("offices let in within 5 s beside {} strangers {}", plain(strangers as f64), kind.name()),
            100.0 * got_in as f64 / came.max(1) as f64,
            "%",
        )
        .at_least(LET_IN_LEAST)
        .made_of(format!(
            "{got_in} of {came}; strangers of {ADDRESSES} addresses connected {} times; the gateway {} to {} MiB",
            plain(connects as f64),
            plain(before.gateway.round()),
            plain(worst.gateway.round())
        ));
        outcome.show(figure);
    }
    Ok(())
}

/// Strangers that come again whenever they are turned away; how often they connected, when it is over.
fn lay_siege(
    strangers: usize,
    says: Vec<u8>,
    gateway: SocketAddr,
    time: Duration,
) -> Result<tokio::sync::oneshot::Receiver<u64>> {
    storm::apart(move || async move {
        let end = Instant::now() + time;
        let all = (0..strangers).map(|number| stay(number, gateway, &says, end));
        join_all(all).await.into_iter().sum()
    })
}

async fn stay(number: usize, gateway: SocketAddr, says: &[u8], end: Instant) -> u64 {
    let mut connects = 0;
    let staying = async {
        loop {
            if let Ok(mut stream) = begin(number, gateway, says).await {
                connects += 1;
                let mut said = [0; 1024];
                while let Ok(1..) = stream.read(&mut said).await {}
            }
            tokio::time::sleep(COME_AGAIN).await;
        }
    };
    let _ = tokio::time::timeout_at(end, staying).await;
    connects
}

/// An office that comes again and again, each time from elsewhere: how often, and how often it was let in.
async fn come_in(scene: &Scene, time: Duration) -> (usize, usize) {
    let (gateway, began) = (scene.bus.gateway.address(), Instant::now());
    let mut coming = Vec::new();
    while began.elapsed() < time {
        // An address that the gateway has not seen: one that it knows gets in sooner.
        let number = u16::try_from(coming.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes();
        let here = Ipv4Addr::new(127, 1, number[0], number[1].max(1));
        let credentials = scene.bus.credentials(HONEST);
        // It leaves at once: an office has few seats.
        let coming_in = async move { connect_from(here, gateway, credentials).await.is_some() };
        coming.push(tokio::spawn(coming_in));
        tokio::time::sleep(COMES_EVERY).await;
    }
    let came = coming.len();
    let let_in = join_all(coming).await.into_iter();
    let let_in = let_in.filter(|came| matches!(came, Ok(true))).count();
    (came, let_in)
}
