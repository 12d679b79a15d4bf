//! Refusals and holds: why something does not pass comes in, a stable code with a text in English and Khmer goes out.
//! A code never changes its meaning, and its number is never given to another.

mod codes;

use crate::alarm::{Call, Severity};
use crate::event::{AttributeFault, LOG_FORMAT, Position, Timestamp};
use crate::subject::OfficeId;

/// One thing that is wrong, in words for the person who can mend it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Detail {
    /// A JSON pointer into the data, or the name of an attribute or header.
    #[serde(rename = "at")]
    pub at: String,
    pub en: String,
    pub km: String,
}

impl Detail {
    pub fn new(at: impl Into<String>, en: impl Into<String>, km: impl Into<String>) -> Detail {
        Detail {
            at: at.into(),
            en: en.into(),
            km: km.into(),
        }
    }
}

impl From<AttributeFault> for Detail {
    fn from(fault: AttributeFault) -> Detail {
        Detail::new(fault.attribute, fault.must.en(), fault.must.km())
    }
}

/// A code in full: what it is called on the wire, and what it says to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// JetStream's `err_code`; ours begin at 60,000, far above nats-server's.
    pub number: u32,
    pub name: &'static str,
    pub severity: Severity,
    pub call: Call,
    pub en: &'static str,
    pub km: &'static str,
}

/// Every code of a refusal, by its number.
pub const REFUSALS: &[Code] = codes::REFUSALS;
/// Every code of a hold, by its number.
pub const HOLDS: &[Code] = codes::HOLDS;

/// A final no: a check was made and failed on the event's own bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", self.code().name, self.code().en)]
pub enum Refusal {
    HeaderMalformed,
    HeaderForbidden {
        name: String,
    },
    HeaderRepeated {
        name: String,
    },
    AttributeMissing {
        name: &'static str,
    },
    AttributeInvalid(Vec<AttributeFault>),
    AttributeUnknown {
        name: String,
    },
    Unsigned,
    AttributesUnsigned,
    MaterialMalformed,
    MaterialNotCanonical,
    DigestMismatch,
    SignatureInvalid,
    SignerMismatch,
    KeyRetired {
        at: Position,
    },
    SourceMismatch,
    NotYourLog,
    TooLarge,
    NotJson(Detail),
    ContractViolated(Vec<Detail>),
    TypeNotOfFeed,
    SchemaNotOfFeed,
    RowNotYours(Detail),
    SubjectForbidden,
    RequestMalformed(Detail),
    RequestForbidden(Detail),
    ConfirmationMalformed,
    ConfirmationNotYours,
    /// Its `time` is not one that an event may name while a clock shows the other.
    TimeOutOfReach {
        time: Timestamp,
        now: Timestamp,
    },
    /// What was brought beside it is not the office's signature under what is confirmed.
    ConfirmationUnproved,
}

