//! Who is at the desk: an address that is good once, a cookie, a name with its PIN come in, a visit goes out, or the page that says how to
//! get in. No value that a browser brings is ever taken over as its cookie.

pub mod address;
mod browsers;
pub mod files;
pub mod form;
pub mod pages;
pub mod people;
mod secret;
mod tries;
mod visit;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::subject::OfficeId;
use tokio::sync::Semaphore;

use self::browsers::Browsers;
use self::people::People;
use self::secret::Secret;
use self::tries::Tries;
pub use self::visit::{Caller, LANGUAGE, Posted, Visit, Who, lang_of, office};
use super::limits::SIGNED_IN_TIME;
use crate::store::Outage;

/// The files of the desk, below the agent's folder.
pub const FOLDER: &str = "desk";

/// What the door remembers.
pub struct Door {
    cookie: String,
    browsers: Browsers,
    pub people: People,
    pub tries: Mutex<Tries>,
    /// Who signed in, by the digest of the browser's cookie; gone with the process.
    signed_in: Mutex<HashMap<String, SignedIn>>,
    /// Held while an address is redeemed: two browsers with the same one come one after the other.
    pub opening: Mutex<()>,
    /// A PIN is hashed in megabytes: one at a time.
    pub hashing: Semaphore,
}

#[derive(Debug, Clone)]
struct SignedIn {
    name: String,
    since_ms: u64,
}

impl Door {
    pub fn new(folder: &Path, office: &OfficeId) -> Door {
        let desk = folder.join(FOLDER);
        Door {
            // Ports share cookies, and a PC may see the agents of two offices.
            cookie: format!("spean-desk-{}-{}", office.ministry(), office.place()),
            browsers: Browsers::new(desk.join("browsers.json")),
            people: People::new(desk.join("people.json")),
            tries: Mutex::default(),
            signed_in: Mutex::default(),
            opening: Mutex::default(),
            hashing: Semaphore::new(1),
        }
    }

    /// The name of the cookie.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Whether the browser with this secret is known.
    fn knows(&self, secret: &Secret) -> Result<bool, Outage> {
        self.browsers.knows(&secret.digest())
    }

    /// A secret for a browser that is known from now on, in place of the one that it had.
    fn admit(&self, before: Option<&Secret>, now_ms: u64) -> Result<Secret, Outage> {
        let secret = Secret::make()?;
        let before = before.map(Secret::digest);
        self.browsers
            .replace(before.as_deref(), &secret.digest(), now_ms)?;
        if let Some(before) = before {
            self.signed_in().remove(&before);
        }
        Ok(secret)
    }

    fn sign_in(&self, secret: &Secret, name: &str, now_ms: u64) {
        let mut all = self.signed_in();
        all.retain(|_, signed_in| signed_in.lasts(now_ms));
        let name = name.to_owned();
        let since_ms = now_ms;
        all.insert(secret.digest(), SignedIn { name, since_ms });
    }

    /// Who signed in with the browser of this secret.
    fn person(&self, secret: &Secret, now_ms: u64) -> Option<String> {
        let all = self.signed_in();
        let signed_in = all.get(&secret.digest())?;
        signed_in.lasts(now_ms).then(|| signed_in.name.clone())
    }

    fn signed_in(&self) -> MutexGuard<'_, HashMap<String, SignedIn>> {
        self.signed_in
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl SignedIn {
    fn lasts(&self, now_ms: u64) -> bool {
        u128::from(now_ms.saturating_sub(self.since_ms)) < SIGNED_IN_TIME.as_millis()
    }
}

#[cfg(test)]
mod tests;
