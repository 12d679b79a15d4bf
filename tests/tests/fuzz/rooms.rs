//! Every room that reads signed events, without sockets and stores: letters come in as they stand on the wire, and what is said of
//! them is held against what the others say.

use std::sync::Arc;

use agent::receive::{Incoming, Place, Verified, Verifier};
use broker_gateway::acl;
use broker_gateway::admit::{Admission, Admitted, Declared, Judged, RawEvent, Refills, Submission};
use broker_gateway::peer::Peer;
use broker_gateway::scrub::Scrub;
use bytes::Bytes;
use rcgen::{CertificateParams, KeyPair, SanType};
use schemas::chain::{Head, follows};
use schemas::envelope::nats::{self, Origin};
use schemas::event::{Hash, Position};
use schemas::head;
use schemas::limits::GAP_POSITIONS_MAX;
use schemas::notice::LogResumed;
use schemas::registry::{KeyRecord, Registry, RegistryEvent, seed};
use schemas::signing::{PublicKey, SignedEvent};
use schemas::subject::{LogName, LogSubject, OfficeId};
use tests::letter::{Key, Letter};

pub const OFFICE: &str = "moh/siem-reap";
pub const FEED: &str = "health-quarterly";

pub struct Rooms {
    pub key: Key,
    registry: Arc<Registry>,
    admission: Admission,
    log: LogName,
    peer: Peer,
    reader: Peer,
}

impl Rooms {
    pub fn new() -> Rooms {
        let key = Key::of_seed(&[7; 32]);
        let mut registry = Registry::empty(Hash::of(b"genesis"));
        seed()
            .iter()
            .for_each(|said| registry.apply(said).expect("a good event"));
        let office: OfficeId = OFFICE.parse().expect("an office");
        let known = registry.usual_office(&office).expect("a usual office");
        let record = KeyRecord {
            office: office.clone(),
            keyid: key.keyid(),
            public_key: PublicKey::from_bytes(key.public()).expect("a key").into(),
            honoured: Default::default(),
        };
        for said in [
            RegistryEvent::OfficeAdded(known),
            RegistryEvent::KeyAdded(record),
        ] {
            registry.apply(&said).expect("a good event");
        }
        Rooms {
            key,
            registry: Arc::new(registry),
            admission: Admission::new(),
            peer: peer(OFFICE),
            reader: peer("moh/hq"),
            log: LogName {
                feed: FEED.parse().expect("a feed"),
                office,
            },
        }
    }

    pub fn genesis(&self) -> String {
        self.registry.genesis().to_string()
    }

    /// How many the gateway would store.
    ///
    /// # Errors
    /// Two rooms that judge one event in two ways.
    pub fn read(&self, letters: &[Letter]) -> Result<u64, String> {
        let raw: Vec<RawEvent> = letters.iter().map(sent).collect();
        let mut taken = self.admit(&raw)?;
        for raw in &raw {
            taken += self.declare(raw)?;
            self.heal(raw);
        }
        self.as_stored(letters);
        Ok(taken)
    }

    /// Each event is judged once, and what is taken a reader believes.
    fn admit(&self, raw: &[RawEvent]) -> Result<u64, String> {
        let permit = acl::publish(&self.registry, &self.peer, self.log.clone());
        let Judged { admitted, answered } = self.admission.admit(Submission {
            peer: self.peer.clone(),
            permit: permit.expect("its own log"),
            events: raw.to_vec(),
        });
        let mut places: Vec<usize> = answered.iter().map(|answered| answered.place).collect();
        places.extend(admitted.iter().flat_map(Admitted::places));
        places.sort_unstable();
        if !places.iter().copied().eq(0..raw.len()) {
            return Err(format!("{} events were judged at {places:?}", raw.len()));
        }
        let mut taken = 0;
        for run in &admitted {
            let first_is_foreign = run.events().first().is_some_and(|first| {
                let link = first.link();
                link.position == Position::FIRST && link.prev != run.genesis()
            });
            // Whether it begins at this bus's genesis is judged where the log's head is known.
            if first_is_foreign {
                continue;
            }
            let subject = LogSubject::Log(self.log.clone());
            let pairs = run.events().iter().zip(run.headers());
            let batch: Vec<Incoming> = pairs
                .map(|(event, headers)| self.incoming(&subject, headers, event.event().data()))
                .collect::<Result<_, String>>()?;
            for (event, verdict) in run.events().iter().zip(self.verify(&batch)) {
                verdict.map_err(|why| format!("{}: admitted, and {why}", event.id()))?;
                taken += 1;
            }
        }
        Ok(taken)
    }

