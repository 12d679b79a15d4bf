//! Problems: why something was not accepted or not answered comes in, an RFC 9457 document goes out: a stable code, what is wrong
//! in English and Khmer, every wrong field by name, and what to do. No value of the data is repeated in it.

mod texts;

use schemas::explain::{Chapter, Page};
use schemas::refusal::{Detail, Hold, Refusal};
use schemas::subject::FeedName;
use serde::Serialize;
use serde_json::{Value, json};

use self::texts::Texts;

/// The media type of [`Problem::body`].
pub const MEDIA_TYPE: &str = "application/problem+json";
/// A problem's type is its code below this.
const TYPES: &str = "https://spean.gov.kh/problems/";

/// Everything that the agent can say no with. A refusal's or a hold's code means here what it means at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The event is at fault.
    Refused(Refusal),
    /// The registry, as this agent knows it, has no answer.
    Held(Hold),
    /// Nothing tells which feed the event is for.
    FeedUnnamed,
    CausationMissing,
    IdTaken {
        id: String,
    },
    KeyMalformed,
    /// The body is larger than the agent reads.
    BodyTooLarge,
    /// The body ended early, or came too slowly.
    BodyIncomplete,
    MediaTypeUnsupported,
    /// The body is compressed.
    ContentEncodingUnsupported,
    /// An attribute's header that cannot be decoded.
    HeaderUnreadable {
        name: String,
    },
    BatchEmpty,
    BatchTooLong,
    /// A batch is accepted whole or not at all; the events at fault, by their place from 0.
    BatchRefused(Vec<(usize, Problem)>),
    DiskFull(Full),
    StoreUnavailable,
    TokenMissing,
    TokenWrong,
    HostForeign,
    OriginForeign,
    QueryMalformed {
        parameter: &'static str,
        must: QueryMust,
    },
    /// The path holds bytes that are no text.
    PathMalformed,
    EventNotFound,
    /// Nobody of this name is an office.
    LogNotFound,
    /// There is no such feed to read; those that there are to read here.
    FeedNotFound {
        readable: Vec<FeedName>,
    },
    /// The feed is not open to this office; those that are.
    FeedNotReadable {
        readable: Vec<FeedName>,
    },
    /// As many streams are open as may be.
    StreamsTaken,
    /// The event is not durable, or not all that its proof needs is here.
    ReceiptNotYet,
    /// An arrival number that this inbox never gave.
    NumberingAnew,
    /// Nothing of this name is delivered to.
    DeliveryNotFound,
    /// No log of the target stands before this event.
    DeliveryNotDue,
    /// Nothing that was delivered is meant.
    DeliveryNothingThere,
    /// What is delivered to is at work, and has not come to the order.
    DeliveryBusy,
    /// The resend horizon has passed: the signed event is on the bus, and not here any more.
    EventPruned,
    PathNotFound,
    MethodNotAllowed,
    /// What came is no HTTP.
    HttpMalformed,
    PathTooLong,
    HeadersTooLarge,
}

/// What `explain` says of the problems that no gateway answers.
pub fn pages() -> impl Iterator<Item = Page> {
    texts::ALL.iter().map(|texts| Page {
        number: Some(texts.status.into()),
        km: Some(texts.km),
        ..Page::plain(texts.code, Chapter::Http, texts.en)
    })
}

/// What has no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The agent's share of the disk.
    Budget { used: u64, budget: u64 },
    /// The disk, whoever filled it.
    Disk,
}

/// What a parameter of a query must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryMust {
    BeNumber,
    BeLimit,
    BeWithheld,
    BeOnly,
    BeSaid,
    StandOnce,
}

impl QueryMust {
    fn texts(self) -> (&'static str, &'static str) {
        match self {
            QueryMust::BeNumber => ("must be a whole number", "ត្រូវជាចំនួនគត់"),
            QueryMust::BeLimit => (
                "must be a whole number from 1 to 1000",
                "ត្រូវជាចំនួនគត់ ពី 1 ដល់ 1000",
            ),
            QueryMust::BeWithheld => ("must be withheld, or left out", "ត្រូវជា withheld ឬមិនបាច់ដាក់"),
            QueryMust::BeOnly => ("must be only, or left out", "ត្រូវជា only ឬមិនបាច់ដាក់"),
            QueryMust::BeSaid => ("must be given, and not be too long", "ត្រូវតែមាន ហើយមិនវែងពេក"),
            QueryMust::StandOnce => (
                "must stand there once, as UTF-8 text",
                "ត្រូវមានតែម្តង ជាអក្សរ UTF-8",
            ),
        }
    }
}

/// One wrong thing, as the answer lists it.
#[derive(Debug, Serialize)]
struct Wrong {
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<String>,
    en: String,
    km: String,
}

impl From<Detail> for Wrong {
    fn from(Detail { at, en, km }: Detail) -> Wrong {
        let is_pointer = at.is_empty() || at.starts_with('/');
        let (pointer, attribute) = match is_pointer {
            true => (Some(at), None),
            false => (None, Some(at)),
        };
        Wrong {
            pointer,
            attribute,
            en,
            km,
        }
    }
}

