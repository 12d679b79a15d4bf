//! JetStream's API as the agent uses it: questions about a feed's stream come in, messages and counts go out.
//! The gateway judges and rewrites each question; nothing here changes the stream.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use schemas::alarm::Alarm;
use schemas::code::CodeName;
use schemas::refusal::Hold;
use schemas::subject::FeedName;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::limits::{
    CONSUMER_IDLE, HEADS_MAX, MESSAGE_TIME, PAGE_BYTES, PAGE_EVENTS, PULL_BYTES, PULL_EVENTS,
    PULL_TIME, REQUEST_TIME, SEQUENCE_MAX,
};
use super::message::Delivery;
use super::replies::Replies;
use super::session::{Outage, Session};

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error(transparent)]
    Outage(#[from] Outage),
    /// The gateway or the bus does not answer it now.
    #[error("{code}: {text}")]
    Held { code: CodeName, text: String },
}

/// A message as the stream holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    pub subject: String,
    pub sequence: u64,
    pub headers: Bytes,
    pub data: Bytes,
}

/// Which message to read from the stream's leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Get<'a> {
    /// The last one on a subject.
    Last(&'a str),
    /// The first one on a subject from a sequence on.
    From(u64, &'a str),
}

/// How much a stream counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Messages on the subject that was asked for.
    pub messages: u64,
    pub first: u64,
    pub last: u64,
}

#[derive(Deserialize)]
struct Response<T> {
    error: Option<ApiFault>,
    spean: Option<Spean>,
    #[serde(flatten)]
    said: Option<T>,
}

#[derive(Deserialize)]
struct ApiFault {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Spean {
    code: String,
    #[serde(default)]
    en: String,
}

#[derive(Deserialize)]
struct MessageResponse {
    message: MessageBody,
}

#[derive(Deserialize)]
struct MessageBody {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct InfoResponse {
    state: StreamState,
}

#[derive(Deserialize)]
struct StreamState {
    first_seq: u64,
    last_seq: u64,
    #[serde(default)]
    subjects: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct ConsumerResponse {
    name: String,
    #[serde(default)]
    num_pending: u64,
}

fn held(code: impl Into<CodeName>, text: impl Into<String>) -> NoAnswer {
    NoAnswer::Held {
        code: code.into(),
        text: text.into(),
    }
}

/// The response's body; None where it says that there is no such thing.
fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<Option<T>, NoAnswer> {
    let unreadable = || held(Alarm::AnswerUnreadable, String::from_utf8_lossy(payload));
    let response: Response<T> = serde_json::from_slice(payload).map_err(|_| unreadable())?;
    match response {
        Response {
            spean: Some(Spean { code, en }),
            ..
        } => Err(held(CodeName::read(&code), en)),
        Response {
            error: Some(ApiFault { code: 404, .. }),
            ..
        } => Ok(None),
        Response {
            error: Some(ApiFault { description, .. }),
            ..
        } => Err(held(Hold::BusUnavailable.code(), description)),
        Response { said, .. } => said.map(Some).ok_or_else(unreadable),
    }
}

impl Session {
    /// Reads one message from the stream's leader.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn message(
        &self,
        feed: &FeedName,
        get: Get<'_>,
    ) -> Result<Option<StoredMessage>, NoAnswer> {
        let body = match get {
            Get::Last(subject) => json!({ "last_by_subj": subject }),
            Get::From(sequence, subject) => json!({ "seq": sequence, "next_by_subj": subject }),
        };
        let subject = format!("$JS.API.STREAM.MSG.GET.{feed}");
        let answer = self
            .request(&subject, body.to_string().into(), MESSAGE_TIME)
            .await?;
        let Some(MessageResponse { message }) = read(&answer.payload)? else {
            return Ok(None);
        };
        let from = match get {
            Get::Last(_) => 1,
            Get::From(sequence, _) => sequence,
        };
        let sequence = placed(message.seq, from)?;
        let decode = |text: &str| {
            let bytes = STANDARD.decode(text).map(Bytes::from);
            bytes.map_err(|_| held(Alarm::AnswerUnreadable, "a message that is not base64"))
        };
        Ok(Some(StoredMessage {
            headers: decode(&message.hdrs)?,
            data: decode(&message.data)?,
            subject: message.subject,
            sequence,
        }))
    }

    /// How many messages the stream counts on a subject.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn count(&self, feed: &FeedName, subject: &str) -> Result<Count, NoAnswer> {
        let state = self.state_of(feed, subject).await?;
        Ok(Count {
            messages: state
                .subjects
                .values()
                .fold(0, |all, count| all.saturating_add(*count)),
            first: state.first_seq,
            last: state.last_seq,
        })
    }

    async fn state_of(&self, feed: &FeedName, filter: &str) -> Result<StreamState, NoAnswer> {
        let body = json!({ "subjects_filter": filter }).to_string();
        let asked = format!("$JS.API.STREAM.INFO.{feed}");
        let answer = self.request(&asked, body.into(), REQUEST_TIME).await?;
        let info: Option<InfoResponse> = read(&answer.payload)?;
        info.map(|info| info.state).ok_or_else(|| {
            held(
                Hold::FeedUnknown.code(),
                format!("there is no stream {feed}"),
            )
        })
    }

