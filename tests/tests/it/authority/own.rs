//! What lies on the operator's machines is their owner's alone, and what is not is named or refused.
//! In: an authority's folder with other modes. Out: what `check` and `serve` say of it. Never: a key that others may read unnoticed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tests::deadline::eventually;
use tests::programs::Process;

use super::*;

const SECRETS: [&str; 15] = [
    "authority",
    "authority/ca.key",
    "authority/nats-ca.key",
    "authority/operator.nk",
    "authority/routes-ca.key",
    "authority/signing.pk8",
    "gateway",
    "gateway/gateway.key",
    "gateway/gateway.nk",
    "gateway/nats-client.key",
    "gateway/signing.pk8",
    "nats",
    "nats/nats-server-1.conf",
    "nats/route.key",
    "nats/server.key",
];

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    metadata.permissions().mode() & 0o777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("its owner may");
}

#[test]
fn every_key_that_init_makes_is_its_owners_and_is_looked_at() {
    let folder = TempDir::with_prefix("spean-").expect("a temporary folder can be made");
    let path = folder.path().join("authority");
    let servers = [ports::free(), ports::free()];
    let authority = Authority::init_cluster(&path, ports::free(), &servers);
    assert_eq!(mode(&path), 0o700);
    let named = |what: &str| {
        let path = path.join(what).display().to_string();
        let output = programs::output(GATEWAY, &["check", &authority.arg(), "--json"]);
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
        let open = |finding: &Value| {
            let what = finding["what"].as_str().unwrap_or_default();
            finding["at"] == path.as_str() && what.contains("open to others")
        };
        findings.iter().any(open)
    };
    for secret in SECRETS {
        let file = path.join(secret);
        let before = mode(&file);
        assert_eq!(before & 0o077, 0, "{secret}");
        set(&file, before | 0o044);
        assert!(named(secret), "{secret} can be read by others");
        set(&file, before);
        assert!(!named(secret), "{secret} cannot be read by others");
    }
}

#[tokio::test]
async fn a_folder_that_others_can_write_is_not_served_from() {
    let given = authority().await;
    given.authority.create_streams();
    let folder = given.authority.folder();
    for within in ["", "gateway", "registry.ndjson"] {
        let path = folder.join(within);
        let before = mode(&path);
        set(&path, before | 0o020);
        let served = programs::output(GATEWAY, &["serve", &given.authority.arg()]);
        let words = String::from_utf8_lossy(&served.stderr).into_owned();
        assert!(
            !served.status.success() && words.contains("others can write"),
            "{words}"
        );
        set(&path, before);
    }
}

#[tokio::test]
async fn what_a_gateway_writes_is_its_owners_whatever_the_umask_and_no_core_is_dumped() {
    let given = authority().await;
    given.authority.create_streams();
    let bundle = given.authority.enrol("moh/hq", given.authority.folder());
    let command = format!(
        "umask 000; ulimit -c unlimited; exec {} serve {}",
        programs::path(GATEWAY).display(),
        given.authority.arg()
    );
    let log = given.authority.folder().join("gateway.log");
    let address = given.authority.gateway;
    let gateway = Process::serving(Path::new("sh"), &["-c", &command], &log, address).await;
    let credentials = tests::raw::Credentials::of_bundle(&bundle);
    let _client = tests::raw::RawClient::connect(address, &credentials).await;
    let audit = given.authority.folder().join("audit.ndjson");
    eventually("the audit to be written", || async {
        audit.exists().then_some(())
    })
    .await;
    assert_eq!(mode(&audit), 0o600);
    let limits = fs::read_to_string(format!("/proc/{}/limits", gateway.id())).expect("it runs");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap_or_default().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{words:?}");
}