    fn declare(&self, raw: &RawEvent) -> Result<u64, String> {
        let permit = acl::publish(&self.registry, &self.peer, self.log.clone());
        let permit = permit.expect("its own log");
        let Ok(declared) = self.admission.declare(&permit, raw) else {
            return Ok(0);
        };
        let (gap, behind) = (declared.gap(), declared.event().link().position.number());
        let width = gap.last.checked_sub(gap.first);
        if gap.last.checked_add(1) != Some(behind) || width.is_none_or(|w| w >= GAP_POSITIONS_MAX) {
            return Err(format!("{gap:?} was taken at {behind}"));
        }
        let subject = LogSubject::Gap(self.log.clone());
        let incoming = self.incoming(&subject, &raw.headers, &raw.payload)?;
        let believed = self.verify(&[incoming]).pop().expect("one verdict");
        match believed {
            Ok(Verified::Gap(verified)) if verified.gap() == Declared::gap(&declared) => Ok(1),
            other => Err(format!("{gap:?} was taken, and a reader says {other:?}")),
        }
    }

    fn heal(&self, raw: &RawEvent) {
        for number in [1, 2, schemas::limits::POSITION_MAX] {
            let at = Position::new(number).expect("a position");
            let permit = acl::refill(&self.registry, &self.reader, self.log.clone(), at);
            if let Ok(permit) = permit {
                self.admission.heal(Refills::new(permit, raw.clone()));
            }
        }
    }

    fn incoming(
        &self,
        subject: &LogSubject,
        headers: &Bytes,
        data: &Bytes,
    ) -> Result<Incoming, String> {
        let subject = subject.to_string();
        let read = Incoming::read(&self.log.feed, &subject, 1, headers, data.clone());
        read.map_err(|why| format!("taken, and a reader cannot read it: {why}"))
    }

    fn verify(&self, batch: &[Incoming]) -> Vec<Result<Verified, String>> {
        let registry = self.registry.clone();
        let verdicts = Verifier { registry }.verify(&self.log.feed, batch);
        let words = |no| format!("a reader says {no:?}");
        verdicts
            .into_iter()
            .map(|verdict| verdict.map_err(words))
            .collect()
    }

    /// As a bus would hand them out that nobody guards: to readers, to who looks for a head, to the scrub.
    fn as_stored(&self, letters: &[Letter]) {
        let mut signed: Vec<SignedEvent> = Vec::new();
        let mut scrub = Scrub::new(self.log.feed.clone(), &self.registry);
        let subjects = [
            LogSubject::Log(self.log.clone()),
            LogSubject::Gap(self.log.clone()),
        ];
        for (sequence, letter) in (1..).zip(letters) {
            let RawEvent {
                headers, payload, ..
            } = sent(letter);
            for subject in &subjects {
                let text = subject.to_string();
                scrub.take(sequence, &text, &headers, payload.clone());
            }
            signed.extend(nats::decode(&headers, payload, Origin::Bus));
        }
        let report = scrub.finish();
        let _asked = report.logs.iter().map(|log| log.wanted().count()).max();
        let heads = signed.iter().map(Head::of);
        for last in heads.chain([Head::empty(self.registry.genesis())]) {
            let end = head::behind(last, &signed);
            let _next = end.next();
        }
        for pair in signed.windows(2) {
            let _linked = follows(&pair[0], &pair[1]);
        }
        for place in [Place::Log, Place::Gap] {
            let batch: Vec<Incoming> = (1..)
                .zip(&signed)
                .map(|(sequence, event)| Incoming {
                    sequence,
                    place,
                    event: event.clone(),
                })
                .collect();
            let _verdicts = self.verify(&batch);
        }
        let _notices: Vec<_> = signed
            .iter()
            .map(|event| LogResumed::read(event.event()))
            .collect();
    }
}

/// As TLS knows an office.
fn peer(office: &str) -> Peer {
    let mut about = CertificateParams::default();
    let uri = format!("spiffe://spean.gov.kh/office/{office}");
    about.subject_alt_names = vec![SanType::URI(uri.try_into().expect("plain text"))];
    let key = KeyPair::generate().expect("a key");
    let certificate = about.self_signed(&key).expect("a certificate");
    Peer::from_certificate(certificate.der()).expect("it names the office")
}

fn sent(letter: &Letter) -> RawEvent {
    RawEvent {
        headers: letter.headers().into(),
        payload: letter.data.clone().into(),
        reply: None,
    }
}
