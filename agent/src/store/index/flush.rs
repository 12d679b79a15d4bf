//! sled's flush, with an end. In: an index. Out: all of it in the system's hands, or why not.
//! Never: a wait for a write that has failed. Each batch begins with a buffer of its own, and when the disk refuses that one while a
//! flush waits for it, sled notes the failure and wakes nobody.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use super::super::Outage;
use super::super::limits::{INDEX_FLUSH_ASKED, INDEX_FLUSH_TIME};
use super::SYNCS_KEY;

type Flushed = Result<usize, sled::Error>;

/// Who flushes reads it, whichever index it is. sled has the same lock inside, one for all that are open: a batch that waits there for a
/// flush lets nobody pass, not even who would wake that flush. So batches wait here.
static FLUSHING: RwLock<()> = RwLock::new(());

/// All of a batch or nothing, when no index is being flushed.
pub fn apply(db: &sled::Db, batch: sled::Batch) -> Result<(), Outage> {
    let _nobody = FLUSHING.write().unwrap_or_else(PoisonError::into_inner);
    db.apply_batch(batch)
        .map_err(|e| Outage::index("write", &e))
}

/// Hands everything that was written to the system. Takes as long as the disk does, up to `INDEX_FLUSH_TIME`.
pub fn flush(db: &sled::Db) -> Result<(), Outage> {
    let _flushing = FLUSHING.read().unwrap_or_else(PoisonError::into_inner);
    let (told, hear) = mpsc::sync_channel(1);
    let flushing = db.clone();
    let thread = thread::Builder::new().spawn(move || {
        let flushed = flushing.flush();
        // Whoever closes the index behind this must have the last of it.
        drop(flushing);
        _ = told.send(flushed);
    });
    let flushed = match thread {
        Ok(_) => wait(&hear, || ask(db), INDEX_FLUSH_TIME),
        // Want of memory says nothing of the index.
        Err(_) => db.flush(),
    };
    flushed.map_err(|e| Outage::index("flush", &e)).map(|_| ())
}

/// Whoever wants to write is told of a failure, and sled wakes all who wait then. What is written is what stands there.
fn ask(db: &sled::Db) -> Result<(), sled::Error> {
    let known = db.get(SYNCS_KEY)?;
    let _another_was_faster = db.compare_and_swap(SYNCS_KEY, known.as_ref(), known.clone())?;
    Ok(())
}

fn wait(
    hear: &Receiver<Flushed>,
    ask: impl Fn() -> Result<(), sled::Error>,
    longest: Duration,
) -> Flushed {
    let began = Instant::now();
    loop {
        match hear.recv_timeout(INDEX_FLUSH_ASKED.min(longest)) {
            Ok(flushed) => return flushed,
            Err(RecvTimeoutError::Disconnected) => return failed("sled panicked".into()),
            Err(RecvTimeoutError::Timeout) if began.elapsed() >= longest => {
                return failed(format!("it does not end within {longest:?}"));
            }
            Err(RecvTimeoutError::Timeout) => ask()?,
        }
    }
}

fn failed(why: String) -> Flushed {
    Err(std::io::Error::other(why).into())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn a_flush_that_nobody_wakes_ends_with_the_failure_that_sled_has_noted() {
        let (_told, hear) = mpsc::sync_channel(1);
        let refused = || Err(std::io::Error::from(ErrorKind::StorageFull).into());
        let flushed = wait(&hear, refused, INDEX_FLUSH_TIME);
        assert!(matches!(flushed, Err(sled::Error::Io(e)) if e.kind() == ErrorKind::StorageFull));
    }

    #[test]
    fn a_flush_that_never_ends_is_a_failure() {
        let (_told, hear) = mpsc::sync_channel(1);
        let flushed = wait(&hear, || Ok(()), Duration::from_millis(10));
        assert!(flushed.is_err_and(|e| e.to_string().contains("does not end")));
    }

    #[test]
    fn to_be_asked_harms_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = sled::open(folder.path()).expect("opens");
        ask(&db).expect("is asked before there is anything");
        assert_eq!(db.get(SYNCS_KEY), Ok(None));
        db.insert(SYNCS_KEY, &7_u64.to_be_bytes()).expect("inserts");
        ask(&db).expect("is asked");
        flush(&db).expect("flushes");
        assert_eq!(db.get(SYNCS_KEY), Ok(Some((&7_u64.to_be_bytes()).into())));
    }

    #[test]
    fn a_batch_waits_for_a_flush_and_stands_in_nobodys_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = sled::open(folder.path()).expect("opens");
        let mut batch = sled::Batch::default();
        batch.insert(b"key", b"value");
        thread::scope(|scope| {
            let flushing = FLUSHING.read();
            let applying = scope.spawn(|| apply(&db, batch));
            ask(&db).expect("is asked meanwhile");
            assert_eq!(db.get(b"key"), Ok(None), "the batch waits");
            drop(flushing);
            applying.join().expect("ends").expect("is applied");
        });
        assert_eq!(db.get(b"key"), Ok(Some(b"value".into())));
    }
}
