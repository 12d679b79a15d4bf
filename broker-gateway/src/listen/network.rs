//! An address comes in, the networks that it belongs to go out: who has one address of IPv6 has its /64, many have a /56 or a /48.

use std::net::{IpAddr, Ipv6Addr};

/// A network by its first address; of IPv4, the address itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpAddr);

/// The networks of one address, each within the one before it. All three are the same for IPv4, of whose addresses nobody has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Networks {
    /// What a provider gives to a firm.
    pub of_48: Network,
    /// What it gives to a home.
    pub of_56: Network,
    /// One line of machines.
    pub of_64: Network,
}

impl Networks {
    pub fn of(address: IpAddr) -> Networks {
        let network = |bits: u32| match address.to_canonical() {
            IpAddr::V4(address) => Network(IpAddr::V4(address)),
            IpAddr::V6(address) => {
                let mask = u128::MAX
                    .checked_shr(bits)
                    .map_or(u128::MAX, |below| !below);
                Network(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask)))
            }
        };
        Networks {
            of_48: network(48),
            of_56: network(56),
            of_64: network(64),
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_of_ipv4_is_a_network_and_of_ipv6_its_64_56_and_48() {
        let told = |address: &str| {
            let networks = Networks::of(address.parse().expect("an address"));
            [networks.of_48, networks.of_56, networks.of_64].map(|network| network.to_string())
        };
        assert_eq!(told("192.0.2.1"), ["192.0.2.1"; 3]);
        assert_eq!(told("::ffff:192.0.2.1"), ["192.0.2.1"; 3]);
        assert_eq!(
            told("2001:db8:1:abcd::7"),
            ["2001:db8:1::", "2001:db8:1:ab00::", "2001:db8:1:abcd::"]
        );
    }
}
