//! The heads of the outbox's records: a fact comes in, its kind and its fields go out, as [`super`] draws them.

use super::{
    ACCEPTED, ALARM, ASKED, BRANCH, DROPPED, Fact, GONE, LOST, NAMED, PRUNED, Placed, READER,
    RECEIPT, REFUSED, RELEASED, REMAINS, RETRACTED, Reads, SETTLED, Settled, Stood, UNTOLD,
    Vouches,
};
use crate::store::fields::NONE;
use crate::store::log::fields::Put as _;

impl Fact<'_> {
    /// Kind and head.
    pub fn write(&self) -> (u8, Vec<u8>) {
        let mut into = Vec::with_capacity(192);
        let kind = match self {
            Fact::Accepted(accepted) => {
                into.put_u32(accepted.feed);
                into.put_u64(accepted.number);
                into.put_u64(accepted.at_ms);
                into.extend_from_slice(accepted.content.unwrap_or(NONE).as_bytes());
                into.extend_from_slice(accepted.data.as_bytes());
                into.extend_from_slice(accepted.key.unwrap_or(NONE).as_bytes());
                into.put_text(accepted.id);
                into.put_text(accepted.name);
                ACCEPTED
            }
            Fact::Refused(one) => put_placed(&mut into, one, REFUSED),
            Fact::Released(one) => put_placed(&mut into, one, RELEASED),
            Fact::Dropped(one) => put_placed(&mut into, one, DROPPED),
            Fact::Lost(one) => put_placed(&mut into, one, LOST),
            Fact::Settled(one) => put_settled(&mut into, one, SETTLED),
            Fact::Remains(one) => put_settled(&mut into, one, REMAINS),
            Fact::Receipt(one) => put_receipt(&mut into, one),
            Fact::Retracted(one) => put_stood(&mut into, one, RETRACTED),
            Fact::Branch(one) => put_stood(&mut into, one, BRANCH),
            Fact::Pruned(one) => {
                into.put_u32(one.feed);
                into.put_u64(one.first);
                into.put_u64(one.last.number());
                into.extend_from_slice(one.hash.as_bytes());
                into.put_u8(u8::from(one.by_horizon));
                PRUNED
            }
            Fact::Gone(feed, first, last) => {
                into.put_u32(*feed);
                into.put_u64(*first);
                into.put_u64(*last);
                GONE
            }
            Fact::Asked(feed) => {
                into.put_u32(*feed);
                ASKED
            }
            Fact::Untold(feed, range) => {
                let (first, last, hash) =
                    range.map_or((0, 0, NONE), |range| (range.first, range.last, range.hash));
                into.put_u32(*feed);
                into.put_u64(first);
                into.put_u64(last);
                into.extend_from_slice(hash.as_bytes());
                UNTOLD
            }
            Fact::Reader(one) => put_reader(&mut into, one),
            Fact::Alarm(one) => {
                into.put_u64(one.number);
                into.put_u64(one.at_ms);
                into.put_text(one.code);
                ALARM
            }
            Fact::Named(feed, name) => {
                into.put_u32(*feed);
                into.put_text(name);
                NAMED
            }
        };
        (kind, into)
    }
}

fn put_placed(into: &mut Vec<u8>, one: &Placed<'_>, kind: u8) -> u8 {
    into.put_u32(one.feed);
    into.put_u64(one.number);
    into.put_u64(one.at_ms);
    into.put_text(one.id);
    kind
}

fn put_settled(into: &mut Vec<u8>, one: &Settled<'_>, kind: u8) -> u8 {
    into.put_u32(one.feed);
    into.put_u64(one.position.number());
    into.extend_from_slice(one.hash.as_bytes());
    into.put_u64(one.number);
    into.put_u8(u8::from(one.leaves));
    into.put_u64(one.time);
    into.put_u64(one.at_ms);
    into.extend_from_slice(one.content.unwrap_or(NONE).as_bytes());
    into.extend_from_slice(one.data.as_bytes());
    into.extend_from_slice(one.key.unwrap_or(NONE).as_bytes());
    into.put_text(one.id);
    kind
}

fn put_stood(into: &mut Vec<u8>, one: &Stood, kind: u8) -> u8 {
    into.put_u32(one.feed);
    into.put_u64(one.position.number());
    into.extend_from_slice(one.hash.as_bytes());
    into.put_u64(one.time);
    kind
}

fn put_receipt(into: &mut Vec<u8>, one: &Vouches) -> u8 {
    into.put_u32(one.feed);
    into.put_u64(one.position.number());
    into.extend_from_slice(one.hash.as_bytes());
    into.extend_from_slice(&one.admitted.to_le_bytes());
    into.put_u64(one.after);
    RECEIPT
}

fn put_reader(into: &mut Vec<u8>, one: &Reads<'_>) -> u8 {
    into.put_u32(one.feed);
    into.put_text(one.reader);
    into.put_u64(one.position.number());
    into.put_text(one.at);
    into.put_text(one.log);
    READER
}
