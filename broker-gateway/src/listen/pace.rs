//! How many handshakes one address may have: an address comes in, whether it is its turn goes out. A handshake is work before it is known
//! for whom it is done, so nobody else can be asked to pay for it; an address that comes without end waits for its own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::time::{Instant, sleep};

use super::network::{Network, Networks};
use crate::limits::{
    HANDSHAKE_LOOK_INTERVAL, HANDSHAKES_A_SECOND, HANDSHAKES_HELD_MAX, HANDSHAKES_PACED_MAX,
};

#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<Network, Held>>);

/// What an address has not used.
#[derive(Debug, Clone, Copy)]
struct Held {
    handshakes: f64,
    at: Instant,
}

impl Held {
    fn all(now: Instant) -> Held {
        Held {
            handshakes: HANDSHAKES_HELD_MAX,
            at: now,
        }
    }

    fn filled(self, now: Instant) -> Held {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let handshakes = self.handshakes + passed * HANDSHAKES_A_SECOND;
        Held {
            handshakes: handshakes.min(HANDSHAKES_HELD_MAX),
            at: now,
        }
    }
}

impl Pace {
    /// Waits until it is the address's turn to have a handshake.
    pub async fn turn(&self, address: IpAddr) {
        while !self.take(address, Instant::now()) {
            sleep(HANDSHAKE_LOOK_INTERVAL).await;
        }
    }

    fn take(&self, address: IpAddr, now: Instant) -> bool {
        let network = Networks::of(address).of_64;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= HANDSHAKES_PACED_MAX && !all.contains_key(&network) {
            all.retain(|_, held| held.filled(now).handshakes < HANDSHAKES_HELD_MAX);
        }
        // As many who all come without end are more than one address: strangers' places are what holds them.
        if all.len() >= HANDSHAKES_PACED_MAX && !all.contains_key(&network) {
            return true;
        }
        let held = all.entry(network).or_insert_with(|| Held::all(now));
        *held = held.filled(now);
        let has_turn = held.handshakes >= 1.0;
        if has_turn {
            held.handshakes -= 1.0;
        }
        has_turn
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(203, 0, 113, last).into()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_comes_without_end_waits_and_another_does_not() {
        let (pace, began) = (Pace::default(), Instant::now());
        let held = HANDSHAKES_HELD_MAX as u32;
        for _ in 0..held {
            pace.turn(address(1)).await;
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        let more = 10 * HANDSHAKES_A_SECOND as u32;
        for _ in 0..more {
            pace.turn(address(1)).await;
        }
        assert!(began.elapsed() >= Duration::from_secs(10));
        let before = Instant::now();
        pace.turn(address(2)).await;
        assert_eq!(before.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_not_come_for_a_while_is_forgotten() {
        let pace = Pace::default();
        let address_of = |number: u32| IpAddr::from(Ipv4Addr::from(number));
        for number in 0..HANDSHAKES_PACED_MAX as u32 {
            pace.turn(address_of(number)).await;
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        pace.turn(address(1)).await;
        assert_eq!(pace.0.lock().expect("no panic").len(), 1);
    }
}
