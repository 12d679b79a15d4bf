//! A no comes in, the frames go out by which stock clients see it at once: on the reply subject in the shape that its form has there,
//! and as an error of the connection where nothing may be said there.

use bytes::Bytes;
use schemas::refusal::{Detail, Hold, Refusal};

use super::pulls::NotAsked;
use super::subscriptions::Subscriptions;
use crate::judge::{Denial, Denied};
use crate::limits::{OFFICE_PULLS_MAX, PULLS_RETRY, READ_COPIES_MAX};
use crate::refuse::No;
use crate::request::{self, Shape};
use crate::wire::{Frame, Subject};

pub fn told(denial: &Denial, registry: u64, subscriptions: &Subscriptions) -> Frame {
    let no = &denial.no;
    let violation = || violation(&denial.what, denial.subject.as_str(), no.code().name);
    let Some((reply, shape)) = &denial.reply else {
        return Frame::new().error(&violation());
    };
    let (before, status, body) = match shape {
        Shape::Json(response) => (Frame::new(), None, no.body(response, registry)),
        Shape::Status => (Frame::new(), Some(no.status()), Bytes::new()),
        Shape::StatusAndJson => {
            let body = no.body("error_response", registry);
            (Frame::new(), Some(no.status()), body)
        }
        Shape::NoResponders => {
            let status = Bytes::from_static(NO_RESPONDERS);
            (Frame::new().error(&violation()), Some(status), Bytes::new())
        }
    };
    subscriptions.answer(before, reply, status.as_deref(), &body)
}

/// By which stock clients know that nobody answers there; with a word more they would not.
const NO_RESPONDERS: &[u8] = b"NATS/1.0 503\r\n\r\n";

/// In nats-server's own words, by which stock clients find what it is about, without ending the connection.
pub fn violation(what: &Denied, subject: &str, code: &str) -> String {
    match what {
        Denied::Publish => format!("Permissions Violation for Publish to \"{subject}\" ({code})"),
        Denied::Subscription { queue: None } => {
            format!("Permissions Violation for Subscription to \"{subject}\" ({code})")
        }
        Denied::Subscription { queue: Some(queue) } => format!(
            "Permissions Violation for Subscription to \"{subject}\" using queue \"{queue}\" ({code})"
        ),
    }
}

/// Of a long answer that would come down once for each of them.
pub fn too_many_copies(subject: &Subject, reply: &Subject) -> Denial {
    let no = No::Refused(Refusal::RequestForbidden(Detail::new(
        "reply",
        format!(
            "at most {READ_COPIES_MAX} subscriptions of an office may hear an answer of several messages; end the others"
        ),
        format!("ការជាវយ៉ាងច្រើន {READ_COPIES_MAX} អាចស្តាប់ចម្លើយដែលមានសារច្រើន សូមបញ្ចប់អ្វីដែលលើស"),
    )));
    Denial {
        what: Denied::Publish,
        subject: subject.clone(),
        no,
        reply: Some((reply.clone(), request::shape_of(subject))),
    }
}

/// Of a pull that would be one too many, or whose end could not be told from another's.
pub fn pull_not_asked(subject: &Subject, reply: &Subject, why: NotAsked) -> Denial {
    let no = match why {
        NotAsked::TooMany => No::Held(Hold::BoundReached {
            detail: Box::new(Detail::new(
                "pull",
                format!(
                    "an office has at most {OFFICE_PULLS_MAX} pulls under way; wait until one ends"
                ),
                format!("ការិយាល័យមួយមានសំណើទាញយ៉ាងច្រើន {OFFICE_PULLS_MAX} ក្នុងពេលតែមួយ សូមរង់ចាំរហូតដល់មួយបញ្ចប់"),
            )),
            retry_after_s: PULLS_RETRY.as_secs(),
        }),
        NotAsked::ReplyTaken => No::Refused(Refusal::RequestForbidden(Detail::new(
            "reply",
            "a pull of another consumer is answered on this subject; name another one",
            "សំណើទាញរបស់ consumer ផ្សេងកំពុងឆ្លើយលើប្រធានបទនេះ សូមដាក់ឈ្មោះប្រធានបទផ្សេង",
        ))),
    };
    Denial {
        what: Denied::Publish,
        subject: subject.clone(),
        no,
        reply: Some((reply.clone(), request::shape_of(subject))),
    }
}

pub fn too_many_subscriptions() -> No {
    No::Refused(Refusal::RequestForbidden(Detail::new(
        "sid",
        "too many subscriptions",
        "ការជាវច្រើនពេក",
    )))
}
