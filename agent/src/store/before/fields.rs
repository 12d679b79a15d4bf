//! What fields of format 1 have besides those of today: hashes that may be none, names within keys, keys by a letter and a feed's name.

use schemas::event::Hash;

pub use crate::store::fields::Fields;
use crate::store::fields::NONE;

impl<'a> Fields<'a> {
    /// Zeros stand for none.
    pub fn optional(&mut self) -> Option<Option<Hash>> {
        self.hash()
            .map(|hash| Some(hash).filter(|hash| *hash != NONE))
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
