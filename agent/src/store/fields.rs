//! Fields of stored values: numbers, hashes and texts come in, bytes go out, and back. Big-endian, so that keys sort.
//! A value that does not read is told by None; what that means is the reader's question.

use schemas::event::Hash;

/// In the place of a hash that is not there.
pub const NONE: Hash = Hash::from_bytes([0; 32]);

pub fn number(into: &mut Vec<u8>, number: u64) {
    into.extend_from_slice(&number.to_be_bytes());
}

pub fn text(into: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("names and ids are bounded at the door");
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(text.as_bytes());
}

/// Reads fields one after another.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub fn small(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn hash(&mut self) -> Option<Hash> {
        self.array().map(Hash::from_bytes)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.array().map(u16::from_be_bytes)?;
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}
