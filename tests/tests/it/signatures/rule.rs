//! The rule itself, asked at each of its three doors.
//! In: a run of events, one of which bears a signature at the edge. Out: what each door says. Never: a stand-in for a door.

use std::path::Path;
use std::sync::Arc;

use agent::receive::{Incoming, No, Place, Verifier};
use broker_gateway::acl;
use broker_gateway::admit::{Admission, RawEvent, Submission};
use broker_gateway::peer::Peer;
use broker_gateway::refuse::Answer;
use rcgen::{CertificateParams, KeyPair, SanType};
use schemas::chain::Head;
use schemas::envelope::{nats, structured};
use schemas::event::{Classification, Core, Event, Timestamp};
use schemas::refusal::Refusal;
use schemas::registry::{KeyRecord, Registry, RegistryEvent, seed};
use schemas::registry_log::RegistryLog;
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::LogName;
use serde_json::Value;
use tests::edges::{Edge, Holder};
use tests::programs::{self, AGENT};

const OFFICE: &str = "moh/siem-reap";
const RUN: usize = 12;

struct Scene {
    holder: Holder,
    authority: SigningKey,
    /// As the authority writes it down.
    lines: String,
    registry: Arc<Registry>,
    log: LogName,
    peer: Peer,
}

impl Scene {
    fn new() -> Scene {
        let holder = Holder::new([7; 32]);
        let (authority, _) = SigningKey::generate().expect("a key");
        let mut log = RegistryLog::begin(*authority.public());
        let mut lines = String::new();
        let mut say = |log: &mut RegistryLog, said: &RegistryEvent| {
            let line = log.append(said, &authority, now()).expect("it applies");
            lines.push_str(&format!("{line}\n"));
        };
        for said in seed() {
            say(&mut log, &said);
        }
        let office = log
            .registry()
            .usual_office(&OFFICE.parse().expect("an office"));
        say(
            &mut log,
            &RegistryEvent::OfficeAdded(office.expect("a usual one")),
        );
        let key = KeyRecord {
            office: OFFICE.parse().expect("an office"),
            keyid: holder.key.keyid().into(),
            public_key: (*holder.key.public()).into(),
            honoured: [].into(),
        };
        say(&mut log, &RegistryEvent::KeyAdded(key));
        Scene {
            registry: Arc::new(log.registry().clone()),
            lines,
            holder,
            authority,
            log: LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a log"),
            peer: peer(),
        }
    }

    fn event(&self, head: Head) -> SignedEvent {
        let number = head.number() + 1;
        let core = Core {
            id: format!("report-{number}"),
            event_type: "kh.gov.moh.quarterly-report.submitted.v1".into(),
            subject: None,
            time: now(),
            data_content_type: "application/json".into(),
            data_schema: "https://spean.gov.kh/contracts/health-quarterly/1.0".into(),
            causation_id: None,
            data_classification: Classification::Internal,
            data: format!(
                r#"{{"dataSet":"DENGUE_Q","period":"2026Q3","orgUnit":"KH17","dataValues":[{{"dataElement":"DENGUE_CASES","value":"{number}"}}]}}"#
            )
            .into(),
        };
        let event = Event::new(self.log.clone(), core, now()).expect("well formed");
        SignedEvent::sign(event, head.next().expect("room"), &self.holder.key)
    }

    /// As many runs as there are edges, one behind the other; in each, one event at this place has the signature of its number.
    fn log(&self, place: impl Fn(usize) -> usize) -> Vec<Edge> {
        let mut head = Head::empty(self.registry.genesis());
        let count = self.holder.count(&self.event(head));
        let mut log = Vec::new();
        for number in 0..count {
            for at in 0..RUN {
                let event = self.event(head);
                let number = if at == place(number) { number } else { 0 };
                let edge = self.holder.edge(event, number);
                head = Head::of(&edge.event);
                log.push(edge);
            }
        }
        log
    }

    /// What the gateway would store of a run.
    fn admitted(&self, run: &[Edge]) -> Vec<usize> {
        let log = self.log.clone();
        let permit = acl::publish(&self.registry, &self.peer, log).expect("its own log");
        let raw = |edge: &Edge| RawEvent {
            headers: nats::encode(&edge.event).into(),
            payload: edge.event.event().data().clone(),
            reply: None,
        };
        let judged = Admission::new().admit(Submission {
            peer: self.peer.clone(),
            permit,
            events: run.iter().map(raw).collect(),
        });
        for answered in &judged.answered {
            let refused = answered.answer == Answer::Refused(Refusal::SignatureInvalid);
            assert_eq!(
                refused, !run[answered.place].good,
                "{}",
                run[answered.place].name
            );
        }
        let runs = judged.admitted.iter();
        runs.flat_map(|run| run.places().to_vec()).collect()
    }

