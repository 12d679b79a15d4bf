//! Arguments come in, what they mean is expected; a bundle comes in, a folder that can run is expected. No agent is needed.

use std::fs;
use std::path::Path;

use schemas::registry::{KeyRecord, RegistryEvent, seed};
use schemas::registry_log::RegistryLog;
use schemas::signing::{Fingerprint, PublicKey, SigningKey};

use super::*;

#[test]
fn the_arguments_contradict_each_other_nowhere() {
    Cli::command().debug_assert();
}

#[test]
fn a_log_is_named_by_its_source_or_by_feed_and_office() {
    let parse = |arguments: &[&str]| {
        let all = ["spean-agent", "export"].iter().chain(arguments);
        Cli::try_parse_from(all).is_ok()
    };
    assert!(parse(&["urn:spean:moh:siem-reap:health-quarterly"]));
    assert!(parse(&[
        "--feed",
        "market-prices",
        "--office",
        "maff/kampot"
    ]));
    for wrong in [
        &[][..],
        &["moh/siem-reap"],
        &["--feed", "market-prices"],
        &["--office", "maff/kampot"],
        &["--feed", "Market", "--office", "maff/kampot"],
    ] {
        assert!(!parse(wrong), "{wrong:?}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let folder = tempfile::tempdir().expect("a directory");
    clap_mangen::generate_to(Cli::command(), &folder).expect("written");
    for name in [
        "spean-agent.1",
        "spean-agent-submit.1",
        "spean-agent-tray-release.1",
    ] {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}

/// A bundle as the authority makes it; certificates are not looked into before the link is made.
fn bundle(dir: &Path, office: &str) {
    let (authority, _) = SigningKey::generate().expect("a key");
    let (key, document) = SigningKey::generate().expect("a key");
    let office: OfficeId = office.parse().expect("an office");
    let mut log = RegistryLog::begin(*authority.public());
    let mut lines = String::new();
    let mut say = |event: &RegistryEvent| {
        let now = crate::submit::now();
        let line = log.append(event, &authority, now).expect("applies");
        lines.push_str(&line);
        lines.push('\n');
        log.registry().usual_office(&office)
    };
    let mut known = None;
    for event in &seed() {
        known = say(event);
    }
    say(&RegistryEvent::OfficeAdded(
        known.expect("an office by its name"),
    ));
    say(&RegistryEvent::KeyAdded(KeyRecord {
        office: office.clone(),
        keyid: key.keyid().into(),
        public_key: (*key.public()).into(),
        honoured: [].into(),
    }));
    let settings = format!(
        "office = \"{office}\"\ngateways = [\"127.0.0.1:4443\"]\ngateway_name = \"localhost\"\n"
    );
    fs::create_dir_all(dir).expect("made");
    for (name, bytes) in [
        ("ca.pem", b"ca".to_vec()),
        ("office.pem", b"certificate".to_vec()),
        ("office.key", b"key".to_vec()),
        ("signing.pk8", document),
        ("authority.pub", authority.public().to_string().into_bytes()),
        ("registry.ndjson", lines.into_bytes()),
        ("agent.toml", settings.into_bytes()),
    ] {
        fs::write(dir.join(name), bytes).expect("written");
    }
}

#[test]
fn a_bundle_becomes_a_folder_once_and_its_keys_are_its_owners_alone() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (from, to) = (
        temporary.path().join("bundle"),
        temporary.path().join("agent"),
    );
    bundle(&from, "moh/siem-reap");
    let told = authority(&from);
    init::run(&from, Folder::new(&to), Some(told)).expect("made");
    let settings = Settings::load(Folder::new(&to)).expect("good settings");
    assert_eq!(settings.office.to_string(), "moh/siem-reap");
    let again = init::run(&from, Folder::new(&to), Some(told)).expect_err("there already");
    assert!(
        again.to_string().ends_with("nothing is overwritten"),
        "{again}"
    );
    #[cfg(unix)]
    for name in ["office.key", "signing.pk8", "http.token"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(to.join(name))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

fn authority(bundle: &Path) -> Fingerprint {
    let text = fs::read_to_string(bundle.join("authority.pub")).expect("a key");
    let key = PublicKey::try_from(text.trim().to_owned()).expect("a key");
    key.fingerprint()
}

#[test]
fn a_bundle_of_an_authority_that_the_office_was_not_told_of_makes_nothing() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (from, other) = (
        temporary.path().join("bundle"),
        temporary.path().join("other"),
    );
    bundle(&from, "moh/siem-reap");
    bundle(&other, "moh/siem-reap");
    let to = temporary.path().join("agent");
    let made = |told| init::run(&other, Folder::new(&to), told).expect_err("another's");
    let words = made(Some(authority(&from))).to_string();
    for fingerprint in [authority(&from), authority(&other)] {
        assert!(words.contains(&fingerprint.to_string()), "{words}");
    }
    assert!(!to.exists());
}

#[cfg(unix)]
#[test]
fn no_key_is_put_into_a_folder_that_others_can_write() {
    use std::os::unix::fs::PermissionsExt as _;
    let temporary = tempfile::tempdir().expect("a directory");
    let (from, to) = (
        temporary.path().join("bundle"),
        temporary.path().join("agent"),
    );
    bundle(&from, "moh/siem-reap");
    fs::create_dir(&to).expect("made");
    fs::set_permissions(&to, fs::Permissions::from_mode(0o777)).expect("set");
    let refused = init::run(&from, Folder::new(&to), Some(authority(&from)));
    let words = refused.expect_err("open to others").to_string();
    assert!(words.contains("chmod go-w"), "{words}");
    assert_eq!(fs::read_dir(&to).expect("a folder").count(), 0);
}

#[test]
fn a_bundle_of_another_authority_or_office_makes_no_folder_that_looks_good() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (from, other) = (
        temporary.path().join("bundle"),
        temporary.path().join("other"),
    );
    bundle(&from, "moh/siem-reap");
    bundle(&other, "moh/kampot");
    let refused = |name: &str, to: &str| {
        let mixed = temporary.path().join(format!("mixed-{to}"));
        bundle(&mixed, "moh/siem-reap");
        for file in [
            "registry.ndjson",
            "authority.pub",
            "signing.pk8",
            "agent.toml",
        ] {
            fs::copy(from.join(file), mixed.join(file)).expect("copied");
        }
        fs::copy(other.join(name), mixed.join(name)).expect("copied");
        let to = Folder::new(temporary.path().join(to));
        let made = init::run(&mixed, to, Some(authority(&mixed)));
        made.expect_err(name).to_string()
    };
    assert!(refused("registry.ndjson", "a").ends_with("is not this authority's"));
    assert!(refused("agent.toml", "b").contains("does not know moh/kampot"));
    assert!(refused("signing.pk8", "c").contains("knows no key"));
}
