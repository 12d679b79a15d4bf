//! Two files that say the same: what was delivered is written to one and then to the other, so that what one of them has lost is known
//! from the other. Both come in as they are found, what they say together goes out, and what is wrong with them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::lines::{self, Begin, Entry, FORMAT, Line};
use crate::store::{Outage, disk};

/// The names of the two, in the order in which they are written.
pub const NAMES: [&str; 2] = ["marks", "marks.copy"];

/// One of the two, as it was found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    is_there: bool,
    lines: BTreeMap<u64, Entry>,
    /// The last line that it is known to have had.
    last: u64,
    /// Lines that cannot be read, and those of which its first one says that they were there.
    damaged: usize,
    format: Option<u32>,
}

/// What both say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Together {
    pub lines: BTreeMap<u64, Entry>,
    pub last: u64,
    pub begun: bool,
    /// What is wrong, in words.
    pub amiss: Option<String>,
    /// Something may be lost from both.
    pub lost: bool,
    /// The newest format that was found.
    pub format: Option<u32>,
}

/// Reads both.
pub fn read(folder: &Path) -> Result<Together, Outage> {
    let [first, second] = NAMES.map(|name| read_one(&folder.join(name)));
    let (first, second) = (first?, second?);
    let amiss = amiss(&first, &second);
    // What was written last stands in the first alone when the process ended between the two.
    let whole =
        |one: &Found, other: &Found| one.is_there && one.damaged == 0 && one.last >= other.last;
    let lost =
        (first.is_there || second.is_there) && !whole(&first, &second) && !whole(&second, &first);
    let mut lines = first.lines;
    lines.extend(second.lines);
    Ok(Together {
        last: first.last.max(second.last),
        begun: first.is_there || second.is_there,
        lines,
        amiss,
        lost,
        format: first.format.max(second.format),
    })
}

/// The second may lack what the first has: it is written behind it. Never the other way.
fn amiss(first: &Found, second: &Found) -> Option<String> {
    let one = |name: &str, found: &Found| match (found.is_there, found.damaged) {
        (false, _) => Some(format!("{name} is missing")),
        (true, 0) => None,
        (true, lines) => Some(format!("{lines} lines of {name} are damaged or missing")),
    };
    if !first.is_there && !second.is_there {
        return None;
    }
    // A power cut between the making of the two leaves the first alone, with nothing in it but its beginning.
    let begun_alone = first.is_there && !second.is_there && first.lines.is_empty();
    let behind = first.is_there && first.damaged == 0 && first.last < second.last;
    let cut = behind.then(|| format!("{} has lost its end", NAMES[0]));
    let second = one(NAMES[1], second).filter(|_| !begun_alone);
    let all: Vec<String> = [one(NAMES[0], first), cut, second]
        .into_iter()
        .flatten()
        .collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn read_one(path: &Path) -> Result<Found, Outage> {
    let bytes = match fs::read(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Found::default()),
        read => read.map_err(|e| Outage::disk("read", path, &e))?,
    };
    let mut found = Found {
        is_there: true,
        ..Found::default()
    };
    let mut begin = None;
    // A last line without its end was torn off while it was written.
    let whole = bytes.split_inclusive(|byte| *byte == b'\n');
    for line in whole.filter_map(|line| line.strip_suffix(b"\n")) {
        match lines::read(line) {
            Some(Line {
                entry: Entry::Begin(first),
                ..
            }) => begin = Some(first),
            Some(Line { n, entry }) => {
                found.lines.insert(n, entry);
            }
            None => {
                found.format = found.format.max(lines::format_of(line));
                found.damaged += 1;
            }
        }
    }
    let last = found.lines.last_key_value().map_or(0, |(n, _)| *n);
    match begin {
        Some(Begin {
            format,
            last: stood_for,
            lines,
            ..
        }) => {
            found.format = Some(format);
            found.last = last.max(stood_for);
            let of_it = found.lines.range(..=stood_for).count() as u64;
            let missing = usize::try_from(lines.saturating_sub(of_it)).unwrap_or(usize::MAX);
            found.damaged = found.damaged.max(missing);
        }
        // A file is made as a whole, so that without its first line it was cut.
        None => {
            found.last = last;
            found.damaged += 1;
        }
    }
    Ok(found)
}

/// Both files, open behind what was written as a whole.
pub struct Copies {
    paths: [PathBuf; 2],
    files: [File; 2],
    pub bytes: u64,
}

impl Copies {
    /// Writes both anew, one after the other: at each moment one of them is whole.
    pub fn write(
        folder: &Path,
        begin: Begin,
        all: &BTreeMap<u64, Entry>,
    ) -> Result<Copies, Outage> {
        let mut bytes = Vec::new();
        let begin = Begin {
            format: FORMAT,
            lines: all.len() as u64,
            ..begin
        };
        let entry = Entry::Begin(begin);
        lines::write(&mut bytes, &Line { n: 0, entry });
        for (n, entry) in all {
            let line = Line {
                n: *n,
                entry: entry.clone(),
            };
            lines::write(&mut bytes, &line);
        }
        let paths = NAMES.map(|name| folder.join(name));
        for path in &paths {
            disk::replace(path, &bytes)?;
        }
        let open = |path: &PathBuf| {
            let file = File::options().append(true).open(path);
            file.map_err(|e| Outage::disk("open", path, &e))
        };
        let files = [open(&paths[0])?, open(&paths[1])?];
        Ok(Copies {
            paths,
            files,
            bytes: bytes.len() as u64,
        })
    }

    /// From the end on the lines survive a power cut, and the loss of one of the files.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Outage> {
        for (file, path) in self.files.iter_mut().zip(&self.paths) {
            let written = file.write_all(bytes).and_then(|()| file.sync_data());
            written.map_err(|e| Outage::disk("write", path, &e))?;
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}