    /// What a reader says of what came together.
    fn believed(&self, batch: &[Edge]) -> Vec<bool> {
        let verifier = Verifier {
            registry: self.registry.clone(),
        };
        let incoming = (1..).zip(batch).map(|(sequence, edge)| Incoming {
            sequence,
            place: Place::Log,
            event: edge.event.clone(),
        });
        let verdicts = verifier.verify(&self.log.feed, &incoming.collect::<Vec<_>>());
        let believed = verdicts.iter().map(|verdict| match verdict {
            Ok(_) => true,
            Err(No::Unbelieved(not)) if *not.why() == Refusal::SignatureInvalid => false,
            Err(other) => panic!("{other:?}"),
        });
        believed.collect()
    }

    /// The lines that `verify` names.
    fn not_verified(&self, folder: &Path, log: &[Edge]) -> Vec<usize> {
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let lines = log
            .iter()
            .map(|edge| structured::encode(&edge.event) + "\n");
        let key = self.authority.public().to_string();
        for (name, text) in [
            ("log", lines.collect::<String>()),
            ("registry", self.lines.clone()),
            ("authority.pub", key),
        ] {
            std::fs::write(path(name), text).expect("written");
        }
        let (file, registry, authority) = (path("log"), path("registry"), path("authority.pub"));
        let by = ["--registry", &registry, "--authority", &authority];
        let output = programs::output(AGENT, &[&["verify", "--json", &file], &by[..]].concat());
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(told["verified"] == true, output.status.success(), "{told}");
        assert_eq!(told["logs"][0]["events"], log.len(), "{told}");
        let named = told["not_signed"].as_array().into_iter().flatten();
        let line = |line: &Value| usize::try_from(line.as_u64().expect("a line")).expect("small");
        named.map(line).collect()
    }
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000).expect("a time")
}

/// As TLS would have found it in the office's certificate.
fn peer() -> Peer {
    let uri = format!("spiffe://spean.gov.kh/office/{OFFICE}");
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("ASCII"))];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    Peer::from_certificate(certificate.der()).expect("it names the office")
}

fn verdicts(log: &[Edge]) -> Vec<bool> {
    log.iter().map(|edge| edge.good).collect()
}

#[test]
fn each_event_alone_is_good_by_the_rule_or_not() {
    let scene = Scene::new();
    for edge in scene.log(|_| 0) {
        let verdict = edge.event.verify(scene.holder.key.public()).is_ok();
        assert_eq!(verdict, edge.good, "{}", edge.name);
    }
}

#[test]
fn the_gateway_stores_what_is_good_up_to_the_first_that_is_not_at_each_place() {
    let scene = Scene::new();
    for place in 0..RUN {
        for run in scene.log(|_| place).chunks(RUN) {
            let bad = run.iter().position(|edge| !edge.good).unwrap_or(RUN);
            let expected: Vec<usize> = (0..bad).collect();
            assert_eq!(
                scene.admitted(run),
                expected,
                "{} at {place}",
                run[place].name
            );
        }
    }
}

#[test]
fn a_reader_says_the_same_however_much_comes_together() {
    let scene = Scene::new();
    for place in 0..RUN {
        let log = scene.log(|_| place);
        assert_eq!(scene.believed(&log), verdicts(&log));
        for run in log.chunks(RUN) {
            assert_eq!(scene.believed(run), verdicts(run), "{}", run[place].name);
        }
    }
}

#[test]
fn verify_names_exactly_the_lines_that_are_not_good() {
    let scene = Scene::new();
    let folder = tempfile::tempdir().expect("a directory");
    let log = scene.log(|number| number % RUN);
    let bad = (1..).zip(&log).filter(|(_, edge)| !edge.good);
    let bad: Vec<usize> = bad.map(|(line, _)| line).collect();
    assert!(bad.len() > 20);
    assert_eq!(scene.not_verified(folder.path(), &log), bad);
    let good: Vec<Edge> = scene.log(|_| RUN);
    assert_eq!(scene.not_verified(folder.path(), &good), [0; 0]);
}
