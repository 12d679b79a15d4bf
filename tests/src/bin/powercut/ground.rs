//! What an office's stores stand on where no agent is around them: a registry with keys, another office's log, the bus as a file.
//! In: a folder, laid once. Out: valid events, verified events, receipts that verify. Never: a check of the agent's left out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use agent::outbox::{Settled, Vouched};
use agent::receive::{Incoming, Place, Verified, VerifiedEvent, Verifier};
use agent::submit::{Desk, ValidEvent, now};
use anyhow::{Context as _, Result, anyhow};
use schemas::chain::Head;
use schemas::envelope::structured;
use schemas::event::{Draft, Event, Hash};
use schemas::receipt::{Facts, Receipt, Stamp};
use schemas::registry::{GatewayRecord, KeyRecord, Registry, RegistryEvent, seed};
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::{FeedName, OfficeId};

use crate::load::{self, FEED};
use crate::stage::{OFFICE, PROVINCE};

const GATEWAY: &str = "gateway-1";
const INBOUND: &str = "inbound.ndjson";

pub struct Ground {
    pub feed: FeedName,
    office: OfficeId,
    registry: Arc<Registry>,
    own: SigningKey,
    gateway: SigningKey,
    /// The other office's log, in the order of the feed's stream.
    pub inbound: Vec<SignedEvent>,
}

impl Ground {
    /// Makes the keys, and the other office's log of so many events.
    pub fn lay(folder: &Path, inbound: u64) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        for office in [OFFICE, PROVINCE, GATEWAY] {
            let (_, document) = SigningKey::generate()?;
            std::fs::write(key_file(folder, office), document)?;
        }
        std::fs::write(folder.join(INBOUND), "")?;
        let mut ground = Ground::read(folder)?;
        let key = key(folder, PROVINCE)?;
        ground.office = PROVINCE.parse()?;
        let mut head = Head::empty(ground.registry.genesis());
        let mut lines = String::new();
        for number in 1..=inbound {
            let valid = ground.valid(&format!("province-{number}"), &load::data(9, number))?;
            let signed = SignedEvent::sign(valid.event().clone(), head.next().expect("room"), &key);
            head = Head::of(&signed);
            lines.push_str(&structured::encode(&signed));
            lines.push('\n');
        }
        Ok(std::fs::write(folder.join(INBOUND), lines)?)
    }

    pub fn read(folder: &Path) -> Result<Ground> {
        let (own, gateway) = (key(folder, OFFICE)?, key(folder, GATEWAY)?);
        let offices = [(OFFICE, &own), (PROVINCE, &key(folder, PROVINCE)?)];
        Ok(Ground {
            registry: Arc::new(registry(&offices, &gateway)?),
            feed: FEED.parse()?,
            office: OFFICE.parse()?,
            inbound: read_log(&folder.join(INBOUND))?,
            own,
            gateway,
        })
    }

    pub fn genesis(&self) -> Hash {
        self.registry.genesis()
    }

    pub fn valid(&self, id: &str, data: &str) -> Result<ValidEvent> {
        let desk = Desk {
            registry: &self.registry,
            office: &self.office,
            now: now(),
        };
        let draft = Draft {
            id: Some(id.into()),
            data: data.to_owned().into(),
            ..Draft::default()
        };
        let valid = desk.submit(draft, Some(&self.feed));
        valid.map_err(|problem| anyhow!("the desk says {problem:?}"))
    }

    /// These of the other office's log, by their numbers in the stream.
    pub fn verified(&self, sequences: std::ops::Range<usize>) -> Result<Vec<VerifiedEvent>> {
        let incoming = |(index, event): (usize, &SignedEvent)| Incoming {
            sequence: index as u64 + 1,
            place: Place::Log,
            event: event.clone(),
        };
        let batch: Vec<Incoming> = (sequences.start..)
            .zip(&self.inbound[sequences])
            .map(incoming)
            .collect();
        let verifier = Verifier {
            registry: Arc::clone(&self.registry),
        };
        let judged = verifier.verify(&self.feed, &batch).into_iter();
        judged
            .map(|one| match one {
                Ok(Verified::Event(event)) => Ok(event),
                other => Err(anyhow!("not verified: {other:?}")),
            })
            .collect()
    }

    /// What a gateway says of events that it has stored: a receipt for the last one.
    pub fn vouched(&self, events: &[SignedEvent]) -> Result<Vouched> {
        let last = events.last().context("a receipt is for an event")?;
        let stamp = Stamp {
            admitted: now(),
            gateway: GATEWAY.into(),
            registry: None,
            newest: None,
        };
        let receipt = Receipt::sign(Facts::of(last, stamp), &self.gateway);
        let receipt = receipt.verified(&self.registry)?;
        Ok(Vouched::by(
            receipt,
            events.iter().map(Settled::of).collect(),
        ))
    }
}

