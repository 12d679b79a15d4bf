//! What one application has, as it sees it itself: the file that it reads, the deliveries that it took, the files that it moved away.
//! In: a file as it grows, a shelf as it fills. Out: events in the order of their delivery. Never: what the agent says of itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};
use tests::tally::Arrived;

/// One application's deliveries.
pub struct Arrivals {
    pub name: String,
    /// The office whose application it is.
    pub office: usize,
    from: From,
    /// By `source`, each log in the order of its delivery.
    pub logs: BTreeMap<String, Vec<Arrived>>,
}

enum From {
    File { path: PathBuf, read_to: u64 },
    Shelf(Shelf),
}

/// Where an application of the suite's own puts what it was given.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Taken>>);

#[derive(Default)]
pub struct Taken {
    pub new: Vec<Arrived>,
    /// Given once more, for a reason that the application knows of: its answer was lost.
    pub again: usize,
    /// What no application should ever be given.
    pub broken: Option<String>,
}

impl Shelf {
    pub fn open(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrivals {
    pub fn of_file(name: String, office: usize, path: &Path) -> Arrivals {
        let path = path.to_owned();
        Arrivals::from(name, office, From::File { path, read_to: 0 })
    }

    pub fn of_shelf(name: String, office: usize, shelf: Shelf) -> Arrivals {
        Arrivals::from(name, office, From::Shelf(shelf))
    }

    fn from(name: String, office: usize, from: From) -> Arrivals {
        Arrivals {
            name,
            office,
            from,
            logs: BTreeMap::new(),
        }
    }

    /// Reads what came since the last look; a line that is not whole yet is left for the next. How much it was.
    pub fn look(&mut self) -> Result<usize> {
        let new = match &mut self.from {
            From::File { path, read_to } => read_on(path, read_to)?,
            From::Shelf(shelf) => {
                let mut taken = shelf.open();
                ensure!(
                    taken.broken.is_none(),
                    "{} was given {:?}",
                    self.name,
                    taken.broken
                );
                std::mem::take(&mut taken.new)
            }
        };
        let count = new.len();
        for arrived in new {
            let log = self.logs.entry(arrived.source.clone()).or_default();
            log.push(arrived);
        }
        Ok(count)
    }

    /// How often it was given something again for a reason that it knows of.
    pub fn again(&self) -> usize {
        match &self.from {
            From::File { .. } => 0,
            From::Shelf(shelf) => shelf.open().again,
        }
    }
}

fn read_on(path: &Path, read_to: &mut u64) -> Result<Vec<Arrived>> {
    let Ok(mut file) = File::open(path) else {
        return Ok(Vec::new());
    };
    file.seek(SeekFrom::Start(*read_to))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n');
    let whole = &text[..whole.map_or(0, |end| end + 1)];
    *read_to += whole.len() as u64;
    lines(whole)
}

/// The events of a file's whole lines.
pub fn lines(text: &[u8]) -> Result<Vec<Arrived>> {
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(Arrived::of_line)
        .collect()
}
