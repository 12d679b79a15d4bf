//! One file proves when an event was durable, on any machine, with nothing but the authority's public key.
//! In: a receipt's file, and every way to change it. Out: one line, or why not. Never: an agent's folder at the verifier's.

use std::path::{Path, PathBuf};

use schemas::proof;
use schemas::signing::PublicKey;
use tests::programs::{AGENT, output};

use super::*;

/// Another machine: an empty folder with the file and the authority's key.
struct Elsewhere {
    folder: tempfile::TempDir,
    authority: PathBuf,
}

impl Elsewhere {
    fn new(office: &Office) -> Elsewhere {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = folder.path().join("authority.pub");
        let key = office.folder().join("authority.pub");
        std::fs::copy(key, &authority).expect("the key can be carried");
        Elsewhere { folder, authority }
    }

    fn verify(&self, file: &[u8]) -> (bool, String) {
        let path = self.folder.path().join("receipt.ndjson");
        std::fs::write(&path, file).expect("the file can be carried");
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let arguments = [
            "--dir",
            &text(self.folder.path()),
            "verify",
            &text(&path),
            "--authority",
            &text(&self.authority),
        ];
        let output = output(AGENT, &arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    }

    fn key(&self) -> PublicKey {
        let text = std::fs::read_to_string(&self.authority).expect("a key");
        PublicKey::try_from(text).expect("a key")
    }
}

#[tokio::test]
async fn a_receipts_file_is_verified_elsewhere_and_a_changed_one_is_not() {
    let bus = Bus::start(&[PROVINCE]).await;
    let province = bus.office(PROVINCE).await;
    province.line.set(Weather::Cut);
    let ids = submit(&province, 2000..2020).await;
    let early = province.get(&format!("/events/{}/receipt", ids[0])).await;
    assert_eq!(
        (early.status, &early.body["code"]),
        (409, &json!("receipt-not-yet"))
    );
    province.line.set(Weather::Clear);
    province.reaches(&ids[19], "durable").await;

    let elsewhere = Elsewhere::new(&province);
    let file = province.command(&["receipt", &ids[3]]).stdout;
    let (good, said) = elsewhere.verify(&file);
    let position = format!(
        "event {} is position 4 of moh/siem-reap health-quarterly",
        ids[3]
    );
    assert!(
        good && said.starts_with("VERIFIED: ") && said.contains(&position),
        "{said}"
    );
    assert_eq!(said.trim_end().lines().count(), 1);

    let withheld = province.command(&["receipt", &ids[3], "--withhold"]).stdout;
    assert!(!String::from_utf8_lossy(&withheld).contains("DENGUE_CASES"));
    let (good, said) = elsewhere.verify(&withheld);
    assert!(good && said.contains("authentic, data withheld"), "{said}");

    let key = elsewhere.key();
    for index in 0..file.len() {
        let mut changed = file.clone();
        changed[index] ^= 1;
        let text = String::from_utf8(changed).expect("a bit of ASCII is ASCII");
        assert!(proof::verify(&text, &key).is_err(), "byte {index}");
    }
    for index in (0..file.len()).step_by(file.len() / 7) {
        let mut changed = file.clone();
        changed[index] ^= 4;
        let (good, said) = elsewhere.verify(&changed);
        assert!(
            !good && said.starts_with("NOT VERIFIED: line "),
            "byte {index}: {said}"
        );
    }
}
