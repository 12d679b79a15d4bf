//! The file that takes the place of others while it is written: records come in one after the other, their new places go out. Nobody knows the file
//! before it is whole.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::Left;
use crate::store::Outage;
use crate::store::log::record::{self, Place, RECORD_HEADER_BYTES};
use crate::store::log::segment::{Header, Mark, log_path};
use crate::store::log::view::{Shared, length_of, new_path, write_new};
use crate::store::log::walk::Member;

const BUFFER_BYTES: usize = 1024 * 1024;

/// The new file while it is written.
pub(super) struct Anew {
    number: u32,
    pub file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Where the buffer goes.
    pub at: u32,
    /// Along all records written.
    pub mark: Mark,
}

impl Anew {
    pub fn begin(shared: &Shared, header: Header, start: &[u8]) -> Result<Anew, Outage> {
        let path = new_path(&log_path(&shared.dir, header.number));
        write_new(&path, start)?;
        let file = File::options().read(true).write(true).open(&path);
        let file = file.map_err(|e| Outage::disk("open", &path, &e))?;
        let at = length_of(&file, &path)?;
        Ok(Anew {
            number: header.number,
            file,
            path,
            buffer: Vec::new(),
            at,
            mark: Mark {
                sequence: 0,
                chain: 0,
                ..header.from
            },
        })
    }

    pub fn copy(&mut self, from: &File, member: &Member) -> Result<Place, Left> {
        let head_bytes = member.named.fields.len();
        let skip = RECORD_HEADER_BYTES + head_bytes;
        let length = usize::try_from(member.length)
            .unwrap_or(0)
            .saturating_sub(skip);
        let mut bytes = vec![0; length];
        let read = from.read_exact_at(&mut bytes, u64::from(member.offset) + skip as u64);
        read.map_err(|e| Outage::disk("read", &self.path, &e))?;
        self.put(member.named.kind, &member.named.fields, &bytes)
    }

    pub fn put(&mut self, kind: u8, head: &[u8], bytes: &[u8]) -> Result<Place, Left> {
        let start = self.buffer.len();
        let offset = self.at + u32::try_from(start).unwrap_or(u32::MAX);
        if !record::stage(&mut self.buffer, kind, head, bytes) {
            return Err(Left::Damaged);
        }
        let record = &mut self.buffer[start..];
        let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
        let crc_head = record::finish(record, 0, self.number, offset);
        self.mark.go_on(crc_head, true);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(Place {
            segment: self.number,
            generation: 0,
            offset,
            length,
        })
    }

    pub fn flush(&mut self) -> Result<(), Outage> {
        let written = self.file.write_all_at(&self.buffer, self.at.into());
        written.map_err(|e| match e.kind() {
            ErrorKind::StorageFull => Outage::Full,
            _ => Outage::disk("write", &self.path, &e),
        })?;
        self.at += u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        self.buffer.clear();
        Ok(())
    }
}
