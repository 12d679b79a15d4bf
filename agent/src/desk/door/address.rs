//! The one-time address: `spean-agent open` comes in and leaves a digest in the agent's folder, a browser comes in with the secret and gets
//! in, once. There is one address at a time.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::secret::Secret;
use super::{FOLDER, files};
use crate::desk::limits::ADDRESS_TIME;
use crate::store::{Outage, disk};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Offer {
    digest: String,
    until_ms: u64,
}

fn file(folder: &Path) -> PathBuf {
    folder.join(FOLDER).join("address.json")
}

/// Makes an address in place of the one before, and gives its path.
///
/// # Errors
/// The folder cannot be written.
pub fn offer(folder: &Path, now_ms: u64) -> Result<String, Outage> {
    let secret = Secret::make()?;
    let time = u64::try_from(ADDRESS_TIME.as_millis()).unwrap_or(u64::MAX);
    let offer = Offer {
        digest: secret.digest(),
        until_ms: now_ms.saturating_add(time),
    };
    files::write(&file(folder), &offer)?;
    Ok(format!("/desk/open/{}", secret.text()))
}

/// Whether the address is good; that uses nothing up.
pub fn is_good(folder: &Path, secret: &str, now_ms: u64) -> Result<bool, Outage> {
    let Some(secret) = Secret::said(secret) else {
        return Ok(false);
    };
    let offer: Offer = files::read(&file(folder))?;
    // A clock that was put back makes no address good for longer.
    let ahead = offer.until_ms.saturating_sub(now_ms);
    let lasts = ahead > 0 && u128::from(ahead) <= ADDRESS_TIME.as_millis();
    Ok(lasts && offer.digest == secret.digest())
}

/// Uses the address up. The file is gone from the disk before anybody is let in by it. The caller lets in one at a time.
pub fn redeem(folder: &Path, secret: &str, now_ms: u64) -> Result<bool, Outage> {
    if !is_good(folder, secret, now_ms)? {
        return Ok(false);
    }
    let path = file(folder);
    std::fs::remove_file(&path).map_err(|error| Outage::disk("remove", &path, &error))?;
    disk::sync_directory(path.parent().unwrap_or(folder))?;
    Ok(true)
}
