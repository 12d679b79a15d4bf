//! What is written to an index as one: keys and values come in, and it is known how much that is.
//! Nothing is written here.

use sled::IVec;

/// Beside key and value, for each of them: what the index writes around it.
const AROUND_BYTES: usize = 32;

#[derive(Default)]
pub struct Batch {
    /// In their order; None removes.
    ops: Vec<(IVec, Option<IVec>)>,
    bytes: usize,
    freed: usize,
}

impl Batch {
    /// What has to be written.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Of keys and values alone.
    pub fn key_value_bytes(&self) -> usize {
        self.bytes - AROUND_BYTES * self.ops.len()
    }

    /// What lived in the index, as far as that was said, and does not any more.
    pub fn freed(&self) -> usize {
        self.freed
    }

    pub fn insert(&mut self, key: impl Into<IVec>, value: impl Into<IVec>) {
        let (key, value) = (key.into(), value.into());
        self.bytes += key.len() + value.len() + AROUND_BYTES;
        self.ops.push((key, Some(value)));
    }

    pub fn remove(&mut self, key: impl Into<IVec>) {
        let key = key.into();
        self.bytes += key.len() + AROUND_BYTES;
        self.ops.push((key, None));
    }

    /// The same, of a value whose size is known.
    pub fn remove_value(&mut self, key: impl Into<IVec>, value_bytes: usize) {
        let key = key.into();
        self.freed += key.len() + value_bytes;
        self.remove(key);
    }

    /// As sled takes it, of the keys that `with` names.
    pub(super) fn of(&self, with: impl Fn(&IVec) -> bool) -> sled::Batch {
        let mut batch = sled::Batch::default();
        for (key, value) in self.ops.iter().filter(|(key, _)| with(key)) {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }
}
