//! The desk's own small files: JSON comes in and is replaced whole, or is read back. A file that is not there is an empty one; one that cannot
//! be read opens nothing.

use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Outage, disk};

pub fn read<T: DeserializeOwned + Default>(path: &Path) -> Result<T, Outage> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| Outage::Disk {
            doing: "read",
            path: path.into(),
            reason: error.to_string(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(Outage::disk("read", path, &error)),
    }
}

pub fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Outage> {
    if let Some(folder) = path.parent() {
        disk::make_directory(folder)?;
        crate::private::close(folder);
    }
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Outage::Disk {
        doing: "write",
        path: path.into(),
        reason: error.to_string(),
    })?;
    text.push('\n');
    disk::replace(path, text.as_bytes())
}