impl Problem {
    /// The code, which never changes its meaning.
    pub fn code(&self) -> &'static str {
        self.texts().code
    }

    pub fn status(&self) -> u16 {
        self.texts().status
    }

    /// What is wrong and what to do, in English.
    pub fn en(&self) -> &'static str {
        self.texts().en
    }

    /// The same in Khmer.
    pub fn km(&self) -> &'static str {
        self.texts().km
    }

    /// What is wrong in detail: fields, attributes, figures.
    pub fn details(&self) -> Vec<Detail> {
        match self {
            Problem::Refused(refusal) => refusal.details(),
            Problem::IdTaken { id } => vec![Detail::new(
                "id",
                format!("{id} was accepted with other content"),
                format!("{id} ត្រូវបានទទួលជាមួយខ្លឹមសារផ្សេង"),
            )],
            Problem::DiskFull(Full::Disk) => vec![Detail::new(
                "disk",
                "the disk itself is full, whatever fills it; the agent's budget is not used up",
                "ថាសពេញហើយ ទោះបីអ្វីបំពេញវាក៏ដោយ ចំណែករបស់ភ្នាក់ងារមិនទាន់អស់ទេ",
            )],
            Problem::DiskFull(Full::Budget { used, budget }) => vec![Detail::new(
                "disk",
                format!("{used} of {budget} bytes are used"),
                format!("បានប្រើ {used} ក្នុងចំណោម {budget} បៃ"),
            )],
            Problem::QueryMalformed { parameter, must } => {
                let (en, km) = must.texts();
                vec![Detail::new(
                    *parameter,
                    format!("{parameter} {en}"),
                    format!("{parameter} {km}"),
                )]
            }
            Problem::HeaderUnreadable { name } => vec![Detail::new(
                name,
                format!(
                    "{name} holds what is not printable ASCII, or no UTF-8 behind its percent signs"
                ),
                format!("{name} មានអ្វីដែលមិនមែនជា ASCII ឬមិនមែនជា UTF-8 ក្រោយសញ្ញា %"),
            )],
            Problem::FeedNotFound { readable } | Problem::FeedNotReadable { readable } => {
                vec![open_to_read(readable)]
            }
            Problem::Held(_)
            | Problem::FeedUnnamed
            | Problem::CausationMissing
            | Problem::KeyMalformed
            | Problem::BodyTooLarge
            | Problem::BodyIncomplete
            | Problem::MediaTypeUnsupported
            | Problem::ContentEncodingUnsupported
            | Problem::BatchEmpty
            | Problem::BatchTooLong
            | Problem::BatchRefused(_)
            | Problem::StoreUnavailable
            | Problem::TokenMissing
            | Problem::TokenWrong
            | Problem::HostForeign
            | Problem::OriginForeign
            | Problem::PathMalformed
            | Problem::EventNotFound
            | Problem::LogNotFound
            | Problem::StreamsTaken
            | Problem::ReceiptNotYet
            | Problem::EventPruned
            | Problem::NumberingAnew
            | Problem::DeliveryNotFound
            | Problem::DeliveryNotDue
            | Problem::DeliveryNothingThere
            | Problem::DeliveryBusy
            | Problem::PathNotFound
            | Problem::MethodNotAllowed
            | Problem::HttpMalformed
            | Problem::PathTooLong
            | Problem::HeadersTooLarge => Vec::new(),
        }
    }

    /// The document, as it is answered.
    pub fn body(&self) -> Value {
        let Texts {
            code,
            status,
            en,
            km,
        } = self.texts();
        let mut body = json!({
            "type": format!("{TYPES}{code}"),
            "title": en,
            "title_km": km,
            "status": status,
            "code": code,
        });
        let wrong: Vec<Wrong> = self.details().into_iter().map(Wrong::from).collect();
        if !wrong.is_empty() {
            body["errors"] = json!(wrong);
        }
        if let Problem::BatchRefused(events) = self {
            let entry = |(index, problem): &(usize, Problem)| {
                let mut entry = problem.body();
                entry["event"] = json!(index);
                entry
            };
            body["events"] = events.iter().map(entry).collect();
        }
        body
    }
}

/// What there is to read here instead.
fn open_to_read(feeds: &[FeedName]) -> Detail {
    let names: Vec<&str> = feeds.iter().map(FeedName::as_str).collect();
    match names.is_empty() {
        true => Detail::new(
            "feed",
            "no feed is open to this office for reading",
            "គ្មាន feed ណាបើកឱ្យការិយាល័យនេះអានទេ",
        ),
        false => Detail::new(
            "feed",
            format!("open to this office for reading: {}", names.join(", ")),
            format!("feed ដែលការិយាល័យនេះអាចអានបាន៖ {}", names.join(", ")),
        ),
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::Refused(refusal)
    }
}

impl From<Hold> for Problem {
    fn from(hold: Hold) -> Problem {
        Problem::Held(hold)
    }
}

#[cfg(test)]
mod tests;
