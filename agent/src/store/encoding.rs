//! How events are written down: the header block of the NATS binding, then the data. An event comes in, bytes go out, and back.
//! The data's bytes are never looked into.

use bytes::Bytes;
use schemas::envelope::nats::{self, Origin};
use schemas::event::Event;
use schemas::refusal::Refusal;
use schemas::signing::SignedEvent;

/// Ends every header block, and stands nowhere before its end.
const BLOCK_END: &[u8] = b"\r\n\r\n";

pub fn signed(event: &SignedEvent) -> Bytes {
    joined(nats::encode(event), event.event().data())
}

pub fn unsigned(event: &Event) -> Bytes {
    joined(nats::encode_unsigned(event), event.data())
}

fn joined(mut block: Vec<u8>, data: &Bytes) -> Bytes {
    block.extend_from_slice(data);
    block.into()
}

/// # Errors
/// The first refusal that applies: the bytes are not what this module wrote.
pub fn read_signed(bytes: &Bytes) -> Result<SignedEvent, Refusal> {
    let (block, data) = split(bytes)?;
    nats::decode(&block, data, Origin::Bus)
}

/// # Errors
/// The first refusal that applies: the bytes are not what this module wrote.
pub fn read_unsigned(bytes: &Bytes) -> Result<Event, Refusal> {
    let (block, data) = split(bytes)?;
    nats::decode_unsigned(&block, data)
}

/// The header block and the data, as they go to the bus.
///
/// # Errors
/// `HeaderMalformed` where no block ends.
pub fn split(bytes: &Bytes) -> Result<(Bytes, Bytes), Refusal> {
    let end = bytes
        .windows(BLOCK_END.len())
        .position(|window| window == BLOCK_END)
        .ok_or(Refusal::HeaderMalformed)?
        + BLOCK_END.len();
    Ok((bytes.slice(..end), bytes.slice(end..)))
}
