//! A signed event made by hand, from the specification and not from the project's own code, so that each can be wrong on its own.
//! In: attributes, data, a key. Out: the NATS headers and the material. Never: a check of what was asked for.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::Value;

/// In the order in which the project signs them; present ones only.
const SIGNED: [&str; 6] = [
    "causationid",
    "sequence",
    "prevhash",
    "recordedtime",
    "dataclassification",
    "logformat",
];
/// CloudEvents' order for the core digest.
const CORE: [&str; 8] = [
    "id",
    "source",
    "specversion",
    "type",
    "datacontenttype",
    "dataschema",
    "subject",
    "time",
];
const PAYLOAD_TYPE: &str = "https://cloudevents.io/verifiability/dsse/v0.1";

#[derive(Clone, Debug)]
pub struct Letter {
    attributes: Vec<(String, String)>,
    /// Headers beside the attributes, written as they are.
    foreign: Vec<String>,
    pub data: Vec<u8>,
}

impl Letter {
    /// An event with every attribute that the bus wants but the material.
    pub fn new(log: &LogOf<'_>, position: u64, previous: &str, data: &Value) -> Letter {
        let LogOf {
            office,
            feed,
            event_type,
        } = log;
        let source = format!("urn:spean:{}:{feed}", office.replace('/', ":"));
        let letter = Letter {
            attributes: Vec::new(),
            foreign: Vec::new(),
            data: data.to_string().into_bytes(),
        };
        letter
            .set("id", &format!("letter-{:016x}", fastrand::u64(..)))
            .set("source", &source)
            .set("specversion", "1.0")
            .set("type", event_type)
            .set("datacontenttype", "application/json")
            .set(
                "dataschema",
                &format!("https://spean.gov.kh/contracts/{feed}/1.0"),
            )
            .set("time", "2026-10-05T08:00:00Z")
            .set("sequence", &format!("{position:020}"))
            .set("prevhash", previous)
            .set("recordedtime", "2026-10-05T08:00:01Z")
            .set("dataclassification", "internal")
            .set("logformat", "1")
    }

    /// Gives the attribute this value, in place of any that it had.
    pub fn set(self, name: &str, value: &str) -> Letter {
        let mut letter = self.without(name);
        letter.attributes.push((name.to_owned(), value.to_owned()));
        letter
    }

    pub fn without(mut self, name: &str) -> Letter {
        self.attributes.retain(|(other, _)| other != name);
        self
    }

    /// Adds a header line as it stands, without its line end.
    pub fn with_header(mut self, line: &str) -> Letter {
        self.foreign.push(line.to_owned());
        self
    }

    pub fn with_data(mut self, data: impl Into<Vec<u8>>) -> Letter {
        self.data = data.into();
        self
    }

    /// Signs what the letter holds now; what is changed afterwards is not signed.
    pub fn sign(self, key: &Key) -> Letter {
        self.sign_as(key, &key.keyid())
    }

    /// Signs under a key id that may be another's.
    pub fn sign_as(self, key: &Key, keyid: &str) -> Letter {
        let signature = key.0.sign(&pre_authentication_encoding(&self.payload()));
        self.under(keyid, signature.as_ref())
    }

    /// Puts these bytes where the signature of this key must stand.
    pub fn sign_with(self, key: &Key, signature: &[u8; 64]) -> Letter {
        self.under(&key.keyid(), signature)
    }

    fn under(self, keyid: &str, signature: &[u8]) -> Letter {
        let material = format!(
            r#"{{"payload":"{}","payloadType":"{PAYLOAD_TYPE}","signatures":[{{"keyid":"{keyid}","sig":"{}"}}]}}"#,
            STANDARD.encode(self.payload()),
            STANDARD.encode(signature)
        );
        self.set("dssematerial", &STANDARD.encode(material))
    }

