//! A place in the journal comes in, the record there goes out. Nothing is written.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::{Location, Outage, path, segment};

/// Reads single records, keeping the last segment's file open.
pub struct Reader {
    dir: PathBuf,
    open: Option<(u32, File)>,
}

impl Reader {
    pub fn new(dir: &Path) -> Reader {
        Reader {
            dir: dir.into(),
            open: None,
        }
    }

    /// The body of the record, or None when a good one is not (or no longer) there.
    ///
    /// # Errors
    /// The disk says neither: what it cannot show now is not gone.
    pub fn read(&mut self, at: Location) -> Result<Option<(u8, Vec<u8>)>, Outage> {
        match self.read_bytes(at) {
            Ok(bytes) => Ok(segment::decode(&bytes, at.segment, at.offset)
                .map(|(kind, body, _)| (kind, body.to_vec()))),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => {
                Ok(None)
            }
            Err(e) => Err(Outage::disk("read", &path(&self.dir, at.segment), &e)),
        }
    }

    fn read_bytes(&mut self, at: Location) -> std::io::Result<Vec<u8>> {
        let file = match self
            .open
            .take()
            .filter(|(segment, _)| *segment == at.segment)
        {
            Some((_, file)) => file,
            None => File::open(path(&self.dir, at.segment))?,
        };
        let length = usize::try_from(at.length).expect("a record fits in memory");
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, at.offset.into())?;
        self.open = Some((at.segment, file));
        Ok(bytes)
    }
}
