//! One client operation comes in, what may be done about it goes out: one total match, and what is not expressly allowed does
//! not pass. Nothing is sent and nothing is stored here.

mod turn_down;

use bytes::Bytes;
use schemas::heal::{COUNTS_PREFIX, CountsQuestion, HEAL_PREFIX, HealFault, HealRequest};
use schemas::refusal::{Detail, Refusal};
use schemas::subject::{ConfirmSubject, FeedName, LogSubject};

use crate::acl::{self, Confirmable, CountRight, HealPermit, PublishPermit};
use crate::admit::RawEvent;
use crate::coded::coded;
use crate::limits::REQUEST_BYTES_MAX;
use crate::peer::Peer;
use crate::policy::Policy;
use crate::refuse::No;
use crate::request::{self, Asker, Look, Pull, Renamed, Request, Shape};
use crate::wire::{ClientOp, Publish, Sid, Subject, Subscribe};

pub use turn_down::turn_down;

/// The subject on which the gateway itself answers with lines of the registry.
pub const REGISTRY_SUBJECT: &str = "spean.registry";

/// What to do about an operation.
#[derive(Debug)]
pub enum Verdict {
    Ping,
    Pong,
    Subscribe(Subscribe),
    Unsubscribe {
        sid: Sid,
        after: Option<usize>,
    },
    /// An event for a log of the peer's own: to admission.
    Submit {
        permit: PublishPermit,
        event: RawEvent,
    },
    /// An event that the bus has lost, of any log that the peer may read: to admission, too.
    Refill {
        permit: HealPermit,
        event: RawEvent,
    },
    /// A gap in a log of the peer's own: to admission, too.
    Declare {
        permit: PublishPermit,
        event: RawEvent,
    },
    /// What a feed's stream counts, by the gateway's own question.
    Count {
        right: CountRight,
        question: CountsQuestion,
        subject: Subject,
        reply: Subject,
    },
    /// To everybody who may have what the bus lacks; not too often.
    AskToHeal(HealRequest),
    /// To the broker, as written here.
    Forward {
        subject: Subject,
        reply: Option<Subject>,
        body: Bytes,
        /// How the answer is told, where the consumer has another name here.
        renamed: Option<Renamed>,
    },
    /// What there is for this office, by the gateway's own questions.
    Look {
        look: Look,
        subject: Subject,
        reply: Subject,
    },
    /// What a reader holds of a log: to the broker, written anew.
    Confirm {
        confirmable: Box<Confirmable>,
        subject: Subject,
        reply: Option<Subject>,
    },
    /// To the broker, too; it waits there, and is watched meanwhile.
    Pull {
        pull: Pull,
        reply: Subject,
    },
    /// Answered here, without the broker.
    Answer {
        subject: Subject,
        reply: Subject,
        /// A header block, or nothing.
        headers: Bytes,
        body: Bytes,
    },
    Deny(Denial),
    /// The peer does not keep to the protocol; the connection ends.
    Close(Breach),
}

/// A no to one operation; the connection goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub what: Denied,
    pub subject: Subject,
    pub no: No,
    /// Where the no is told, if the peer named a place inside its own inbox.
    pub reply: Option<(Subject, Shape)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    Publish,
    Subscription { queue: Option<Subject> },
}

coded! {
    /// How a peer broke the order of a session. The codes never change their meaning.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
    pub enum Breach {
        #[error("the first operation must be CONNECT")]
        ConnectExpected = "connect-expected",
        #[error("CONNECT was said before")]
        ConnectRepeated = "connect-repeated",
        #[error("events travel in headers; connect with headers: true")]
        HeadersRequired = "headers-required",
    }
}

/// Judges an operation of a peer that has said CONNECT.
pub fn judge(op: ClientOp, peer: &Peer, policy: &Policy) -> Verdict {
    match op {
        ClientOp::Connect(_) => Verdict::Close(Breach::ConnectRepeated),
        ClientOp::Ping => Verdict::Ping,
        ClientOp::Pong => Verdict::Pong,
        ClientOp::Subscribe(subscribe) => judge_subscribe(subscribe, peer, policy),
        ClientOp::Unsubscribe { sid, after } => Verdict::Unsubscribe { sid, after },
        ClientOp::Publish(publish) => judge_publish(publish, peer, policy),
    }
}

