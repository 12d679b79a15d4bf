//! A gateway's word in memory: events come in, receipts that verify go out.

use std::sync::Arc;

use schemas::event::Timestamp;
use schemas::receipt::{Facts, Receipt, Stamp};
use schemas::registry::{self, Registry, RegistryEvent};
use schemas::signing::{SignedEvent, SigningKey};

use super::bus::genesis;
use super::office::log;

/// A gateway's key, and a registry that knows it.
pub struct Notary {
    key: SigningKey,
    pub registry: Arc<Registry>,
}

impl Notary {
    pub fn new() -> Notary {
        Notary::of(Registry::empty(genesis()))
    }

    /// In a registry that gives the office so many agents.
    pub fn for_agents(agents: usize) -> Notary {
        let mut registry = Registry::empty(genesis());
        let office = log().office;
        let record = RegistryEvent::OfficeAdded(registry::Office {
            id: office.clone(),
            title_en: office.to_string(),
            title_km: office.to_string(),
            standing: registry::Standing::Provincial,
            province: Some("17".into()),
            node: None,
            agents: u8::try_from(agents).ok(),
        });
        for said in registry::seed().iter().chain([&record]) {
            registry.apply(said).unwrap();
        }
        Notary::of(registry)
    }

    fn of(mut registry: Registry) -> Notary {
        let (key, _) = SigningKey::generate().unwrap();
        let gateway = registry::Gateway {
            name: "gateway-1".into(),
            public: *key.public(),
        };
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
        };
        Receipt::sign(Facts::of(event, stamp), &self.key)
    }
}
