//! Free ports for parts that must come back on the same one after a restart.
//! In: nothing. Out: a port that nothing listens on. Never: a port of the range that outgoing connections draw from.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below Linux's ephemeral range, so that no outgoing connection of another test takes the port between two starts.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

pub fn free() -> SocketAddr {
    // Each process begins elsewhere, so that two of them seldom try the same port.
    let began = (std::process::id() as u16).wrapping_mul(101) % COUNT;
    let candidates =
        std::iter::repeat_with(|| FIRST + (began + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT);
    let free = candidates
        .take(COUNT.into())
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    free.into_iter()
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("one of 20,000 ports is free")
}
