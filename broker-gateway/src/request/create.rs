//! Making a consumer. Four forms come in, one goes out: named, with its filters in the body alone.

mod config;

use schemas::event::Timestamp;
use schemas::subject::FeedName;
use serde::{Deserialize, Serialize};

use self::config::Config;
use super::bounds::Beyond;
use super::consumer::nanos;
use super::filter::LogFilter;
use super::name::OwnName;
use super::{
    Asker, Request, closed, feed, forbidden, forward_named, malformed, object, typed, written,
};
use crate::acl::{self, Scope};
use crate::limits::{
    ACK_WAIT_MAX, ACK_WAIT_MIN, ACKS_PENDING_MAX, CONSUMER_IDLE_MAX, FILTERS_MAX,
    PULL_MESSAGES_MAX, PULL_WAIT_MAX, PUSHED_BITS_A_SECOND_MAX, PUSHED_HEARTBEAT_MIN,
    PUSHED_IDLE_MIN, PUSHED_PENDING_MAX, READ_BYTES_MAX, REPLICAS_MAX,
};
use crate::refuse::No;
use crate::wire::Subject;

const BACKOFF_STEPS_MAX: usize = 16;
const DELIVERIES_MAX: i64 = 1_000_000;
const WAITING_MAX: i64 = 2_048;
const WORDS_BYTES_MAX: usize = 1_024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    stream_name: String,
    config: Config,
    #[serde(default)]
    action: Option<Action>,
    #[serde(default)]
    pedantic: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Create<'a> {
    stream_name: &'a str,
    config: Config,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pedantic: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[serde(rename = "")]
    Either,
    Create,
    Update,
}

/// Settings for groups of readers, for pauses and for samples, which offices do not have.
const CLOSED: [&str; 6] = [
    "deliver_group",
    "sample_freq",
    "pause_until",
    "priority_policy",
    "priority_groups",
    "priority_timeout",
];

fn body(bytes: &[u8]) -> Result<CreateBody, No> {
    let mut said = object(bytes)?;
    closed::take_out(said.get_mut("config"), &CLOSED)?;
    typed(said)
}

/// A consumer without a name in the subject; one without any is named here.
pub fn unnamed(asker: Asker<'_>, stream: &str, bytes: &[u8]) -> Result<Request, No> {
    let create = body(bytes)?;
    if given(&create.config.durable_name).is_some() {
        return Err(disagree("durable_name"));
    }
    let name = match given(&create.config.name) {
        Some(name) => OwnName::parse(asker, name)?,
        None => OwnName::generate(asker),
    };
    write(asker, stream, name, None, create)
}

/// A consumer named in the subject, with or without its filter there.
pub fn named(
    asker: Asker<'_>,
    stream: &str,
    name: &str,
    filter: Option<&str>,
    bytes: &[u8],
) -> Result<Request, No> {
    let name = OwnName::parse(asker, name)?;
    write(asker, stream, name, filter, body(bytes)?)
}

/// The old form, for durable consumers alone.
pub fn durable(asker: Asker<'_>, stream: &str, name: &str, bytes: &[u8]) -> Result<Request, No> {
    let mut create = body(bytes)?;
    if given(&create.config.durable_name).is_none() {
        create.config.durable_name = Some(name.to_owned());
    }
    write(asker, stream, OwnName::parse(asker, name)?, None, create)
}

