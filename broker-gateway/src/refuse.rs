//! Answers come in, the bodies that a client reads on its reply subject go out. A stored event is answered as a PubAck, all
//! else in the error shape of JetStream's API, so that every stock client sees it. The bodies are kept as golden files.

use bytes::Bytes;
use schemas::receipt::Receipt;
use schemas::refusal::{Code, Detail, Hold, Refusal};
use schemas::subject::FeedName;
use serde::Serialize;

use crate::streams::STREAM_NOT_FOUND;

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `seq` is the stream's; `duplicate`, if the event stood at its position already. The last of what was stored together
    /// carries the receipt for all of it.
    Stored {
        stream: FeedName,
        seq: u64,
        duplicate: bool,
        receipt: Option<Box<Receipt>>,
    },
    Refused(Refusal),
    Held(Hold),
}

/// One event's answer, and what the audit says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The event's place in its submission, from 0.
    pub place: usize,
    pub answer: Answer,
    /// As far as the event could be read.
    pub id: Option<String>,
    pub position: Option<u64>,
}

/// A no: final, or for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum No {
    Refused(Refusal),
    Held(Hold),
    /// A hold about a stream, told to a request as nats-server tells of one that is not there.
    NoStream(Hold),
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> No {
        No::Refused(refusal)
    }
}

impl From<Hold> for No {
    fn from(hold: Hold) -> No {
        No::Held(hold)
    }
}

impl From<No> for Answer {
    fn from(no: No) -> Answer {
        match no {
            No::Refused(refusal) => Answer::Refused(refusal),
            No::Held(hold) | No::NoStream(hold) => Answer::Held(hold),
        }
    }
}

impl Answer {
    /// The word for the audit.
    pub fn word(&self) -> &'static str {
        match self {
            Answer::Stored { .. } => "stored",
            Answer::Refused(_) => "refused",
            Answer::Held(_) => "held",
        }
    }

    /// Whether something was stored that was not there before.
    pub fn is_new(&self) -> bool {
        matches!(
            self,
            Answer::Stored {
                duplicate: false,
                ..
            }
        )
    }

    /// The code for the audit; what was stored has none.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Answer::Stored { .. } => None,
            Answer::Refused(refusal) => Some(refusal.code().name),
            Answer::Held(hold) => Some(hold.code().name),
        }
    }

    /// The body for the reply subject of a publish to a feed, judged at a position of the registry.
    pub fn body(&self, feed: &FeedName, registry: u64) -> Bytes {
        let ack = |words: Words| words.body("pub_ack_response", Some(feed.as_str()), registry);
        match self {
            Answer::Stored {
                stream,
                seq,
                duplicate,
                receipt,
            } => json(&PubAck {
                stream: stream.as_str(),
                seq: *seq,
                duplicate: *duplicate,
                receipt: receipt.as_deref(),
            }),
            Answer::Refused(refusal) => ack(refused(refusal)),
            Answer::Held(hold) => ack(held(hold)),
        }
    }
}

impl No {
    pub fn word(&self) -> &'static str {
        match self {
            No::Refused(_) => "refused",
            No::Held(_) | No::NoStream(_) => "held",
        }
    }

    pub fn code(&self) -> Code {
        match self {
            No::Refused(refusal) => refusal.code(),
            No::Held(hold) | No::NoStream(hold) => hold.code(),
        }
    }

    /// The body for an API request's reply subject; `response` is the API's name for the response.
    pub fn body(&self, response: &str, registry: u64) -> Bytes {
        self.words().body(response, None, registry)
    }

    /// The header block for a request whose answers are messages, not JSON: clients read the status line.
    pub fn status(&self) -> Bytes {
        let words = self.words();
        let Words { code, status, .. } = &words;
        let first = words.details.first();
        let said = first.map_or(code.en, |detail| detail.en.as_str());
        let said: String = said.chars().filter(|c| !c.is_control()).collect();
        Bytes::from(format!("NATS/1.0 {status} {}: {said}\r\n\r\n", code.name))
    }

    fn words(&self) -> Words {
        match self {
            No::Refused(refusal) => refused(refusal),
            No::Held(hold) => held(hold),
            No::NoStream(hold) => Words {
                in_jetstream: Some(ApiError {
                    code: 404,
                    err_code: STREAM_NOT_FOUND,
                    description: "stream not found".to_owned(),
                }),
                ..held(hold)
            },
        }
    }
}

