//! Delivery into a file: events come in, each becomes one line, a structured CloudEvent with its signature. A line is whole, or it
//! is cut off at the next start. The file is opened anew each time, so that it may be moved away.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use schemas::envelope::{nats, structured};
use schemas::event::Position;
use schemas::signing::SignedEvent;
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
        if before == 0 {
            // Lines in a file that has lost its name are lost.
            sync_name(path)?;
            std::fs::metadata(path)?;
        }
        let written = file.write_all(lines.as_bytes());
        if let Err(error) = written.and_then(|()| file.sync_data()) {
            // Half a page must not stand before its repetition.
            cut(&file, before)?;
            return Err(error);
        }
        Ok(())
    };
    append().map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// What stands in the file's end, which is then on disk, in the order of its lines. Behind the last line that is marked a power cut may have
/// left anything: what is no whole line there is cut off, with all that follows it.
pub fn written(
    path: &Path,
    is_marked: impl Fn(&LogName, Position) -> bool,
) -> std::io::Result<Vec<(LogName, Position)>> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let tail = read_tail(&mut file)?;
    let lines = lines(&tail);
    let marked = lines.iter().rposition(|(_, line)| {
        let place = line.as_ref();
        place.is_some_and(|(log, position)| is_marked(log, *position))
    });
    let behind = marked.map_or(0, |marked| marked + 1);
    let whole = |(_, line): &&(usize, Line)| line.is_some();
    let good = behind + lines[behind..].iter().take_while(whole).count();
    let end = good.checked_sub(1).map_or(0, |last| lines[last].0);
    if end < tail.len() {
        let torn = (tail.len() - end) as u64;
        let length = file.metadata()?.len();
        cut(&file, length - torn)?;
    }
    // A killed agent's last lines may be in the cache alone.
    file.sync_data()?;
    sync_name(path)?;
    let whole = lines.into_iter().take(good);
    Ok(whole.filter_map(|(_, line)| line).collect())
}

/// Looked at, because the next line would be joined to what is still there.
fn cut(file: &File, length: u64) -> std::io::Result<()> {
    file.set_len(length)?;
    match file.metadata()?.len() == length {
        true => Ok(()),
        false => Err(std::io::Error::other("it cannot be cut short")),
    }
}

/// What a line says; None for what is no line of ours.
type Line = Option<(LogName, Position)>;

/// The lines, each with where it ends.
fn lines(tail: &[u8]) -> Vec<(usize, Line)> {
    let mut end = 0;
    let lines = tail.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| {
            end += line.len();
            let event = line.strip_suffix(b"\n").map(structured::decode);
            let event = event.and_then(Result::ok);
            let place = |event: SignedEvent| (event.event().log().clone(), event.link().position);
            (end, event.map(place))
        })
        .collect()
}

fn sync_name(path: &Path) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn read_tail(file: &mut File) -> std::io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(FILE_TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    if length > FILE_TAIL_BYTES {
        let first = tail.iter().position(|byte| *byte == b'\n');
        tail.drain(..first.map_or(0, |end| end + 1));
    }
    Ok(tail)
}