/// Inside its own inbox an office may listen as it likes, and to requests to heal what it may have; queue groups would share
/// messages with whoever guesses the name.
fn judge_subscribe(subscribe: Subscribe, peer: &Peer, policy: &Policy) -> Verdict {
    let subject = subscribe.subject.as_str();
    let heard = match subject.starts_with(HEAL_PREFIX) {
        true => acl::hear(&policy.registry, peer, subject).map(|_may_read| ()),
        false if peer.owns_inbox(subject) => Ok(()),
        false => {
            let (ministry, place) = (peer.office().ministry(), peer.office().place());
            Err(No::Refused(Refusal::RequestForbidden(Detail::new(
                "subject",
                format!("subscribe inside _INBOX.{ministry}.{place}. only"),
                format!("អាចជាវបានតែក្នុង _INBOX.{ministry}.{place}. ប៉ុណ្ណោះ"),
            ))))
        }
    };
    let alone = || match &subscribe.queue {
        None => Ok(()),
        Some(_) => Err(No::Refused(Refusal::RequestForbidden(Detail::new(
            "queue",
            "queue groups are not open to offices",
            "ក្រុម queue មិនបើកសម្រាប់ការិយាល័យទេ",
        )))),
    };
    match heard.and_then(|()| alone()) {
        Ok(()) => Verdict::Subscribe(subscribe),
        Err(no) => Verdict::Deny(Denial {
            what: Denied::Subscription {
                queue: subscribe.queue,
            },
            subject: subscribe.subject,
            no,
            reply: None,
        }),
    }
}

fn judge_publish(publish: Publish, peer: &Peer, policy: &Policy) -> Verdict {
    let foreign_reply = publish
        .reply
        .as_ref()
        .is_some_and(|reply| !reply.is_literal() || !peer.owns_inbox(reply.as_str()));
    // A filter with its wildcards may stand in the subject of a request, and nowhere else.
    let wild = !publish.subject.is_literal() && !publish.subject.as_str().starts_with("$JS.API.");
    if foreign_reply || wild {
        return deny(publish, Refusal::SubjectForbidden.into(), None, peer);
    }
    let subject = publish.subject.clone();
    let text = subject.as_str();
    if let Ok(subject) = text.parse::<LogSubject>() {
        return judge_event(subject, publish, peer, policy);
    }
    if publish.payload.len() > REQUEST_BYTES_MAX {
        return turn_down::too_long(publish, peer);
    }
    if text.starts_with("$JS.") {
        return judge_request(publish, peer, policy);
    }
    if text == REGISTRY_SUBJECT {
        return judge_registry(publish, peer, policy);
    }
    if let Ok(subject) = text.parse::<ConfirmSubject>() {
        return judge_confirm(&subject, publish, peer, policy);
    }
    if let Some(feed) = text.strip_prefix(COUNTS_PREFIX) {
        return judge_count(feed.parse(), publish, peer, policy);
    }
    if text.starts_with(HEAL_PREFIX) {
        return judge_heal_request(publish, peer, policy);
    }
    // What is no name of this bus is another service's, and there is none.
    let shape = (!text.starts_with("spean.")).then_some(Shape::NoResponders);
    deny(publish, Refusal::SubjectForbidden.into(), shape, peer)
}

fn judge_event(subject: LogSubject, publish: Publish, peer: &Peer, policy: &Policy) -> Verdict {
    let registry = &policy.registry;
    match subject {
        LogSubject::Log(log) => match acl::publish(registry, peer, log) {
            Ok(permit) => Verdict::Submit {
                permit,
                event: raw(publish),
            },
            Err(no) => deny(publish, no, None, peer),
        },
        LogSubject::Refill(log, position) => match acl::refill(registry, peer, log, position) {
            Ok(permit) => Verdict::Refill {
                permit,
                event: raw(publish),
            },
            Err(no) => deny(publish, no, None, peer),
        },
        LogSubject::Gap(log) => match acl::publish(registry, peer, log) {
            Ok(permit) => Verdict::Declare {
                permit,
                event: raw(publish),
            },
            Err(no) => deny(publish, no, None, peer),
        },
    }
}

fn raw(publish: Publish) -> RawEvent {
    RawEvent {
        headers: publish.headers.unwrap_or_default(),
        payload: publish.payload,
        reply: publish.reply,
    }
}

