//! Bytes come in, whole operations within limits go out, and frames are written back; no socket and no clock here.
//! A peer that breaks the protocol gets one `WireFault`: it is named to the peer, and the connection ends.

mod buffer;
mod client;
mod encode;
mod line;
mod server;
mod subject;

#[cfg(test)]
mod tests;

pub use buffer::{READ_BYTES_MIN, ReadBuffer};
pub use client::{ClientOp, ClientParser, Connect, Publish, Subscribe};
pub use encode::{Frame, ServerInfo};
pub use server::{Delivery, ServerFrame, ServerParser, UpstreamInfo};
pub use subject::{Sid, Subject};

/// How a peer broke the NATS client protocol. The codes never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    #[error("Unknown Protocol Operation")]
    UnknownOperation,
    #[error("Maximum Control Line Exceeded")]
    ControlLineTooLong,
    #[error("Parser Error, a control line ends with CR LF")]
    LineEnd,
    #[error("Parser Error, wrong number of arguments")]
    Arguments,
    #[error("Parser Error, a length is a plain decimal number of at most 32 bits")]
    Length,
    #[error("Maximum Payload Violation")]
    PayloadTooLarge,
    #[error("Parser Error, headers are longer than the message")]
    HeadersTooLong,
    #[error("Parser Error, a payload ends with CR LF")]
    PayloadEnd,
    #[error("Invalid Subject")]
    Subject,
    #[error("Invalid Subscription Id")]
    Sid,
    #[error("Parser Error, CONNECT takes one JSON object")]
    Connect,
    #[error("Parser Error, INFO takes one JSON object")]
    Info,
}

impl WireFault {
    /// What the peer is told: nats-server's own words where it has some, and the code.
    pub fn words(self) -> String {
        format!("{self} ({})", self.code())
    }

    pub fn code(self) -> &'static str {
        match self {
            WireFault::UnknownOperation => "unknown-operation",
            WireFault::ControlLineTooLong => "control-line-too-long",
            WireFault::LineEnd => "bad-line-end",
            WireFault::Arguments => "bad-arguments",
            WireFault::Length => "bad-length",
            WireFault::PayloadTooLarge => "payload-too-large",
            WireFault::HeadersTooLong => "headers-too-long",
            WireFault::PayloadEnd => "bad-payload-end",
            WireFault::Subject => "bad-subject",
            WireFault::Sid => "bad-sid",
            WireFault::Connect => "bad-connect",
            WireFault::Info => "bad-info",
        }
    }
}