/// A no, ready to be written.
struct Words {
    answer: &'static str,
    code: Code,
    status: u16,
    head: Option<u64>,
    details: Vec<Detail>,
    /// Where JetStream has an error of its own for it: clients compare its words.
    in_jetstream: Option<ApiError>,
}

fn refused(refusal: &Refusal) -> Words {
    Words {
        answer: "refused",
        code: refusal.code(),
        status: status(refusal),
        head: None,
        details: refusal.details(),
        in_jetstream: None,
    }
}

fn held(hold: &Hold) -> Words {
    Words {
        answer: "held",
        code: hold.code(),
        status: 503,
        head: hold.head(),
        details: hold.details(),
        in_jetstream: None,
    }
}

/// JetStream's own two classes: what is badly made (400), and what is not allowed (403).
fn status(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::HeaderForbidden { .. }
        | Refusal::SignerMismatch
        | Refusal::KeyRetired { .. }
        | Refusal::SourceMismatch
        | Refusal::NotYourLog
        | Refusal::RowNotYours(_)
        | Refusal::ConfirmationNotYours
        | Refusal::ConfirmationUnproved
        | Refusal::SubjectForbidden
        | Refusal::RequestForbidden(_) => 403,
        Refusal::HeaderMalformed
        | Refusal::HeaderRepeated { .. }
        | Refusal::AttributeMissing { .. }
        | Refusal::AttributeInvalid(_)
        | Refusal::AttributeUnknown { .. }
        | Refusal::Unsigned
        | Refusal::AttributesUnsigned
        | Refusal::MaterialMalformed
        | Refusal::MaterialNotCanonical
        | Refusal::DigestMismatch
        | Refusal::SignatureInvalid
        | Refusal::TooLarge
        | Refusal::NotJson(_)
        | Refusal::ContractViolated(_)
        | Refusal::TypeNotOfFeed
        | Refusal::SchemaNotOfFeed
        | Refusal::TimeOutOfReach { .. }
        | Refusal::ConfirmationMalformed
        | Refusal::RequestMalformed(_) => 400,
    }
}

impl Words {
    /// All that most clients show: the code, its words, and the first thing that is wrong.
    fn description(&self) -> String {
        let Words { code, details, .. } = self;
        let first = details.first().map(|detail| match detail.at.as_str() {
            "" => format!(" ({})", detail.en),
            at => format!(" ({at}: {})", detail.en),
        });
        format!("{}: {}{}", code.name, code.en, first.unwrap_or_default())
    }

    fn body(&self, response: &str, stream: Option<&str>, registry: u64) -> Bytes {
        let Words {
            answer,
            code,
            status,
            head,
            details,
            in_jetstream,
        } = self;
        let ours = || ApiError {
            code: *status,
            err_code: code.number,
            description: self.description(),
        };
        json(&ErrorBody {
            kind: format!("io.nats.jetstream.api.v1.{response}"),
            error: in_jetstream.clone().unwrap_or_else(ours),
            stream,
            spean: Spean {
                answer,
                code: code.name,
                registry,
                head: *head,
                en: code.en,
                km: code.km,
                details,
            },
        })
    }
}

#[derive(Serialize)]
struct PubAck<'a> {
    stream: &'a str,
    seq: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    /// Stock clients leave it aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a Receipt>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(rename = "type")]
    kind: String,
    error: ApiError,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    spean: Spean<'a>,
}

#[derive(Debug, Clone, Serialize)]
struct ApiError {
    code: u16,
    err_code: u32,
    description: String,
}

/// The same for our own programs: a code to act by and words in both languages.
#[derive(Serialize)]
struct Spean<'a> {
    answer: &'a str,
    code: &'a str,
    registry: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<u64>,
    en: &'a str,
    km: &'a str,
    details: &'a [Detail],
}

fn json(value: &impl Serialize) -> Bytes {
    Bytes::from(schemas::json::text(value))
}

#[cfg(test)]
mod tests;
