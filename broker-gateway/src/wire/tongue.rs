//! Which protocol a session speaks: bytes as they arrive come in, operations go out, whatever they were written in. Behind this nobody knows
//! of packed runs but who answers them.

use bytes::BytesMut;
use bytes::buf::Limit;
use schemas::subject::OfficeId;

use super::packed::PackedParser;
use super::{ClientOp, ClientParser, WireFault};

/// What was agreed on in TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    Nats,
    Packed,
}

/// What a client has said.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Op(ClientOp),
    /// A run that could not be read; it was of so many bytes.
    Unread {
        run: u64,
        bytes: usize,
    },
}

/// Reads what a client says.
#[derive(Debug)]
pub enum Parser {
    Nats(ClientParser),
    Packed(Box<PackedParser>),
}

impl Parser {
    pub fn new(tongue: Tongue, office: &OfficeId) -> Parser {
        match tongue {
            Tongue::Nats => Parser::Nats(ClientParser::new()),
            Tongue::Packed => Parser::Packed(Box::new(PackedParser::new(office))),
        }
    }

    /// Where the next bytes from the socket go.
    pub fn room(&mut self) -> Limit<&mut BytesMut> {
        match self {
            Parser::Nats(parser) => parser.room(),
            Parser::Packed(parser) => parser.room(),
        }
    }

    /// Tells how many bytes the last read brought.
    pub fn pace(&mut self, read: usize) {
        match self {
            Parser::Nats(parser) => parser.pace(read),
            Parser::Packed(parser) => parser.pace(read),
        }
    }

    /// Part of an operation has come and the rest has not.
    pub fn is_half_way(&self) -> bool {
        match self {
            Parser::Nats(parser) => parser.is_half_way(),
            Parser::Packed(parser) => parser.is_half_way(),
        }
    }

    /// The bytes of something large of which only the beginning has come; 0 for anything smaller.
    pub fn announced(&self) -> usize {
        match self {
            Parser::Nats(parser) => parser.announced(),
            Parser::Packed(parser) => parser.announced(),
        }
    }

    /// A run that has come whole, and will be of so many bytes once there is room for them.
    pub fn waits_for_room(&self) -> Option<usize> {
        match self {
            Parser::Nats(_) => None,
            Parser::Packed(parser) => parser.waits_for_room(),
        }
    }

    /// There is room for it.
    pub fn has_room(&mut self) {
        match self {
            Parser::Nats(_) => {}
            Parser::Packed(parser) => parser.has_room(),
        }
    }

    /// What has come and is not a whole operation.
    pub fn buffered(&self) -> usize {
        match self {
            Parser::Nats(parser) => parser.buffered(),
            Parser::Packed(parser) => parser.buffered(),
        }
    }

    /// The next whole operation, if it has arrived.
    ///
    /// # Errors
    /// The first breach of the protocol. Nothing can be read after it.
    pub fn next_heard(&mut self) -> Result<Option<Heard>, WireFault> {
        match self {
            Parser::Nats(parser) => Ok(parser.next_op()?.map(Heard::Op)),
            Parser::Packed(parser) => parser.next_heard(),
        }
    }
}
