//! What all runs stand on, made once: an authority with its registry as gateways read it from their file, offices with their keys and
//! certificates. In: nothing. Out: policies, peers, keys, events that fit their contract.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use agent::inbox::Inbox;
use agent::outbox::{Outbox, Submission};
use agent::store::log::{Identity, Room};
use agent::submit::Desk;
use broker_gateway::commit::Notary;
use broker_gateway::peer::Peer;
use broker_gateway::policy::Policy;
use bytes::Bytes;
use rcgen::{CertificateParams, KeyPair, SanType};
use schemas::event::{Draft, Timestamp};
use schemas::registry::{self, KeyRecord, Registry, RegistryEvent};
use schemas::registry_log::RegistryLog;
use schemas::signing::SigningKey;
use schemas::subject::{FeedName, LogName, OfficeId};
use tempfile::TempDir;

pub const FEED: &str = "health-quarterly";
/// Two offices that write, with their provinces.
pub const WRITERS: [(&str, &str); 2] = [("moh/siem-reap", "KH17"), ("moh/battambang", "KH02")];
/// Two that read.
pub const READERS: [&str; 2] = ["moh/hq", "mef/hq"];
/// Larger than any run.
pub const BUDGET_BYTES: u64 = 64 * 1024 * 1024;

pub struct Ground {
    /// By how many agents the first office has.
    policies: [Arc<Policy>; 2],
    people: Vec<Person>,
    gateway_key: Vec<u8>,
    idle: Idle,
    folder: TempDir,
}

/// The stores that a run does not write: a reader's outbox, and a writer's inbox.
struct Idle {
    outbox: Outbox,
    inbox: Inbox,
}

/// An office with its key and its certificate.
#[derive(Clone)]
pub struct Person {
    pub office: OfficeId,
    pub key: Arc<SigningKey>,
    pub peer: Peer,
}

/// Made by whoever asks first.
pub fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(Ground::make)
}

pub fn feed() -> FeedName {
    FEED.parse().expect("a feed")
}

pub fn log(office: &OfficeId) -> LogName {
    LogName {
        feed: feed(),
        office: office.clone(),
    }
}

impl Ground {
    fn make() -> Ground {
        let folder = in_memory();
        let names = WRITERS.iter().map(|(office, _)| *office).chain(READERS);
        let people: Vec<Person> = names.map(Person::new).collect();
        let (gateway, gateway_key) = SigningKey::generate().expect("a key");
        let policies = [1, 2].map(|agents| {
            let path = folder.path().join(format!("registry-{agents}.ndjson"));
            policy(&path, &people, &gateway, agents)
        });
        let outbox = Outbox::open_keeping(
            &folder.path().join("outbox"),
            &Identity::of("idle", b"the model", Room::Outbox),
            BUDGET_BYTES,
            std::time::Duration::MAX,
        );
        let inbox = Inbox::open(
            folder.path(),
            &Identity::of("moh/hq", b"the model", Room::Inbox),
        );
        Ground {
            policies,
            people,
            gateway_key,
            idle: Idle {
                outbox: outbox.expect("the store opens").0,
                inbox: inbox.expect("the store opens").0,
            },
            folder,
        }
    }

    pub fn policy(&self, agents: usize) -> Arc<Policy> {
        self.policies[agents - 1].clone()
    }

    pub fn person(&self, office: &str) -> Person {
        let mut all = self.people.iter();
        let found = all.find(|person| person.office.to_string() == office);
        found.expect("one of them").clone()
    }

    pub fn notary(&self) -> Notary {
        let key = SigningKey::from_pkcs8(&self.gateway_key).expect("it was made here");
        Notary::new("gateway-1".into(), key)
    }

    pub fn idle_outbox(&self) -> Outbox {
        self.idle.outbox.clone()
    }

    pub fn idle_inbox(&self) -> Inbox {
        self.idle.inbox.clone()
    }

    /// For one run's stores; gone with it.
    pub fn folder(&self) -> TempDir {
        TempDir::new_in(self.folder.path()).expect("a folder")
    }
}

/// Real files, on a file system without a disk: power cuts have tests of their own, and syncs would be most of the time.
fn in_memory() -> TempDir {
    let shared = Path::new("/dev/shm");
    let parent = match shared.is_dir() {
        true => shared.to_owned(),
        false => std::env::temp_dir(),
    };
    TempDir::with_prefix_in("spean-model-", parent).expect("a folder")
}

fn policy(path: &PathBuf, people: &[Person], gateway: &SigningKey, agents: u8) -> Arc<Policy> {
    let (authority, _) = SigningKey::generate().expect("a key");
    let now = Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
    let mut log = RegistryLog::begin(*authority.public());
    let mut said = registry::seed();
    let gateway = registry::GatewayRecord {
        name: "gateway-1".into(),
        public_key: (*gateway.public()).into(),
    };
    said.push(RegistryEvent::GatewayAdded(gateway));
    for event in &said {
        log.append(event, &authority, now).expect("it is good");
    }
    for (index, person) in people.iter().enumerate() {
        let mut office = log.registry().usual_office(&person.office).expect("usual");
        office.agents = (index == 0 && agents > 1).then_some(agents);
        let key = KeyRecord {
            office: person.office.clone(),
            keyid: person.key.keyid().to_owned(),
            public_key: (*person.key.public()).into(),
            honoured: Default::default(),
        };
        said.extend([
            RegistryEvent::OfficeAdded(office),
            RegistryEvent::KeyAdded(key),
        ]);
    }
    let mut log = RegistryLog::begin(*authority.public());
    let lines = said.iter().map(|event| {
        let line = log.append(event, &authority, now).expect("it is good");
        line + "\n"
    });
    std::fs::write(path, lines.collect::<String>()).expect("written");
    Arc::new(Policy::read(path, *authority.public()).expect("it is the authority's"))
}

impl Person {
    fn new(office: &str) -> Person {
        let (key, _) = SigningKey::generate().expect("a key");
        Person {
            office: office.parse().expect("an office"),
            key: Arc::new(key),
            peer: peer(office),
        }
    }
}

/// As TLS would have found it in the office's certificate.
fn peer(office: &str) -> Peer {
    let uri = format!("spiffe://spean.gov.kh/office/{office}");
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("ASCII"))];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    Peer::from_certificate(certificate.der()).expect("it names the office")
}

/// An event of an office as its application hands it in, checked by the real submit.
pub fn submission(registry: &Registry, office: &OfficeId, number: usize) -> Submission {
    let writers = WRITERS.iter();
    let mut writers = writers.filter(|(name, _)| *name == office.to_string());
    let (_, province) = writers.next().expect("it writes");
    let data = format!(
        r#"{{"dataSet":"DENGUE_Q","period":"2026Q3","orgUnit":"{province}","dataValues":[{{"dataElement":"DENGUE_CASES","value":"{number}"}}]}}"#
    );
    let draft = Draft {
        id: Some(format!("event-{number}")),
        event_type: Some("kh.gov.moh.quarterly-report.submitted.v1".into()),
        subject: Some(format!("{province}/2026Q3")),
        data: Bytes::from(data),
        ..Draft::default()
    };
    let desk = Desk {
        registry,
        office,
        now: Timestamp::from_unix_seconds(1_790_000_000).expect("a time"),
    };
    let valid = desk
        .submit(draft, Some(&feed()))
        .expect("it fits its contract");
    Submission::of(&valid, None)
}
