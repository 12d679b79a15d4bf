//! Frames: bytes as they arrive come in, whole frames go out, and back. `type (1 byte), length (number), body`. What is larger than a
//! piece goes in parts, so that other frames pass between. What a body says is not read here.

use bytes::{Buf as _, Bytes, BytesMut};

use super::field::{Fields, put_count};
use super::limits::{FRAME_BYTES_MAX, PIECE_BYTES, RUN_BYTES_MAX};

/// What a frame is. An even type may be passed over by who does not know it; an odd one ends the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who is there, what it can, and where logs end.
    Hello,
    /// What has changed at the gateway.
    News,
    /// Signed events of one log.
    Run,
    /// A sign of life.
    Beat,
    /// What became of a run.
    Answers,
    /// Bytes of the NATS protocol, as they are; an operation may be cut anywhere.
    Text,
    /// A piece of a whole frame.
    Part,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::Hello,
        Kind::News,
        Kind::Run,
        Kind::Beat,
        Kind::Answers,
        Kind::Text,
        Kind::Part,
    ];

    /// The type as it is written.
    pub fn number(self) -> u8 {
        match self {
            Kind::Hello => 1,
            Kind::News => 2,
            Kind::Run => 3,
            Kind::Beat => 4,
            Kind::Answers => 5,
            Kind::Text => 7,
            Kind::Part => 9,
        }
    }

    /// How many bytes its body has at most.
    pub fn bytes_max(self) -> usize {
        match self {
            Kind::Run => RUN_BYTES_MAX,
            Kind::Hello | Kind::News | Kind::Beat | Kind::Answers | Kind::Text => FRAME_BYTES_MAX,
            Kind::Part => PIECE_BYTES,
        }
    }

    fn read(number: u8) -> Result<Option<Kind>, FrameFault> {
        let known = Kind::ALL.into_iter().find(|kind| kind.number() == number);
        match known {
            Some(kind) => Ok(Some(kind)),
            None if number.is_multiple_of(2) => Ok(None),
            None => Err(FrameFault::Unknown(number)),
        }
    }
}

/// Why no frame can be read: the session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    #[error("a frame of type {0} is not known here, and may not be passed over")]
    Unknown(u8),
    #[error("a frame is longer than its type may be")]
    TooLong,
    #[error("the length of a frame is not written in its one form")]
    Length,
    #[error("a part belongs to no frame, or is one within another")]
    Part,
}

/// One whole frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: Kind,
    pub body: Bytes,
}

/// Writes a frame: whole where it is no larger than a piece, else in parts.
pub fn write(kind: Kind, body: &[u8]) -> Vec<Bytes> {
    let whole = written(kind, body);
    if whole.len() <= PIECE_BYTES {
        return vec![whole.into()];
    }
    let room = PIECE_BYTES.saturating_sub(1);
    let pieces = whole.chunks(room);
    let last = pieces.len().saturating_sub(1);
    let parts = pieces.enumerate().map(|(index, piece)| {
        let goes_on = u8::from(index != last);
        written(Kind::Part, &[&[goes_on], piece].concat()).into()
    });
    parts.collect()
}

fn written(kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len().saturating_add(4));
    out.push(kind.number());
    put_count(&mut out, body.len());
    out.extend_from_slice(body);
    out
}

/// Finds the frames in what has arrived.
#[derive(Debug, Default)]
pub struct Frames {
    /// Of a frame that comes in parts.
    parts: BytesMut,
}

/// How a frame begins.
struct Beginning {
    /// None: to be passed over.
    kind: Option<Kind>,
    before_body: usize,
    body: usize,
}

impl Frames {
    /// Bytes of what is not a whole frame yet.
    pub fn buffered(&self, arrived: &[u8]) -> usize {
        arrived.len().saturating_add(self.parts.len())
    }

    /// How many more bytes the frame in front needs; 0 where that is not known yet.
    pub fn wants(&self, arrived: &[u8]) -> usize {
        whole(arrived).saturating_sub(arrived.len())
    }

