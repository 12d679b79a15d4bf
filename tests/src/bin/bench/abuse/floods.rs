//! The floods that one office can make, each as a table's line: what it is called, how many sessions, what they say.
//! In: a hostile office. Out: a script for each session. Never: what the office has no right to, but for the refusals that are the flood.

mod says;

use anyhow::Result;
use bytes::Bytes;

use super::frames::subscribe;
use super::hostile::Hostile;
use super::storm::{Order, Script};

use says::*;
pub use says::{create, pull, read_of_own_log};

pub struct Flood {
    pub name: &'static str,
    pub what: &'static str,
    sessions: usize,
    order: Order,
    says: fn(&mut Hostile) -> Says,
}

/// What a session says first, and then.
type Says = Result<(Vec<u8>, Vec<Bytes>)>;

/// Sessions of a flood that does not need its own order.
const SESSIONS: usize = 4;

pub const ALL: [Flood; 22] = [
    flood(
        "replay",
        "own old events sent again in random order",
        Order::Random,
        replay,
    ),
    flood(
        "taken",
        "other events at old positions",
        Order::Random,
        taken,
    ),
    Flood {
        sessions: 1,
        ..flood(
            "presigned",
            "own good events as fast as they are taken",
            Order::Once,
            presigned,
        )
    },
    flood("stream-info", "STREAM.INFO", Order::Around, stream_info),
    flood(
        "own-log",
        "its own log read again, 1,000 events at a time",
        Order::Around,
        own_log,
    ),
    flood(
        "searches",
        "long reads of what is not there, through all of the stream",
        Order::Around,
        searches,
    ),
    flood(
        "filters",
        "consumers with 256 filters, from the middle of the stream",
        Order::Around,
        filters,
    ),
    flood("counts", "counts of the feed", Order::Around, counts),
    flood(
        "registry",
        "the registry's first page",
        Order::Around,
        registry,
    ),
    Flood {
        sessions: 1,
        ..flood(
            "push",
            "100 push consumers with ack_wait 1 ns, never acknowledged",
            Order::Once,
            push,
        )
    },
    Flood {
        sessions: 1,
        ..flood(
            "heartbeats",
            "200 push consumers that say every 100 ms that they are still there",
            Order::Once,
            heartbeats,
        )
    },
    Flood {
        sessions: 1,
        ..flood(
            "pulls",
            "all of its own log pulled by 64 consumers, which are made anew",
            Order::Around,
            pulls,
        )
    },
    flood(
        "records",
        "60 KB of a request that is malformed, each byte in a record of its own",
        Order::Crumbs,
        records,
    ),
    flood(
        "consumers",
        "consumers made and deleted",
        Order::Around,
        consumers,
    ),
    flood(
        "confirmations",
        "one confirmation again and again",
        Order::Around,
        confirmations,
    ),
    flood(
        "subscriptions",
        "SUB of one id",
        Order::Around,
        subscriptions,
    ),
    flood(
        "faulty-json",
        "1 MB of JSON with 90,000 faults, well signed",
        Order::Around,
        faulty_json,
    ),
    Flood {
        sessions: 8,
        ..flood(
            "faulty-refills",
            "the same as what the bus has lost, by all sessions that an office gets",
            Order::Around,
            faulty_refills,
        )
    },
    flood(
        "large-requests",
        "requests for a consumer with 1 MB of JSON",
        Order::Around,
        large_requests,
    ),
    flood("ahead", "events far ahead of the log", Order::Around, ahead),
    flood(
        "refills",
        "refills of what is there",
        Order::Random,
        refills,
    ),
    Flood {
        sessions: 16,
        ..flood(
            "connects",
            "connections made and left",
            Order::Reconnecting,
            connects,
        )
    },
];

const fn flood(
    name: &'static str,
    what: &'static str,
    order: Order,
    says: fn(&mut Hostile) -> Says,
) -> Flood {
    Flood {
        name,
        what,
        sessions: SESSIONS,
        order,
        says,
    }
}

impl Flood {
    /// Each session hears its own answers: what all of an office hear is not answered at all.
    pub fn scripts(&self, hostile: &mut Hostile) -> Result<Vec<Script>> {
        let (first, then) = (self.says)(hostile)?;
        let script = |session: usize| {
            let reply = format!("{}{session}", hostile.reply);
            let answered_there = |said: &Bytes| answered_at(said, &hostile.reply, &reply);
            Script {
                first: [&subscribe(&reply, "1"), first.as_slice()].concat(),
                then: then.iter().map(answered_there).collect(),
                order: self.order,
            }
        };
        Ok((0..self.sessions).map(script).collect())
    }
}

/// The same operation with its answer elsewhere.
pub fn answered_at(said: &Bytes, reply: &str, elsewhere: &str) -> Bytes {
    let named = format!(" {reply} ");
    let at = said
        .windows(named.len())
        .position(|part| part == named.as_bytes());
    match at {
        Some(at) => {
            let (before, after) = (&said[..at], &said[at + named.len()..]);
            let elsewhere = format!(" {elsewhere} ");
            [before, elsewhere.as_bytes(), after].concat().into()
        }
        None => said.clone(),
    }
}
