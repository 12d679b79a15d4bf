//! Ways in which a disk harms a store at rest, for the tests of both stores: each is done to a closed store.

use std::fs::{self, File};
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// So many bytes are missing at the end.
    Cut(u64),
    /// One bit is another, at so many hundredths of what was written.
    Flip(usize),
    /// A block of 4 KiB is zeros, at so many hundredths of what was written.
    Hole(usize),
    Emptied,
    Halved,
    Missing,
}

impl Harm {
    /// Everything that is worth doing to a file of this name.
    pub fn to(name: &str) -> Vec<Harm> {
        let of_all = [Harm::Emptied, Harm::Halved, Harm::Missing];
        let of_log = [600_000, 1_000_000, 2_000_000].map(Harm::Cut).into_iter();
        let places = [0, 1, 20, 40, 60, 80, 95, 99];
        let flips = places.into_iter().map(Harm::Flip);
        let holes = places.into_iter().map(Harm::Hole);
        match name {
            name if name == "db" || name.ends_with(".log") => {
                of_log.chain(flips).chain(holes).chain(of_all).collect()
            }
            _ => flips.chain(of_all).collect(),
        }
    }

    /// False where it changes nothing: the file is shorter, or there already nothing but zeros.
    pub fn done_to(self, file: &Path) -> bool {
        let before = fs::read(file).expect("reads");
        let written = before
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        let at = |hundredths: usize| (written * hundredths / 100).min(written.saturating_sub(1));
        let mut after = before.clone();
        match self {
            Harm::Missing => {
                fs::remove_file(file).expect("removes");
                return true;
            }
            Harm::Cut(bytes) => {
                let left = (before.len() as u64).saturating_sub(bytes);
                let cut = File::options().write(true).open(file);
                cut.and_then(|file| file.set_len(left)).expect("cuts");
                return left > 0;
            }
            Harm::Emptied => after.clear(),
            Harm::Halved => after.truncate(written / 2),
            Harm::Flip(hundredths) if written > 0 => after[at(hundredths)] ^= 1,
            Harm::Hole(hundredths) => {
                let start = at(hundredths);
                let end = (start + 4_096).min(after.len());
                after[start..end].fill(0);
            }
            Harm::Flip(_) => {}
        }
        fs::write(file, &after).expect("writes");
        after != before
    }
}
