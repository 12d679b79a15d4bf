//! The folders of a store's indexes, by their numbers: a store's folder comes in, which index is to be opened goes out, and what is
//! set aside or left over is moved out of the way. No index is opened here.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::begin::UNFINISHED;
use super::{BEGUN_FILE, Outage, Repair, disk, now_ms};

pub fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("index-{number:06}"))
}

/// The folder that comes behind this one.
pub fn next(folder: &Path) -> PathBuf {
    let name = folder.file_name().and_then(|name| name.to_str());
    let number = name.and_then(number).map_or(0, |(number, _)| number);
    path(folder.parent().unwrap_or(Path::new(".")), number + 1)
}

/// The number in a folder's name, and what stands behind it.
fn number(name: &str) -> Option<(u32, &str)> {
    let (digits, rest) = name.strip_prefix("index-")?.split_at_checked(6)?;
    Some((digits.parse().ok()?, rest))
}

/// The number of the index to open, and what was lost where there is none with this number.
pub fn newest(dir: &Path) -> Result<(u32, Option<Repair>), Outage> {
    let failed = |e| Outage::disk("read", dir, &e);
    let (mut here, mut aside) = (None, None);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        match name.and_then(number) {
            Some((number, "")) => here = here.max(Some(number)),
            Some((number, rest)) if rest.starts_with(ASIDE) => {
                aside = aside.max(Some((number, path)));
            }
            Some(_) | None => {}
        }
    }
    Ok(match (here, aside) {
        (Some(here), Some((number, _))) if here > number => (here, None),
        (Some(here), None) => (here, None),
        // Set aside, and stopped before another one was begun.
        (_, Some((number, kept))) => {
            let reason = "as the start before found".into();
            (number + 1, Some(Repair::SetAside { kept, reason }))
        }
        (None, None) => {
            let folder = path(dir, 1);
            let lost = dir.join(BEGUN_FILE).exists();
            (1, lost.then_some(Repair::Missing { folder }))
        }
    })
}

/// In the name of an index that was set aside, between its number and the time.
const ASIDE: &str = ".damaged-";

pub fn set_aside(folder: &Path) -> Result<PathBuf, Outage> {
    let mut kept = folder.as_os_str().to_owned();
    kept.push(format!("{ASIDE}{}", now_ms() / 1_000));
    let kept = PathBuf::from(kept);
    fs::rename(folder, &kept).map_err(|e| Outage::disk("set aside", folder, &e))?;
    disk::sync_directory(kept.parent().unwrap_or(Path::new(".")))?;
    Ok(kept)
}

/// False when there were none.
pub fn set_snapshots_aside(folder: &Path) -> Result<bool, Outage> {
    let failed = |e| Outage::disk("set aside the snapshots of", folder, &e);
    let mut any = false;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("snap.")) {
            let mut aside = std::ffi::OsString::from("damaged-");
            aside.push(&name);
            fs::rename(entry.path(), folder.join(aside)).map_err(failed)?;
            any = true;
        }
    }
    Ok(any)
}

/// Bytes of the files in a folder; one that goes away meanwhile counts nothing.
pub fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}

/// Removes what a start or a copying that was cut off left behind: folders that never got their name, and those in whose place
/// `used` has come. What was set aside stays.
pub fn remove_left_over(dir: &Path, used: &Path) -> Result<(), Outage> {
    let failed = |e| Outage::disk("remove what was left over in", dir, &e);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let left_over = match name.and_then(number) {
            Some((_, "")) => path.as_path() < used,
            Some((_, rest)) => rest == UNFINISHED,
            None => false,
        };
        if left_over {
            fs::remove_dir_all(&path).map_err(failed)?;
        }
    }
    Ok(())
}

/// Whether nobody has the index in a folder open any more: sled's own threads hold its lock until they have let go of it.
pub fn let_go(folder: &Path) -> bool {
    File::open(folder.join("db")).map_or(true, |file| file.try_lock().is_ok())
}
