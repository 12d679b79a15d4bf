//! The ways in which a power cut may treat what was not synced.
//! In: a file's safe bytes and its unsafe changes. Out: the bytes that are left. Never: a loss of what was safe.

use std::sync::Arc;

use fastrand::Rng;

use super::{Change, write_at};

/// What becomes of unsynced changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Way {
    /// Everything was written in time: what a kill leaves.
    Kept,
    /// Nothing was.
    Dropped,
    /// Each change was or was not.
    Random,
    /// Writes end in the middle, or lack some sectors.
    Torn512,
    /// The same by pages.
    Torn4096,
    /// The data were written, the names of new, moved and removed files were not.
    NamesDropped,
    /// Names and lengths were written, the data were not: zeros.
    DataZeroed,
    /// Nothing was, but for what was written last to each file, of which some sectors may be there.
    LastTorn,
}

impl Way {
    pub const ALL: [Way; 8] = [
        Way::Kept,
        Way::Dropped,
        Way::Random,
        Way::Torn512,
        Way::Torn4096,
        Way::NamesDropped,
        Way::DataZeroed,
        Way::LastTorn,
    ];

    /// One that is drawn; another draw gives another state.
    pub fn is_random(self) -> bool {
        match self {
            Way::Random | Way::Torn512 | Way::Torn4096 | Way::LastTorn => true,
            Way::Kept | Way::Dropped | Way::NamesDropped | Way::DataZeroed => false,
        }
    }
}

/// One cut: decides for each unsafe change.
pub struct Keep {
    way: Way,
    rng: Rng,
}

impl Keep {
    pub fn new(way: Way, seed: u64) -> Keep {
        let rng = Rng::with_seed(seed);
        Keep { way, rng }
    }

    /// How many of a folder's unsafe changes of names are kept: a journal of metadata keeps their order.
    pub fn names(&mut self, changes: usize) -> usize {
        match self.way {
            Way::Kept | Way::DataZeroed => changes,
            Way::Dropped | Way::NamesDropped | Way::LastTorn => 0,
            Way::Random | Way::Torn512 | Way::Torn4096 => self.rng.usize(0..=changes),
        }
    }

    /// The bytes that are left of a file. `dropped` counts the changes that are not whole.
    pub fn file(
        &mut self,
        safe: &Arc<Vec<u8>>,
        changes: &[(u64, Change)],
        dropped: &mut usize,
    ) -> Arc<Vec<u8>> {
        let Some(last) = changes.len().checked_sub(1) else {
            return Arc::clone(safe);
        };
        let mut bytes = safe.to_vec();
        for (number, (_, change)) in changes.iter().enumerate() {
            let comes_before = self.way == Way::LastTorn && number < last;
            let whole = !comes_before && self.change(change, &mut bytes);
            *dropped += usize::from(!whole);
        }
        Arc::new(bytes)
    }

    /// True when the change is there as a whole.
    fn change(&mut self, change: &Change, bytes: &mut Vec<u8>) -> bool {
        let block = match self.way {
            Way::Kept | Way::NamesDropped => {
                change.apply(bytes);
                return true;
            }
            Way::Dropped => return false,
            Way::DataZeroed => return zeroed(change, bytes),
            Way::Random => {
                let kept = self.rng.bool();
                if kept {
                    change.apply(bytes);
                }
                return kept;
            }
            Way::Torn512 | Way::LastTorn => 512,
            Way::Torn4096 => 4_096,
        };
        match change {
            Change::Resize(_) => {
                change.apply(bytes);
                true
            }
            Change::Write { offset, bytes: new } => self.torn(block, *offset, new, bytes),
        }
    }

    /// Whole, a beginning, or some blocks of it, each as likely. Blocks are the file's, not the write's.
    fn torn(&mut self, block: u64, offset: u64, new: &[u8], bytes: &mut Vec<u8>) -> bool {
        let blocks = blocks(block, offset, new);
        let way = self.rng.u8(0..3);
        let beginning = self.rng.usize(0..=blocks.len());
        let mut whole = true;
        for (number, (at, part)) in blocks.into_iter().enumerate() {
            let kept = match way {
                0 => true,
                1 => number < beginning,
                _ => self.rng.bool(),
            };
            if kept {
                write_at(bytes, at, part);
            }
            whole &= kept;
        }
        whole
    }
}

/// The length of what was written, and nothing of it.
fn zeroed(change: &Change, bytes: &mut Vec<u8>) -> bool {
    match change {
        Change::Resize(_) => {
            change.apply(bytes);
            true
        }
        Change::Write { offset, bytes: new } => {
            let end = usize::try_from(*offset).expect("a recorded file fits in memory") + new.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            false
        }
    }
}

fn blocks(block: u64, offset: u64, bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut blocks = Vec::new();
    let (mut at, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let room = usize::try_from(block - at % block).expect("a block is small");
        let (head, tail) = rest.split_at(room.min(rest.len()));
        blocks.push((at, head));
        at += head.len() as u64;
        rest = tail;
    }
    blocks
}
