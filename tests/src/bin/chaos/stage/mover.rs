//! An application that moves its file away as docs/receiving.md says, reads it, and removes it.
//! In: a file that an agent delivers into. Out: what the application has. Never: a wait for the agent, which need not know.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use crate::arrivals::{Shelf, lines};

/// How long a file fills.
const BETWEEN_MS: std::ops::Range<u64> = 200..2_000;

pub struct Mover {
    pub shelf: Shelf,
    _moving: AbortOnDropHandle<()>,
}

impl Mover {
    pub fn begin(path: PathBuf, seed: u64) -> Mover {
        let shelf = Shelf::default();
        let mut random = fastrand::Rng::with_seed(seed);
        let taken = shelf.clone();
        let moving = async move {
            loop {
                tokio::time::sleep(Duration::from_millis(random.u64(BETWEEN_MS))).await;
                take(&path, &taken);
            }
        };
        Mover {
            shelf,
            _moving: AbortOnDropHandle::new(tokio::spawn(moving)),
        }
    }
}

fn take(path: &Path, shelf: &Shelf) {
    let own = path.with_extension("taken");
    // Not there: nothing has arrived since.
    if std::fs::rename(path, &own).is_err() {
        return;
    }
    let read = std::fs::read(&own).map_err(anyhow::Error::from);
    let mut shelf = shelf.open();
    match read.and_then(|text| lines(&text)) {
        Ok(events) => shelf.new.extend(events),
        Err(why) => shelf.broken = Some(format!("{}: {why:#}", own.display())),
    }
    std::fs::remove_file(&own).ok();
}