    /// A page of messages on a subject from a sequence on, from any replica: for catching up only, it may end early.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn page(
        &self,
        feed: &FeedName,
        subject: &str,
        from: u64,
    ) -> Result<Vec<StoredMessage>, NoAnswer> {
        let body = json!({
            "seq": from, "next_by_subj": subject, "batch": PAGE_EVENTS, "max_bytes": PAGE_BYTES,
        });
        let (page, _left) = self.direct(feed, body, PAGE_EVENTS).await?;
        let mut behind = from;
        for message in &page {
            behind = placed(message.sequence, behind)?.saturating_add(1);
        }
        Ok(page)
    }

    /// The last message of each log of a feed, from any replica: none is newer than the newest among them. None where they are
    /// more than one answer holds.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn heads(&self, feed: &FeedName) -> Result<Option<Vec<StoredMessage>>, NoAnswer> {
        let logs = format!("spean.log.{feed}.*.*");
        let body = json!({ "multi_last": [logs], "batch": HEADS_MAX });
        let (heads, left) = self.direct(feed, body, HEADS_MAX).await?;
        Ok(Some(heads).filter(|heads| left == 0 && heads.len() < HEADS_MAX))
    }

    /// Messages, so many at most, and how many are left that did not fit into one answer.
    async fn direct(
        &self,
        feed: &FeedName,
        body: serde_json::Value,
        most: usize,
    ) -> Result<(Vec<StoredMessage>, u64), NoAnswer> {
        let subject = format!("$JS.API.DIRECT.GET.{feed}");
        let body = body.to_string().into();
        let mut replies: Replies = self.ask_for_many(&subject, body, most).await?;
        let mut all = Vec::new();
        loop {
            let reply = replies.next(MESSAGE_TIME).await?;
            match reply.status {
                None => all.push(direct_message(reply)?),
                // The end of the batch, or nothing at all.
                Some(204 | 404) => {
                    let left = reply.header("Nats-Num-Pending");
                    return Ok((all, left.and_then(|left| left.parse().ok()).unwrap_or(0)));
                }
                Some(status) => {
                    let code = reply.description.split(':').next().unwrap_or_default();
                    let code = match code.contains(' ') || code.is_empty() {
                        true => CodeName::from(Hold::BusUnavailable.code()),
                        false => CodeName::read(code),
                    };
                    return Err(held(code, format!("{status} {}", reply.description)));
                }
            }
        }
    }

    /// Makes a consumer for one pass through a stream: in memory, without acknowledgements, forgotten when unused. Says how
    /// many messages lie before it.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn create_consumer(
        &self,
        feed: &FeedName,
        name: &str,
        filters: &[String],
        start: u64,
    ) -> Result<u64, NoAnswer> {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let body = json!({
            "stream_name": feed,
            "action": "create",
            "config": {
                "name": name,
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": start,
                "ack_policy": "none",
                "replay_policy": "instant",
                "filter_subjects": filters,
                "inactive_threshold": nanos(CONSUMER_IDLE),
                "num_replicas": 1,
                "mem_storage": true,
            },
        });
        let subject = format!("$JS.API.CONSUMER.CREATE.{feed}.{name}");
        let answer = self
            .request(&subject, body.to_string().into(), REQUEST_TIME)
            .await?;
        let created: Option<ConsumerResponse> = read(&answer.payload)?;
        match created {
            Some(created) if created.name == name => Ok(created.num_pending),
            Some(_) | None => Err(held(Alarm::AnswerUnreadable, "no consumer was made")),
        }
    }

    /// Asks a consumer for what comes next: a bounded number of events, and a long wait without heartbeats.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn pull(&self, feed: &FeedName, consumer: &str, inbox: &str) -> Result<(), NoAnswer> {
        let expires = u64::try_from(PULL_TIME.as_nanos()).unwrap_or(u64::MAX);
        let body = json!({ "batch": PULL_EVENTS, "max_bytes": PULL_BYTES, "expires": expires });
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{feed}.{consumer}");
        let body = body.to_string().into();
        Ok(self.tell(subject, inbox.to_owned(), body).await?)
    }

    /// Gives a consumer back; one that cannot be is forgotten by the bus in time.
    pub async fn delete_consumer(&self, feed: &FeedName, name: &str) {
        let subject = format!("$JS.API.CONSUMER.DELETE.{feed}.{name}");
        let _forgotten_in_time = self.request(&subject, Bytes::new(), REQUEST_TIME).await;
    }
}

/// Where a message lies, if that is where it was asked for: whoever reads on behind what came would else go round in circles.
fn placed(sequence: u64, from: u64) -> Result<u64, NoAnswer> {
    match (from..=SEQUENCE_MAX).contains(&sequence) {
        true => Ok(sequence),
        false => Err(held(
            Alarm::AnswerUnreadable,
            format!("a message at sequence {sequence}, where one from {from} on was asked for"),
        )),
    }
}

/// A message of a direct read carries its place in headers.
fn direct_message(reply: Delivery) -> Result<StoredMessage, NoAnswer> {
    let sequence = reply.header("Nats-Sequence").and_then(|n| n.parse().ok());
    let subject = reply.header("Nats-Subject").map(str::to_owned);
    match (sequence, subject) {
        (Some(sequence), Some(subject)) => Ok(StoredMessage {
            subject,
            sequence: placed(sequence, 1)?,
            headers: reply.headers,
            data: reply.payload,
        }),
        _ => Err(held(Alarm::AnswerUnreadable, "a message without its place")),
    }
}

#[cfg(test)]
mod tests;
