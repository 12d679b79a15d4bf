//! An open sled that can be closed. In: sled. Out: whether its end is on disk, when it is closed.
//! Never: a panic out of its end, where sled's own last sync is one that may not fail; a wait there that nobody ends.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::flush::flush;

pub struct Closing(Option<sled::Db>);

impl Closing {
    pub fn new(db: sled::Db) -> Closing {
        Closing(Some(db))
    }

    /// False when the last sync failed: what was written since the one before is not to be believed. Once more, it is true.
    pub fn close(&mut self) -> bool {
        let Some(db) = self.0.take() else { return true };
        // sled's own flush at its end has nothing left to wait for behind this one.
        let _failed = flush(&db);
        catch_unwind(AssertUnwindSafe(|| drop(db))).is_ok()
    }
}

impl Deref for Closing {
    type Target = sled::Db;

    fn deref(&self) -> &sled::Db {
        self.0.as_ref().expect("it is closed when nobody has it")
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_there_after_a_close() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut db = Closing::new(sled::open(folder.path()).expect("opens"));
        db.insert(b"key", b"value").expect("inserts");
        assert!(db.close());
        let again = sled::open(folder.path()).expect("opens");
        assert_eq!(again.get(b"key"), Ok(Some(b"value".into())));
    }
}
