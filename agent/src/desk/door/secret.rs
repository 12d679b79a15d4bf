//! Secrets of browsers and addresses: random bytes come in, a text for the browser and a digest for the disk go out. The text is never
//! written down here, and never shown in a log.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use schemas::event::Hash;

use crate::store::Outage;

const BYTES: usize = 32;

#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// # Errors
    /// The system gives no random bytes.
    pub fn make() -> Result<Secret, Outage> {
        let mut bytes = [0; BYTES];
        let random = SystemRandom::new().fill(&mut bytes);
        random.map_err(|_| Outage::Index {
            doing: "take random bytes for",
            reason: "the system gives none".to_owned(),
        })?;
        Ok(Secret(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What a browser says; None where it cannot be one.
    pub fn said(text: &str) -> Option<Secret> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == BYTES).then(|| Secret(text.to_owned()))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// What stands on disk, and is compared: time tells nothing about the secret.
    pub fn digest(&self) -> String {
        Hash::of(self.0.as_bytes()).to_string()
    }

    /// What a form of this browser carries, and nobody else's page can know.
    pub fn form_token(&self) -> String {
        Hash::of(format!("form\n{}", self.0).as_bytes()).to_string()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
