//! The outbox, to its log: a record's head comes in, what the state is after it and by which keys it is found go out. All of it is pure.

use schemas::event::Hash;
use schemas::subject::FeedName;

use super::facts::{self, Fact};
use super::state::State;
use crate::store::log::{Head, Keys, Kinds, Section, Unreadable};

/// The outbox, to its log.
pub struct Outbox;

impl Kinds for Outbox {
    type State = State;

    const KNOWN: u64 = facts::KNOWN;

    fn read_state(bytes: &[u8]) -> Option<State> {
        State::read(bytes)
    }

    fn write_state(state: &State, into: &mut Vec<u8>) {
        state.write(into);
    }

    fn fold(state: &mut State, head: Head<'_>) -> Result<(), Unreadable> {
        let fact = Fact::read(head).ok_or(Unreadable)?;
        // A name that is none would leave a feed that nobody can ask for.
        let name = match fact {
            Fact::Named(_, name) => name,
            Fact::Accepted(accepted) => accepted.name,
            Fact::Refused(_)
            | Fact::Released(_)
            | Fact::Dropped(_)
            | Fact::Lost(_)
            | Fact::Settled(_)
            | Fact::Remains(_)
            | Fact::Receipt(_)
            | Fact::Retracted(_)
            | Fact::Branch(_)
            | Fact::Pruned(_)
            | Fact::Gone(..)
            | Fact::Asked(_)
            | Fact::Untold(..)
            | Fact::Reader(_)
            | Fact::Alarm(_) => "",
        };
        if !name.is_empty() && name.parse::<FeedName>().is_err() {
            return Err(Unreadable);
        }
        state.take(&fact);
        Ok(())
    }

    fn keys(head: Head<'_>, to: &mut Keys) {
        match Fact::read(head) {
            Some(Fact::Accepted(one)) => {
                to.at(Section::Line, one.feed, one.number);
                id_keys(to, one.feed, one.id, one.key);
            }
            Some(Fact::Refused(one)) => to.at(Section::Tray, one.feed, one.number),
            Some(Fact::Lost(one)) => {
                to.at(Section::Lost, one.feed, one.number);
                id_keys(to, one.feed, one.id, None);
            }
            Some(Fact::Settled(one) | Fact::Remains(one)) => {
                to.at(Section::Own, one.feed, one.position.number());
                id_keys(to, one.feed, one.id, one.key);
            }
            Some(Fact::Receipt(one)) => {
                to.at(Section::Receipts, one.feed, one.position.number());
            }
            Some(Fact::Branch(one)) => {
                to.at(Section::Own, one.feed, one.position.number());
                to.table();
            }
            Some(Fact::Retracted(_) | Fact::Reader(_) | Fact::Alarm(_)) => to.table(),
            Some(
                Fact::Released(_)
                | Fact::Dropped(_)
                | Fact::Pruned(_)
                | Fact::Gone(..)
                | Fact::Asked(_)
                | Fact::Untold(..)
                | Fact::Named(..),
            )
            | None => {}
        }
    }
}

fn id_keys(to: &mut Keys, feed: u32, id: &str, key: Option<Hash>) {
    to.id(&[&feed.to_le_bytes(), id.as_bytes()]);
    if let Some(key) = key {
        to.id(&key_parts(&feed.to_le_bytes(), &key));
    }
}

/// Under what an idempotency key is found: three parts are never an id's two.
pub fn key_parts<'a>(feed: &'a [u8; 4], key: &'a Hash) -> [&'a [u8]; 3] {
    [feed, b"key", key.as_bytes()]
}