impl Refusal {
    /// Every code, in the order of its number; the test of each is found missing by this match.
    pub fn code(&self) -> Code {
        match self {
            Refusal::HeaderMalformed => codes::HEADER_MALFORMED,
            Refusal::HeaderForbidden { .. } => codes::HEADER_FORBIDDEN,
            Refusal::HeaderRepeated { .. } => codes::HEADER_REPEATED,
            Refusal::AttributeMissing { .. } => codes::ATTRIBUTE_MISSING,
            Refusal::AttributeInvalid(_) => codes::ATTRIBUTE_INVALID,
            Refusal::AttributeUnknown { .. } => codes::ATTRIBUTE_UNKNOWN,
            Refusal::Unsigned => codes::UNSIGNED,
            Refusal::AttributesUnsigned => codes::ATTRIBUTES_UNSIGNED,
            Refusal::MaterialMalformed => codes::MATERIAL_MALFORMED,
            Refusal::MaterialNotCanonical => codes::MATERIAL_NOT_CANONICAL,
            Refusal::DigestMismatch => codes::DIGEST_MISMATCH,
            Refusal::SignatureInvalid => codes::SIGNATURE_INVALID,
            Refusal::SignerMismatch => codes::SIGNER_MISMATCH,
            Refusal::KeyRetired { .. } => codes::KEY_RETIRED,
            Refusal::SourceMismatch => codes::SOURCE_MISMATCH,
            Refusal::NotYourLog => codes::NOT_YOUR_LOG,
            Refusal::TooLarge => codes::TOO_LARGE,
            Refusal::NotJson(_) => codes::NOT_JSON,
            Refusal::ContractViolated(_) => codes::CONTRACT_VIOLATED,
            Refusal::TypeNotOfFeed => codes::TYPE_NOT_OF_FEED,
            Refusal::SchemaNotOfFeed => codes::SCHEMA_NOT_OF_FEED,
            Refusal::RowNotYours(_) => codes::ROW_NOT_YOURS,
            Refusal::SubjectForbidden => codes::SUBJECT_FORBIDDEN,
            Refusal::RequestMalformed(_) => codes::REQUEST_MALFORMED,
            Refusal::RequestForbidden(_) => codes::REQUEST_FORBIDDEN,
            Refusal::ConfirmationMalformed => codes::CONFIRMATION_MALFORMED,
            Refusal::ConfirmationNotYours => codes::CONFIRMATION_NOT_YOURS,
            Refusal::ConfirmationUnproved => codes::CONFIRMATION_UNPROVED,
            Refusal::TimeOutOfReach { .. } => codes::TIME_OUT_OF_REACH,
        }
    }

    /// What exactly is wrong, each in both languages; empty where the code says it all.
    pub fn details(&self) -> Vec<Detail> {
        match self {
            Refusal::HeaderForbidden { name } => {
                vec![named(name, "may not be sent", "មិនអាចផ្ញើបានទេ")]
            }
            Refusal::HeaderRepeated { name } => vec![named(name, "stands there twice", "មានពីរដង")],
            Refusal::AttributeUnknown { name } => {
                vec![named(name, "is not known here", "មិនត្រូវបានស្គាល់នៅទីនេះទេ")]
            }
            Refusal::AttributeMissing { name } => vec![named(name, "is missing", "ខ្វះ")],
            Refusal::AttributeInvalid(faults) => faults.iter().cloned().map(Detail::from).collect(),
            Refusal::KeyRetired { at } => vec![Detail::new(
                "sequence",
                format!("the position is {at}"),
                format!("ទីតាំងគឺ {at}"),
            )],
            Refusal::ContractViolated(details) => details.clone(),
            Refusal::TimeOutOfReach { time, now } => vec![clocks("time", *time, *now)],
            Refusal::NotJson(detail)
            | Refusal::RowNotYours(detail)
            | Refusal::RequestMalformed(detail)
            | Refusal::RequestForbidden(detail) => vec![detail.clone()],
            Refusal::HeaderMalformed
            | Refusal::Unsigned
            | Refusal::AttributesUnsigned
            | Refusal::MaterialMalformed
            | Refusal::MaterialNotCanonical
            | Refusal::DigestMismatch
            | Refusal::SignatureInvalid
            | Refusal::SignerMismatch
            | Refusal::SourceMismatch
            | Refusal::NotYourLog
            | Refusal::TooLarge
            | Refusal::TypeNotOfFeed
            | Refusal::SchemaNotOfFeed
            | Refusal::SubjectForbidden
            | Refusal::ConfirmationMalformed
            | Refusal::ConfirmationNotYours
            | Refusal::ConfirmationUnproved => Vec::new(),
        }
    }
}

fn named(name: &str, en: &str, km: &str) -> Detail {
    Detail::new(name, format!("{name} {en}"), format!("{name} {km}"))
}

/// A time, and the clock that it was held against.
fn clocks(attribute: &str, time: Timestamp, now: Timestamp) -> Detail {
    Detail::new(
        attribute,
        format!("it is {time}, and the clock here shows {now}"),
        format!("គឺ {time} ហើយនាឡិកានៅទីនេះបង្ហាញ {now}"),
    )
}