fn judge_request(publish: Publish, peer: &Peer, policy: &Policy) -> Verdict {
    let asker = Asker {
        peer,
        registry: &policy.registry,
    };
    let has_reply = publish.reply.is_some();
    let read = request::read(asker, &publish.subject, has_reply, &publish.payload);
    match (read, publish.reply.clone()) {
        (
            Ok(Request::Forward {
                subject,
                body,
                renamed,
            }),
            reply,
        ) => Verdict::Forward {
            subject,
            reply,
            body,
            renamed,
        },
        (Ok(Request::Look(look)), Some(reply)) => Verdict::Look {
            look,
            subject: publish.subject,
            reply,
        },
        (Ok(Request::Answer(body)), Some(reply)) => Verdict::Answer {
            subject: publish.subject,
            reply,
            headers: Bytes::new(),
            body,
        },
        (Ok(Request::Pull(pull)), Some(reply)) => Verdict::Pull { pull, reply },
        (Ok(Request::Answer(_) | Request::Pull(_) | Request::Look(_)), None) => {
            deny(publish, Refusal::SubjectForbidden.into(), None, peer)
        }
        (Err((no, shape)), _) => deny(publish, no, Some(shape), peer),
    }
}

fn judge_count(
    feed: Result<FeedName, schemas::subject::NameFault>,
    publish: Publish,
    peer: &Peer,
    policy: &Policy,
) -> Verdict {
    let Ok(feed) = feed else {
        return deny(publish, Refusal::SubjectForbidden.into(), None, peer);
    };
    let right = acl::count(&policy.registry, peer, feed);
    let question = match publish.payload.trim_ascii() {
        b"" => Ok(CountsQuestion::default()),
        body => serde_json::from_slice(body),
    };
    match (right, question, publish.reply.clone()) {
        (Ok(right), Ok(question), Some(reply)) => Verdict::Count {
            right,
            question,
            subject: publish.subject,
            reply,
        },
        (Err(no), _, _) => deny(publish, no, None, peer),
        (Ok(_), Err(_), _) => {
            let en = "ask with {}, or with {\"known\":TAG}, the tag of what you have";
            let km = "សូមសួរដោយ {} ឬ {\"known\":TAG}";
            let no = Refusal::RequestMalformed(Detail::new("", en, km));
            deny(publish, no.into(), None, peer)
        }
        (Ok(_), Ok(_), None) => deny(publish, Refusal::SubjectForbidden.into(), None, peer),
    }
}

/// Whoever may read a log may say what of it is missing; what goes on is written anew.
fn judge_heal_request(publish: Publish, peer: &Peer, policy: &Policy) -> Verdict {
    let no = match HealRequest::read(publish.subject.as_str(), &publish.payload) {
        Ok(request) => {
            let scope = acl::Scope::Log(request.log.clone());
            match acl::read(&policy.registry, peer, &scope) {
                Ok(_may_read) => return Verdict::AskToHeal(request),
                Err(no) => no,
            }
        }
        Err(HealFault::Subject) => Refusal::SubjectForbidden.into(),
        Err(fault @ HealFault::Body) => {
            let km = "ត្រូវជា {\"missing\":[[ដំបូង,ចុងក្រោយ],...]}";
            Refusal::RequestMalformed(Detail::new("", fault.to_string(), km)).into()
        }
    };
    deny(publish, no, None, peer)
}

fn judge_registry(publish: Publish, peer: &Peer, policy: &Policy) -> Verdict {
    let page = policy.page(&publish.payload);
    match (page, publish.reply.clone()) {
        (Ok(body), Some(reply)) => Verdict::Answer {
            subject: publish.subject,
            reply,
            headers: policy.headers(),
            body,
        },
        (Ok(_), None) => deny(publish, Refusal::SubjectForbidden.into(), None, peer),
        (Err(no), _) => deny(publish, no, None, peer),
    }
}

/// A confirmation goes to its stream as it is written anew here, and nothing beside it.
fn judge_confirm(to: &ConfirmSubject, publish: Publish, peer: &Peer, policy: &Policy) -> Verdict {
    let headers = publish.headers.as_deref().unwrap_or_default();
    match acl::confirm(&policy.registry, peer, to, &publish.payload, headers) {
        Ok(confirmable) => Verdict::Confirm {
            confirmable: Box::new(confirmable),
            subject: publish.subject,
            reply: publish.reply,
        },
        Err(no) => deny(publish, no, None, peer),
    }
}

fn deny(publish: Publish, no: No, shape: Option<Shape>, peer: &Peer) -> Verdict {
    let reply = publish
        .reply
        .filter(|reply| reply.is_literal() && peer.owns_inbox(reply.as_str()));
    Verdict::Deny(Denial {
        what: Denied::Publish,
        subject: publish.subject,
        no,
        reply: reply.map(|reply| (reply, shape.unwrap_or(Shape::Json("pub_ack_response")))),
    })
}

#[cfg(test)]
mod tests;
