//! The disk under a store whose power will be cut. In: a store at rest, on an ordinary disk. Out: the same store, as the cut left it, on an
//! ordinary disk again. Never: a loss of what lay there before, or of what was synced since.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tests::disk::{Image, Keep, Way};
use tests::volume::Volume;

/// What becomes of a last write is drawn from this: the same for every system.
const SEED: u64 = 1;

pub struct Forgetful {
    volume: Volume,
    store: PathBuf,
}

impl Forgetful {
    /// From now on the store, which nobody has open, lies on a file system that knows what was synced. What is there is safe.
    pub fn under(store: &Path) -> Result<Forgetful> {
        let image = Image::read(store, Path::new(""))?;
        Ok(Forgetful {
            volume: Volume::mount(store, &image)?,
            store: store.to_owned(),
        })
    }

    /// The power goes, and whoever used the store was killed before: what was not synced is gone, the last write of each file is torn.
    pub fn cut(self) -> Result<()> {
        let (left, _) = self.volume.cut(&mut Keep::new(Way::LastTorn, SEED));
        self.volume.unmount()?;
        left.write(&self.store)
    }
}
