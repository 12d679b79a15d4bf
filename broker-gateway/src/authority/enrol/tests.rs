//! Enrolment against a real authority's folder.

use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair};
use schemas::registry_log::RegistryLog;
use tempfile::TempDir;

use super::*;
use crate::authority::Init;
use crate::settings::ServerAddress;

struct Given {
    folder: TempDir,
}

impl Given {
    fn authority() -> Given {
        let folder = tempfile::tempdir().expect("a folder");
        let init = Init {
            folder: folder.path().join("authority"),
            listen: "127.0.0.1:4443".into(),
            names: vec!["localhost".into()],
            nats: vec![ServerAddress {
                host: "127.0.0.1".into(),
                port: 4222,
            }],
            data_dir: None,
        };
        init.run().expect("an authority");
        Given { folder }
    }

    fn path(&self, within: &str) -> PathBuf {
        self.folder.path().join(within)
    }

    fn enrol(&self, office: &str, out: &str) -> Enrol {
        Enrol {
            office: office.parse().expect("an office"),
            out: self.path(out),
            authority: self.path("authority"),
            named: Named::default(),
            from_office: None,
            gateways: Vec::new(),
        }
    }

    fn registry(&self) -> RegistryLog {
        let document = std::fs::read(self.path("authority/authority/signing.pk8")).expect("a key");
        let key = SigningKey::from_pkcs8(&document).expect("a key");
        let text = std::fs::read_to_string(self.path("authority/registry.ndjson")).expect("one");
        RegistryLog::load(&text, *key.public()).expect("a signed registry")
    }
}

#[test]
fn an_enrolled_office_stands_in_the_registry_with_the_key_of_its_bundle() {
    let given = Given::authority();
    let said = given
        .enrol("moh/siem-reap", "bundle")
        .run()
        .expect("enrolled");
    assert_eq!(said.said, ["office-added", "key-added"]);
    let document = std::fs::read(given.path("bundle/signing.pk8")).expect("a key");
    let key = SigningKey::from_pkcs8(&document).expect("a key");
    let log = given.registry();
    let office = "moh/siem-reap".parse().expect("an office");
    assert_eq!(
        log.registry().key(key.keyid()).expect("known").office,
        office
    );
    let office = log.registry().office(&office).expect("known");
    assert_eq!(office.province.as_deref(), Some("17"));
    assert_eq!(office.standing, Standing::Provincial);
}

#[test]
fn an_office_that_is_enrolled_again_keeps_its_place_and_gets_another_key() {
    let given = Given::authority();
    given.enrol("moh/hq", "one").run().expect("enrolled");
    let said = given.enrol("moh/hq", "two").run().expect("enrolled again");
    assert_eq!(said.said, ["key-added"]);
    let office = "moh/hq".parse().expect("an office");
    assert_eq!(given.registry().registry().keys_of(&office).count(), 2);
}

#[test]
fn with_a_request_the_offices_private_keys_are_never_here() {
    let given = Given::authority();
    let key = KeyPair::generate().expect("a key");
    let request = CertificateParams::default().serialize_request(&key);
    let pem = request.expect("a request").pem().expect("PEM");
    std::fs::write(given.path("office.csr"), pem).expect("written");
    let (signing, _) = SigningKey::generate().expect("a key");
    std::fs::write(given.path("office.pub"), signing.public().to_string()).expect("written");
    let mut enrol = given.enrol("moh/battambang", "bundle");
    enrol.from_office = Some((given.path("office.csr"), given.path("office.pub")));
    enrol.run().expect("enrolled");
    assert!(given.registry().registry().key(signing.keyid()).is_some());
    assert!(given.path("bundle/office.pem").exists());
    assert!(!given.path("bundle/office.key").exists());
    assert!(!given.path("bundle/signing.pk8").exists());
}

#[test]
fn a_signing_key_of_another_office_is_not_taken() {
    let given = Given::authority();
    given.enrol("moh/hq", "hq").run().expect("enrolled");
    let document = std::fs::read(given.path("hq/signing.pk8")).expect("a key");
    let stolen = SigningKey::from_pkcs8(&document).expect("a key");
    let key = KeyPair::generate().expect("a key");
    let request = CertificateParams::default().serialize_request(&key);
    std::fs::write(given.path("csr"), request.expect("one").pem().expect("PEM")).expect("written");
    std::fs::write(given.path("pub"), stolen.public().to_string()).expect("written");
    let mut enrol = given.enrol("mef/hq", "mef");
    enrol.from_office = Some((given.path("csr"), given.path("pub")));
    let before = given.registry().head();
    assert!(enrol.run().is_err());
    assert_eq!(given.registry().head(), before);
}

#[test]
fn what_is_no_key_is_not_enrolled_and_the_mistake_is_named() {
    let given = Given::authority();
    let key = KeyPair::generate().expect("a key");
    let request = CertificateParams::default().serialize_request(&key);
    std::fs::write(given.path("csr"), request.expect("one").pem().expect("PEM")).expect("written");
    let before = given.registry().head();
    for (name, public, why) in [
        (
            "y = 2",
            format!("Ag{}=", "A".repeat(41)),
            "no point of the curve",
        ),
        ("y = 1", format!("AQ{}=", "A".repeat(41)), "small order"),
        (
            "a point, and one of order 2 put to it",
            "FqVn/n1O9UgqtAEsNpv4xfEejQwlWdzaUP3llwj4ruU=".to_owned(),
            "prime order",
        ),
    ] {
        std::fs::write(given.path("pub"), public).expect("written");
        let mut enrol = given.enrol("mef/hq", "mef");
        enrol.from_office = Some((given.path("csr"), given.path("pub")));
        let fault = enrol.run().expect_err(name).to_string();
        assert!(fault.contains(why), "{name}: {fault}");
    }
    assert_eq!(given.registry().head(), before);
}

#[test]
fn what_a_name_does_not_say_must_be_said() {
    let given = Given::authority();
    assert!(given.enrol("moh/laboratory", "one").run().is_err());
    assert!(given.enrol("xyz/hq", "two").run().is_err());
    let mut enrol = given.enrol("moh/laboratory", "three");
    enrol.named = Named {
        title: Some("National laboratory".into()),
        standing: Some(Standing::Provincial),
        province: Some("KH12".into()),
        ..Named::default()
    };
    enrol.run().expect("enrolled");
}

#[test]
fn offices_that_are_enrolled_at_once_are_all_in_the_registry() {
    let given = Given::authority();
    std::thread::scope(|scope| {
        for office in ["moh/hq", "maff/hq", "mlvt/hq", "mef/hq"] {
            let enrol = given.enrol(office, &office.replace('/', "-"));
            scope.spawn(move || enrol.run().expect("enrolled"));
        }
    });
    assert_eq!(given.registry().registry().offices().count(), 4);
}
