//! Ids of what waits, outside of the stores: names of accepted events come in, and all of them can be read again when the store is gone. Never synced
//! on the way, and never believed against a store: it only gives names to numbers that the note says were lost.
//!
//! ```text
//! store.ids:  ["health-quarterly",7,"0193..."]     one line an event, appended with each group; a line that is torn is passed over
//! ```
//! It is written anew when it is twice as long as what waits, and emptied when nothing does.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::limits::{IDS_LINE_BYTES_MAX, IDS_LINES_SLACK};
use super::{Outage, disk};

/// One event by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub feed: String,
    pub number: u64,
    pub id: String,
}

pub struct Ids {
    path: PathBuf,
    file: File,
    lines: u64,
}

impl Ids {
    /// Opens the file for appending; what is in it stays.
    ///
    /// # Errors
    /// The disk fails.
    pub fn open(path: &Path) -> Result<Ids, Outage> {
        let mut lines = 0;
        read(path, |_| lines += 1)?;
        let file = append_to(path)?;
        Ok(Ids {
            path: path.into(),
            file,
            lines,
        })
    }

    /// Appends names as one write, behind the end of the line before: one that was torn takes none of them with it.
    ///
    /// # Errors
    /// The disk fails or is full; the store itself is not touched by that.
    pub fn append(&mut self, waiting: &[Waiting]) -> Result<(), Outage> {
        let mut lines = Vec::from(b"\n");
        for one in waiting {
            write_line(one, &mut lines);
        }
        let written = self.file.write_all(&lines);
        written.map_err(|e| Outage::disk("write", &self.path, &e))?;
        self.lines += waiting.len() as u64;
        Ok(())
    }

    /// Whether it has become longer than it should be for so many that wait.
    pub fn is_long(&self, waiting: u64) -> bool {
        self.lines > waiting.saturating_mul(2).saturating_add(IDS_LINES_SLACK)
            || waiting == 0 && self.lines > 0
    }

    /// Replaces all of it by what waits.
    ///
    /// # Errors
    /// The disk fails or is full: the old file is there.
    pub fn write_anew(&mut self, waiting: impl IntoIterator<Item = Waiting>) -> Result<(), Outage> {
        let new = self.path.with_extension("ids.new");
        let failed = |e| Outage::disk("write", &new, &e);
        let mut file = std::io::BufWriter::new(File::create(&new).map_err(failed)?);
        let (mut lines, mut line) = (0, Vec::new());
        for one in waiting {
            line.clear();
            write_line(&one, &mut line);
            file.write_all(&line).map_err(failed)?;
            lines += 1;
        }
        let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
        file.sync_all().map_err(failed)?;
        disk::rename(&new, &self.path).map_err(failed)?;
        disk::sync_directory(self.path.parent().unwrap_or(Path::new(".")))?;
        self.file = append_to(&self.path)?;
        self.lines = lines;
        Ok(())
    }
}

/// Shows every line that reads; none where there is no file.
///
/// # Errors
/// The disk fails.
pub fn read(path: &Path, mut show: impl FnMut(Waiting)) -> Result<(), Outage> {
    let failed = |e| Outage::disk("read", path, &e);
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let had = reader
            .by_ref()
            .take(IDS_LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(failed)?;
        if had == 0 {
            return Ok(());
        }
        // A part of a line is never one.
        if let Ok((feed, number, id)) = serde_json::from_slice::<(String, u64, String)>(&line) {
            show(Waiting { feed, number, id });
        }
    }
}

fn append_to(path: &Path) -> Result<File, Outage> {
    let opened = File::options().append(true).create(true).open(path);
    opened.map_err(|e| Outage::disk("open", path, &e))
}

/// Two texts and a number are always JSON.
fn write_line(one: &Waiting, into: &mut Vec<u8>) {
    let line = serde_json::json!([one.feed, one.number, one.id]);
    into.extend_from_slice(line.to_string().as_bytes());
    into.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn one(number: u64) -> Waiting {
        let feed = "health-quarterly".into();
        Waiting {
            feed,
            number,
            id: format!("id \"{number}\"\n"),
        }
    }

    fn all(path: &Path) -> Vec<u64> {
        let mut numbers = Vec::new();
        read(path, |waiting| {
            assert_eq!(waiting, one(waiting.number));
            numbers.push(waiting.number);
        })
        .expect("reads");
        numbers
    }

    #[test]
    fn wherever_it_is_torn_the_lines_before_and_behind_are_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("store.ids");
        let mut ids = Ids::open(&path).expect("opens");
        ids.append(&[one(1), one(2)]).expect("writes");
        let bytes = fs::read(&path).expect("reads");
        for length in 0..=bytes.len() {
            fs::write(&path, &bytes[..length]).expect("writes");
            let before = all(&path);
            assert!([1, 2].starts_with(&before), "{length}");
            Ids::open(&path)
                .and_then(|mut ids| ids.append(&[one(3)]))
                .expect("writes");
            assert_eq!(
                all(&path)
                    .split_last()
                    .map(|(last, rest)| (*last, rest.to_vec())),
                Some((3, before)),
                "{length}"
            );
        }
    }

    #[test]
    fn it_is_written_anew_when_it_is_long_and_is_empty_when_nothing_waits() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("store.ids");
        assert!(all(&path).is_empty());
        let mut ids = Ids::open(&path).expect("opens");
        let many: Vec<Waiting> = (0..IDS_LINES_SLACK + 5).map(one).collect();
        ids.append(&many).expect("writes");
        assert!(!ids.is_long(10) && ids.is_long(1) && ids.is_long(0));
        ids.write_anew([one(7)]).expect("writes");
        ids.append(&[one(8)]).expect("writes");
        assert_eq!(all(&path), [7, 8]);
        assert!(Ids::open(&path).expect("opens").is_long(0));
        ids.write_anew([]).expect("writes");
        assert!(!ids.is_long(0) && all(&path).is_empty());
    }
}
