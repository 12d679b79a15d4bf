//! One file of a log, from outside: its name and its header. Bytes come in, what they say goes out, and back. No record is read here.
//!
//! ```text
//! 0          8        12        16      24       28       32      36     40         48      56       88          120  124   128
//! | SPEAN\0L2 | format | !format | store | number | covers | times | room | sequence | chain | office | authority | 0  | crc | records ...
//! ```
//! *covers* is the last number that this file stands for: neighbours that were written anew as one file. *times* counts how often it was written
//! anew; the first record of such a file is the state at its end, of any other the state at its beginning. Format and magic stay where they
//! are for all versions to come, so that an older one knows a newer one.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use schemas::event::Hash;

use super::fields::{Put as _, Take};
use super::limits::FORMAT;

pub const HEADER_BYTES: usize = 128;
const MAGIC: &[u8; 7] = b"SPEAN\0L";

/// Which of an agent's logs it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Outbox,
    Inbox,
    Marks,
}

impl Room {
    const ALL: [Room; 3] = [Room::Outbox, Room::Inbox, Room::Marks];

    fn number(self) -> u32 {
        match self {
            Room::Outbox => 1,
            Room::Inbox => 2,
            Room::Marks => 3,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Room::Outbox => "outbox",
            Room::Inbox => "inbox",
            Room::Marks => "marks",
        }
    }
}

/// Whose a store is: SHA-256 of the office's name and of the authority's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub office: [u8; 32],
    pub authority: [u8; 32],
    pub room: Room,
}

impl Identity {
    /// By the office's name, `<ministry>/<place>`, and the bytes of the authority's key.
    pub fn of(office: &str, authority: &[u8], room: Room) -> Identity {
        let [office, authority] = [office.as_bytes(), authority].map(|of| *Hash::of(of).as_bytes());
        Identity {
            office,
            authority,
            room,
        }
    }

    /// The same office and authority, in another room.
    pub fn in_room(self, room: Room) -> Identity {
        Identity { room, ..self }
    }
}

/// How far a log has come: its number, its units since it began, and a hash along them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub store: u64,
    pub sequence: u64,
    pub chain: u64,
}

impl Mark {
    /// One record further; the sequence grows with the last record of a unit.
    pub fn go_on(&mut self, crc_head: u32, ends_unit: bool) {
        let mixed = self.chain.rotate_left(23) ^ u64::from(crc_head);
        self.chain = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (mixed >> 29);
        self.sequence += u64::from(ends_unit);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub number: u32,
    pub covers: u32,
    pub times: u32,
    /// Store, and what was before the first record.
    pub from: Mark,
    pub identity: Identity,
}

/// What the first bytes of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Header(Header),
    /// Written by a later version, in this format.
    Newer(u32),
    Damaged,
}

impl Header {
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.put_u8(FORMAT.to_le_bytes()[0]);
        bytes.put_u32(FORMAT);
        bytes.put_u32(!FORMAT);
        bytes.put_u64(self.from.store);
        for number in [
            self.number,
            self.covers,
            self.times,
            self.identity.room.number(),
        ] {
            bytes.put_u32(number);
        }
        bytes.put_u64(self.from.sequence);
        bytes.put_u64(self.from.chain);
        bytes.extend_from_slice(&self.identity.office);
        bytes.extend_from_slice(&self.identity.authority);
        bytes.put_u32(0);
        let checksum = crc32fast::hash(&bytes);
        bytes.put_u32(checksum);
        bytes
    }

    /// `number` is the one in the file's name.
    pub fn read(bytes: &[u8], number: u32) -> Start {
        if let Some(format) = newer_format(bytes) {
            return Start::Newer(format);
        }
        let header = bytes.first_chunk().and_then(read_good);
        match header.filter(|header| header.number == number && header.covers >= number) {
            Some(header) => Start::Header(header),
            None => Start::Damaged,
        }
    }
}

/// A single flipped bit is no newer version: the format stands there three times.
fn newer_format(bytes: &[u8]) -> Option<u32> {
    let mut take = Take(bytes);
    let magic: [u8; 7] = take.array()?;
    let (short, format, not) = (take.u8()?, take.u32()?, take.u32()?);
    let agree = magic == *MAGIC && format == !not && short == format.to_le_bytes()[0];
    (agree && format > FORMAT).then_some(format)
}

fn read_good(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    let (said, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(said) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let mut take = Take(said);
    let magic: [u8; 7] = take.array()?;
    let (_short, format, _not) = (take.u8()?, take.u32()?, take.u32()?);
    if magic != *MAGIC || format != FORMAT {
        return None;
    }
    let store = take.u64()?;
    let [number, covers, times, room] = [take.u32()?, take.u32()?, take.u32()?, take.u32()?];
    let from = Mark {
        store,
        sequence: take.u64()?,
        chain: take.u64()?,
    };
    let (office, authority) = (take.array()?, take.array()?);
    let room = Room::ALL.into_iter().find(|one| one.number() == room)?;
    let identity = Identity {
        office,
        authority,
        room,
    };
    Some(Header {
        number,
        covers,
        times,
        from,
        identity,
    })
}

pub fn log_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:010}.log"))
}

pub fn hint_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:010}.hint"))
}

/// The number in the name of a file with this ending.
pub fn number_of(name: &str, ending: &str) -> Option<u32> {
    let digits = name.strip_suffix(ending)?;
    let plain = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// The first bytes of a file, as many as there are.
///
/// # Errors
/// What the disk says.
pub fn start_of(file: &File) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; HEADER_BYTES];
    let mut had = 0;
    while had < HEADER_BYTES {
        match file.read_at(&mut bytes[had..], had as u64) {
            Ok(0) => break,
            Ok(more) => had += more,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(had);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let identity = Identity {
            office: [1; 32],
            authority: [2; 32],
            room: Room::Inbox,
        };
        let from = Mark {
            store: 3,
            sequence: 4,
            chain: 5,
        };
        Header {
            number: 6,
            covers: 8,
            times: 1,
            from,
            identity,
        }
    }

    #[test]
    fn a_header_reads_as_it_was_written_under_its_own_number_alone() {
        let bytes = header().write();
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(Header::read(&bytes, 6), Start::Header(header()));
        assert_eq!(Header::read(&bytes, 7), Start::Damaged);
    }

    #[test]
    fn no_single_bit_makes_it_a_newer_one_or_a_good_one() {
        let bytes = header().write();
        for bit in 0..HEADER_BYTES * 8 {
            let mut harmed = bytes.clone();
            harmed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::read(&harmed, 6), Start::Damaged, "bit {bit}");
        }
        for length in 0..HEADER_BYTES {
            assert_eq!(Header::read(&bytes[..length], 6), Start::Damaged);
        }
    }

    #[test]
    fn a_newer_format_is_known_whatever_else_it_says() {
        let mut bytes = b"SPEAN\0L\x07".to_vec();
        bytes.put_u32(7);
        bytes.put_u32(!7);
        assert_eq!(Header::read(&bytes, 1), Start::Newer(7));
    }

    #[test]
    fn only_names_of_ten_digits_are_segments() {
        assert_eq!(number_of("0000000042.log", ".log"), Some(42));
        for name in [
            "42.log",
            "0000000042.new",
            "+000000042.log",
            "9999999999.log",
            ".log",
        ] {
            assert_eq!(number_of(name, ".log"), None, "{name}");
        }
    }
}
