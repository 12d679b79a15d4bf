//! Names: a string comes in, a feed, an office or a log that cannot be misspelt goes out.
//! One log has three names (subject on the bus, `source` of its events, words for people), all made here.
//! Nothing here knows whether such an office or feed exists: that is the registry's.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Position;
use crate::limits::TOKEN_BYTES_MAX;

/// What every office's name in its certificate begins with, before `<ministry>/<place>`.
pub const OFFICE_URI: &str = "spiffe://spean.gov.kh/office/";

/// Why a string is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    #[error("{0:?} is no name: 1 to {TOKEN_BYTES_MAX} characters of a-z, 0-9 and - are")]
    Token(String),
    #[error("{0:?} is no office: write it as ministry/place, such as moh/siem-reap")]
    Office(String),
    #[error("{0:?} is no log: its source is urn:spean:<ministry>:<place>:<feed>")]
    Source(String),
    #[error("{0:?} is no subject of a log")]
    Subject(String),
    #[error("{0:?} is no subject of confirmations")]
    ConfirmSubject(String),
}

fn token(text: &str) -> Result<&str, NameFault> {
    let fits = (1..=TOKEN_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    fits.then_some(text)
        .ok_or_else(|| NameFault::Token(text.chars().take(64).collect()))
}

/// The name of a feed: one token, and the name of its stream on the bus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FeedName(Arc<str>);

impl FeedName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An office: a place of a ministry, written `moh/siem-reap`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OfficeId {
    ministry: Arc<str>,
    place: Arc<str>,
}

impl OfficeId {
    pub fn new(ministry: &str, place: &str) -> Result<OfficeId, NameFault> {
        Ok(OfficeId {
            ministry: token(ministry)?.into(),
            place: token(place)?.into(),
        })
    }

    /// The ministry's code, such as `moh`.
    pub fn ministry(&self) -> &str {
        &self.ministry
    }

    /// The place within the ministry, such as `siem-reap` or `hq`.
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// A log: the events of one office on one feed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName {
    pub feed: FeedName,
    pub office: OfficeId,
}

impl LogName {
    /// The subject on which the log's events are appended.
    pub fn subject(&self) -> String {
        let LogName { feed, office } = self;
        format!("spean.log.{feed}.{}.{}", office.ministry, office.place)
    }

    /// The CloudEvents `source` of every event of the log.
    pub fn source(&self) -> String {
        let LogName { feed, office } = self;
        format!("urn:spean:{}:{}:{feed}", office.ministry, office.place)
    }

    /// Reads a `source` back.
    ///
    /// # Errors
    /// `NameFault::Source`, or the token that is none.
    pub fn from_source(source: &str) -> Result<LogName, NameFault> {
        let parts: Vec<&str> = source.splitn(6, ':').collect();
        match parts[..] {
            ["urn", "spean", ministry, place, feed] => Ok(LogName {
                feed: feed.parse()?,
                office: OfficeId::new(ministry, place)?,
            }),
            _ => Err(NameFault::Source(source.chars().take(128).collect())),
        }
    }
}

/// The subjects that belong to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSubject {
    /// Appends: `spean.log.<feed>.<ministry>.<office>`.
    Log(LogName),
    /// A lost position put back: `<log>.<position>`.
    Refill(LogName, Position),
    /// Gap declarations: `<log>.gap`.
    Gap(LogName),
}

impl LogSubject {
    pub fn log(&self) -> &LogName {
        match self {
            LogSubject::Log(log) | LogSubject::Refill(log, _) | LogSubject::Gap(log) => log,
        }
    }
}

impl fmt::Display for LogSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogSubject::Log(log) => f.write_str(&log.subject()),
            LogSubject::Refill(log, position) => write!(f, "{}.{position}", log.subject()),
            LogSubject::Gap(log) => write!(f, "{}.gap", log.subject()),
        }
    }
}

impl FromStr for LogSubject {
    type Err = NameFault;

    fn from_str(subject: &str) -> Result<LogSubject, NameFault> {
        let none = || NameFault::Subject(subject.chars().take(128).collect());
        let parts: Vec<&str> = subject.splitn(7, '.').collect();
        let ["spean", "log", feed, ministry, place, ref rest @ ..] = parts[..] else {
            return Err(none());
        };
        let log = LogName {
            feed: feed.parse()?,
            office: OfficeId::new(ministry, place)?,
        };
        match rest {
            [] => Ok(LogSubject::Log(log)),
            ["gap"] => Ok(LogSubject::Gap(log)),
            [position] => match position.parse() {
                Ok(position) => Ok(LogSubject::Refill(log, position)),
                Err(_) => Err(none()),
            },
            _ => Err(none()),
        }
    }
}

/// The stream of confirmations. No feed has its name.
pub const CONFIRMATIONS: &str = "confirmations";

/// Its name where a stream is asked for by its feed's.
pub fn confirmations() -> FeedName {
    FeedName(CONFIRMATIONS.into())
}

