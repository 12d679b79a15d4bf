//! Fields of format 1: bytes come in, numbers, hashes and texts go out. Big-endian, and keys by a letter and a feed's name.

use schemas::event::Hash;

use crate::store::fields::NONE;

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

    /// Zeros stand for none.
    pub fn optional(&mut self) -> Option<Option<Hash>> {
        self.hash()
            .map(|hash| Some(hash).filter(|hash| *hash != NONE))
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.array().map(u16::from_be_bytes)?;
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    /// A name that ends with a zero, as keys have them.
    pub fn name(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let (name, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..)?;
        std::str::from_utf8(name).ok()
    }
}

/// A letter, names that end with zeros, and the rest.
pub fn key(letter: u8, names: &[&str], rest: &[u8]) -> Vec<u8> {
    let mut key = vec![letter];
    for name in names {
        key.extend_from_slice(name.as_bytes());
        key.push(0);
    }
    key.extend_from_slice(rest);
    key
}
