//! The event: attributes and data come in as a submitter wrote them, an `Event` whose every attribute is well formed goes out.
//! The data's bytes are kept as they are; whether they fit the feed's contract is the contract's question.

mod text;
mod timestamp;

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::digest::{SHA256, digest};

use self::text::{legible, text};
pub use self::timestamp::Timestamp;
pub(crate) use self::timestamp::seconds;
use crate::limits::POSITION_MAX;
use crate::subject::LogName;

/// The version of the log's format that this code writes and reads (`logformat`, an integer).
pub const LOG_FORMAT: &str = "1";

/// What a submitter says of an event before it has a log: any of it may be missing or wrong.
/// `log` is decided by who submits and on which feed, so it is no part of a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    pub id: Option<String>,
    pub source: Option<String>,
    pub event_type: Option<String>,
    pub subject: Option<String>,
    pub time: Option<String>,
    pub data_content_type: Option<String>,
    pub data_schema: Option<String>,
    pub causation_id: Option<String>,
    pub data_classification: Option<String>,
    pub data: Bytes,
}

impl Draft {
    /// Says whether two submissions say the same, before the agent fills in what they left out.
    pub fn content_digest(&self) -> Hash {
        let parts = [
            &self.id,
            &self.source,
            &self.event_type,
            &self.subject,
            &self.time,
            &self.data_content_type,
            &self.data_schema,
            &self.causation_id,
            &self.data_classification,
        ];
        let parts = parts.map(|part| Hash::of(part.as_deref().unwrap_or("").as_bytes()));
        let all = parts.into_iter().chain([Hash::of(&self.data)]);
        Hash::of(&all.flat_map(|hash| hash.0).collect::<Vec<u8>>())
    }
}

/// An event with well-formed attributes, not yet numbered (CloudEvents 1.0.2 §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    log: LogName,
    core: Core,
    recorded_time: Timestamp,
}

/// The attributes that an `Event` is made of; checked by [`Event::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    pub id: String,
    pub event_type: String,
    pub subject: Option<String>,
    pub time: Timestamp,
    pub data_content_type: String,
    pub data_schema: String,
    /// The id of the event that this one corrects or withdraws.
    pub causation_id: Option<String>,
    pub data_classification: Classification,
    pub data: Bytes,
}

/// An attribute that is not well formed: which one, and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{attribute} {}", self.must.en())]
pub struct AttributeFault {
    pub attribute: &'static str,
    pub must: Must,
}

/// What an attribute must be, in words for the person who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    NotBeEmpty,
    BeShort,
    BePlain,
    BeLegible,
    BeNormal,
    BeUri,
    BeTime,
    BeSequence,
    BeHash,
    BeClassification,
    BeThisLogFormat,
    BeThisSpecVersion,
    BeASource,
    BeBase64,
    BeText,
    StandAlone,
    BeJson,
}

impl Must {
    pub fn en(self) -> &'static str {
        match self {
            Must::NotBeEmpty => "must not be empty",
            Must::BeShort => "must be at most 256 bytes",
            Must::BePlain => "must hold no control characters",
            Must::BeLegible => {
                "must hold no character that cannot be seen, such as U+200B or U+202E"
            }
            Must::BeNormal => "must be in Unicode's normal form C (NFC)",
            Must::BeUri => "must be an absolute URI",
            Must::BeTime => "must be whole seconds in UTC, such as 2026-09-30T08:00:00Z",
            Must::BeSequence => {
                "must be a position: 20 digits, zero-padded, from 1 to 9007199254740991"
            }
            Must::BeHash => "must be 32 bytes in base64url without padding",
            Must::BeClassification => "must be public, internal, confidential or restricted",
            Must::BeThisLogFormat => "must be 1",
            Must::BeThisSpecVersion => "must be 1.0",
            Must::BeASource => "must be urn:spean:<ministry>:<place>:<feed>",
            Must::BeBase64 => "must be standard base64 with padding",
            Must::BeText => "must be text in quotes",
            Must::StandAlone => "must not stand beside data; send one of the two",
            Must::BeJson => {
                "must be application/json, or another type that ends with +json: the contract is one of JSON"
            }
        }
    }

    pub fn km(self) -> &'static str {
        match self {
            Must::NotBeEmpty => "មិនត្រូវទទេឡើយ",
            Must::BeShort => "ត្រូវមានយ៉ាងច្រើន ២៥៦ បៃ",
            Must::BePlain => "មិនត្រូវមានតួអក្សរបញ្ជាទេ",
            Must::BeLegible => "មិនត្រូវមានតួអក្សរមើលមិនឃើញ ដូចជា U+200B ឬ U+202E ទេ",
            Must::BeNormal => "ត្រូវជាទម្រង់ NFC របស់ Unicode",
            Must::BeUri => "ត្រូវជា URI ពេញលេញ",
            Must::BeTime => "ត្រូវជាវិនាទីគត់ក្នុងម៉ោង UTC ដូចជា 2026-09-30T08:00:00Z",
            Must::BeSequence => "ត្រូវជាលេខទីតាំង ២០ ខ្ទង់ ចាប់ពី 1 ដល់ 9007199254740991",
            Must::BeHash => "ត្រូវជា ៣២ បៃ ក្នុង base64url",
            Must::BeClassification => "ត្រូវជា public, internal, confidential ឬ restricted",
            Must::BeThisLogFormat => "ត្រូវជា 1",
            Must::BeThisSpecVersion => "ត្រូវជា 1.0",
            Must::BeASource => "ត្រូវជា urn:spean:<ministry>:<place>:<feed>",
            Must::BeBase64 => "ត្រូវជា base64 ស្តង់ដារ",
            Must::BeText => "ត្រូវជាអក្សរក្នុងសញ្ញាសម្រង់",
            Must::StandAlone => "មិនត្រូវនៅជាមួយ data ទេ សូមផ្ញើតែមួយ",
            Must::BeJson => "ត្រូវជា application/json ឬប្រភេទដែលបញ្ចប់ដោយ +json",
        }
    }
}

