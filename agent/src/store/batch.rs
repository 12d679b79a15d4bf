//! What is written to an index as one: keys and values come in, and it is known how much that is.
//! Nothing is written here.

use sled::IVec;

/// Beside key and value, for each of them: what the index writes around it.
const AROUND_BYTES: usize = 32;

#[derive(Default)]
pub struct Batch {
    pub(super) inner: sled::Batch,
    bytes: usize,
}

impl Batch {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn insert(&mut self, key: impl Into<IVec>, value: impl Into<IVec>) {
        let (key, value) = (key.into(), value.into());
        self.bytes += key.len() + value.len() + AROUND_BYTES;
        self.inner.insert(key, value);
    }

    pub fn remove(&mut self, key: impl Into<IVec>) {
        let key = key.into();
        self.bytes += key.len() + AROUND_BYTES;
        self.inner.remove(key);
    }
}
