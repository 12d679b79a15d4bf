//! For the tests of several rooms: the registry that a new authority begins with, some offices, and their peers.

pub mod alone;
pub mod nats;
pub mod pen;

use std::sync::Arc;

use schemas::event::Hash;
use schemas::registry::{Office, Registry, RegistryEvent, Standing, seed};
use schemas::signing::SigningKey;

use crate::peer::Peer;
use crate::policy::Policy;

pub fn registry() -> Arc<Registry> {
    let mut registry = Registry::empty(Hash::of(b"genesis"));
    let offices = [
        ("moh/siem-reap", Standing::Provincial, Some("17")),
        ("moh/hq", Standing::Headquarters, None),
        ("maff/hq", Standing::Headquarters, None),
        ("mef/hq", Standing::Headquarters, None),
    ];
    let offices = offices.map(|(id, standing, province)| {
        RegistryEvent::OfficeAdded(Office {
            id: id.parse().expect("an office"),
            title_en: id.to_owned(),
            title_km: id.to_owned(),
            standing,
            province: province.map(str::to_owned),
            node: None,
            agents: None,
        })
    });
    for event in seed().into_iter().chain(offices) {
        registry.apply(&event).expect("a good event");
    }
    Arc::new(registry)
}

pub fn policy() -> Arc<Policy> {
    let (authority, _) = SigningKey::generate().expect("a key");
    Arc::new(Policy::unwritten(registry(), *authority.public()))
}

pub fn peer(office: &str) -> Peer {
    Peer::new(office.parse().expect("an office"))
}
