//! An operation that is not even looked at comes in, a no in its own shape goes out.

use super::{Breach, Denial, Denied, Verdict, deny};
use crate::peer::Peer;
use crate::refuse::No;
use crate::request;
use crate::wire::{ClientOp, Subscribe};

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
        ClientOp::Publish(publish) => {
            let shape = request::shape_of(&publish.subject);
            let shape = Some(shape).filter(|_| publish.subject.as_str().starts_with("$JS."));
            deny(publish, no, shape, peer)
        }
    }
}
