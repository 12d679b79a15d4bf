//! A gateway's word in memory: events come in, receipts that verify go out.

use std::sync::Arc;

use schemas::event::Timestamp;
use schemas::receipt::{Facts, Receipt, Stamp};
use schemas::registry::{self, Registry, RegistryEvent};
use schemas::signing::{SignedEvent, SigningKey};

use super::genesis;

/// A gateway's key, and a registry that knows it.
pub struct Notary {
    key: SigningKey,
    pub registry: Arc<Registry>,
}

impl Notary {
    pub fn new() -> Notary {
        let (key, _) = SigningKey::generate().unwrap();
        let gateway = registry::GatewayRecord {
            name: "gateway-1".into(),
            public_key: (*key.public()).into(),
        };
        let mut registry = Registry::empty(genesis());
        registry
            .apply(&RegistryEvent::GatewayAdded(gateway))
            .unwrap();
        Notary {
            key,
            registry: Arc::new(registry),
        }
    }

    pub fn receipt(&self, event: &SignedEvent) -> Receipt {
        let stamp = Stamp {
            admitted: Timestamp::from_unix_seconds(1_700_000_002).unwrap(),
            gateway: "gateway-1".into(),
            registry: None,
            newest: None,
        };
        Receipt::sign(Facts::of(event, stamp), &self.key)
    }
}
