//! Bytes come in, whole operations within limits go out, and frames are written back; no socket and no clock here.
//! A peer that breaks the protocol gets one `WireFault`: it is named to the peer, and the connection ends.

mod buffer;
mod client;
mod encode;
mod line;
mod packed;
mod server;
mod subject;
mod tongue;

#[cfg(test)]
mod tests;

pub use buffer::{READ_BYTES_MIN, ReadBuffer};
pub use client::{ClientOp, ClientParser, Connect, Publish, Subscribe};
pub use encode::{Frame, ServerInfo};
pub use packed::PlaceInRun;
pub use server::{Delivery, ServerFrame, ServerParser, UpstreamInfo};
pub use subject::{Sid, Subject};
pub use tongue::{Heard, Parser, Tongue};

use crate::coded::coded;

coded! {
    /// How a peer broke the NATS client protocol. The codes never change their meaning.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
    pub enum WireFault {
        #[error("Unknown Protocol Operation")]
        UnknownOperation = "unknown-operation",
        #[error("Maximum Control Line Exceeded")]
        ControlLineTooLong = "control-line-too-long",
        #[error("Parser Error, a control line ends with CR LF")]
        LineEnd = "bad-line-end",
        #[error("Parser Error, wrong number of arguments")]
        Arguments = "bad-arguments",
        #[error("Parser Error, a length is a plain decimal number of at most 32 bits")]
        Length = "bad-length",
        #[error("Maximum Payload Violation")]
        PayloadTooLarge = "payload-too-large",
        #[error("Parser Error, headers are longer than the message")]
        HeadersTooLong = "headers-too-long",
        #[error("Parser Error, a payload ends with CR LF")]
        PayloadEnd = "bad-payload-end",
        #[error("Invalid Subject")]
        Subject = "bad-subject",
        #[error("Invalid Subscription Id")]
        Sid = "bad-sid",
        #[error("Parser Error, CONNECT takes one JSON object")]
        Connect = "bad-connect",
        #[error("Parser Error, INFO takes one JSON object")]
        Info = "bad-info",
        #[error("a frame of this type is not known here, and may not be passed over")]
        FrameUnknown = "frame-unknown",
        #[error("a frame is longer than its type may be")]
        FrameTooLong = "frame-too-long",
        #[error("the length of a frame is not written in its one form")]
        FrameLength = "bad-frame-length",
        #[error("a part belongs to no frame, or is one within another")]
        FramePart = "bad-frame-part",
        #[error("the first frame is a greeting, with a way of packing that is known here")]
        Hello = "bad-hello",
        #[error("a frame of this type is not an office's to send")]
        FrameUnexpected = "frame-unexpected",
    }
}

impl WireFault {
    /// What the peer is told: nats-server's own words where it has some, and the code.
    pub fn words(self) -> String {
        format!("{self} ({})", self.code())
    }
}
