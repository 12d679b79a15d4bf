//! Stores of format 1, as they lay before there was a log: an agent's data folder comes in, and what still lies there in that format is refused.
//! Never a byte of it changed, and never a new store begun beside it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::log::Room;
use super::{Fault, Outage};

/// For several rooms, before anything is written into one of them.
///
/// # Errors
/// As for one.
pub fn refuse_all(store: &Path, rooms: &[Room]) -> Result<(), Fault> {
    rooms.iter().try_for_each(|room| refuse(store, *room))
}

/// # Errors
/// `Fault::OfFormat1`: what this room had in format 1 is there. Or the disk does not say.
pub fn refuse(store: &Path, room: Room) -> Result<(), Fault> {
    let names: &[&str] = match room {
        Room::Outbox => &["outbox"],
        Room::Inbox => &["inbox"],
        Room::Marks => &["deliveries", "delivered"],
    };
    for name in names {
        let path = store.join(name);
        if holds_something(&path)? {
            return Err(Fault::OfFormat1(path));
        }
    }
    Ok(())
}

/// A file says something by being there, a folder by what is in it.
fn holds_something(path: &Path) -> Result<bool, Outage> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) if e.kind() == ErrorKind::NotADirectory => Ok(true),
        Err(e) => Err(Outage::disk("read", path, &e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_there_in_format_1_is_refused_and_an_empty_folder_is_not() {
        let store = tempfile::tempdir().expect("a folder");
        let rooms = [Room::Outbox, Room::Inbox, Room::Marks];
        let refused = || {
            rooms.map(|room| {
                refuse(store.path(), room)
                    .err()
                    .and_then(|fault| fault.code())
            })
        };
        for name in ["outbox", "inbox", "deliveries"] {
            fs::create_dir(store.path().join(name)).expect("made");
        }
        assert_eq!(refused(), [None; 3]);
        fs::create_dir(store.path().join("inbox/index-000001")).expect("made");
        let code = Some("store-of-format-1");
        assert_eq!(refused(), [None, code, None]);
        fs::write(store.path().join("delivered"), "").expect("written");
        assert_eq!(refused(), [None, code, code]);
        fs::create_dir_all(store.path().join("outbox/journal")).expect("made");
        assert_eq!(refused(), [code; 3]);
    }
}
