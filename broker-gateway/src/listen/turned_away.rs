//! Connections of which no session came: a cause comes in with an address, and the serial of a certificate where one was shown. Out go
//! few lines for the audit: of each cause at the first, the tenth, the hundredth of an hour, and at the hour's end. Bounded, whoever comes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::failure::Cause;
use super::network::{Network, Networks};
use crate::limits::TURNED_AWAY_NAMED_MAX;

#[derive(Debug, Default)]
pub struct TurnedAway(Mutex<BTreeMap<Cause, Sum>>);

/// What an hour has of one cause.
#[derive(Debug)]
struct Sum {
    since: OffsetDateTime,
    count: u64,
    /// How many the last line told of.
    told: u64,
    /// The first networks that came, and how often; the rest is counted alone.
    networks: BTreeMap<Network, u64>,
    /// The first certificates that were shown, and from where.
    serials: BTreeMap<String, Network>,
}

/// A line for the audit.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub cause: Cause,
    pub words: String,
}

impl TurnedAway {
    /// Counts one; a line where it is time for one.
    pub fn count(&self, cause: Cause, address: IpAddr, serial: Option<String>) -> Option<Told> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = all.entry(cause).or_insert_with(Sum::begin);
        sum.add(Networks::of(address).of_64, serial);
        is_power_of_ten(sum.count).then(|| sum.tell(cause))
    }

    /// What the hour that ends has not told; the next one begins.
    pub fn close(&self) -> Vec<Told> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = std::mem::take(&mut *all).into_iter();
        let untold = told.filter(|(_, sum)| sum.told < sum.count);
        untold.map(|(cause, mut sum)| sum.tell(cause)).collect()
    }
}

impl Sum {
    fn begin() -> Sum {
        Sum {
            since: OffsetDateTime::now_utc(),
            count: 0,
            told: 0,
            networks: BTreeMap::new(),
            serials: BTreeMap::new(),
        }
    }

    fn add(&mut self, network: Network, serial: Option<String>) {
        self.count = self.count.saturating_add(1);
        if self.networks.len() < TURNED_AWAY_NAMED_MAX || self.networks.contains_key(&network) {
            let count = self.networks.entry(network).or_default();
            *count = count.saturating_add(1);
        }
        if let Some(serial) = serial
            && self.serials.len() < TURNED_AWAY_NAMED_MAX
        {
            self.serials.entry(serial).or_insert(network);
        }
    }

    fn tell(&mut self, cause: Cause) -> Told {
        self.told = self.count;
        let since = self.since.format(&Rfc3339).unwrap_or_default();
        let named: u64 = self.networks.values().sum();
        let networks = self.networks.iter();
        let mut from: Vec<String> = networks
            .map(|(network, count)| format!("{network} ({count})"))
            .collect();
        if named < self.count {
            from.push(format!("others ({})", self.count.saturating_sub(named)));
        }
        let mut words = format!("{} since {since}, from {}", self.count, from.join(", "));
        if !self.serials.is_empty() {
            let serials = self.serials.iter();
            let shown: Vec<String> = serials
                .map(|(serial, network)| format!("{serial} from {network}"))
                .collect();
            words += &format!("; certificates {}", shown.join(", "));
        }
        Told { cause, words }
    }
}

fn is_power_of_ten(count: u64) -> bool {
    10_u64.checked_pow(count.ilog10()) == Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn of_a_flood_there_are_a_few_lines_and_the_last_tells_all() {
        let all = TurnedAway::default();
        let mut lines = Vec::new();
        for number in 0..12_345_u32 {
            let from = address((number % 250) as u8);
            lines.extend(all.count(Cause::NoFirstFlight, from, None));
        }
        assert_eq!(lines.len(), 5);
        let last = all.close();
        assert_eq!(last.len(), 1);
        assert!(last[0].words.starts_with("12345 since "), "{last:?}");
        assert!(last[0].words.contains("192.0.2.0 (50)"), "{last:?}");
        assert!(last[0].words.contains("others ("), "{last:?}");
        assert!(last[0].words.len() < 1_000, "{last:?}");
        assert_eq!(all.close(), []);
    }

    #[test]
    fn a_certificate_is_named_at_once_by_serial_and_address() {
        let all = TurnedAway::default();
        let told = all.count(Cause::CertificateExpired, address(7), Some("0a:1b".into()));
        let told = told.expect("the first of an hour is told");
        assert!(told.words.contains("192.0.2.7 (1)"), "{told:?}");
        assert!(
            told.words.ends_with("certificates 0a:1b from 192.0.2.7"),
            "{told:?}"
        );
        assert_eq!(all.close(), [], "it was told");
        assert_eq!(
            all.count(Cause::NotTls, address(8), None)
                .expect("another")
                .cause,
            Cause::NotTls
        );
    }
}
