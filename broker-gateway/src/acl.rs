//! An office and what it asks for come in, a permit goes out: the only place where permits are made. A permit carries the
//! registry that it was made by, so that whatever follows is judged by the same rules.

use std::sync::Arc;

use schemas::confirmation::{Confirmation, ConfirmationFault};
use schemas::refusal::{Detail, Hold, Refusal};
use schemas::registry::{Denied, Registry, Rule};
use schemas::subject::{ConfirmSubject, FeedName, LogName};

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

/// How much of a stream is asked for. Of a feed, rights know no more than two: a grant opens all logs of it, and every office
/// has its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Feed(FeedName),
    Log(LogName),
    /// What readers say of a log, in the stream of confirmations; or of none: the stream itself, with nothing in it.
    Confirmations {
        stream: FeedName,
        of: Option<LogName>,
    },
}

impl Scope {
    pub fn feed(&self) -> &FeedName {
        match self {
            Scope::Feed(feed) => feed,
            Scope::Log(log) => &log.feed,
            Scope::Confirmations { stream, .. } => stream,
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

/// A reader's own word about a log that it may read.
///
/// # Errors
/// What is no confirmation, or another's, is refused; what the registry does not know is held.
pub fn confirm(
    registry: &Registry,
    peer: &Peer,
    subject: &ConfirmSubject,
    body: &[u8],
) -> Result<Confirmation, No> {
    let read: Option<Confirmation> = serde_json::from_slice(body).ok();
    let confirmation = read.ok_or(Refusal::ConfirmationMalformed)?;
    if subject.reader != *peer.office() || confirmation.said().subject() != *subject {
        return Err(Refusal::ConfirmationNotYours.into());
    }
    match registry.may_read(peer.office(), &subject.log) {
        Ok(Rule::Grant(_) | Rule::OwnLog) => {}
        Err(Denied::NoGrant { .. }) => return Err(Refusal::ConfirmationNotYours.into()),
        Err(denied @ (Denied::OfficeUnknown(_) | Denied::FeedUnknown(_))) => {
            return Err(Hold::from(denied).into());
        }
    }
    match confirmation.verified(registry) {
        Ok(_) => Ok(confirmation),
        Err(ConfirmationFault::KeyUnknown(_)) => Err(Hold::KeyUnknown.into()),
        Err(ConfirmationFault::KeyNotTheirs | ConfirmationFault::Signature) => {
            Err(Refusal::ConfirmationNotYours.into())
        }
    }
}

/// # Errors
/// An unknown office or feed is held; what no rule grants is refused, with the filter that would be granted.
pub fn read(registry: &Registry, peer: &Peer, scope: &Scope) -> Result<ReadRight, No> {
    let forbidden = || Refusal::RequestForbidden(own_log_only(peer, scope.feed())).into();
    let log = match scope {
        Scope::Feed(feed) => own_log(peer, feed),
        Scope::Log(log) => log.clone(),
        Scope::Confirmations { of, .. } => {
            return read_confirmations(registry, peer, scope, of.as_ref());
        }
    };
    let may_read = registry.may_read(peer.office(), &log);
    let whole_feed = matches!(scope, Scope::Feed(_));
    match may_read {
        // What opens the own log alone does not open the feed.
        Ok(Rule::OwnLog) if whole_feed => Err(forbidden()),
        Ok(Rule::Grant(_) | Rule::OwnLog) => Ok(ReadRight {
            feed: scope.feed().clone(),
        }),
        Err(Denied::NoGrant { .. }) => Err(forbidden()),
        Err(denied @ (Denied::OfficeUnknown(_) | Denied::FeedUnknown(_))) => {
            Err(Hold::from(denied).into())
        }
    }
}

/// Who has read a log is its own office's to know.
fn read_confirmations(
    registry: &Registry,
    peer: &Peer,
    scope: &Scope,
    of: Option<&LogName>,
) -> Result<ReadRight, No> {
    if registry.office(peer.office()).is_none() {
        return Err(Hold::OfficeUnknown.into());
    }
    match of {
        Some(log) if log.office != *peer.office() => {
            let subject = ConfirmSubject::filter(&own_log(peer, &log.feed));
            Err(Refusal::RequestForbidden(Detail::new(
                "filter_subject",
                format!("an office sees who has read its own logs alone; ask for {subject}"),
                format!("ការិយាល័យមើលឃើញតែអ្នកអានកំណត់ហេតុរបស់ខ្លួន សូមសុំ {subject}"),
            ))
            .into())
        }
        Some(_) | None => Ok(ReadRight {
            feed: scope.feed().clone(),
        }),
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
    use schemas::confirmation::Said;
    use schemas::event::{Hash, Position, Timestamp};
    use schemas::signing::SigningKey;

    use super::*;
    use crate::fixtures;
    use crate::fixtures::pen::Pen;

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
    fn a_reader_confirms_in_its_own_name_what_it_may_read() {
        let pen = Pen::of("moh/hq", "KH12");
        let log = log("urn:spean:moh:siem-reap:health-quarterly");
        let said = |reader: &str, log: &LogName| Said {
            reader: reader.parse().expect("an office"),
            log: log.clone(),
            position: Position::FIRST,
            hash: Hash::of(b"event"),
            time: Timestamp::from_unix_seconds(1_790_000_000).expect("a time"),
        };
        let judged = |said: Said, at: &LogName, key: &SigningKey| {
            let subject = ConfirmSubject {
                reader: "moh/hq".parse().expect("an office"),
                log: at.clone(),
            };
            let body = Confirmation::sign(said, key).to_string();
            let peer = fixtures::peer("moh/hq");
            confirm(&pen.registry, &peer, &subject, body.as_bytes()).map(|_| ())
        };
        assert_eq!(judged(said("moh/hq", &log), &log, &pen.key), Ok(()));
        let not_yours = Err(No::Refused(Refusal::ConfirmationNotYours));
        let labour = super::tests::log("urn:spean:mlvt:hq:labour-returns");
        let own = super::tests::log("urn:spean:moh:hq:health-quarterly");
        for (said, at) in [
            (said("mef/hq", &log), &log),
            (said("moh/hq", &own), &log),
            (said("moh/hq", &labour), &labour),
        ] {
            assert_eq!(judged(said.clone(), at, &pen.key), not_yours, "{said:?}");
        }
        let (stranger, _) = SigningKey::generate().expect("a key");
        let unknown = Err(No::Held(Hold::KeyUnknown));
        assert_eq!(judged(said("moh/hq", &log), &log, &stranger), unknown);
        let subject = said("moh/hq", &log).subject();
        let peer = fixtures::peer("moh/hq");
        let changed = Confirmation::sign(said("moh/hq", &log), &pen.key)
            .to_string()
            .replace(r#""position":1"#, r#""position":2"#);
        let changed = confirm(&pen.registry, &peer, &subject, changed.as_bytes());
        assert_eq!(changed.map(|_| ()), not_yours);
        let malformed = confirm(&pen.registry, &peer, &subject, b"{}").map(|_| ());
        assert_eq!(malformed, Err(No::Refused(Refusal::ConfirmationMalformed)));
    }

    #[test]
    fn an_office_sees_who_has_read_its_own_logs_and_no_others() {
        let registry = fixtures::registry();
        let peer = fixtures::peer("moh/siem-reap");
        let stream: FeedName = schemas::subject::CONFIRMATIONS.parse().expect("a token");
        let of = |source| Scope::Confirmations {
            stream: stream.clone(),
            of: Some(log(source)),
        };
        let own = read(
            &registry,
            &peer,
            &of("urn:spean:moh:siem-reap:health-quarterly"),
        );
        assert!(own.is_ok());
        let others = read(&registry, &peer, &of("urn:spean:moh:hq:health-quarterly"));
        let others = others.expect_err("not its own");
        assert_eq!(others.code().name, "request-forbidden");
        let whole = read(&registry, &peer, &Scope::Feed(stream));
        assert_eq!(whole, Err(No::Held(Hold::FeedUnknown)));
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
