//! What records are found by: a record's head comes in, the keys under which it is looked for go out. The sections' names are those that the
//! rooms use; the log itself knows of two of them alone that ids are hashed and have a filter, and that tables are in the order of records.

use super::hash::IdHash;

/// Of keys of one sort, in each hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// By place in line.
    Line,
    /// Refused ones by place in line.
    Tray,
    /// By position of the log.
    Own,
    /// Receipts by position of the log: looked for *at or after*.
    Receipts,
    /// By number of arrival.
    Arrivals,
    /// Lost ones by place in line.
    Lost,
    /// By hash of an id or of a submitter's key.
    Ids,
    /// What tables are filled from, in the order of the records.
    Tables,
}

impl Section {
    pub const ALL: [Section; SECTIONS] = [
        Section::Line,
        Section::Tray,
        Section::Own,
        Section::Receipts,
        Section::Arrivals,
        Section::Lost,
        Section::Ids,
        Section::Tables,
    ];

    pub(super) fn index(self) -> usize {
        match self {
            Section::Line => 0,
            Section::Tray => 1,
            Section::Own => 2,
            Section::Receipts => 3,
            Section::Arrivals => 4,
            Section::Lost => 5,
            Section::Ids => 6,
            Section::Tables => 7,
        }
    }
}

pub const SECTIONS: usize = 8;

/// The number of a feed or log (zero for ids), and what is counted in it. Keys are whole: no part of one runs over into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub of: u32,
    pub at: u64,
}

/// The keys of one record, gathered.
pub struct Keys {
    hash: IdHash,
    found: Vec<(Section, Key)>,
}

impl Keys {
    pub fn new(hash: IdHash) -> Keys {
        Keys {
            hash,
            found: Vec::new(),
        }
    }

    /// Under a number in a feed or log.
    pub fn at(&mut self, section: Section, of: u32, at: u64) {
        self.found.push((section, Key { of, at }));
    }

    /// Under an id, which may be of several parts.
    pub fn id(&mut self, parts: &[&[u8]]) {
        let key = id_key(self.hash, parts);
        self.found.push((Section::Ids, key));
    }

    /// It fills a table.
    pub fn table(&mut self) {
        self.found.push((Section::Tables, Key { of: 0, at: 0 }));
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Section, Key)> + '_ {
        self.found.drain(..)
    }
}

pub(super) fn id_key(hash: IdHash, parts: &[&[u8]]) -> Key {
    let at = hash.of(parts);
    Key { of: 0, at }
}

/// A key and the place that it leads to in one segment. Sorted by key, then by offset: the last of equal keys is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub key: Key,
    pub offset: u32,
    pub length: u32,
}
