//! The floods that one office can make, each as a table's line: what it is called, how many sessions, what they say.
//! In: a hostile office. Out: a script for each session. Never: what the office has no right to, but for the refusals that are the flood.

use anyhow::Result;
use bytes::Bytes;
use serde_json::json;

use super::frames::{event, event_at, letter, request, subscribe};
use super::hostile::{Hostile, figure};
use super::storm::{Order, Script};
use crate::events::FEED;

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
/// Events that are signed before a flood of good ones: more than are stored in its time.
const PRESIGNED: usize = if cfg!(debug_assertions) { 500 } else { 30_000 };
const PUSH_CONSUMERS: usize = 100;
const HEARTBEAT_CONSUMERS: usize = 200;
const CONSUMERS: usize = 64;
/// Under the gateway's bound on data.
const FAULTY_BYTES: usize = 990_000;

pub const ALL: [Flood; 20] = [
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
    pub fn scripts(&self, hostile: &mut Hostile) -> Result<Vec<Script>> {
        let (first, then) = (self.says)(hostile)?;
        let script = || Script {
            first: [&subscribe(&hostile.reply, "1"), first.as_slice()].concat(),
            then: then.clone(),
            order: self.order,
        };
        Ok((0..self.sessions).map(|_| script()).collect())
    }
}

fn only(then: Vec<Bytes>) -> Says {
    Ok((Vec::new(), then))
}

fn replay(hostile: &mut Hostile) -> Says {
    let all = hostile.stored.iter();
    only(all.map(|old| event(old, &hostile.reply)).collect())
}

fn taken(hostile: &mut Hostile) -> Says {
    let others = hostile.others.sign(hostile.stored.len())?;
    let all = others.iter();
    only(all.map(|other| event(other, &hostile.reply)).collect())
}

fn presigned(hostile: &mut Hostile) -> Says {
    let events = hostile.chain.sign(PRESIGNED)?;
    let all = events.iter();
    only(all.map(|good| event(good, &hostile.reply)).collect())
}

fn stream_info(hostile: &mut Hostile) -> Says {
    let subject = format!("$JS.API.STREAM.INFO.{FEED}");
    only(vec![request(&subject, &hostile.reply, "")])
}

fn own_log(hostile: &mut Hostile) -> Says {
    only(vec![read_of_own_log(hostile)])
}

/// A thousand events of its own log, from the beginning.
pub fn read_of_own_log(hostile: &Hostile) -> Bytes {
    let body = json!({ "seq": 1, "next_by_subj": hostile.subject(), "batch": 1_000 });
    let subject = format!("$JS.API.DIRECT.GET.{FEED}");
    request(&subject, &hostile.reply, &body.to_string())
}

fn counts(hostile: &mut Hostile) -> Says {
    let subject = format!("spean.counts.{FEED}");
    only(vec![request(&subject, &hostile.reply, "{}")])
}

fn registry(hostile: &mut Hostile) -> Says {
    only(vec![request(
        "spean.registry",
        &hostile.reply,
        r#"{"after":0}"#,
    )])
}

/// nats-server serves a push consumer whose own subject somebody hears, without a wildcard.
fn push(hostile: &mut Hostile) -> Says {
    let (mut heard, mut consumers) = (Vec::new(), Vec::new());
    for number in 0..PUSH_CONSUMERS {
        let subject = format!("{}.pushed{number}", hostile.inbox);
        heard.extend_from_slice(&subscribe(&subject, &format!("p{number}")));
        let config = json!({
            "deliver_subject": subject, "ack_policy": "explicit", "ack_wait": 1,
            "filter_subject": hostile.subject(), "mem_storage": true,
        });
        let name = format!("mlvt_kampot_push{number}");
        consumers.push(create(hostile, &name, config));
    }
    Ok((heard, consumers))
}

fn heartbeats(hostile: &mut Hostile) -> Says {
    let (mut heard, mut consumers) = (Vec::new(), Vec::new());
    for number in 0..HEARTBEAT_CONSUMERS {
        let subject = format!("{}.beat{number}", hostile.inbox);
        heard.extend_from_slice(&subscribe(&subject, &format!("b{number}")));
        let config = json!({
            "deliver_subject": subject, "deliver_policy": "new", "ack_policy": "none",
            "idle_heartbeat": 100_000_000, "filter_subject": hostile.subject(), "mem_storage": true,
        });
        let name = format!("mlvt_kampot_beat{number}");
        consumers.push(create(hostile, &name, config));
    }
    Ok((heard, consumers))
}