fn write(
    asker: Asker<'_>,
    stream: &str,
    name: OwnName,
    filter: Option<&str>,
    create: CreateBody,
) -> Result<Request, No> {
    let feed = feed(stream)?;
    if create.stream_name != feed.as_str() {
        return Err(disagree("stream_name"));
    }
    let mut config = create.config;
    for (at, said) in [
        ("name", &config.name),
        ("durable_name", &config.durable_name),
    ] {
        let said = given(said).map(|said| OwnName::parse(asker, said));
        if said
            .transpose()?
            .is_some_and(|said| said.as_str() != name.as_str())
        {
            return Err(disagree(at));
        }
    }
    let durable = given(&config.durable_name).map(|_said| name.as_str().to_owned());
    config.durable_name = durable;
    config.name = Some(name.as_str().to_owned());
    settle_filters(asker, &feed, filter, &mut config)?;
    check_delivery(asker, &config)?;
    let pedantic = create.pedantic.unwrap_or(false);
    settle(
        &mut config,
        if pedantic {
            Beyond::Tell
        } else {
            Beyond::Bring
        },
    )?;
    let create = Create {
        stream_name: feed.as_str(),
        config,
        action: create.action,
        pedantic: create.pedantic,
    };
    let subject = format!("CONSUMER.CREATE.{feed}.{}", name.as_str());
    Ok(forward_named(&subject, &name, written(&create)))
}

/// The filter of the subject, of the body, or the list of the body: one of them, and inside the rights. None means all.
fn settle_filters(
    asker: Asker<'_>,
    feed: &FeedName,
    in_subject: Option<&str>,
    config: &mut Config,
) -> Result<(), No> {
    let in_body = given(&config.filter_subject).map(str::to_owned);
    let list = config.filter_subjects.take().unwrap_or_default();
    let filters = match (in_subject, in_body, list.as_slice()) {
        (None, None, list) => list.to_vec(),
        (None, Some(filter), []) => vec![filter],
        (Some(filter), None, []) => vec![filter.to_owned()],
        (Some(filter), Some(same), []) if filter == same => vec![same],
        (Some(_), Some(_), []) | (_, _, [_, ..]) => return Err(disagree("filter_subject")),
    };
    if filters.len() > FILTERS_MAX {
        return Err(forbidden(
            "filter_subjects",
            format!("must name at most {FILTERS_MAX}"),
            format!("ត្រូវមិនលើស {FILTERS_MAX}"),
        ));
    }
    if filters.is_empty() {
        acl::read(asker.registry, asker.peer, &Scope::Feed(feed.clone()))?;
    }
    for filter in &filters {
        LogFilter::parse(feed, filter)?.allow(asker)?;
    }
    config.filter_subject = None;
    match <[String; 1]>::try_from(filters) {
        Ok([filter]) => config.filter_subject = Some(filter),
        Err(filters) => config.filter_subjects = Some(filters).filter(|list| !list.is_empty()),
    }
    Ok(())
}

fn check_delivery(asker: Asker<'_>, config: &Config) -> Result<(), No> {
    let Some(subject) = given(&config.deliver_subject) else {
        return Ok(());
    };
    let literal = Subject::parse(subject.as_bytes()).is_ok_and(|subject| subject.is_literal());
    if literal && asker.peer.owns_inbox(subject) {
        return Ok(());
    }
    let (ministry, place) = (asker.peer.office().ministry(), asker.peer.office().place());
    Err(forbidden(
        "deliver_subject",
        format!("must lie inside _INBOX.{ministry}.{place}."),
        format!("ត្រូវស្ថិតក្នុង _INBOX.{ministry}.{place}."),
    ))
}

