//! An operation that is not even looked at comes in, a no in its own shape goes out.

use schemas::refusal::{Detail, Refusal};

use super::{Breach, Denial, Denied, Verdict, deny};
use crate::limits::REQUEST_BYTES_MAX;
use crate::peer::Peer;
use crate::refuse::No;
use crate::request;
use crate::wire::{ClientOp, Publish, Subscribe};

/// Says no to an operation without a look at what it asks for. What only keeps a connection goes on.
pub fn turn_down(op: ClientOp, no: No, peer: &Peer) -> Verdict {
    match op {
        ClientOp::Connect(_) => Verdict::Close(Breach::ConnectRepeated),
        ClientOp::Ping => Verdict::Ping,
        ClientOp::Pong => Verdict::Pong,
        ClientOp::Unsubscribe { sid, after } => Verdict::Unsubscribe { sid, after },
        ClientOp::Subscribe(Subscribe { subject, queue, .. }) => Verdict::Deny(Denial {
            what: Denied::Subscription { queue },
            subject,
            no,
            reply: None,
        }),
        ClientOp::Publish(publish) => turn_down_publish(publish, no, peer),
    }
}

fn turn_down_publish(publish: Publish, no: No, peer: &Peer) -> Verdict {
    let shape = request::shape_of(&publish.subject);
    let shape = Some(shape).filter(|_| publish.subject.as_str().starts_with("$JS."));
    deny(publish, no, shape, peer)
}

/// A request whose body is over the bound: nothing of it is parsed on the threads that all sessions share.
pub(super) fn too_long(publish: Publish, peer: &Peer) -> Verdict {
    let no = Refusal::RequestMalformed(Detail::new(
        "",
        format!("a request is at most {REQUEST_BYTES_MAX} bytes"),
        format!("សំណើមានទំហំយ៉ាងច្រើន {REQUEST_BYTES_MAX} បៃ"),
    ));
    turn_down_publish(publish, no.into(), peer)
}
