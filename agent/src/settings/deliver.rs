//! Where what arrives is delivered: one `[[deliver]]` table comes in, a named target and its feed go out, and how long it is waited for. A target that is to be asked
//! for leave first is named with the origin under which it is asked. No two targets have one name: what was delivered is remembered by it.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use schemas::subject::FeedName;

use super::Folder;
use super::reader::Reader;
use crate::deliver::limits::{
    PATIENCE_FIRST, PATIENCE_LONGEST, RETRY_LONGEST, RETRY_LONGEST_MAX, TOLD_AFTER, TOLD_AFTER_MAX,
};

/// Characters of a target's name: it is a folder's name, too.
const NAME_MAX: usize = 64;

/// Where what arrives on a feed is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliver {
    /// What was delivered is remembered under it, and under nothing else of the settings.
    pub name: TargetName,
    pub feed: FeedName,
    pub to: DeliverTo,
    pub waits: Waits,
}

/// How long a target is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For a webhook's answer, at first; and how long an event that got none rests.
    pub answer: Duration,
    /// Between two tries of what is not taken, at most.
    pub retry_longest: Duration,
    /// Until what is not taken is an alarm.
    pub told_after: Duration,
}

impl Waits {
    /// Where no setting says otherwise.
    pub const USUAL: Waits = Waits {
        answer: PATIENCE_FIRST,
        retry_longest: RETRY_LONGEST,
        told_after: TOLD_AFTER,
    };
}

/// The name of a target: small letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(String);

impl TargetName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a target is called that has no name in the settings.
    pub fn usual(feed: &FeedName, to: &DeliverTo) -> TargetName {
        let kind = match to {
            DeliverTo::Webhook { .. } => "webhook",
            DeliverTo::File(_) => "file",
        };
        TargetName(format!("{feed}-{kind}"))
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TargetName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<TargetName, &'static str> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let named = (1..=NAME_MAX).contains(&text.len())
            && text.bytes().all(plain)
            && !text.starts_with('-');
        named
            .then(|| TargetName(text.to_owned()))
            .ok_or("must be 1 to 64 small letters, digits and hyphens, such as \"prices-desk\"")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliverTo {
    /// CloudEvents over HTTP.
    Webhook {
        url: String,
        /// None: whoever set the address has seen to it that it wants them.
        leave: Option<AskLeave>,
    },
    /// One structured event a line.
    File(PathBuf),
}

/// The target is asked before anything is sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskLeave {
    pub origin: Origin,
    /// Deliveries a minute that are asked for.
    pub rate: Option<NonZeroU32>,
}

/// A DNS name for the system that delivers, not for one machine of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Origin, &'static str> {
        let plain = |label: &str| {
            let letters = label.bytes();
            (1..=63).contains(&label.len())
                && letters
                    .into_iter()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let name = text.len() <= 253 && text.split('.').all(plain);
        name.then(|| Origin(text.to_ascii_lowercase()))
            .ok_or("must be a DNS name such as \"spean.moh.gov.kh\"")
    }
}

pub(super) fn read(deliver: &mut Reader<'_>, folder: &Folder) -> Option<Deliver> {
    let feed = deliver.parsed("feed");
    if feed.is_none() {
        deliver.missing("feed", "the feed to deliver");
    }
    let name: Option<TargetName> = deliver.parsed("name");
    let leave = leave(deliver);
    let answer = seconds(deliver, "answer_time_s", PATIENCE_LONGEST);
    let retry_longest = seconds(deliver, "retry_longest_s", RETRY_LONGEST_MAX);
    let told_after = seconds(deliver, "told_after_s", TOLD_AFTER_MAX);
    let to = match (deliver.text("webhook"), deliver.text("file")) {
        (Some(url), None) if url.starts_with("http://") || url.starts_with("https://") => {
            Some(DeliverTo::Webhook { url, leave })
        }
        (Some(_), None) => {
            deliver.mistake("webhook", "must begin with http:// or https://");
            None
        }
        (None, Some(_)) if leave.is_some() => {
            deliver.mistake("origin", "goes with webhook: a file gives no leave");
            None
        }
        (None, Some(_)) if answer.is_some() => {
            deliver.mistake("answer_time_s", "goes with webhook: a file answers nothing");
            None
        }
        (None, Some(file)) => Some(DeliverTo::File(folder.0.join(file))),
        (None, None) | (Some(_), Some(_)) => {
            deliver.mistake("", "needs either webhook or file");
            None
        }
    };
    let (feed, to) = (feed?, to?);
    Some(Deliver {
        name: name.unwrap_or_else(|| TargetName::usual(&feed, &to)),
        feed,
        to,
        waits: Waits {
            answer: answer.unwrap_or(Waits::USUAL.answer),
            retry_longest: retry_longest.unwrap_or(Waits::USUAL.retry_longest),
            told_after: told_after.unwrap_or(Waits::USUAL.told_after),
        },
    })
}

fn seconds(deliver: &mut Reader<'_>, key: &str, most: Duration) -> Option<Duration> {
    let number = deliver.number(key)?;
    let most = most.as_secs();
    if !(1..=most).contains(&number) {
        deliver.mistake(key, format!("must be 1 to {most} seconds"));
        return None;
    }
    Some(Duration::from_secs(number))
}

/// Says of each name that was given before that it was.
pub(super) fn check_names(top: &mut Reader<'_>, all: &[Option<Deliver>]) {
    let mut names = BTreeSet::new();
    for (index, deliver) in all.iter().enumerate() {
        let Some(Deliver { name, .. }) = deliver else {
            continue;
        };
        if !names.insert(name) {
            let what = format!(
                "{name:?} is another target's, too: what was delivered is remembered by this name, so give each one of its own",
                name = name.as_str()
            );
            top.mistake(&format!("deliver[{}].name", index + 1), what);
        }
    }
}

fn leave(deliver: &mut Reader<'_>) -> Option<AskLeave> {
    let origin = deliver.parsed("origin");
    let rate = deliver.number("rate_per_minute").map(|number| {
        let rate = u32::try_from(number).ok().and_then(NonZeroU32::new);
        if rate.is_none() {
            deliver.mistake(
                "rate_per_minute",
                "must be a number of deliveries, at least 1",
            );
        }
        rate
    });
    if rate.is_some() && origin.is_none() {
        deliver.missing(
            "origin",
            "the name under which rate_per_minute is asked for",
        );
    }
    Some(AskLeave {
        origin: origin?,
        rate: rate.flatten(),
    })
}
