//! An office and what it asks for come in, a permit goes out: the only place where permits are made. A permit carries the
//! registry that it was made by, so that whatever follows is judged by the same rules.

use std::sync::Arc;

use schemas::confirmation::{Confirmation, ConfirmationFault, Evidence, EvidenceFault, Said};
use schemas::event::Position;
use schemas::heal::HEAL_PREFIX;
use schemas::refusal::{Detail, Hold, Refusal};
use schemas::registry::{Denied, Registry, Rule};
use schemas::subject::{ConfirmSubject, FeedName, LogName, OfficeId};

use crate::peer::Peer;
use crate::refuse::No;
use crate::seldom::seldom;

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

/// This office may bring back what the bus has lost of this log.
#[derive(Debug, Clone)]
pub struct HealPermit {
    log: LogName,
    position: Position,
    registry: Arc<Registry>,
}

impl HealPermit {
    pub fn log(&self) -> &LogName {
        &self.log
    }

    /// The position that its subject names.
    pub fn position(&self) -> Position {
        self.position
    }

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

/// This office may know what a feed's stream counts: of all logs, or of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountRight {
    feed: FeedName,
    own: Option<OfficeId>,
}

impl CountRight {
    pub fn feed(&self) -> &FeedName {
        &self.feed
    }

    pub fn covers(&self, office: &OfficeId) -> bool {
        self.own.as_ref().is_none_or(|own| own == office)
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

/// Whether a peer is let in, and may stay: asked at its arrival, and of every session with each further registry.
///
/// # Errors
/// The registry does not know the office, or has closed it, or the certificate was revoked.
pub fn enter(registry: &Registry, peer: &Peer) -> Result<(), Hold> {
    if registry.is_revoked(peer.serial()) {
        Err(Hold::CertificateRevoked)
    } else if registry.office(peer.office()).is_none() {
        Err(Hold::OfficeUnknown)
    } else if registry.is_closed(peer.office()) {
        Err(Hold::OfficeClosed)
    } else {
        Ok(())
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

/// A reader's own word about a log that it may read, and what it stands on.
#[derive(Debug, Clone)]
pub struct Confirmable {
    confirmation: Confirmation,
    signed_with: Option<String>,
}

impl Confirmable {
    pub fn confirmation(&self) -> &Confirmation {
        &self.confirmation
    }

    /// The key with which the log's office has signed what is confirmed; without one the word binds nobody.
    pub fn signed_with(&self) -> Option<&str> {
        self.signed_with.as_deref()
    }
}

/// Evidence that proves nothing is refused; a word without any is taken as what it is. An office confirms nothing of its own log: its
/// readers do, and its own word would have the writer look for what they have.
///
/// # Errors
/// What is no confirmation, or another's, is refused; what the registry does not know is held.
pub fn confirm(
    registry: &Registry,
    peer: &Peer,
    subject: &ConfirmSubject,
    body: &[u8],
    headers: &[u8],
) -> Result<Confirmable, No> {
    let read: Option<Confirmation> = serde_json::from_slice(body).ok();
    let confirmation = read.ok_or(Refusal::ConfirmationMalformed)?;
    let is_own = subject.log.office == *peer.office();
    if is_own || subject.reader != *peer.office() || confirmation.said().subject() != *subject {
        return Err(Refusal::ConfirmationNotYours.into());
    }
    match registry.may_read(peer.office(), &subject.log) {
        Ok(Rule::Grant(_) | Rule::OwnLog) => {}
        Err(Denied::NoGrant { .. }) => return Err(Refusal::ConfirmationNotYours.into()),
        Err(
            denied @ (Denied::OfficeUnknown(_) | Denied::OfficeClosed(_) | Denied::FeedUnknown(_)),
        ) => {
            return Err(Hold::from(denied).into());
        }
    }
    match confirmation.verified(registry) {
        Ok(said) => {
            let signed_with = evidence(registry, said, headers)?;
            Ok(Confirmable {
                confirmation,
                signed_with,
            })
        }
        Err(ConfirmationFault::KeyUnknown(_)) => Err(Hold::KeyUnknown.into()),
        Err(ConfirmationFault::KeyNotTheirs | ConfirmationFault::Signature) => {
            Err(Refusal::ConfirmationNotYours.into())
        }
    }
}

fn evidence(registry: &Registry, said: &Said, headers: &[u8]) -> Result<Option<String>, No> {
    let Some(brought) = Evidence::read(headers) else {
        return Ok(None);
    };
    let proved = brought.and_then(|evidence| evidence.proves(said, registry).map(str::to_owned));
    match proved {
        Ok(keyid) => Ok(Some(keyid)),
        Err(EvidenceFault::KeyUnknown(_)) => Err(Hold::KeyUnknown.into()),
        Err(
            fault @ (EvidenceFault::Unreadable
            | EvidenceFault::OtherEvent
            | EvidenceFault::KeyNotTheirs
            | EvidenceFault::Signature),
        ) => {
            let Said {
                reader,
                log,
                position,
                ..
            } = said;
            seldom!(error, reader, "confirmation-false", %reader, %log, %position, %fault, "a false confirmation");
            Err(Refusal::ConfirmationUnproved.into())
        }
    }
}

/// Whoever may read a log may refill it; what it brings is judged by what it links to.
///
/// # Errors
/// As for [`read`].
pub fn refill(
    registry: &Arc<Registry>,
    peer: &Peer,
    log: LogName,
    position: Position,
) -> Result<HealPermit, No> {
    read(registry, peer, &Scope::Log(log.clone()))?;
    Ok(HealPermit {
        log,
        position,
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
        Err(
            denied @ (Denied::OfficeUnknown(_) | Denied::OfficeClosed(_) | Denied::FeedUnknown(_)),
        ) => Err(Hold::from(denied).into()),
    }
}

/// Who has read a log is its own office's to know.
fn read_confirmations(
    registry: &Registry,
    peer: &Peer,
    scope: &Scope,
    of: Option<&LogName>,
) -> Result<ReadRight, No> {
    enter(registry, peer)?;
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

/// # Errors
/// As for [`read`], of the office's own log.
pub fn count(registry: &Registry, peer: &Peer, feed: FeedName) -> Result<CountRight, No> {
    if read(registry, peer, &Scope::Feed(feed.clone())).is_ok() {
        return Ok(CountRight { feed, own: None });
    }
    read(registry, peer, &Scope::Log(own_log(peer, &feed)))?;
    let own = Some(peer.office().clone());
    Ok(CountRight { feed, own })
}

/// Requests to heal are heard by the office whose log it is, and by whoever may read the feed.
///
/// # Errors
/// A subject that is neither `spean.heal.<feed>.>` nor one log's; as for [`read`].
pub fn hear(registry: &Registry, peer: &Peer, subject: &str) -> Result<ReadRight, No> {
    let rest = subject.strip_prefix(HEAL_PREFIX).unwrap_or_default();
    let tokens: Vec<&str> = rest.split('.').collect();
    let none = || No::Refused(Refusal::SubjectForbidden);
    let named = |feed: &str| feed.parse::<FeedName>().map_err(|_| none());
    let scope = match tokens[..] {
        [feed, ">"] => Scope::Feed(named(feed)?),
        [feed, ministry, place] => Scope::Log(LogName {
            feed: named(feed)?,
            office: OfficeId::new(ministry, place).map_err(|_| none())?,
        }),
        _ => return Err(none()),
    };
    read(registry, peer, &scope)
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

    /// Answers to requests come on the office's own inbox and were judged as requests; events come on their log's subject, and
    /// requests to heal it beside it.
    pub fn open(&self, subject: &[u8]) -> bool {
        let of_log = subject.strip_prefix(b"spean.log.".as_slice());
        let Some(rest) = of_log.or_else(|| subject.strip_prefix(HEAL_PREFIX.as_bytes())) else {
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
mod tests;