/// Brings what is set into bounds, and leaves out what means nothing.
fn settle(config: &mut Config, beyond: Beyond) -> Result<(), No> {
    let not_empty = |text: &String| !text.is_empty();
    config.deliver_subject = config.deliver_subject.take().filter(not_empty);
    config.filter_subject = config.filter_subject.take().filter(not_empty);
    config.opt_start_seq = config.opt_start_seq.filter(|seq| *seq > 0);
    config.opt_start_time = config.opt_start_time.take().filter(not_empty);
    if let Some(time) = &config.opt_start_time
        && Timestamp::from_rfc3339(time).is_none()
    {
        return Err(malformed(
            "opt_start_time",
            "must be an RFC 3339 time",
            "ត្រូវជាពេលវេលា RFC 3339",
        ));
    }
    let ack_wait = nanos(ACK_WAIT_MIN)..=nanos(ACK_WAIT_MAX);
    beyond.settle("ack_wait", &mut config.ack_wait, &ack_wait)?;
    for step in config.backoff.iter_mut().flatten() {
        *step = beyond.settled("backoff", *step, &ack_wait)?;
    }
    let heartbeat = nanos(PUSHED_HEARTBEAT_MIN)..=nanos(PULL_WAIT_MAX);
    for (at, number, within) in [
        ("max_batch", &mut config.max_batch, 0..=PULL_MESSAGES_MAX),
        (
            "max_expires",
            &mut config.max_expires,
            0..=nanos(PULL_WAIT_MAX),
        ),
        ("max_bytes", &mut config.max_bytes, 0..=READ_BYTES_MAX),
        (
            "inactive_threshold",
            &mut config.inactive_threshold,
            0..=nanos(CONSUMER_IDLE_MAX),
        ),
        ("idle_heartbeat", &mut config.idle_heartbeat, heartbeat),
        ("num_replicas", &mut config.num_replicas, 0..=REPLICAS_MAX),
    ] {
        beyond.settle(at, number, &within)?;
    }
    let pending_max = match config.deliver_subject {
        Some(_) => PUSHED_PENDING_MAX,
        None => ACKS_PENDING_MAX,
    };
    for (at, number, within) in [
        ("max_deliver", &mut config.max_deliver, -1..=DELIVERIES_MAX),
        ("max_waiting", &mut config.max_waiting, 0..=WAITING_MAX),
        (
            "max_ack_pending",
            &mut config.max_ack_pending,
            0..=pending_max,
        ),
    ] {
        beyond.settle(at, number, &within)?;
    }
    // A durable consumer that nobody comes back to would stay for ever.
    if config.durable_name.is_some() && config.inactive_threshold.unwrap_or(0) == 0 {
        config.inactive_threshold = Some(nanos(CONSUMER_IDLE_MAX));
    }
    if config.deliver_subject.is_some() {
        settle_pushed(config);
    }
    check_words(config)
}

/// What is pushed waits for nobody to ask for it: nats-server's own defaults are too much unacknowledged, too fast, and too soon forgotten.
fn settle_pushed(config: &mut Config) {
    let unset = config.max_ack_pending.unwrap_or(0) == 0;
    if unset && config.ack_policy.acknowledges() {
        config.max_ack_pending = Some(PUSHED_PENDING_MAX);
    }
    let given = config.rate_limit_bps.filter(|bits| *bits > 0);
    let bits = given.map_or(PUSHED_BITS_A_SECOND_MAX, |bits| {
        bits.min(PUSHED_BITS_A_SECOND_MAX)
    });
    config.rate_limit_bps = Some(bits);
    let idle = config.inactive_threshold.unwrap_or(0);
    config.inactive_threshold = Some(idle.max(nanos(PUSHED_IDLE_MIN)));
}

fn check_words(config: &Config) -> Result<(), No> {
    let steps = config.backoff.as_deref().map_or(0, <[u64]>::len);
    if steps > BACKOFF_STEPS_MAX || words_bytes(config) > WORDS_BYTES_MAX {
        return Err(forbidden(
            "metadata",
            format!(
                "at most {BACKOFF_STEPS_MAX} steps of backoff and {WORDS_BYTES_MAX} bytes of words"
            ),
            format!("យ៉ាងច្រើន {BACKOFF_STEPS_MAX} ជំហាន និង {WORDS_BYTES_MAX} បៃ"),
        ));
    }
    Ok(())
}

fn words_bytes(config: &Config) -> usize {
    let metadata = config.metadata.iter().flatten();
    let metadata = metadata.flat_map(|(key, value)| [key, value]);
    metadata
        .chain(&config.description)
        .fold(0, |all, words| all.saturating_add(words.len()))
}

/// An empty word stands for none.
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

fn disagree(at: &'static str) -> No {
    malformed(
        at,
        "the request's subject and its body must say the same",
        "ប្រធានបទ និងតួសំណើត្រូវដូចគ្នា",
    )
}