fn pulls(hostile: &mut Hostile) -> Says {
    let pulls = (0..CONSUMERS).flat_map(|number| {
        let name = format!("mlvt_kampot_pull{number}");
        let config = json!({
            "ack_policy": "none", "filter_subject": hostile.subject(), "mem_storage": true,
        });
        let reply = format!("{}.pull{number}", hostile.inbox);
        [
            subscribe(&reply, &format!("l{number}")),
            create(hostile, &name, config),
            pull(&name, &reply),
            request(
                &format!("$JS.API.CONSUMER.DELETE.{FEED}.{name}"),
                &hostile.reply,
                "",
            ),
        ]
    });
    only(pulls.collect())
}

/// All that a consumer has, for ten minutes.
pub fn pull(consumer: &str, reply: &str) -> Bytes {
    let body = json!({ "batch": 10_000, "expires": 600_000_000_000_u64 });
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{FEED}.{consumer}");
    request(&subject, reply, &body.to_string())
}

fn records(hostile: &mut Hostile) -> Says {
    let body = " ".repeat(60_000);
    only(vec![request("spean.registry", &hostile.reply, &body)])
}

fn consumers(hostile: &mut Hostile) -> Says {
    let pairs = (0..CONSUMERS).flat_map(|number| {
        let name = format!("mlvt_kampot_brief{number}");
        let config = json!({
            "ack_policy": "none", "filter_subject": hostile.subject(), "mem_storage": true,
        });
        let delete = format!("$JS.API.CONSUMER.DELETE.{FEED}.{name}");
        [
            create(hostile, &name, config),
            request(&delete, &hostile.reply, ""),
        ]
    });
    only(pairs.collect())
}

pub fn create(hostile: &Hostile, name: &str, mut config: serde_json::Value) -> Bytes {
    config["name"] = name.into();
    let body = json!({ "stream_name": FEED, "config": config });
    let subject = format!("$JS.API.CONSUMER.CREATE.{FEED}.{name}");
    request(&subject, &hostile.reply, &body.to_string())
}

fn confirmations(hostile: &mut Hostile) -> Says {
    let (subject, said) = hostile.confirmation()?;
    only(vec![request(&subject, &hostile.reply, &said)])
}

fn subscriptions(hostile: &mut Hostile) -> Says {
    only(vec![subscribe(&format!("{}.s", hostile.inbox), "9")])
}

fn faulty_json(hostile: &mut Hostile) -> Says {
    let faulty = hostile.letter(hostile.stored.len() as u64 + 1, faulty(figure(1)));
    only(vec![letter(&hostile.subject(), &faulty, &hostile.reply)])
}

fn faulty_refills(hostile: &mut Hostile) -> Says {
    let next = hostile.stored.len() as u64 + 1;
    let subject = format!("{}.{next}", hostile.subject());
    let faulty = hostile.letter(next, faulty(figure(1)));
    only(vec![letter(&subject, &faulty, &hostile.reply)])
}

fn large_requests(hostile: &mut Hostile) -> Says {
    let config = json!({ "ack_policy": "none", "filter_subject": hostile.subject() });
    only(vec![create(hostile, "mlvt_kampot_large", faulty(config))])
}

/// Every member is read and every one is a fault.
fn faulty(mut data: serde_json::Value) -> serde_json::Value {
    for number in 0..FAULTY_BYTES / 11 {
        data[format!("x{number:05}")] = 1.into();
    }
    data
}

fn ahead(hostile: &mut Hostile) -> Says {
    let letters = (0..64).map(|number| {
        let far = hostile.letter((1 << 40) + number * 7, figure(number));
        letter(&hostile.subject(), &far, &hostile.reply)
    });
    only(letters.collect())
}

fn refills(hostile: &mut Hostile) -> Says {
    let all = hostile.stored.iter();
    let refill = all.map(|old| {
        let subject = format!("{}.{}", hostile.subject(), old.link().position);
        event_at(&subject, old, &hostile.reply)
    });
    only(refill.collect())
}

fn connects(_hostile: &mut Hostile) -> Says {
    only(Vec::new())
}
