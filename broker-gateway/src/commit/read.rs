//! Questions about a log come in, what the stream's leader can read of it goes out. Heads that decide are read from the leader
//! alone (`STREAM.MSG.GET`); a replica's answer may be older than an acknowledgement.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::envelope::format;
use schemas::envelope::nats::{self, Origin};
use schemas::event::{Hash, Position};
use schemas::head::{self, Answer, Ask, HeadSearch, Step};
use schemas::receipt::Stamp;
use schemas::refusal::Hold;
use schemas::signing::SignedEvent;
use schemas::subject::{LogName, LogSubject};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::heads::{LogHead, Place};
use super::share;
use crate::upstream::jetstream::{ApiError, JetStream, Outage};

/// JetStream's "no message found".
pub(super) const NO_MESSAGE: u32 = 10037;

/// Why nothing can be said of a log now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(transparent)]
    Outage(#[from] Outage),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("message {seq} of the stream, of {log}: {why}")]
    Newer {
        seq: u64,
        log: LogName,
        why: Box<Hold>,
    },
    #[error("message {seq} of the stream is no event of {log}: {why}")]
    Message { seq: u64, log: LogName, why: String },
}

/// Which message is wanted.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Wanted<'a> {
    Last { last_by_subj: &'a str },
    From { seq: u64, next_by_subj: &'a str },
}

/// A message as JetStream gives it, headers and data in base64.
#[derive(Deserialize)]
pub(super) struct Got {
    pub message: GotMessage,
}

#[derive(Deserialize)]
pub(super) struct GotMessage {
    pub seq: u64,
    #[serde(default)]
    pub hdrs: String,
    #[serde(default)]
    pub data: String,
}

/// A reader of one log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub jetstream: &'a JetStream,
    pub log: &'a LogName,
}

