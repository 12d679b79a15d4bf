//! Whatever order facts come in: each reads as it was written, and so does the state that they lead to.

use proptest::prelude::*;

use super::super::facts::{Accepted, Placed, Raised, Reads};
use super::super::kinds::Outbox;
use super::*;
use crate::store::log::{Head, Kinds as _};

fn position(number: u64) -> Position {
    Position::new(number).expect("a position")
}

fn hash(of: u64) -> Hash {
    Hash::of(&of.to_le_bytes())
}

fn accepted(feed: u32, number: u64, at: u64, is: bool) -> Accepted<'static> {
    Accepted {
        feed,
        // Also before the front.
        number: if is {
            FIRST_NUMBER + number
        } else {
            FIRST_NUMBER - 1 - number
        },
        at_ms: at,
        content: Some(hash(3)),
        data: hash(4),
        key: is.then(|| hash(5)),
        id: "id",
        name: if is { "health-quarterly" } else { "" },
    }
}

fn settled(feed: u32, number: u64, at: u64, is: bool) -> Settled<'static> {
    Settled {
        feed,
        position: position(at),
        hash: hash(number % 2),
        number: if number == 0 {
            0
        } else {
            FIRST_NUMBER + number
        },
        leaves: is,
        time: at % 3,
        at_ms: at,
        content: is.then(|| hash(3)),
        data: hash(4),
        key: (!is).then(|| hash(5)),
        id: "id",
    }
}

/// A fact of each sort, with small numbers: they meet one another.
fn fact(sort: u8, feed: u32, number: u64, at: u64, is: bool) -> Fact<'static> {
    let placed = Placed {
        feed,
        number: FIRST_NUMBER + number,
        at_ms: at,
        id: "id",
    };
    let stood = Stood {
        feed,
        position: position(at),
        hash: hash(number % 2),
        time: number,
    };
    let settled = settled(feed, number, at, is);
    match sort {
        0..4 => Fact::Accepted(accepted(feed, number, at, is)),
        4 => Fact::Refused(placed),
        5 => Fact::Released(placed),
        6 => Fact::Dropped(placed),
        7 => Fact::Lost(placed),
        8..11 => Fact::Settled(settled),
        11 => Fact::Remains(settled),
        12 => Fact::Receipt(Vouches {
            feed,
            position: position(at),
            hash: hash(number % 2),
            admitted: -5,
            after: at - 1,
        }),
        13 => Fact::Retracted(stood),
        14 => Fact::Branch(stood),
        15 => Fact::Pruned(Pruned {
            feed,
            first: at.saturating_sub(number).max(1),
            last: position(at),
            hash: hash(number % 2),
            by_horizon: is,
        }),
        16 => Fact::Untold(
            feed,
            is.then(|| Range {
                first: at,
                last: at + number,
                hash: hash(1),
            }),
        ),
        17 => Fact::Reader(Reads {
            feed,
            reader: "moh/hq",
            position: position(at),
            at: "now",
            log: "urn:log",
        }),
        18 => Fact::Alarm(Raised {
            number,
            at_ms: at,
            code: "code",
        }),
        19 => Fact::Gone(feed, at, at + number),
        20 => Fact::Asked(feed),
        _ => Fact::Named(feed, "market-prices"),
    }
}

proptest! {
    #[test]
    fn facts_and_states_read_as_they_were_written_whatever_comes(
        facts in prop::collection::vec((0..22_u8, 1..3_u32, 0..12_u64, 1..12_u64, any::<bool>()), 1..80),
    ) {
        let (mut state, mut folded) = (State::default(), State::default());
        for (sort, feed, number, at, is) in facts {
            let fact = fact(sort, feed, number, at, is);
            let (kind, fields) = fact.write();
            let head = Head { kind, fields: &fields };
            prop_assert_eq!(Fact::read(head), Some(fact));
            for short in 0..fields.len() {
                // An untold range, or none, has one length; what is shorter is no head.
                let head = Head { kind, fields: &fields[..short] };
                prop_assert_eq!(Fact::read(head), None);
            }
            state.take(&fact);
            prop_assert!(Outbox::fold(&mut folded, head).is_ok());
            prop_assert_eq!(&folded, &state);
            let mut bytes = Vec::new();
            state.write(&mut bytes);
            prop_assert_eq!(State::read(&bytes), Some(state.clone()));
            for feed in state.feeds.values() {
                let here = feed.here.within(0, u64::MAX).flat_map(|(first, last)| first..=last);
                prop_assert!(here.into_iter().all(|at| feed.own.contains(at)));
            }
        }
    }
}

#[test]
fn a_number_that_is_passed_over_waits_until_it_is_looked_for() {
    let mut state = State::default();
    let accepted = |number: u64| {
        Fact::Accepted(Accepted {
            feed: 1,
            number,
            at_ms: 0,
            content: None,
            data: hash(0),
            key: None,
            id: "id",
            name: "health-quarterly",
        })
    };
    for number in [FIRST_NUMBER, FIRST_NUMBER + 3, FIRST_NUMBER - 2] {
        state.take(&accepted(number));
    }
    let feed = state.feed(1).expect("a feed");
    assert_eq!(
        feed.waiting.within(0, u64::MAX).collect::<Vec<_>>(),
        [(FIRST_NUMBER - 2, FIRST_NUMBER + 3)]
    );
    assert_eq!(
        (feed.front, feed.next),
        (FIRST_NUMBER - 2, FIRST_NUMBER + 4)
    );
}
