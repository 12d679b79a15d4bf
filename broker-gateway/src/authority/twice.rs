//! A feed's stream is counted and held against the heads of its logs; what is counted above a head goes out. Either it stands there twice,
//! or nats-server counts what it cannot give back: then its last message is not there either. And by which registry the last one was judged.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::heal::FeedCounts;
use schemas::registry::RegistryHead;
use schemas::subject::{FeedName, LogName};
use serde_json::{Value, json};

use crate::counts::{self, Uncounted};
use crate::upstream::jetstream::JetStream;
use crate::watch;

/// A log of which more is counted than it has positions.
#[derive(Debug)]
pub struct Twice {
    log: LogName,
    head: u64,
    counted: u64,
    /// Whether the stream's last message can be read.
    pub readable: bool,
}

impl fmt::Display for Twice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Twice {
            log,
            head,
            counted,
            readable,
        } = self;
        match readable {
            true => write!(
                f,
                "positions-twice: {log} ends at position {head}, and {counted} messages are counted of it: some stand there more than once. \
                 It costs room and nothing else; spean-gateway scrub names them"
            ),
            false => write!(
                f,
                "bus-unreadable: {log} ends at position {head} for whoever reads it, and {counted} messages are counted of it: nats-server \
                 acknowledges what it cannot give back. Restart it; where this stays, its files are to be replaced (docs/operating.md)"
            ),
        }
    }
}

/// # Errors
/// nats-server does not answer, or has no such stream.
pub async fn look(jetstream: &JetStream, feed: &FeedName) -> Result<Vec<Twice>, Uncounted> {
    let subjects = counts::subjects(jetstream, feed).await?;
    let counted = subjects.counts.iter();
    let counted = counted.map(|(subject, count)| (subject.as_str(), *count));
    let logs = FeedCounts::of(feed, subjects.last, counted, |_| true).logs;
    let mut found = Vec::new();
    for (office, count) in logs.unwrap_or_default() {
        let feed = feed.clone();
        let log = LogName { feed, office };
        let head = watch::head(jetstream, &log).await?;
        let counted = watch::there(head, &count);
        if counted > head {
            let readable = is_there(jetstream, &log.feed, subjects.last).await?;
            found.push(Twice {
                log,
                head,
                counted,
                readable,
            });
        }
    }
    Ok(found)
}

/// By which registry the stream's last event was judged, where its gateway has said so.
///
/// # Errors
/// nats-server does not answer, or has no such stream.
pub async fn judged_by(
    jetstream: &JetStream,
    feed: &FeedName,
) -> Result<Option<RegistryHead>, Uncounted> {
    let last = counts::subjects(jetstream, feed).await?.last;
    let subject = format!("$JS.API.STREAM.MSG.GET.{feed}");
    let question = json!({ "seq": last });
    let headers = match jetstream.ask::<Value>(&subject, &question).await? {
        Ok(got) => got["message"]["hdrs"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        Err(outage) if outage.is_outage() => return Err(outage.into()),
        Err(_) => return Ok(None),
    };
    let headers = STANDARD.decode(headers).unwrap_or_default();
    Ok(RegistryHead::read(&headers))
}

async fn is_there(jetstream: &JetStream, feed: &FeedName, seq: u64) -> Result<bool, Uncounted> {
    let subject = format!("$JS.API.STREAM.MSG.GET.{feed}");
    let question = json!({ "seq": seq });
    match jetstream.ask::<Value>(&subject, &question).await? {
        Ok(_) => Ok(true),
        Err(outage) if outage.is_outage() => Err(outage.into()),
        Err(_) => Ok(false),
    }
}
