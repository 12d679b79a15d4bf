//! Peers that have not shown who they are: an address comes in, a place goes out while there is one. No network has more than its
//! part of the places, so that a flood from one of them leaves room for the others; a place is given back when it is dropped.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::{UNKNOWN_PEERS_MAX, UNKNOWN_PEERS_OF_ADDRESS_MAX};

#[derive(Debug, Clone, Default)]
pub struct Strangers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One stranger's place.
#[derive(Debug)]
pub struct Place {
    strangers: Strangers,
    from: IpAddr,
}

impl Strangers {
    pub fn enter(&self, address: IpAddr) -> Option<Place> {
        let from = network(address);
        let mut all = self.lock();
        let of_network = all.get(&from).copied().unwrap_or(0);
        let full = all.values().sum::<usize>() >= UNKNOWN_PEERS_MAX
            || of_network >= UNKNOWN_PEERS_OF_ADDRESS_MAX;
        if full {
            return None;
        }
        all.insert(from, of_network + 1);
        drop(all);
        Some(Place {
            strangers: self.clone(),
            from,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.strangers.lock();
        if let Some(count) = all.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.from);
            }
        }
    }
}

/// Who has one address of IPv6 has its /64, too.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn fill(strangers: &Strangers, from: &str) -> Vec<Place> {
        let from = address(from);
        std::iter::from_fn(|| strangers.enter(from)).collect()
    }

    #[test]
    fn a_flood_from_one_address_leaves_room_for_others() {
        let strangers = Strangers::default();
        let mut flood = fill(&strangers, "192.0.2.1");
        assert_eq!(flood.len(), UNKNOWN_PEERS_OF_ADDRESS_MAX);
        assert!(strangers.enter(address("::ffff:192.0.2.1")).is_none());
        let other = strangers.enter(address("192.0.2.2"));
        assert!(other.is_some());
        flood.pop();
        assert!(strangers.enter(address("192.0.2.1")).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let strangers = Strangers::default();
        let _flood = fill(&strangers, "2001:db8::1");
        assert!(strangers.enter(address("2001:db8::ffff:1")).is_none());
        assert!(strangers.enter(address("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn all_places_together_have_an_end_and_are_given_back() {
        let strangers = Strangers::default();
        let all: Vec<Vec<Place>> = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
            .map(|from| fill(&strangers, from))
            .into();
        assert_eq!(all.iter().map(Vec::len).sum::<usize>(), UNKNOWN_PEERS_MAX);
        assert!(strangers.enter(address("192.0.2.4")).is_none());
        drop(all);
        assert!(strangers.lock().is_empty());
    }
}