    /// How long the frame will be that has begun, in parts or at once; 0 where none has.
    pub fn announced(&self, arrived: &[u8]) -> usize {
        whole(arrived).max(whole(&self.parts))
    }

    /// Takes the next whole frame off the front, if it has arrived.
    ///
    /// # Errors
    /// `FrameFault`. Nothing can be read after it.
    pub fn next(&mut self, arrived: &mut BytesMut) -> Result<Option<Frame>, FrameFault> {
        loop {
            let Some(frame) = front(arrived)? else {
                return Ok(None);
            };
            match frame {
                None => {}
                Some(Frame {
                    kind: Kind::Part,
                    body,
                }) => match self.join(&body)? {
                    None => {}
                    whole => return Ok(whole),
                },
                whole => return Ok(whole),
            }
        }
    }

    /// Puts a part behind those before it; the frame, once it is whole.
    fn join(&mut self, part: &[u8]) -> Result<Option<Frame>, FrameFault> {
        let (goes_on, piece) = part.split_first().ok_or(FrameFault::Part)?;
        self.parts.extend_from_slice(piece);
        // A type that is unknown here, or longer than it may be, is seen at its first part.
        let beginning = beginning(&self.parts)?;
        if let Some(Beginning {
            kind: Some(Kind::Part),
            ..
        }) = beginning
        {
            return Err(FrameFault::Part);
        }
        let whole = beginning.map(|b| (b.kind, b.before_body, b.whole()));
        match (goes_on, whole) {
            (1, None) => Ok(None),
            (1, Some((_, _, bytes))) if self.parts.len() < bytes => Ok(None),
            (0, Some((kind, before_body, bytes))) if self.parts.len() == bytes => {
                let mut whole = std::mem::take(&mut self.parts);
                whole.advance(before_body);
                let body = whole.freeze();
                Ok(kind.map(|kind| Frame { kind, body }))
            }
            _ => Err(FrameFault::Part),
        }
    }
}

/// Takes the frame in front; one that is passed over is none.
fn front(arrived: &mut BytesMut) -> Result<Option<Option<Frame>>, FrameFault> {
    let Some(beginning) = beginning(arrived)?.filter(|b| arrived.len() >= b.whole()) else {
        return Ok(None);
    };
    arrived.advance(beginning.before_body);
    let body = arrived.split_to(beginning.body).freeze();
    Ok(Some(beginning.kind.map(|kind| Frame { kind, body })))
}

impl Beginning {
    /// Bytes of the whole frame.
    fn whole(&self) -> usize {
        self.before_body.saturating_add(self.body)
    }
}

/// Bytes of the whole frame of which this is the beginning; 0 where that is not known.
fn whole(bytes: &[u8]) -> usize {
    let beginning = beginning(bytes).ok().flatten();
    beginning.map_or(0, |beginning| beginning.whole())
}

/// Type and length in front, once they have arrived.
fn beginning(bytes: &[u8]) -> Result<Option<Beginning>, FrameFault> {
    /// The longest frame's length has three bytes.
    const LENGTH_BYTES_MAX: usize = 3;
    let mut fields = Fields::of(bytes);
    let Ok(number) = fields.byte() else {
        return Ok(None);
    };
    let kind = Kind::read(number)?;
    let most = kind.map_or(FRAME_BYTES_MAX, Kind::bytes_max);
    let behind = fields.rest();
    let length = behind.iter().take_while(|byte| **byte >= 0x80).count();
    if length >= LENGTH_BYTES_MAX {
        return Err(FrameFault::TooLong);
    }
    if length == behind.len() {
        return Ok(None);
    }
    let body = fields.number().map_err(|_| FrameFault::Length)?;
    let body = usize::try_from(body).map_err(|_| FrameFault::TooLong)?;
    if body > most {
        return Err(FrameFault::TooLong);
    }
    let before_body = bytes.len().saturating_sub(fields.rest().len());
    Ok(Some(Beginning {
        kind,
        before_body,
        body,
    }))
}

#[cfg(test)]
mod tests;
