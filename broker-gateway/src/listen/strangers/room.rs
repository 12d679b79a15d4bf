//! Strangers of one kind: members come in by age and network, and out again. Who is shown out is the oldest of the network that has
//! most of them: of the /48 with most, the /56 with most, and of that the /64 with most.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::sync::oneshot;

use crate::listen::network::{Network, Networks};

#[derive(Debug, Default)]
pub struct Room {
    crowds: HashMap<Network, Crowd>,
    /// The crowds again, by size; of equal ones the last has the oldest member.
    by_size: BTreeSet<(usize, Reverse<u64>, Network)>,
    count: usize,
}

/// The members of one /48, or of one address of IPv4, by age.
type Crowd = BTreeMap<u64, Member>;

#[derive(Debug)]
pub struct Member {
    pub networks: Networks,
    /// Gone when the member has to go.
    _stays: oneshot::Sender<()>,
}

impl Member {
    pub fn new(networks: Networks, stays: oneshot::Sender<()>) -> Member {
        Member {
            networks,
            _stays: stays,
        }
    }
}

impl Room {
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn put(&mut self, number: u64, member: Member) {
        self.change(member.networks.of_48, |crowd| {
            crowd.insert(number, member);
        });
        self.count = self.count.saturating_add(1);
    }

    pub fn take(&mut self, network: Network, number: u64) -> Option<Member> {
        let taken = self.change(network, |crowd| crowd.remove(&number));
        self.count = self.count.saturating_sub(usize::from(taken.is_some()));
        taken
    }

    pub fn show_out(&mut self) {
        let Some((_, _, network)) = self.by_size.last().copied() else {
            return;
        };
        if let Some(number) = self.crowds.get(&network).and_then(first_to_go) {
            drop(self.take(network, number));
        }
    }

    /// Changes one crowd, and its rank with it.
    fn change<T>(&mut self, network: Network, change: impl FnOnce(&mut Crowd) -> T) -> T {
        let crowd = self.crowds.entry(network).or_default();
        if let Some(rank) = rank(network, crowd) {
            self.by_size.remove(&rank);
        }
        let changed = change(crowd);
        match rank(network, crowd) {
            Some(rank) => drop(self.by_size.insert(rank)),
            None => drop(self.crowds.remove(&network)),
        }
        changed
    }
}

fn rank(network: Network, crowd: &Crowd) -> Option<(usize, Reverse<u64>, Network)> {
    let (oldest, _) = crowd.first_key_value()?;
    Some((crowd.len(), Reverse(*oldest), network))
}

fn first_to_go(crowd: &Crowd) -> Option<u64> {
    let of_56 = most(
        crowd
            .iter()
            .map(|(number, member)| (member.networks.of_56, *number)),
    )?;
    let within = crowd
        .iter()
        .filter(|(_, member)| member.networks.of_56 == of_56);
    let of_64 = most(within.map(|(number, member)| (member.networks.of_64, *number)))?;
    let mut within = crowd
        .iter()
        .filter(|(_, member)| member.networks.of_64 == of_64);
    within.next().map(|(number, _)| *number)
}

/// The network that comes most often, or of equal ones the one with the oldest member. Members come by age.
fn most(members: impl Iterator<Item = (Network, u64)>) -> Option<Network> {
    let mut sizes: HashMap<Network, (usize, Reverse<u64>)> = HashMap::new();
    for (network, number) in members {
        let (size, _) = sizes.entry(network).or_insert((0, Reverse(number)));
        *size = size.saturating_add(1);
    }
    let most = sizes.into_iter().max_by_key(|(_, size)| *size);
    most.map(|(network, _)| network)
}
