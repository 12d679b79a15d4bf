//! An office and what it asks for come in, a permit goes out: the only place where permits are made. A permit carries the
//! registry that it was made by, so that whatever follows is judged by the same rules.

use std::sync::Arc;

use schemas::refusal::{Detail, Hold, Refusal};
use schemas::registry::{Denied, Registry, Rule};
use schemas::subject::{FeedName, LogName};

use crate::peer::Peer;
use crate::refuse::No;

/// This office may append to this log.
#[derive(Debug, Clone)]
pub struct PublishPermit {
    log: LogName,
    registry: Arc<Registry>,
}

impl PublishPermit {
    pub fn log(&self) -> &LogName {
        &self.log
    }

    /// What the permit was made by, and what the events are to be judged by.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }
}

/// This office may read these logs of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRight {
    feed: FeedName,
}

impl ReadRight {
    pub fn feed(&self) -> &FeedName {
        &self.feed
    }
}

/// How much of a feed is asked for. Rights know no more than these two: a grant opens all logs of a feed, and every office
/// has its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Feed(FeedName),
    Log(LogName),
}

impl Scope {
    pub fn feed(&self) -> &FeedName {
        match self {
            Scope::Feed(feed) => feed,
            Scope::Log(log) => &log.feed,
        }
    }
}

/// # Errors
/// Another's log is refused; what the registry does not know, or does not grant yet, is held.
pub fn publish(registry: &Arc<Registry>, peer: &Peer, log: LogName) -> Result<PublishPermit, No> {
    if log.office != *peer.office() {
        return Err(No::Refused(Refusal::NotYourLog));
    }
    registry
        .may_publish(peer.office(), &log.feed)
        .map_err(Hold::from)?;
    Ok(PublishPermit {
        log,
        registry: registry.clone(),
    })
}

/// # Errors
/// An unknown office or feed is held; what no rule grants is refused, with the filter that would be granted.
pub fn read(registry: &Registry, peer: &Peer, scope: &Scope) -> Result<ReadRight, No> {
    let forbidden = || Refusal::RequestForbidden(own_log_only(peer, scope.feed())).into();
    let log = match scope {
        Scope::Feed(feed) => own_log(peer, feed),
        Scope::Log(log) => log.clone(),
    };
    match (registry.may_read(peer.office(), &log), scope) {
        (Ok(Rule::Grant(_)), _) | (Ok(Rule::OwnLog), Scope::Log(_)) => Ok(ReadRight {
            feed: scope.feed().clone(),
        }),
        // What opens the own log alone does not open the feed.
        (Ok(Rule::OwnLog), Scope::Feed(_)) | (Err(Denied::NoGrant { .. }), _) => Err(forbidden()),
        (Err(denied @ (Denied::OfficeUnknown(_) | Denied::FeedUnknown(_))), _) => {
            Err(Hold::from(denied).into())
        }
    }
}

/// The feeds of which the office may read at least its own log: those that it reads or publishes on.
pub fn feeds_seen<'r>(registry: &'r Registry, peer: &Peer) -> Vec<&'r FeedName> {
    let office = peer.office();
    let mut feeds: Vec<&FeedName> = registry
        .readable_feeds(office)
        .into_iter()
        .chain(registry.publishable_feeds(office))
        .map(|feed| &feed.name)
        .collect();
    feeds.sort();
    feeds.dedup();
    feeds
}

/// Which events may be delivered to an office now. Asked of every delivery: a consumer that was made with a right delivers on
/// after the right has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRights {
    feeds: Vec<String>,
    /// What follows the feed in the subjects of the office's own logs.
    own: String,
}

impl DeliveryRights {
    pub fn of(registry: &Registry, peer: &Peer) -> DeliveryRights {
        let feeds = registry.readable_feeds(peer.office()).into_iter();
        DeliveryRights {
            feeds: feeds.map(|feed| feed.name.to_string()).collect(),
            own: format!("{}.{}", peer.office().ministry(), peer.office().place()),
        }
    }

