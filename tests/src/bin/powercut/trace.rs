//! What strace wrote down comes in; the storage calls of one process go out, in the order in which they took effect.
//! Never: a call that failed, a file outside of the recorded folder, credit for a sync before its end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ::tests::disk::Call;
use anyhow::{Context as _, Result, ensure};

/// What strace is asked for: every call that changes a disk, and those that say which file a descriptor is.
pub const CALLS: &str = "openat,write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2,\
ftruncate,unlink,unlinkat,rmdir,mkdir,mkdirat,close";

/// A call and when strace saw it, in nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub at_ns: u64,
    pub call: Call,
}

/// What one process did.
pub struct Trace {
    pub steps: Vec<Step>,
    /// Calls that were under way when it was killed: they may have taken effect.
    pub cut_short: usize,
}

/// Reads one process's trace; paths outside of `root` are left out.
pub fn read(file: &Path, root: &Path) -> Result<Trace> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut steps = Vec::new();
    let mut unfinished: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        let Some((thread, at_ns, rest)) = head(line) else {
            continue;
        };
        let mut whole = rest.to_vec();
        if let Some(begun) = rest.strip_suffix(b" <unfinished ...>") {
            if let Some(call) = sync_begins(thread, begun).or_else(|| closing(begun)) {
                steps.push(Step { at_ns, call });
            }
            unfinished.insert(thread, begun.to_vec());
            continue;
        } else if rest.starts_with(b"<... ") {
            let Some(mut begun) = unfinished.remove(&thread) else {
                continue;
            };
            let at = find(rest, b"resumed>").context("a resumed call says so")?;
            begun.extend_from_slice(&rest[at + b"resumed>".len()..]);
            if closing(&begun).is_some() {
                continue;
            }
            whole = begun;
        } else if let Some(call) = sync_begins(thread, rest) {
            steps.push(Step { at_ns, call });
        }
        if let Some(call) = finished(thread, &whole) {
            steps.push(Step { at_ns, call });
        }
    }
    ensure!(!steps.is_empty(), "{} holds no call", file.display());
    steps.retain(|step| step.call.paths().iter().all(|path| path.starts_with(root)));
    let cut_short = unfinished.len();
    Ok(Trace { steps, cut_short })
}

/// Thread, time, and the rest of a line.
fn head(line: &[u8]) -> Option<(u32, u64, &[u8])> {
    let (thread, rest) = word(line)?;
    let (time, rest) = word(rest)?;
    let (seconds, nanoseconds) = time.split_once('.')?;
    let at_ns = seconds.parse::<u64>().ok()? * 1_000_000_000 + nanoseconds.parse::<u64>().ok()?;
    Some((thread.parse().ok()?, at_ns, rest))
}

fn word(line: &[u8]) -> Option<(&str, &[u8])> {
    let end = line.iter().position(|byte| *byte == b' ')?;
    let rest = line[end..].trim_ascii_start();
    Some((std::str::from_utf8(&line[..end]).ok()?, rest))
}

fn sync_begins(thread: u32, text: &[u8]) -> Option<Call> {
    let (name, arguments) = split_name(text)?;
    matches!(name, "fsync" | "fdatasync").then_some(())?;
    let (fd, path) = descriptor(arguments)?;
    Some(Call::SyncBegins { thread, fd, path })
}

/// A number may be given to another file as soon as its closing has begun; closed twice is closed.
fn closing(text: &[u8]) -> Option<Call> {
    let (name, arguments) = split_name(text)?;
    let (fd, _) = (name == "close").then(|| descriptor(arguments))??;
    Some(Call::Close { fd })
}

fn split_name(text: &[u8]) -> Option<(&str, &[u8])> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    Some((std::str::from_utf8(&text[..open]).ok()?, &text[open + 1..]))
}

