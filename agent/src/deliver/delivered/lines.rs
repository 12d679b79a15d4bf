//! The lines in which it is written down what was delivered: an entry comes in, a line behind its checksum goes out, and back. A line that was
//! changed or torn is none. What lines say of each other is not asked here.

use schemas::event::Hash;
use schemas::heal::Ranges;
use schemas::subject::{FeedName, LogName};
use serde::{Deserialize, Serialize};

/// The form of these lines. A newer one is left as it is.
pub const FORMAT: u32 = 2;

/// One line: what it says, and its number among all that were ever written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub n: u64,
    #[serde(flatten)]
    pub entry: Entry,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Entry {
    /// The first line of a file.
    Begin(Begin),
    /// A target, and where it stood in the settings when it was last seen there.
    Target {
        target: String,
        feed: FeedName,
        to: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<FileSeen>,
    },
    Mark(Marked),
    /// What a person said.
    Order {
        target: String,
        order: Order,
    },
}

/// Whose deliveries a file tells, and how much of it was written as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    pub format: u32,
    pub authority: String,
    pub genesis: String,
    /// The number of the last line that these stand for.
    pub last: u64,
    /// Lines that stand behind this one from the beginning on.
    pub lines: u64,
}

/// How far a log is delivered to a target, and what was marked with that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    pub target: String,
    #[serde(rename = "source", with = "source")]
    pub log: LogName,
    /// 0 before the first.
    pub position: u64,
    /// Of the event there; None where nobody knows it.
    #[serde(default, with = "hash", skip_serializing_if = "Option::is_none")]
    pub hash: Option<Hash>,
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub passed_over: Ranges,
    /// What was marked, where it is another one than stands at the position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also: Option<Also>,
}

/// Another event that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Also {
    pub position: u64,
    #[serde(with = "whole_hash")]
    pub hash: Hash,
}

/// The file that a target wrote last, and how long it was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSeen {
    pub device: u64,
    pub inode: u64,
    pub bytes: u64,
}

impl FileSeen {
    pub fn is_same_file(&self, other: &FileSeen) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// What a person said of a delivery, who, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub at_ms: u64,
    pub by: String,
    pub why: String,
    #[serde(flatten)]
    pub what: Ordered,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "lowercase")]
pub enum Ordered {
    /// An event is not delivered.
    Skip {
        source: String,
        position: u64,
        id: String,
        hash: String,
    },
    /// What was delivered is delivered again: an event with those behind it, or what arrived from a number on.
    Again { from: String, logs: usize },
}

impl Marked {
    /// The events of which this says that they were delivered.
    pub fn events(&self) -> impl Iterator<Item = (u64, Hash)> {
        let head = self.hash.map(|hash| (self.position, hash));
        let also = self.also.map(|also| (also.position, also.hash));
        head.into_iter().chain(also)
    }
}

pub fn write(into: &mut Vec<u8>, line: &Line) {
    let text = serde_json::to_string(line).expect("a line is plain text");
    let checksum = crc32fast::hash(text.as_bytes());
    into.extend_from_slice(format!("{checksum:08x} {text}\n").as_bytes());
}

/// None for what is no line of these.
pub fn read(line: &[u8]) -> Option<Line> {
    serde_json::from_slice(checked(line)?).ok()
}

/// The format that a first line names, whatever else it says.
pub fn format_of(line: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Named {
        format: u32,
    }
    let named: Named = serde_json::from_slice(checked(line)?).ok()?;
    Some(named.format)
}

/// What stands behind a good checksum.
pub fn checked(line: &[u8]) -> Option<&[u8]> {
    let (checksum, line) = line.split_at_checked(9)?;
    let checksum = std::str::from_utf8(checksum).ok()?.trim_end();
    let checksum = u32::from_str_radix(checksum, 16).ok()?;
    (crc32fast::hash(line) == checksum).then_some(line)
}

/// The lines of the format before this one, by the spelling of a path or an address, and by position alone.
#[derive(Debug, Deserialize)]
pub struct OldLine {
    pub subscription: String,
    pub source: String,
    pub position: u64,
    #[serde(default)]
    pub passed_over: Ranges,
}

pub fn read_old(line: &[u8]) -> Option<OldLine> {
    serde_json::from_slice(checked(line)?).ok()
}

mod source {
    use schemas::subject::LogName;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(log: &LogName, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&log.source())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<LogName, D::Error> {
        let text = String::deserialize(from)?;
        LogName::from_source(&text).map_err(serde::de::Error::custom)
    }
}

mod whole_hash {
    use schemas::event::Hash;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(hash)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map_err(|_| serde::de::Error::custom("it is no hash"))
    }
}

mod hash {
    use schemas::event::Hash;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(hash: &Option<Hash>, to: S) -> Result<S::Ok, S::Error> {
        match hash {
            Some(hash) => to.collect_str(hash),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Hash>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse())
            .transpose()
            .map_err(|_| serde::de::Error::custom("it is no hash"))
    }
}
