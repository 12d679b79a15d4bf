//! Addresses from which an office came: they come in when its session begins and when it ends, and are known for a week. In memory
//! alone: a gateway that starts anew serves by networks until offices have come, and keeps no record of who came from where.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::network::{Network, Networks};
use super::strangers::Standing;
use crate::limits::{ACQUAINTANCE_TIME, ACQUAINTANCES_MAX};

#[derive(Debug, Default)]
pub struct Acquainted(Mutex<HashMap<Network, Instant>>);

impl Acquainted {
    pub fn remember(&self, address: IpAddr) {
        self.remember_at(address, Instant::now());
    }

    pub fn standing(&self, address: IpAddr) -> Standing {
        self.standing_at(address, Instant::now())
    }

    fn remember_at(&self, address: IpAddr, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(Networks::of(address).of_64, now);
        if known.len() > ACQUAINTANCES_MAX {
            let oldest = known.iter().min_by_key(|(_, seen)| **seen);
            if let Some(oldest) = oldest.map(|(network, _)| *network) {
                known.remove(&oldest);
            }
        }
    }

    fn standing_at(&self, address: IpAddr, now: Instant) -> Standing {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = known.get(&Networks::of(address).of_64);
        let since = seen.map_or(Duration::MAX, |seen| now.saturating_duration_since(*seen));
        match since < ACQUAINTANCE_TIME {
            true => Standing::Acquainted,
            false => Standing::Newcomer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_for_a_week_and_the_oldest_is_forgotten_first() {
        let (acquainted, began) = (Acquainted::default(), Instant::now());
        let address = |number: u32| IpAddr::from(number.to_be_bytes());
        for number in 0..=ACQUAINTANCES_MAX as u32 {
            acquainted.remember_at(
                address(number),
                began + Duration::from_millis(number.into()),
            );
        }
        let standing = |number, later| acquainted.standing_at(address(number), began + later);
        let soon = Duration::from_secs(3_600);
        assert_eq!(standing(0, soon), Standing::Newcomer);
        assert_eq!(standing(1, soon), Standing::Acquainted);
        assert_eq!(standing(1, ACQUAINTANCE_TIME + soon), Standing::Newcomer);
        assert_eq!(standing(u32::MAX, soon), Standing::Newcomer);
    }
}