/// The call that a whole line tells, if it succeeded and changes something.
fn finished(thread: u32, text: &[u8]) -> Option<Call> {
    let (name, arguments) = split_name(text)?;
    let (arguments, result) = arguments.split_at(rfind(arguments, b") = ")?);
    let result = &result[b") = ".len()..];
    let (done, _) = leading_number(result)?;
    let path = || paths(arguments).into_iter().next();
    Some(match name {
        "openat" => opened(arguments, result)?,
        "write" | "writev" => written(arguments, None, done)?,
        "pwrite64" | "pwritev" => written(arguments, Some(last_number(arguments)?), done)?,
        "fsync" | "fdatasync" => Call::SyncEnds { thread },
        "rename" | "renameat" | "renameat2" => {
            let mut both = paths(arguments).into_iter();
            Call::Rename {
                from: both.next()?,
                to: both.next()?,
            }
        }
        "ftruncate" => Call::Resize {
            fd: descriptor(arguments)?.0,
            length: last_number(arguments)?,
        },
        "unlink" | "unlinkat" | "rmdir" => Call::Remove(path()?),
        "mkdir" | "mkdirat" => Call::MakeFolder(path()?),
        _ => closing(text)?,
    })
}

fn opened(arguments: &[u8], result: &[u8]) -> Option<Call> {
    let (fd, path) = descriptor(result)?;
    let flag = |name: &[u8]| find(arguments, name).is_some();
    Some(Call::Open {
        fd,
        path,
        made: flag(b"O_CREAT"),
        emptied: flag(b"O_TRUNC"),
        appends: flag(b"O_APPEND"),
    })
}

fn written(arguments: &[u8], offset: Option<u64>, done: u64) -> Option<Call> {
    let (fd, _) = descriptor(arguments)?;
    let mut bytes = quoted(arguments).concat();
    bytes.truncate(usize::try_from(done).ok()?);
    Some(Call::Write { fd, offset, bytes })
}

/// `12<\x2f...>`: a descriptor and the path that it stands for.
fn descriptor(text: &[u8]) -> Option<(u32, PathBuf)> {
    let (fd, rest) = leading_number(text)?;
    let end = rest.iter().position(|byte| *byte == b'>')?;
    let path = hex(rest.get(1..end)?);
    Some((u32::try_from(fd).ok()?, as_path(&path)))
}

fn paths(arguments: &[u8]) -> Vec<PathBuf> {
    let quoted = quoted(arguments);
    quoted.iter().map(|path| as_path(path)).collect()
}

fn as_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// The strings of a call; strace was asked to write every byte of them as `\xNN`.
fn quoted(text: &[u8]) -> Vec<Vec<u8>> {
    let parts = text.split(|byte| *byte == b'"');
    parts.skip(1).step_by(2).map(hex).collect()
}

fn hex(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    let bytes = text.chunks_exact(4);
    bytes
        .map(|one| digit(one[2]) << 4 | digit(one[3]))
        .collect()
}

fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    Some((number, &text[digits..]))
}

fn last_number(arguments: &[u8]) -> Option<u64> {
    let at = rfind(arguments, b", ")? + 2;
    Some(leading_number(&arguments[at..])?.0)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// Searches from the end: what stands there is short, what stands before it may be a megabyte.
fn rfind(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).rposition(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &str) -> Vec<Call> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), lines).expect("writes");
        let trace = read(file.path(), Path::new("/d")).expect("reads");
        trace.steps.into_iter().map(|step| step.call).collect()
    }

    #[test]
    fn a_write_that_overlaps_a_sync_ends_behind_its_beginning() {
        let calls = of(concat!(
            "7 1.000000001 openat(AT_FDCWD<\\x2f>, \"\\x2f\\x64\\x2f\\x61\", O_WRONLY|O_CREAT|O_APPEND, 0666) = 3<\\x2f\\x64\\x2f\\x61>\n",
            "7 1.000000002 fdatasync(3<\\x2f\\x64\\x2f\\x61> <unfinished ...>\n",
            "8 1.000000003 write(3<\\x2f\\x64\\x2f\\x61>, \"\\x68\\x69\", 2) = 2\n",
            "7 1.000000004 <... fdatasync resumed>) = 0\n",
            "8 1.000000005 write(3<\\x2f\\x64\\x2f\\x61>, \"\\x68\", 1) = -1 EIO (Input/output error)\n",
            "8 1.000000006 +++ exited with 0 +++\n",
        ));
        let path = PathBuf::from("/d/a");
        let expected = [
            Call::Open {
                fd: 3,
                path: path.clone(),
                made: true,
                emptied: false,
                appends: true,
            },
            Call::SyncBegins {
                thread: 7,
                fd: 3,
                path,
            },
            Call::Write {
                fd: 3,
                offset: None,
                bytes: b"hi".to_vec(),
            },
            Call::SyncEnds { thread: 7 },
        ];
        assert_eq!(calls, expected);
    }
}
