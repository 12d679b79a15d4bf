//! The places at a door: connections come in, each with where it comes from, and how far its request has come; who goes when there
//! is no place left comes out. Nobody who holds a connection open and says nothing keeps anybody out.
//!
//! Streams are counted apart: they stand open for ever by their nature, and would take all places of those who ask and go.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::guard::Peer;
use super::limits::{CONNECTIONS_MAX, STREAMS_MAX, STREAMS_PEER_MAX, WORK_TIME};

/// Who shares what is counted for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Origin {
    Address(IpAddr),
    Socket,
}

impl From<Peer> for Origin {
    fn from(peer: Peer) -> Origin {
        match peer {
            Peer::Tcp(address) => Origin::Address(address.ip().to_canonical()),
            Peer::Unix => Origin::Socket,
        }
    }
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It has not said all of a request: nothing yet, half a header, half a body; or it is done and says nothing more.
    Asking(Instant),
    /// Its request is being answered.
    Answered(Instant),
    /// It follows what happens.
    Following,
}

#[derive(Debug)]
struct Taken {
    origin: Origin,
    doing: Doing,
    end: CancellationToken,
}

/// The places of one door.
#[derive(Debug, Clone, Default)]
pub struct Places(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    taken: HashMap<u64, Taken>,
    next: u64,
}

/// A place; it is given back when this goes.
#[derive(Debug)]
pub struct Place {
    places: Places,
    number: u64,
    /// Cancelled when somebody else gets the place.
    pub end: CancellationToken,
}

impl Places {
    /// A place for a newcomer. Where there is none, the one that has said nothing for longest goes, first of those from where most
    /// come; None where everybody is being answered.
    pub fn take(&self, peer: Peer, now: Instant) -> Option<Place> {
        let mut held = self.held();
        if held.asking_or_answered().count() >= CONNECTIONS_MAX {
            let number = held.who_goes(now)?;
            if let Some(gone) = held.taken.remove(&number) {
                gone.end.cancel();
            }
        }
        let end = CancellationToken::new();
        held.next += 1;
        let number = held.next;
        let taken = Taken {
            origin: peer.into(),
            doing: Doing::Asking(now),
            end: end.clone(),
        };
        held.taken.insert(number, taken);
        Some(Place {
            places: self.clone(),
            number,
            end,
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn asking_or_answered(&self) -> impl Iterator<Item = (&u64, &Taken)> {
        self.taken
            .iter()
            .filter(|(_, taken)| taken.doing != Doing::Following)
    }

    fn who_goes(&self, now: Instant) -> Option<u64> {
        let mut from: HashMap<Origin, usize> = HashMap::new();
        for (_, taken) in self.asking_or_answered() {
            *from.entry(taken.origin).or_default() += 1;
        }
        let silent = self.asking_or_answered().filter_map(|(number, taken)| {
            let since = match taken.doing {
                Doing::Asking(since) => since,
                Doing::Answered(since) if now.duration_since(since) > WORK_TIME => since,
                Doing::Answered(_) | Doing::Following => return None,
            };
            let many = from.get(&taken.origin).copied().unwrap_or_default();
            Some((std::cmp::Reverse(many), since, *number))
        });
        silent.min().map(|(_, _, number)| number)
    }
}

impl Place {
    /// A request has begun whose end is still to come.
    pub fn asks(&self) {
        self.now(Doing::Asking(Instant::now()));
    }

    /// All of a request is here.
    pub fn is_answered(&self) {
        self.now(Doing::Answered(Instant::now()));
    }

    /// Its answer is a stream; whether there is a place for one.
    pub fn follows(&self) -> bool {
        let mut held = self.places.held();
        let Some(origin) = held.taken.get(&self.number).map(|taken| taken.origin) else {
            return false;
        };
        let streams = || held.taken.values().filter(|t| t.doing == Doing::Following);
        let own = streams().filter(|taken| taken.origin == origin).count();
        let room = streams().count() < STREAMS_MAX && own < STREAMS_PEER_MAX;
        if let (true, Some(taken)) = (room, held.taken.get_mut(&self.number)) {
            taken.doing = Doing::Following;
        }
        room
    }

    fn now(&self, doing: Doing) {
        if let Some(taken) = self.places.held().taken.get_mut(&self.number) {
            taken.doing = doing;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.held().taken.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn from(last: u8) -> Peer {
        Peer::Tcp(([192, 0, 2, last], 50_000).into())
    }

    fn full(places: &Places, peer: Peer, count: usize, at: Instant) -> Vec<Place> {
        let after = |number: usize| at + Duration::from_millis(number as u64);
        let take = |number| places.take(peer, after(number)).expect("a place");
        (0..count).map(take).collect()
    }

    #[test]
    fn the_oldest_that_has_said_nothing_goes_for_a_newcomer() {
        let (places, start) = (Places::default(), Instant::now());
        let silent = full(&places, from(1), CONNECTIONS_MAX, start);
        silent[0].is_answered();
        let new = places.take(from(1), start + Duration::from_secs(1));
        assert!(new.is_some_and(|new| !new.end.is_cancelled()));
        assert!(!silent[0].end.is_cancelled(), "it is being answered");
        assert!(silent[1].end.is_cancelled());
        assert!(silent[2..].iter().all(|place| !place.end.is_cancelled()));
    }

    #[test]
    fn one_address_with_many_connections_loses_its_own_first() {
        let (places, start) = (Places::default(), Instant::now());
        let few = full(&places, from(1), 2, start);
        let many = full(
            &places,
            from(2),
            CONNECTIONS_MAX - 2,
            start + Duration::from_secs(1),
        );
        let _new = places.take(from(3), start + Duration::from_secs(9));
        assert!(many[0].end.is_cancelled());
        assert!(few.iter().all(|place| !place.end.is_cancelled()));
    }

    #[test]
    fn whoever_is_answered_keeps_the_place_for_as_long_as_an_answer_may_take() {
        let (places, start) = (Places::default(), Instant::now());
        let all = full(&places, from(1), CONNECTIONS_MAX, start);
        all.iter().for_each(Place::is_answered);
        assert!(places.take(from(2), Instant::now()).is_none());
        let late = Instant::now() + WORK_TIME + Duration::from_secs(1);
        assert!(
            places.take(from(2), late).is_some(),
            "nobody reads an answer"
        );
        drop(all);
        assert_eq!(places.held().taken.len(), 0);
    }

    #[test]
    fn streams_take_no_places_and_have_a_number_of_their_own() {
        let (places, start) = (Places::default(), Instant::now());
        let mut streams = Vec::new();
        for address in 1..=5 {
            let some = full(&places, from(address), STREAMS_PEER_MAX, start);
            let room = streams.len() < STREAMS_MAX;
            assert!(some.iter().all(|place| place.follows() == room));
            if room {
                let more = places.take(from(address), start).expect("a place");
                assert!(!more.follows(), "one address has no more");
                streams.extend(some);
            }
        }
        let all = full(&places, from(9), CONNECTIONS_MAX, start);
        assert!(streams.iter().all(|place| !place.end.is_cancelled()));
        drop(all);
    }
}
