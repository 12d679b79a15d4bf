//! A TCP proxy that is the bad line between an agent and its gateway.
//! In: connections to its own port. Out: the same bytes at the target, as the weather allows. Never: a changed byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// What the line does, from now on, to old connections and new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Clear,
    /// Connections are reset, new ones are refused.
    Cut,
    /// Nothing passes and nobody is told: no FIN, no RST.
    Silent,
    /// This many bytes a second each way.
    Slow {
        bytes_per_second: u32,
    },
    /// One byte at a time.
    Sliced,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub up: u64,
    pub down: u64,
}

pub struct FaultProxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    /// Counts how often everything was reset; each connection remembers the count it began with.
    resets: watch::Sender<u64>,
    traffic: Arc<Counters>,
    _accepting: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Counters {
    up: AtomicU64,
    down: AtomicU64,
}

/// One connection's view of the line.
#[derive(Clone)]
struct Line {
    weather: watch::Receiver<Weather>,
    resets: watch::Receiver<u64>,
    traffic: Arc<Counters>,
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

const CHUNK_BYTES: usize = 16 * 1024;

impl FaultProxy {
    pub async fn start(target: SocketAddr) -> FaultProxy {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (weather, resets) = (watch::Sender::new(Weather::Clear), watch::Sender::new(0));
        let traffic = Arc::new(Counters::default());
        let line = Line {
            weather: weather.subscribe(),
            resets: resets.subscribe(),
            traffic: traffic.clone(),
        };
        let accepting = AbortOnDropHandle::new(tokio::spawn(accept(listener, target, line)));
        FaultProxy {
            address,
            weather,
            resets,
            traffic,
            _accepting: accepting,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Every connection ends with RST; new ones pass.
    pub fn reset(&self) {
        self.resets.send_modify(|count| *count += 1);
    }

    /// Bytes that passed so far, TLS included, TCP and IP headers not.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            up: self.traffic.up.load(Ordering::Relaxed),
            down: self.traffic.down.load(Ordering::Relaxed),
        }
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, mut line: Line) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((near, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        // Resets before this moment were meant for others.
        line.resets.mark_unchanged();
        connections.spawn(carry(near, target, line.clone()));
    }
}

async fn carry(mut near: TcpStream, target: SocketAddr, mut line: Line) {
    let mut reset = line.resets.clone();
    if line.passable().await == Weather::Cut {
        return end_with_reset(&near);
    }
    let Ok(mut far) = TcpStream::connect(target).await else {
        return end_with_reset(&near);
    };
    near.set_nodelay(true)
        .and(far.set_nodelay(true))
        .expect("a fresh socket takes its options");
    let mut cut = line.weather.clone();
    let (near_read, near_write) = near.split();
    let (far_read, far_write) = far.split();
    let both = async {
        tokio::join!(
            pump(near_read, far_write, line.clone(), Way::Up),
            pump(far_read, near_write, line.clone(), Way::Down)
        );
    };
    tokio::select! {
        () = both => return,
        _ = cut.wait_for(|weather| *weather == Weather::Cut) => {}
        _ = reset.changed() => {}
    }
    end_with_reset(&near);
    end_with_reset(&far);
}

/// One way of a connection, until its end.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut line: Line,
    way: Way,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let weather = line.passable().await;
        let room = match weather {
            Weather::Sliced => 1,
            Weather::Slow { bytes_per_second } => {
                (bytes_per_second as usize / 20).clamp(1, CHUNK_BYTES)
            }
            Weather::Clear | Weather::Cut | Weather::Silent => CHUNK_BYTES,
        };
        let Ok(read @ 1..) = from.read(&mut chunk[..room]).await else {
            break;
        };
        if let Weather::Slow { bytes_per_second } = weather {
            tokio::time::sleep(Duration::from_secs_f64(
                read as f64 / f64::from(bytes_per_second),
            ))
            .await;
        }
        // The weather may have turned while these bytes were waited for.
        line.passable().await;
        if to.write_all(&chunk[..read]).await.is_err() {
            break;
        }
        line.count(way, read);
    }
    // A reader that is gone has closed its half; the other way may go on.
    to.shutdown().await.ok();
}

impl Line {
    async fn passable(&mut self) -> Weather {
        let weather = self
            .weather
            .wait_for(|weather| *weather != Weather::Silent)
            .await
            .map(|weather| *weather);
        // A proxy that is gone takes its connections' tasks with it.
        weather.unwrap_or(Weather::Cut)
    }

    fn count(&self, way: Way, bytes: usize) {
        let counter = match way {
            Way::Up => &self.traffic.up,
            Way::Down => &self.traffic.down,
        };
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A cut line sends no FIN; RST is the nearest that a process can do. It goes out when the socket is dropped.
fn end_with_reset(stream: &TcpStream) {
    socket2::SockRef::from(stream)
        .set_linger(Some(Duration::ZERO))
        .expect("an open socket takes its options");
}

#[cfg(test)]
mod tests;
