//! Delivery into a file: events come in, each becomes one line, a structured CloudEvent with its signature. A line is whole, or it
//! is cut off at the next start. The file is opened anew each time, so that it may be moved away.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use schemas::envelope::{nats, structured};
use schemas::event::Position;
use schemas::subject::LogName;

use super::limits::FILE_TAIL_BYTES;

pub struct LineFile(PathBuf);

impl LineFile {
    pub fn new(path: PathBuf) -> LineFile {
        LineFile(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Appends events in their stored encoding, and syncs.
///
/// # Errors
/// What went wrong; nothing then counts as written.
pub fn append(path: &Path, events: Vec<Bytes>) -> Result<(), String> {
    let mut lines = String::new();
    for stored in &events {
        let event = nats::read_stored(stored).map_err(|refusal| refusal.to_string())?;
        lines.push_str(&structured::encode(&event));
        lines.push('\n');
    }
    let append = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let before = file.metadata()?.len();
        let written = file.write_all(lines.as_bytes());
        if let Err(error) = written.and_then(|()| file.sync_data()) {
            // Half a page must not stand before its repetition.
            file.set_len(before)?;
            return Err(error);
        }
        Ok(())
    };
    append().map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// The last position of each log in the file's end; a torn last line is cut off.
pub fn written(path: &Path) -> std::io::Result<BTreeMap<LogName, Position>> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        opened => opened?,
    };
    let tail = read_tail(&mut file)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n');
    let whole = whole.map_or(0, |end| end + 1);
    if whole < tail.len() {
        let torn = (tail.len() - whole) as u64;
        let length = file.metadata()?.len();
        file.set_len(length - torn)?;
        file.sync_data()?;
    }
    let mut last = BTreeMap::new();
    for line in tail[..whole].split(|byte| *byte == b'\n') {
        if let Ok(event) = structured::decode(line) {
            let position = event.link().position;
            let known = last.entry(event.event().log().clone()).or_insert(position);
            *known = position.max(*known);
        }
    }
    Ok(last)
}

fn read_tail(file: &mut File) -> std::io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(FILE_TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    Ok(tail)
}