fn fault(attribute: &'static str, must: Must) -> AttributeFault {
    AttributeFault { attribute, must }
}

impl Event {
    /// # Errors
    /// Every attribute that is not well formed.
    pub fn new(
        log: LogName,
        core: Core,
        recorded_time: Timestamp,
    ) -> Result<Event, Vec<AttributeFault>> {
        let mut faults = Vec::new();
        text("id", Some(&core.id), &mut faults);
        text("type", Some(&core.event_type), &mut faults);
        text("subject", core.subject.as_deref(), &mut faults);
        text(
            "datacontenttype",
            Some(&core.data_content_type),
            &mut faults,
        );
        text("dataschema", Some(&core.data_schema), &mut faults);
        text("causationid", core.causation_id.as_deref(), &mut faults);
        if !core.data_schema.contains("://") {
            faults.push(fault("dataschema", Must::BeUri));
        }
        if faults.is_empty() {
            Ok(Event {
                log,
                core,
                recorded_time,
            })
        } else {
            Err(faults)
        }
    }

    /// What is asked of an event that joins its log, and not of one that stands there: its texts read as they stand, and stand in one form.
    ///
    /// # Errors
    /// Every attribute that does not.
    pub fn fit_to_join(&self) -> Result<(), Vec<AttributeFault>> {
        let core = &self.core;
        let texts = [
            ("id", Some(&core.id)),
            ("subject", core.subject.as_ref()),
            ("causationid", core.causation_id.as_ref()),
        ];
        let faults = texts
            .into_iter()
            .filter_map(|(name, value)| Some(fault(name, legible(value?).err()?)));
        let faults: Vec<AttributeFault> = faults.collect();
        match faults.is_empty() {
            true => Ok(()),
            false => Err(faults),
        }
    }

    pub fn log(&self) -> &LogName {
        &self.log
    }

    pub fn core(&self) -> &Core {
        &self.core
    }

    pub fn id(&self) -> &str {
        &self.core.id
    }

    pub fn data(&self) -> &Bytes {
        &self.core.data
    }

    /// The same but for its data, which no other attribute depends on.
    pub(crate) fn without_data(&self) -> Event {
        let mut bare = self.clone();
        bare.core.data = Bytes::new();
        bare
    }

    /// When the office accepted it, by the office's clock.
    pub fn recorded_time(&self) -> Timestamp {
        self.recorded_time
    }

    /// What the office's clock wrote is written by another one; what its submitter wrote stays. Only before it is signed.
    pub fn recorded_anew(mut self, now: Timestamp) -> Event {
        if self.core.time == self.recorded_time {
            self.core.time = now;
        }
        self.recorded_time = now;
        self
    }
}

/// Whom the data may reach (CloudEvents data classification extension).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Classification {
    Public,
    Internal,
    Confidential,
    Restricted,
}

impl Classification {
    pub fn as_str(self) -> &'static str {
        match self {
            Classification::Public => "public",
            Classification::Internal => "internal",
            Classification::Confidential => "confidential",
            Classification::Restricted => "restricted",
        }
    }
}

impl FromStr for Classification {
    type Err = AttributeFault;

    fn from_str(text: &str) -> Result<Classification, AttributeFault> {
        match text {
            "public" => Ok(Classification::Public),
            "internal" => Ok(Classification::Internal),
            "confidential" => Ok(Classification::Confidential),
            "restricted" => Ok(Classification::Restricted),
            _ => Err(fault("dataclassification", Must::BeClassification)),
        }
    }
}

/// A place in a log: 1, 2, 3 ... without gaps, up to [`POSITION_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(NonZeroU64);

impl Position {
    pub const FIRST: Position = Position(NonZeroU64::MIN);

    /// None for 0 and for what lies behind a log's last position.
    pub fn new(number: u64) -> Option<Position> {
        let fits = |number: &NonZeroU64| number.get() <= POSITION_MAX;
        NonZeroU64::new(number).filter(fits).map(Position)
    }

    /// The one behind it; None behind the last.
    pub fn next(self) -> Option<Position> {
        Position::new(self.number().saturating_add(1))
    }

    /// The one before it; None before the first.
    pub fn before(self) -> Option<Position> {
        Position::new(self.number().saturating_sub(1))
    }

    pub fn number(self) -> u64 {
        self.0.get()
    }

    /// The `sequence` attribute: 20 digits, zero-padded.
    pub fn sequence(self) -> String {
        format!("{:020}", self.0)
    }

    /// Reads a `sequence` attribute; any other form than 20 digits is none.
    pub fn from_sequence(text: &str) -> Option<Position> {
        let digits = text.len() == 20 && text.bytes().all(|b| b.is_ascii_digit());
        Position::new(digits.then(|| text.parse().ok())??)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = AttributeFault;

    /// Plain decimal, no sign, no leading zero: one position has one subject.
    fn from_str(text: &str) -> Result<Position, AttributeFault> {
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        plain
            .then(|| text.parse().ok().and_then(Position::new))
            .flatten()
            .ok_or(fault("position", Must::BeSequence))
    }
}

/// SHA-256. Of an event: of its decoded `dssematerial` bytes, which is what the next event's `prevhash` says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    pub fn of(bytes: &[u8]) -> Hash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Hash(hash)
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Hash {
        Hash(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = AttributeFault;

    fn from_str(text: &str) -> Result<Hash, AttributeFault> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Hash)
            .ok_or(fault("prevhash", Must::BeHash))
    }
}