    /// Answers to requests come on the office's own inbox and were judged as requests; events come on their log's subject.
    pub fn open(&self, subject: &[u8]) -> bool {
        let Some(rest) = subject.strip_prefix(b"spean.log.".as_slice()) else {
            return true;
        };
        let feed_bytes = rest
            .iter()
            .position(|byte| *byte == b'.')
            .unwrap_or(rest.len());
        let (feed, log) = rest.split_at(feed_bytes);
        let tail = log
            .strip_prefix(b".")
            .and_then(|log| log.strip_prefix(self.own.as_bytes()));
        let own = tail.is_some_and(|tail| tail.is_empty() || tail.starts_with(b"."));
        own || self
            .feeds
            .iter()
            .any(|readable| readable.as_bytes() == feed)
    }
}

fn own_log(peer: &Peer, feed: &FeedName) -> LogName {
    LogName {
        feed: feed.clone(),
        office: peer.office().clone(),
    }
}

fn own_log_only(peer: &Peer, feed: &FeedName) -> Detail {
    let subject = own_log(peer, feed).subject();
    Detail::new(
        "filter_subject",
        format!("no rule lets {peer} read all of {feed}; ask for {subject} and {subject}.* alone"),
        format!("គ្មានច្បាប់អនុញ្ញាតឱ្យ {peer} អាន {feed} ទាំងអស់ទេ សូមសុំតែ {subject} និង {subject}.*"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn log(text: &str) -> LogName {
        LogName::from_source(text).expect("a source")
    }

    #[test]
    fn an_office_appends_to_its_own_logs_where_a_grant_says_so() {
        let registry = fixtures::registry();
        let peer = fixtures::peer("moh/siem-reap");
        let publish =
            |source| publish(&registry, &peer, log(source)).map(|permit| permit.log().clone());
        let own = "urn:spean:moh:siem-reap:health-quarterly";
        assert_eq!(publish(own), Ok(log(own)));
        for (source, no) in [
            (
                "urn:spean:moh:hq:health-quarterly",
                No::Refused(Refusal::NotYourLog),
            ),
            (
                "urn:spean:moh:siem-reap:market-prices",
                No::Held(Hold::GrantUnknown),
            ),
            (
                "urn:spean:moh:siem-reap:school-terms",
                No::Held(Hold::FeedUnknown),
            ),
        ] {
            assert_eq!(publish(source), Err(no), "{source}");
        }
        let stranger = fixtures::peer("moh/takeo");
        let theirs = log("urn:spean:moh:takeo:health-quarterly");
        assert_eq!(
            super::publish(&registry, &stranger, theirs).map(|_| ()),
            Err(No::Held(Hold::OfficeUnknown))
        );
    }

    #[test]
    fn deliveries_stay_inside_what_may_be_read_now() {
        let rights = |office| DeliveryRights::of(&fixtures::registry(), &fixtures::peer(office));
        let (province, headquarters) = (rights("moh/siem-reap"), rights("moh/hq"));
        let cases: [(&[u8], bool, bool); 7] = [
            (b"spean.log.health-quarterly.moh.siem-reap", true, true),
            (b"spean.log.health-quarterly.moh.siem-reap.7", true, true),
            (b"spean.log.health-quarterly.moh.siem-reapx", false, true),
            (b"spean.log.health-quarterly.moh.battambang", false, true),
            (b"spean.log.labour-returns.mlvt.hq", false, false),
            (b"spean.log.", false, false),
            (b"_INBOX.moh.siem-reap.x", true, true),
        ];
        for (subject, for_province, for_headquarters) in cases {
            let text = String::from_utf8_lossy(subject);
            assert_eq!(province.open(subject), for_province, "{text}");
            assert_eq!(headquarters.open(subject), for_headquarters, "{text}");
        }
    }
}