/// When asking again is of use.
fn again(seconds: u64) -> Detail {
    Detail::new(
        "retry_after",
        format!("ask again in {seconds} s"),
        format!("សូមសួរម្តងទៀតក្នុង {seconds} វិនាទី"),
    )
}

/// Not now: a check could not be made, or something before the event is missing. Nothing passes, nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", self.code().name, self.code().en)]
pub enum Hold {
    FeedUnknown,
    OfficeUnknown,
    GrantUnknown,
    KeyUnknown,
    ContractUnknown,
    /// The event's position lies beyond the next one; the head is told.
    PositionAhead {
        head: u64,
    },
    /// Another event stands at the position; the head is told.
    PositionTaken {
        head: u64,
    },
    /// `prevhash` is not the head's hash; the head is told.
    ChainMismatch {
        head: u64,
    },
    /// A reader has confirmed this position, at or behind the event's, and the bus has lost it.
    PositionConfirmed {
        position: Position,
        reader: OfficeId,
    },
    /// The event was recorded at a time that the gateway's clock cannot follow: one of the two is wrong, and nothing says which.
    ClockWrong {
        recorded: Timestamp,
        now: Timestamp,
    },
    /// Nothing shows that there ever was something at this position: no receipt, and no reader's word.
    PositionUnproved {
        position: Position,
    },
    LogUnreadable,
    /// It is written in a newer log format than this version reads: what is wrong with it, or right, is not known here.
    LogFormatUnknown {
        format: u32,
    },
    BusUnavailable,
    BusFull,
    /// nats-server has acknowledged what it cannot give back; nothing more is stored there until it can.
    BusUnreadable {
        retry_after_s: u64,
    },
    /// nats-server answers, and says nothing of what it is to store: its disk was full, and it has to be started again.
    BusUnwritable {
        retry_after_s: u64,
    },
    /// The office has as many of something as one office may have.
    BoundReached {
        detail: Box<Detail>,
        retry_after_s: u64,
    },
    /// More requests to heal than anybody needs.
    AskedTooOften,
    /// The office has filled its part of the feed's stream: bytes that its log has there, and bytes of its part.
    OfficeRoomUsed {
        used: u64,
        part: u64,
    },
    /// The office has spent its part of what all offices share.
    OfficeOverBudget {
        retry_after_s: u64,
    },
    /// The authority has closed the office: it is let in no more.
    OfficeClosed,
    /// The authority has revoked the certificate that was shown.
    CertificateRevoked,
}

impl Hold {
    pub fn code(&self) -> Code {
        match self {
            Hold::FeedUnknown => codes::FEED_UNKNOWN,
            Hold::OfficeUnknown => codes::OFFICE_UNKNOWN,
            Hold::GrantUnknown => codes::GRANT_UNKNOWN,
            Hold::KeyUnknown => codes::KEY_UNKNOWN,
            Hold::ContractUnknown => codes::CONTRACT_UNKNOWN,
            Hold::PositionAhead { .. } => codes::POSITION_AHEAD,
            Hold::PositionTaken { .. } => codes::POSITION_TAKEN,
            Hold::ChainMismatch { .. } => codes::CHAIN_MISMATCH,
            Hold::PositionConfirmed { .. } => codes::POSITION_CONFIRMED,
            Hold::ClockWrong { .. } => codes::CLOCK_WRONG,
            Hold::PositionUnproved { .. } => codes::POSITION_UNPROVED,
            Hold::LogUnreadable => codes::LOG_UNREADABLE,
            Hold::LogFormatUnknown { .. } => codes::LOG_FORMAT_UNKNOWN,
            Hold::BusUnavailable => codes::BUS_UNAVAILABLE,
            Hold::BusFull => codes::BUS_FULL,
            Hold::BusUnreadable { .. } => codes::BUS_UNREADABLE,
            Hold::BusUnwritable { .. } => codes::BUS_UNWRITABLE,
            Hold::BoundReached { .. } => codes::BOUND_REACHED,
            Hold::AskedTooOften => codes::ASKED_TOO_OFTEN,
            Hold::OfficeRoomUsed { .. } => codes::OFFICE_ROOM_USED,
            Hold::OfficeOverBudget { .. } => codes::OFFICE_OVER_BUDGET,
            Hold::OfficeClosed => codes::OFFICE_CLOSED,
            Hold::CertificateRevoked => codes::CERTIFICATE_REVOKED,
        }
    }