fn key_file(folder: &Path, owner: &str) -> std::path::PathBuf {
    folder.join(format!("{}.key", owner.replace('/', "-")))
}

fn key(folder: &Path, owner: &str) -> Result<SigningKey> {
    Ok(SigningKey::from_pkcs8(&std::fs::read(key_file(
        folder, owner,
    ))?)?)
}

fn registry(offices: &[(&str, &SigningKey)], gateway: &SigningKey) -> Result<Registry> {
    let mut registry = Registry::empty(Hash::of(b"power cut"));
    for event in seed() {
        registry.apply(&event)?;
    }
    for (name, key) in offices {
        let office: OfficeId = name.parse()?;
        let usual = registry.usual_office(&office).context("a usual office")?;
        registry.apply(&RegistryEvent::OfficeAdded(usual))?;
        registry.apply(&RegistryEvent::KeyAdded(KeyRecord {
            office,
            keyid: key.keyid().into(),
            public_key: (*key.public()).into(),
            honoured: BTreeMap::new(),
        }))?;
    }
    let name = GATEWAY.into();
    let public_key = (*gateway.public()).into();
    registry.apply(&RegistryEvent::GatewayAdded(GatewayRecord {
        name,
        public_key,
    }))?;
    Ok(registry)
}

/// Signed events, one a line. A last line without its end was never stored.
pub fn read_log(path: &Path) -> Result<Vec<SignedEvent>> {
    let text = std::fs::read(path).unwrap_or_default();
    let whole = text.split_inclusive(|byte| *byte == b'\n');
    let whole = whole.filter_map(|line| line.strip_suffix(b"\n"));
    let event = |line| structured::decode(line).map_err(|refusal| anyhow!("a line: {refusal}"));
    whole.map(event).collect()
}

/// The office's own log as the bus has it: a file that no fault reaches.
pub struct Bus {
    file: File,
    pub log: Vec<SignedEvent>,
}

impl Bus {
    pub fn open(path: &Path) -> Result<Bus> {
        let log = read_log(path)?;
        let mut file = File::create(path)?;
        write(&mut file, &log)?;
        Ok(Bus { file, log })
    }

    /// Signs events behind the head and stores them.
    pub fn store(&mut self, ground: &Ground, events: Vec<Event>) -> Result<&[SignedEvent]> {
        let before = self.log.len();
        for event in events {
            let genesis = || Head::empty(ground.registry.genesis());
            let head = self.log.last().map_or_else(genesis, Head::of);
            self.log.push(SignedEvent::sign(
                event,
                head.next().expect("room"),
                &ground.own,
            ));
        }
        write(&mut self.file, &self.log[before..])?;
        Ok(&self.log[before..])
    }
}

fn write(file: &mut File, events: &[SignedEvent]) -> Result<()> {
    let lines = events.iter().map(|event| structured::encode(event) + "\n");
    Ok(file.write_all(lines.collect::<String>().as_bytes())?)
}
