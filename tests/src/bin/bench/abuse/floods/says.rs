//! What the sessions of each flood say.
//! In: a hostile office. Out: what a session says first, and then. Never: what the office has no right to, but for the refusals that are the flood.

use bytes::Bytes;
use serde_json::json;

use super::Says;
use crate::abuse::frames::{event, event_at, letter, request, subscribe};
use crate::abuse::hostile::{Hostile, figure};
use crate::events::FEED;

/// Events that are signed before a flood of good ones: more than are stored in its time.
const PRESIGNED: usize = if cfg!(debug_assertions) { 500 } else { 30_000 };
const PUSH_CONSUMERS: usize = 100;
const HEARTBEAT_CONSUMERS: usize = 200;
const CONSUMERS: usize = 64;
const FILTERS: usize = 256;
/// Under the gateway's bound on data.
const FAULTY_BYTES: usize = 990_000;

fn only(then: Vec<Bytes>) -> Says {
    Ok((Vec::new(), then))
}

pub fn replay(hostile: &mut Hostile) -> Says {
    let all = hostile.stored.iter();
    only(all.map(|old| event(old, &hostile.reply)).collect())
}

pub fn taken(hostile: &mut Hostile) -> Says {
    let others = hostile.others.sign(hostile.stored.len())?;
    let all = others.iter();
    only(all.map(|other| event(other, &hostile.reply)).collect())
}

pub fn presigned(hostile: &mut Hostile) -> Says {
    let events = hostile.chain.sign(PRESIGNED)?;
    let all = events.iter();
    only(all.map(|good| event(good, &hostile.reply)).collect())
}

pub fn stream_info(hostile: &mut Hostile) -> Says {
    let subject = format!("$JS.API.STREAM.INFO.{FEED}");
    only(vec![request(&subject, &hostile.reply, "")])
}

pub fn own_log(hostile: &mut Hostile) -> Says {
    only(vec![read_of_own_log(hostile)])
}

/// A thousand events of its own log, from the beginning.
pub fn read_of_own_log(hostile: &Hostile) -> Bytes {
    let body = json!({ "seq": 1, "next_by_subj": hostile.subject(), "batch": 1_000 });
    let subject = format!("$JS.API.DIRECT.GET.{FEED}");
    request(&subject, &hostile.reply, &body.to_string())
}

pub fn searches(hostile: &mut Hostile) -> Says {
    let nothing = format!("{}.*", hostile.subject());
    let body = json!({ "seq": 1, "next_by_subj": nothing, "batch": 1_000 });
    let subject = format!("$JS.API.DIRECT.GET.{FEED}");
    only(vec![request(&subject, &hostile.reply, &body.to_string())])
}

pub fn filters(hostile: &mut Hostile) -> Says {
    let subject = hostile.subject();
    let filters: Vec<String> = (1..=FILTERS).map(|at| format!("{subject}.{at}")).collect();
    let all = (0..CONSUMERS).flat_map(|number| {
        let name = format!("mlvt_kampot_filters{number}");
        let config = json!({
            "ack_policy": "none", "filter_subjects": filters, "mem_storage": true,
            "deliver_policy": "by_start_sequence", "opt_start_seq": hostile.stored.len() / 2,
        });
        let delete = format!("$JS.API.CONSUMER.DELETE.{FEED}.{name}");
        [
            create(hostile, &name, config),
            request(&delete, &hostile.reply, ""),
        ]
    });
    only(all.collect())
}

pub fn counts(hostile: &mut Hostile) -> Says {
    let subject = format!("spean.counts.{FEED}");
    only(vec![request(&subject, &hostile.reply, "{}")])
}

pub fn registry(hostile: &mut Hostile) -> Says {
    only(vec![request(
        "spean.registry",
        &hostile.reply,
        r#"{"after":0}"#,
    )])
}

/// nats-server serves a push consumer whose own subject somebody hears, without a wildcard.
pub fn push(hostile: &mut Hostile) -> Says {
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

pub fn heartbeats(hostile: &mut Hostile) -> Says {
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

pub fn pulls(hostile: &mut Hostile) -> Says {
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

pub fn records(hostile: &mut Hostile) -> Says {
    let body = " ".repeat(60_000);
    only(vec![request("spean.registry", &hostile.reply, &body)])
}

pub fn consumers(hostile: &mut Hostile) -> Says {
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

pub fn confirmations(hostile: &mut Hostile) -> Says {
    let (subject, said) = hostile.confirmation()?;
    only(vec![request(&subject, &hostile.reply, &said)])
}

pub fn subscriptions(hostile: &mut Hostile) -> Says {
    only(vec![subscribe(&format!("{}.s", hostile.inbox), "9")])
}

pub fn faulty_json(hostile: &mut Hostile) -> Says {
    let faulty = hostile.letter(hostile.stored.len() as u64 + 1, faulty(figure(1)));
    only(vec![letter(&hostile.subject(), &faulty, &hostile.reply)])
}

pub fn faulty_refills(hostile: &mut Hostile) -> Says {
    let next = hostile.stored.len() as u64 + 1;
    let subject = format!("{}.{next}", hostile.subject());
    let faulty = hostile.letter(next, faulty(figure(1)));
    only(vec![letter(&subject, &faulty, &hostile.reply)])
}

pub fn large_requests(hostile: &mut Hostile) -> Says {
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

pub fn ahead(hostile: &mut Hostile) -> Says {
    let letters = (0..64).map(|number| {
        let far = hostile.letter((1 << 40) + number * 7, figure(number));
        letter(&hostile.subject(), &far, &hostile.reply)
    });
    only(letters.collect())
}

pub fn refills(hostile: &mut Hostile) -> Says {
    let all = hostile.stored.iter();
    let refill = all.map(|old| {
        let subject = format!("{}.{}", hostile.subject(), old.link().position);
        event_at(&subject, old, &hostile.reply)
    });
    only(refill.collect())
}

pub fn connects(_hostile: &mut Hostile) -> Says {
    only(Vec::new())
}