impl Reader<'_> {
    /// The highest readable position, or the end of what was declared lost behind it, by the search that the offices use, too.
    pub async fn head(&self, genesis: Hash, turn: u64) -> Result<LogHead, Unreadable> {
        let subject = self.log.subject();
        let gaps = head::gap_subject(self.log);
        let (mut search, mut ask) = HeadSearch::begin();
        let mut read: Option<Place> = None;
        let mut declared: Vec<SignedEvent> = Vec::new();
        loop {
            let answer = match ask {
                Ask::Last => {
                    let last_by_subj = &subject;
                    read = self.get(Wanted::Last { last_by_subj }).await?;
                    message(read.as_ref())
                }
                Ask::From(seq) => {
                    let next_by_subj = &subject;
                    let found = self.get(Wanted::From { seq, next_by_subj }).await?;
                    let answer = message(found.as_ref());
                    read = found.or(read);
                    answer
                }
                Ask::Gap(seq) => {
                    let next_by_subj = &gaps;
                    self.gap(Wanted::From { seq, next_by_subj }, &mut declared)
                        .await?
                }
                Ask::Count => self.count(&subject).await?,
            };
            let mut found = match search.answer(answer) {
                Step::Ask(next) => {
                    ask = next;
                    continue;
                }
                Step::Found(None) => LogHead::empty(genesis, turn),
                Step::Found(Some(seq)) => self.head_at(seq, read, turn).await?,
            };
            found.head = head::behind(found.head, &declared);
            return Ok(found);
        }
    }

    /// A declaration that cannot be read is as good as none.
    async fn gap(
        &self,
        wanted: Wanted<'_>,
        declared: &mut Vec<SignedEvent>,
    ) -> Result<Answer, Unreadable> {
        match self.event(wanted).await {
            Ok(Some((seq, event))) => {
                declared.push(event);
                Ok(Answer::Message(seq))
            }
            Ok(None) => Ok(Answer::None),
            Err(Unreadable::Message { seq, .. }) => Ok(Answer::Message(seq)),
            Err(why) => Err(why),
        }
    }

    async fn head_at(
        &self,
        seq: u64,
        read: Option<Place>,
        turn: u64,
    ) -> Result<LogHead, Unreadable> {
        let place = match read.filter(|place| place.seq == seq) {
            Some(place) => Some(place),
            None => {
                let next_by_subj = &self.log.subject();
                self.get(Wanted::From { seq, next_by_subj }).await?
            }
        };
        match place {
            Some(place) => Ok(LogHead::read(place, turn)),
            None => Err(self.no_event(seq, "it was there a moment ago")),
        }
    }

    /// Where the event at a position at or below the head stands, if it can be read at all; `before` is the position before it,
    /// and `head` the stream sequence of the log's last message.
    pub async fn place_of(
        &self,
        position: Position,
        before: Option<Place>,
        head: u64,
    ) -> Result<Option<Place>, Unreadable> {
        let subject = self.log.subject();
        let from = |seq| {
            let next_by_subj = &subject;
            Wanted::From { seq, next_by_subj }
        };
        if let Some(before) = before {
            let next = self.get(from(before.seq.saturating_add(1))).await?;
            if let Some(next) = next.filter(|next| next.position == position) {
                return Ok(Some(next));
            }
        }
        let (mut low, mut high) = (1, head);
        while low <= high {
            let middle = low.midpoint(high);
            match self.get(from(middle)).await? {
                Some(place) if place.position == position => return Ok(Some(place)),
                Some(place) if place.position < position => low = place.seq.saturating_add(1),
                Some(_) | None => high = middle.saturating_sub(1),
            }
        }
        // A position that was lost and put back has a subject of its own.
        let refill = LogSubject::Refill(self.log.clone(), position).to_string();
        let last_by_subj = &refill;
        self.get(Wanted::Last { last_by_subj }).await
    }

    async fn get(&self, wanted: Wanted<'_>) -> Result<Option<Place>, Unreadable> {
        let place = |(seq, event, headers): (u64, SignedEvent, Vec<u8>)| Place {
            position: event.link().position,
            hash: event.hash(),
            seq,
            used: share::read_used(&headers),
            stamp: Stamp::read(&headers).map(Arc::new),
        };
        Ok(self.message(wanted).await?.map(place))
    }

    /// A message of the log, by its stream sequence.
    pub async fn event(
        &self,
        wanted: Wanted<'_>,
    ) -> Result<Option<(u64, SignedEvent)>, Unreadable> {
        let message = self.message(wanted).await?;
        Ok(message.map(|(seq, event, _headers)| (seq, event)))
    }

    async fn message(
        &self,
        wanted: Wanted<'_>,
    ) -> Result<Option<(u64, SignedEvent, Vec<u8>)>, Unreadable> {
        let subject = format!("$JS.API.STREAM.MSG.GET.{}", self.log.feed);
        match self.jetstream.ask::<Got>(&subject, &wanted).await? {
            Ok(got) => self.signed(got.message).map(Some),
            Err(error) if error.err_code == NO_MESSAGE => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a stored event as anybody would: its digests must fit its content.
    fn signed(&self, message: GotMessage) -> Result<(u64, SignedEvent, Vec<u8>), Unreadable> {
        let GotMessage { seq, hdrs, data } = message;
        let bytes = |text: String| {
            let decoded = STANDARD.decode(text);
            decoded.map_err(|why| self.no_event(seq, &why.to_string()))
        };
        let headers = bytes(hdrs)?;
        let event =
            nats::decode(&headers, bytes(data)?.into(), Origin::Bus).map_err(|refusal| {
                match format::newer_in_headers(&headers) {
                    Some(why) => self.newer(seq, why),
                    None => self.no_event(seq, &refusal.to_string()),
                }
            })?;
        if event.event().log() != self.log {
            return Err(self.no_event(seq, "it is another log's"));
        }
        Ok((seq, event, headers))
    }

    /// The positions that stand on a subject of their own.
    pub async fn refilled(&self) -> Result<Vec<Position>, Unreadable> {
        #[derive(Deserialize)]
        struct Info {
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            #[serde(default)]
            subjects: Option<serde_json::Map<String, Value>>,
        }
        let info = format!("$JS.API.STREAM.INFO.{}", self.log.feed);
        let asked = json!({ "subjects_filter": format!("{}.*", self.log.subject()) });
        let Info { state } = self.jetstream.ask::<Info>(&info, &asked).await??;
        let subjects = state.subjects.unwrap_or_default();
        let position = |subject: &String| match subject.parse() {
            Ok(LogSubject::Refill(_, position)) => Some(position),
            Ok(LogSubject::Log(_) | LogSubject::Gap(_)) | Err(_) => None,
        };
        Ok(subjects.keys().filter_map(position).collect())
    }

    async fn count(&self, subject: &str) -> Result<Answer, Unreadable> {
        #[derive(Deserialize)]
        struct Info {
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            first_seq: u64,
            last_seq: u64,
            #[serde(default)]
            subjects: Option<serde_json::Map<String, Value>>,
        }
        let info = format!("$JS.API.STREAM.INFO.{}", self.log.feed);
        let asked = json!({ "subjects_filter": subject });
        let Info { state } = self.jetstream.ask::<Info>(&info, &asked).await??;
        let subjects = state.subjects.unwrap_or_default();
        Ok(Answer::Count {
            messages: subjects.get(subject).and_then(Value::as_u64).unwrap_or(0),
            first: state.first_seq,
            last: state.last_seq,
        })
    }

    fn newer(&self, seq: u64, why: Hold) -> Unreadable {
        let (log, why) = (self.log.clone(), Box::new(why));
        Unreadable::Newer { seq, log, why }
    }

    fn no_event(&self, seq: u64, why: &str) -> Unreadable {
        Unreadable::Message {
            seq,
            log: self.log.clone(),
            why: why.to_owned(),
        }
    }
}

fn message(place: Option<&Place>) -> Answer {
    place.map_or(Answer::None, |place| Answer::Message(place.seq))
}
