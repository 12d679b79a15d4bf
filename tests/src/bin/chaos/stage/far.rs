//! A long line: what goes in comes out 300 ms later, and some of it a round trip later still, as after a loss that TCP had to mend.
//! In: connections of one office's agent. Out: the same bytes at the gateway, later. Never: a byte changed, dropped or overtaken.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// The suite's own address on the backbone.
const HERE: [u8; 4] = [10, 99, 0, 1];
const ONE_WAY: Duration = Duration::from_millis(300);
/// A lost packet is noticed after a round trip and a bit, and sent again.
const SENT_AGAIN: Duration = Duration::from_millis(800);
const LOST_PERCENT: u64 = 5;
/// One packet's worth, and as many of them on their way as a satellite modem keeps.
const CHUNK_BYTES: usize = 1_400;
const CHUNKS_UNDER_WAY: usize = 256;

pub struct FarLine {
    address: SocketAddr,
    /// Chunks that were lost once.
    lost: Arc<AtomicU64>,
    _accepting: AbortOnDropHandle<()>,
}

impl FarLine {
    pub async fn lay(gateway: SocketAddr, seed: u64) -> Result<FarLine> {
        let listener = TcpListener::bind(SocketAddr::from((HERE, 0))).await?;
        let address = listener.local_addr()?;
        let lost = Arc::new(AtomicU64::new(0));
        let accepting = accept(
            listener,
            gateway,
            fastrand::Rng::with_seed(seed),
            lost.clone(),
        );
        Ok(FarLine {
            address,
            lost,
            _accepting: AbortOnDropHandle::new(tokio::spawn(accepting)),
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

async fn accept(
    listener: TcpListener,
    gateway: SocketAddr,
    mut random: fastrand::Rng,
    lost: Arc<AtomicU64>,
) {
    while let Ok((near, _)) = listener.accept().await {
        let chances = [random.fork(), random.fork()];
        tokio::spawn(carry(near, gateway, chances, lost.clone()));
    }
}

/// One connection. The first bytes are under way while the handshake's last packet is: at the gateway they come together.
async fn carry(
    near: TcpStream,
    gateway: SocketAddr,
    [out, back]: [fastrand::Rng; 2],
    lost: Arc<AtomicU64>,
) {
    let (near_read, near_write) = near.into_split();
    let (out_queue, going_out) = mpsc::channel(CHUNKS_UNDER_WAY);
    let (back_queue, coming_back) = mpsc::channel(CHUNKS_UNDER_WAY);
    let at_gateway = async {
        tokio::time::sleep(ONE_WAY).await;
        if let Ok(far) = TcpStream::connect(gateway).await {
            let (far_read, far_write) = far.into_split();
            tokio::join!(
                leave(going_out, far_write),
                enter(far_read, back_queue, back, lost.clone())
            );
        }
    };
    tokio::join!(
        enter(near_read, out_queue, out, lost.clone()),
        at_gateway,
        leave(coming_back, near_write)
    );
}

async fn enter(
    mut from: OwnedReadHalf,
    queue: mpsc::Sender<(Instant, Vec<u8>)>,
    mut random: fastrand::Rng,
    lost: Arc<AtomicU64>,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let mut arrives = Instant::now() + ONE_WAY;
        if random.u64(0..100) < LOST_PERCENT {
            lost.fetch_add(1, Ordering::Relaxed);
            arrives += SENT_AGAIN;
        }
        if queue.send((arrives, chunk[..read].to_vec())).await.is_err() {
            return;
        }
    }
}

/// What comes behind a late chunk waits for it: TCP hands over nothing out of order.
async fn leave(mut under_way: mpsc::Receiver<(Instant, Vec<u8>)>, mut to: OwnedWriteHalf) {
    while let Some((arrives, chunk)) = under_way.recv().await {
        tokio::time::sleep_until(arrives).await;
        if to.write_all(&chunk).await.is_err() {
            return;
        }
    }
    to.shutdown().await.ok();
}