/// Where a reader confirms how much of a log it holds: `spean.confirm.<reader>.<feed>.<office>`, each office two tokens. Only
/// the newest is kept on each, and the log's office asks for `spean.confirm.*.*.<feed>.<office>` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmSubject {
    pub reader: OfficeId,
    pub log: LogName,
}

impl ConfirmSubject {
    /// What every reader says of a log.
    pub fn filter(log: &LogName) -> String {
        let LogName { feed, office } = log;
        format!(
            "spean.confirm.*.*.{feed}.{}.{}",
            office.ministry, office.place
        )
    }
}

impl fmt::Display for ConfirmSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConfirmSubject { reader, log } = self;
        let LogName { feed, office } = log;
        write!(
            f,
            "spean.confirm.{}.{}.{feed}.{}.{}",
            reader.ministry, reader.place, office.ministry, office.place
        )
    }
}

impl FromStr for ConfirmSubject {
    type Err = NameFault;

    fn from_str(subject: &str) -> Result<ConfirmSubject, NameFault> {
        let parts: Vec<&str> = subject.splitn(8, '.').collect();
        let ["spean", "confirm", reader, at, feed, ministry, place] = parts[..] else {
            return Err(NameFault::ConfirmSubject(
                subject.chars().take(128).collect(),
            ));
        };
        Ok(ConfirmSubject {
            reader: OfficeId::new(reader, at)?,
            log: LogName {
                feed: feed.parse()?,
                office: OfficeId::new(ministry, place)?,
            },
        })
    }
}

impl fmt::Display for LogName {
    /// In words: `moh/siem-reap health-quarterly`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.office, self.feed)
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FeedName {
    type Err = NameFault;

    fn from_str(text: &str) -> Result<FeedName, NameFault> {
        Ok(FeedName(token(text)?.into()))
    }
}

impl TryFrom<String> for FeedName {
    type Error = NameFault;

    fn try_from(text: String) -> Result<FeedName, NameFault> {
        text.parse()
    }
}

impl From<FeedName> for String {
    fn from(feed: FeedName) -> String {
        feed.to_string()
    }
}

impl fmt::Display for OfficeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ministry, self.place)
    }
}

impl FromStr for OfficeId {
    type Err = NameFault;

    fn from_str(text: &str) -> Result<OfficeId, NameFault> {
        match text.split_once('/') {
            Some((ministry, place)) => OfficeId::new(ministry, place),
            None => Err(NameFault::Office(text.chars().take(64).collect())),
        }
    }
}

impl TryFrom<String> for OfficeId {
    type Error = NameFault;

    fn try_from(text: String) -> Result<OfficeId, NameFault> {
        text.parse()
    }
}

impl From<OfficeId> for String {
    fn from(office: OfficeId) -> String {
        office.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> LogName {
        LogName {
            feed: "health-quarterly".parse().expect("a token"),
            office: "moh/siem-reap".parse().expect("an office"),
        }
    }

    #[test]
    fn a_log_has_one_subject_and_one_source_and_both_read_back() {
        assert_eq!(log().subject(), "spean.log.health-quarterly.moh.siem-reap");
        assert_eq!(log().source(), "urn:spean:moh:siem-reap:health-quarterly");
        assert_eq!(LogName::from_source(&log().source()), Ok(log()));
        for subject in [
            LogSubject::Log(log()),
            LogSubject::Gap(log()),
            LogSubject::Refill(log(), Position::FIRST),
        ] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        let confirmed = ConfirmSubject {
            reader: "moh/hq".parse().expect("an office"),
            log: log(),
        };
        let subject = "spean.confirm.moh.hq.health-quarterly.moh.siem-reap";
        assert_eq!(confirmed.to_string(), subject);
        assert_eq!(subject.parse(), Ok(confirmed));
        assert_eq!(
            ConfirmSubject::filter(&log()),
            "spean.confirm.*.*.health-quarterly.moh.siem-reap"
        );
        for other in [
            "spean.confirm.moh.hq",
            "spean.confirm.*.*.a.b.c",
            &format!("{subject}.x"),
        ] {
            assert!(other.parse::<ConfirmSubject>().is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_taken_for_one() {
        for office in [
            "moh", "moh/", "/hq", "moh/hq/x", "MOH/hq", "moh/h q", "moh/*",
        ] {
            assert!(office.parse::<OfficeId>().is_err(), "{office}");
        }
        for subject in [
            "spean.log.health-quarterly.moh",
            "spean.log.health-quarterly.moh.siem-reap.0",
            "spean.log.health-quarterly.moh.siem-reap.01",
            "spean.log.health-quarterly.moh.siem-reap.+1",
            "spean.log.health-quarterly.moh.siem-reap.1.2",
            "spean.log.*.moh.siem-reap",
            "spean.log.health-quarterly.moh.>",
        ] {
            assert!(subject.parse::<LogSubject>().is_err(), "{subject}");
        }
    }
}