    /// The head of the log as the gateway read it, where the hold says that it is another than assumed.
    pub fn head(&self) -> Option<u64> {
        match self {
            Hold::PositionAhead { head }
            | Hold::PositionTaken { head }
            | Hold::ChainMismatch { head } => Some(*head),
            Hold::FeedUnknown
            | Hold::OfficeUnknown
            | Hold::GrantUnknown
            | Hold::KeyUnknown
            | Hold::ContractUnknown
            | Hold::PositionConfirmed { .. }
            | Hold::ClockWrong { .. }
            | Hold::PositionUnproved { .. }
            | Hold::LogUnreadable
            | Hold::LogFormatUnknown { .. }
            | Hold::BusUnavailable
            | Hold::BusFull
            | Hold::BusUnreadable { .. }
            | Hold::BusUnwritable { .. }
            | Hold::BoundReached { .. }
            | Hold::AskedTooOften
            | Hold::OfficeRoomUsed { .. }
            | Hold::OfficeOverBudget { .. }
            | Hold::OfficeClosed
            | Hold::CertificateRevoked => None,
        }
    }

    /// Who or what it waits for, in both languages; empty where the code says it all.
    pub fn details(&self) -> Vec<Detail> {
        match self {
            Hold::PositionConfirmed { position, reader } => vec![Detail::new(
                "sequence",
                format!("{reader} has confirmed position {position}"),
                format!("{reader} បានបញ្ជាក់ទីតាំង {position}"),
            )],
            Hold::ClockWrong { recorded, now } => vec![clocks("recordedtime", *recorded, *now)],
            Hold::OfficeOverBudget { retry_after_s }
            | Hold::BusUnreadable { retry_after_s }
            | Hold::BusUnwritable { retry_after_s } => vec![again(*retry_after_s)],
            Hold::BoundReached {
                detail,
                retry_after_s,
            } => vec![(**detail).clone(), again(*retry_after_s)],
            Hold::OfficeRoomUsed { used, part } => vec![Detail::new(
                "room",
                format!("the log has {used} bytes there, of {part} that are this office's part"),
                format!("កំណត់ហេតុមាន {used} បៃ ក្នុងចំណោម {part} បៃ ដែលជាចំណែករបស់ការិយាល័យនេះ"),
            )],
            Hold::LogFormatUnknown { format } => vec![Detail::new(
                "logformat",
                format!("it is {format}, and {LOG_FORMAT} is read here"),
                format!("គឺ {format} ហើយទីនេះអាន {LOG_FORMAT}"),
            )],
            Hold::PositionUnproved { position } => vec![Detail::new(
                "/receipt",
                format!("needs a receipt for position {position} or one behind it"),
                format!("ត្រូវការបង្កាន់ដៃសម្រាប់ទីតាំង {position} ឬក្រោយវា"),
            )],
            Hold::FeedUnknown
            | Hold::OfficeUnknown
            | Hold::GrantUnknown
            | Hold::KeyUnknown
            | Hold::ContractUnknown
            | Hold::PositionAhead { .. }
            | Hold::PositionTaken { .. }
            | Hold::ChainMismatch { .. }
            | Hold::LogUnreadable
            | Hold::BusUnavailable
            | Hold::BusFull
            | Hold::AskedTooOften
            | Hold::OfficeClosed
            | Hold::CertificateRevoked => Vec::new(),
        }
    }
}