    pub fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }

    /// What the next event's `prevhash` says.
    pub fn hash(&self) -> String {
        hash_of_material(self.attribute("dssematerial"))
    }

    /// The headers by name, without foreign ones.
    pub fn header_pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.attributes
            .iter()
            .map(|(name, value)| (format!("ce-{name}"), value.clone()))
    }

    /// The header block of the NATS binding's binary mode. The values used here need no percent coding.
    pub fn headers(&self) -> String {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, value)| format!("ce-{name}: {value}\r\n"));
        let foreign = self.foreign.iter().map(|line| format!("{line}\r\n"));
        format!(
            "NATS/1.0\r\n{}\r\n",
            attributes.chain(foreign).collect::<String>()
        )
    }

    fn payload(&self) -> Vec<u8> {
        let core = CORE
            .iter()
            .flat_map(|name| sha256(self.attribute(name).as_bytes()))
            .chain(sha256(&self.data));
        let core: Vec<u8> = core.collect();
        let present: Vec<&str> = SIGNED
            .into_iter()
            .filter(|name| !self.attribute(name).is_empty())
            .collect();
        let ext: Vec<u8> = present
            .iter()
            .flat_map(|name| sha256(self.attribute(name).as_bytes()))
            .collect();
        let names = serde_json::to_string(&present).expect("names are JSON");
        let (core, ext) = (
            STANDARD.encode(sha256(&core)),
            STANDARD.encode(sha256(&ext)),
        );
        format!(r#"{{"core":"{core}","ext":"{ext}","signedextattrs":{names}}}"#).into_bytes()
    }
}

/// Whose log a letter goes into.
#[derive(Clone, Copy, Debug)]
pub struct LogOf<'a> {
    pub office: &'a str,
    pub feed: &'a str,
    pub event_type: &'a str,
}

impl LogOf<'_> {
    pub fn subject(&self) -> String {
        format!("spean.log.{}.{}", self.feed, self.office.replace('/', "."))
    }
}

/// An Ed25519 key of an office, or of a forger.
pub struct Key(Ed25519KeyPair);

impl Key {
    /// From an office's folder as `spean-gateway enrol` wrote it.
    pub fn of_bundle(bundle: &Path) -> Key {
        let document =
            std::fs::read(bundle.join("signing.pk8")).expect("the bundle holds a signing key");
        Key(Ed25519KeyPair::from_pkcs8_maybe_unchecked(&document).expect("a signing key is PKCS#8"))
    }

    /// A key that nobody has registered.
    pub fn stranger() -> Key {
        let document = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new())
            .expect("the system has random bytes");
        Key(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a fresh key reads back"))
    }

    /// The same one each time.
    pub fn of_seed(seed: &[u8; 32]) -> Key {
        Key(Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed"))
    }

    pub fn public(&self) -> [u8; 32] {
        let public = self.0.public_key().as_ref();
        public.try_into().expect("an Ed25519 key has 32 bytes")
    }

    /// RFC 7638: the digest of the key as an OKP JWK, members in their order, no white space.
    pub fn keyid(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key());
        URL_SAFE_NO_PAD.encode(sha256(
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes(),
        ))
    }
}

/// Where every log begins: the hash of the registry's first event.
pub fn genesis(registry: &Path) -> String {
    let text = std::fs::read_to_string(registry).expect("an authority has a registry");
    let first: Value =
        serde_json::from_str(text.lines().next().expect("a registry has a first event"))
            .expect("NDJSON");
    hash_of_material(
        first["dssematerial"]
            .as_str()
            .expect("the registry is signed"),
    )
}

fn hash_of_material(encoded: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(
        &STANDARD.decode(encoded).expect("material is base64"),
    ))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes)
        .as_ref()
        .try_into()
        .expect("SHA-256 has 32 bytes")
}

/// DSSE v1.0.2.
fn pre_authentication_encoding(payload: &[u8]) -> Vec<u8> {
    let mut encoded = format!(
        "DSSEv1 {} {PAYLOAD_TYPE} {} ",
        PAYLOAD_TYPE.len(),
        payload.len()
    )
    .into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two readings of the specification, made apart, agree on what is signed.
    #[test]
    fn the_golden_event_is_signed_over_the_same_payload() {
        let golden = include_str!("../../schemas/vectors/event.nats");
        let (block, data) = golden.split_once("\r\n\r\n").unwrap();
        let nothing = Letter {
            attributes: Vec::new(),
            foreign: Vec::new(),
            data: data.into(),
        };
        let attributes = block
            .lines()
            .skip(1)
            .map(|line| line.split_once(": ").unwrap());
        let letter = attributes.fold(nothing, |letter, (name, value)| {
            letter.set(&name["ce-".len()..], value)
        });
        let material = STANDARD.decode(letter.attribute("dssematerial")).unwrap();
        let material: Value = serde_json::from_slice(&material).unwrap();
        assert_eq!(material["payload"], STANDARD.encode(letter.payload()));
        assert_eq!(
            letter.hash(),
            include_str!("../../schemas/vectors/event.hash")
        );
    }
}
