//! Stores of format 1, as they lay before there was a log: what a room had in an agent's data folder comes in, and the same in format 2 goes out. The
//! old one is only read, is there afterwards under another name, and is removed by people alone.
//!
//! ```text
//! store/outbox/ ─► store/outbox-format1/, and a file `store/outbox`      a build before this one stops at the file, and has touched nothing
//!               ─► store/2/outbox.new/ written, synced, read back
//!               ─► store/2/outbox/                                       a crash before this begins with outbox-format1 again
//! ```

pub mod fields;
pub mod index;
pub mod journal;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::log::Room;
use super::{Fault, Outage, disk, folder};

/// What stands in the place of an old folder: for whoever looks, and so that an older build stops.
const IN_ITS_PLACE: &str =
    "What was kept here lies in the folder 2 now; what was here before has a name with -format1.\n";

/// What a room had in format 1, moved aside.
#[derive(Debug, Clone)]
pub struct Former {
    /// Where it lies now: one for each of the room's names.
    pub places: Vec<PathBuf>,
}

/// Under which names a room lay in format 1.
fn names(room: Room) -> &'static [&'static str] {
    match room {
        Room::Outbox => &["outbox"],
        Room::Inbox => &["inbox"],
        Room::Marks => &["deliveries", "delivered"],
    }
}

/// Takes over what a room had in format 1, if it has nothing in format 2 yet. `write` reads the old one and writes the new one into the folder that it
/// is given; where it returns, all of it is synced.
///
/// # Errors
/// `Fault::OfFormat1`: one lies there beside one of format 2. `Fault::NoRoom`: nothing was touched. Or the disk failed: it is begun anew at the next start.
pub fn take_over(
    store: &Path,
    room: Room,
    write: impl FnOnce(&Former, &Path) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let place = folder(store, room);
    let mut former = Former { places: Vec::new() };
    for name in names(room) {
        let (old, aside) = (store.join(name), store.join(format!("{name}-format1")));
        let is_old = is_of_format_1(&old)?;
        if is_old && (place.exists() || aside.exists()) {
            return Err(Fault::OfFormat1(old));
        }
        if is_old {
            look_for_room(store, &old)?;
            set_aside(store, &old, &aside)?;
        }
        if aside.exists() {
            former.places.push(aside);
        }
    }
    if place.exists() || former.places.is_empty() {
        return Ok(());
    }
    let above = place.parent().unwrap_or(store);
    disk::make_directory(above)?;
    let new = place.with_extension("new");
    remove(&new)?;
    write(&former, &new)?;
    disk::rename(&new, &place).map_err(|e| Outage::disk("name", &place, &e))?;
    disk::sync_directory(above)?;
    tracing::info!(room = room.name(), "a store of format 1 was taken over");
    Ok(())
}

/// For several rooms, before anything is written into one of them: one of format 1 stands beside one of format 2.
///
/// # Errors
/// `Fault::OfFormat1`, or the disk does not say.
pub fn refuse_all(store: &Path, rooms: &[Room]) -> Result<(), Fault> {
    for room in rooms {
        for name in names(*room) {
            let old = store.join(name);
            let both =
                folder(store, *room).exists() || store.join(format!("{name}-format1")).exists();
            if both && is_of_format_1(&old)? {
                return Err(Fault::OfFormat1(old));
            }
        }
    }
    Ok(())
}

/// A folder with something in it, or a file of lines. What was put into its place is not.
fn is_of_format_1(path: &Path) -> Result<bool, Outage> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) if e.kind() == ErrorKind::NotADirectory => {
            let text = fs::read(path).map_err(|e| Outage::disk("read", path, &e))?;
            Ok(text != IN_ITS_PLACE.as_bytes())
        }
        Err(e) => Err(Outage::disk("read", path, &e)),
    }
}

/// The new one takes about as much as the old one, which stays. A disk that does not say has room.
fn look_for_room(store: &Path, old: &Path) -> Result<(), Fault> {
    let needed = disk::used_bytes(old);
    match disk::free_bytes(store) {
        Some(free) if free < needed => Err(Fault::NoRoom {
            dir: old.into(),
            needed,
            free,
        }),
        Some(_) | None => Ok(()),
    }
}

fn set_aside(store: &Path, old: &Path, aside: &Path) -> Result<(), Outage> {
    disk::rename(old, aside).map_err(|e| Outage::disk("set aside", old, &e))?;
    disk::replace(old, IN_ITS_PLACE.as_bytes())?;
    disk::sync_directory(store)
}

fn remove(new: &Path) -> Result<(), Outage> {
    match fs::remove_dir_all(new) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Outage::disk("remove", new, &e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
