//! Bytes as they arrive come in, whole lines and whole payloads go out without a copy. The buffer asks for no more than
//! the operation in hand needs: small while a connection idles, large while it is busy, bounded always.

use bytes::buf::Limit;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::WireFault;

/// A read of an idle connection: a PING, a CONNECT or a small publish fits.
pub const READ_BYTES_MIN: usize = 512;
/// A read of a busy connection: a TLS record holds no more (RFC 8446 §5.1), and one read gives one record.
const READ_BYTES_MAX: usize = 16 * 1024;

#[derive(Debug)]
pub struct ReadBuffer {
    bytes: BytesMut,
    /// Bytes at the front that hold no line feed, so that a line fed in drops is searched once.
    searched: usize,
    read_bytes: usize,
}

impl ReadBuffer {
    pub fn new() -> ReadBuffer {
        ReadBuffer {
            bytes: BytesMut::new(),
            searched: 0,
            read_bytes: READ_BYTES_MIN,
        }
    }

    /// Room for the next read: what the operation in hand still `wants`, or a read that fits the connection's pace.
    pub fn room(&mut self, wants: usize) -> Limit<&mut BytesMut> {
        let room = wants.max(self.read_bytes);
        if self.bytes.is_empty() && self.bytes.capacity() / 4 > room {
            self.bytes = BytesMut::with_capacity(room);
        }
        self.bytes.reserve(room);
        (&mut self.bytes).limit(room)
    }

    /// Fits the size of the next read to the last one.
    pub fn pace(&mut self, read: usize) {
        if read >= self.read_bytes {
            self.read_bytes = self.read_bytes.saturating_mul(4).min(READ_BYTES_MAX);
        } else if read < self.read_bytes / 4 {
            self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_MIN);
        }
    }

    /// All that has arrived.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, for whoever takes off the front what is no line.
    pub fn bytes_mut(&mut self) -> &mut BytesMut {
        self.searched = 0;
        &mut self.bytes
    }

    /// The line in front, without its end, once it is whole.
    pub fn line(&mut self, bytes_max: usize) -> Result<Option<&[u8]>, WireFault> {
        let new = self.bytes.get(self.searched..).unwrap_or_default();
        let Some(at) = new.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            // The end may still come in two pieces, so a line of the largest size is waited for with its CR.
            return match self.searched <= bytes_max.saturating_add(1) {
                true => Ok(None),
                false => Err(WireFault::ControlLineTooLong),
            };
        };
        self.searched = self.searched.saturating_add(at);
        let line = self.front(self.searched).strip_suffix(b"\r");
        let line = line.ok_or(WireFault::LineEnd)?;
        if line.len() > bytes_max {
            return Err(WireFault::ControlLineTooLong);
        }
        Ok(Some(line))
    }

    /// Takes the line that was given last off the front, with its end.
    pub fn skip_line(&mut self) {
        self.skip(self.searched.saturating_add(1));
    }

    /// The first bytes, as many as there are.
    pub fn front(&self, bytes: usize) -> &[u8] {
        self.bytes.get(..bytes).unwrap_or(&self.bytes)
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes bytes off the front, as many as there are, sharing the memory they were read into.
    pub fn take(&mut self, bytes: usize) -> Bytes {
        self.searched = 0;
        self.bytes.split_to(bytes.min(self.bytes.len())).freeze()
    }

    pub fn skip(&mut self, bytes: usize) {
        self.searched = 0;
        self.bytes.advance(bytes.min(self.bytes.len()));
    }

    /// Puts bytes behind the others that came in another way than from a socket.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

impl Default for ReadBuffer {
    fn default() -> ReadBuffer {
        ReadBuffer::new()
    }
}
