//! The gateway's word: an event that is stored and the stamp that stands with it come in, a signed receipt goes out.
//! Never: a receipt for what JetStream has not said to be stored.

use std::path::PathBuf;
use std::sync::Arc;

use schemas::event::Timestamp;
use schemas::newest::Newest;
use schemas::receipt::{Facts, Receipt, Stamp};
use schemas::registry::Registry;
use schemas::signing::{KeyFault, SignedEvent, SigningKey};
use time::OffsetDateTime;

use crate::seldom::seldom;
use crate::settings::Settings;

/// Who stamps what is stored and signs receipts.
#[derive(Debug)]
pub struct Notary {
    gateway: String,
    key: SigningKey,
}

/// Why nothing can be signed.
#[derive(Debug, thiserror::Error)]
pub enum NotaryFault {
    #[error("cannot read the signing key at {path}: {source}")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} {source}")]
    NoKey { path: PathBuf, source: KeyFault },
}

impl Notary {
    /// # Errors
    /// [`NotaryFault`].
    pub fn read(settings: &Settings) -> Result<Notary, NotaryFault> {
        let path = || settings.signing_key.clone();
        let document =
            std::fs::read(&settings.signing_key).map_err(|source| NotaryFault::Unreadable {
                path: path(),
                source,
            })?;
        let key = SigningKey::from_pkcs8(&document).map_err(|source| NotaryFault::NoKey {
            path: path(),
            source,
        })?;
        Ok(Notary::new(settings.name.clone(), key))
    }

    /// Of the gateway with this name.
    pub fn new(gateway: String, key: SigningKey) -> Notary {
        Notary { gateway, key }
    }

    pub fn keyid(&self) -> &str {
        self.key.keyid()
    }

    /// Whether offices will believe it: the registry names this key, for whatever gateway.
    pub fn is_known_to(&self, registry: &Registry) -> bool {
        registry.gateway_key(self.keyid()).is_some()
    }

    /// For what is stored now, was judged by this registry, and goes behind this end. None where the clock shows a year that cannot be written: nothing is stored then.
    pub(super) fn stamp(&self, registry: &Registry, newest: Option<Newest>) -> Option<Arc<Stamp>> {
        let admitted = Timestamp::from_time(OffsetDateTime::now_utc());
        if admitted.is_none() {
            seldom!(
                error,
                self.gateway,
                "clock-wrong",
                "the clock is wrong: nothing can be stamped, and nothing is stored"
            );
        }
        Some(Arc::new(Stamp {
            admitted: admitted?,
            gateway: self.gateway.clone(),
            registry: registry.head(),
            newest,
        }))
    }

    pub(super) fn receipt(&self, event: &SignedEvent, stamp: &Stamp) -> Receipt {
        Receipt::sign(Facts::of(event, stamp.clone()), &self.key)
    }
}
