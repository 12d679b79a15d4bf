//! What a feed's stream counts, log by log: the gateway's short answer comes in, counts go out. What was told before is not sent
//! again; a session remembers it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::alarm::Alarm;
use schemas::code::CodeName;
use schemas::heal::{COUNTS_PREFIX, CountsQuestion, FeedCounts, LogCount};
use schemas::json;
use schemas::subject::{FeedName, OfficeId};
use serde::Deserialize;

use super::api::NoAnswer;
use super::limits::REQUEST_TIME;
use super::session::Session;

/// Counts, and the stream's last sequence when they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub logs: BTreeMap<OfficeId, LogCount>,
    pub last_sequence: u64,
}

impl Counts {
    pub fn get(&self, office: &OfficeId) -> Option<&LogCount> {
        self.logs.get(office)
    }
}

/// What was told of each feed in this session.
#[derive(Default)]
pub(super) struct Told(Mutex<BTreeMap<FeedName, Tagged>>);

/// What a feed counted, and the gateway's tag for it.
#[derive(Clone)]
struct Tagged {
    tag: String,
    logs: BTreeMap<OfficeId, LogCount>,
}

impl Told {
    fn all(&self) -> MutexGuard<'_, BTreeMap<FeedName, Tagged>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Failure {
    spean: Option<Spean>,
}

#[derive(Deserialize)]
struct Spean {
    code: String,
    #[serde(default)]
    en: String,
}

impl Session {
    /// How many messages the stream counts for each log that may be read.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn feed_counts(&self, feed: &FeedName) -> Result<Counts, NoAnswer> {
        let known = self.counts().all().get(feed).cloned();
        let tag = known.as_ref().map(|known| known.tag.clone());
        let question = json::text(&CountsQuestion { known: tag });
        let subject = format!("{COUNTS_PREFIX}{feed}");
        let answer = self
            .request(&subject, question.into(), REQUEST_TIME)
            .await?;
        let FeedCounts { tag, last, logs } = read(&answer.payload)?;
        let logs = match (logs, known) {
            (Some(logs), _) => logs,
            (None, Some(known)) => known.logs,
            (None, None) => return Err(unreadable(&answer.payload)),
        };
        let tagged = Tagged {
            tag,
            logs: logs.clone(),
        };
        self.counts().all().insert(feed.clone(), tagged);
        Ok(Counts {
            logs,
            last_sequence: last,
        })
    }
}

fn read(payload: &[u8]) -> Result<FeedCounts, NoAnswer> {
    if let Ok(Failure {
        spean: Some(Spean { code, en }),
    }) = serde_json::from_slice(payload)
    {
        return Err(NoAnswer::Held {
            code: CodeName::read(&code),
            text: en,
        });
    }
    serde_json::from_slice(payload).map_err(|_| unreadable(payload))
}

fn unreadable(payload: &[u8]) -> NoAnswer {
    NoAnswer::Held {
        code: Alarm::AnswerUnreadable.into(),
        text: String::from_utf8_lossy(payload).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_apart_from_a_no() {
        let counts = br#"{"tag":"t","last":9,"logs":{"moh/hq":{"n":7,"r":[[2,3]]}}}"#;
        let read_counts = read(counts).expect("counts");
        assert_eq!(read_counts.logs.expect("some").len(), 1);
        let no =
            br#"{"error":{"code":503},"spean":{"answer":"held","code":"feed-unknown","en":"no"}}"#;
        assert!(matches!(read(no), Err(NoAnswer::Held { code, .. }) if code == "feed-unknown"));
        assert!(read(b"[]").is_err());
    }
}
