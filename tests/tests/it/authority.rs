//! The operator's commands against a real nats-server: streams are created once and never changed, and what is wrong is named.
//! In: an authority's folder. Out: what the commands say. Never: a stream made by other means than the one under test.

mod added;
mod enrolled;
mod own;

use serde_json::Value;
use tempfile::TempDir;
use tests::broker::Broker;
use tests::gateway::Authority;
use tests::nats::NatsServer;
use tests::ports;
use tests::programs::{self, AGENT, GATEWAY};

struct Given {
    authority: Authority,
    nats: NatsServer,
    _folder: TempDir,
}

async fn authority() -> Given {
    let folder = TempDir::with_prefix("spean-").expect("a temporary folder can be made");
    let path = folder.path().join("authority");
    let authority = Authority::init(&path, ports::free(), ports::free());
    let nats = NatsServer::start(&authority.nats_configuration(), authority.nats).await;
    Given {
        authority,
        nats,
        _folder: folder,
    }
}

impl Given {
    fn check(&self) -> (bool, Vec<Value>) {
        let output = programs::output(GATEWAY, &["check", &self.authority.arg(), "--json"]);
        let mut findings: Vec<Value> =
            serde_json::from_slice(&output.stdout).expect("findings are JSON");
        // That the authority lies beside the gateway is so in every folder that `init` has just made.
        findings.retain(|finding| finding["level"] != "note");
        (output.status.success(), findings)
    }
}

#[tokio::test]
async fn a_fresh_authority_is_right_once_its_streams_stand() {
    let given = authority().await;
    let (right, findings) = given.check();
    assert!(!right);
    let missing = findings
        .iter()
        .filter(|finding| finding["level"] == "mistake");
    assert_eq!(
        missing.count(),
        5,
        "one for each feed, and the confirmations: {findings:?}"
    );
    given.authority.create_streams();
    assert_eq!(given.check(), (true, Vec::new()));
    given.authority.create_streams();
    assert_eq!(given.check(), (true, Vec::new()));
}

#[tokio::test]
async fn streams_are_created_on_a_server_that_was_started_a_moment_ago() {
    let mut given = authority().await;
    given.nats.kill().await;
    let arg = given.authority.arg();
    let creating = tokio::task::spawn_blocking(move || programs::run(GATEWAY, &["streams", &arg]));
    given.nats.resume().await;
    creating.await.expect("the command succeeds");
    assert_eq!(given.check(), (true, Vec::new()));
}

#[tokio::test]
async fn a_stream_that_would_lose_events_is_named_and_left_as_it_is() {
    let given = authority().await;
    given.authority.create_streams();
    let broker = Broker::connect(&given.authority)
        .await
        .expect("its users are let in");
    let jetstream = broker.jetstream();
    let mut stream = jetstream
        .get_stream("market-prices")
        .await
        .expect("it stands");
    let mut config = stream.info().await.expect("it answers").config.clone();
    config.max_age = std::time::Duration::from_secs(3_600);
    jetstream
        .update_stream(config)
        .await
        .expect("the operator may");
    let output = programs::output(GATEWAY, &["streams", &given.authority.arg()]);
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(
        !output.status.success() && words.contains("max_age"),
        "{words}"
    );
    let (right, findings) = given.check();
    assert!(!right && findings.len() == 1, "{findings:?}");
    let info = stream.info().await.expect("it answers");
    assert_eq!(info.config.max_age, std::time::Duration::from_secs(3_600));
}

#[tokio::test]
async fn a_server_that_lets_gateways_hear_too_little_is_named() {
    let mut given = authority().await;
    given.authority.create_streams();
    let conf = std::fs::read_to_string(given.authority.nats_configuration()).expect("one");
    let deaf = conf.replace("\"spean.confirm.>\"", "\"spean.confirmed.>\"");
    assert_ne!(deaf, conf);
    std::fs::write(given.authority.nats_configuration(), deaf).expect("written");
    given.nats.kill().await;
    given.nats.resume().await;
    let (right, findings) = given.check();
    assert!(!right && findings.len() == 1, "{findings:?}");
    let what = findings[0]["what"].as_str().unwrap_or_default();
    assert!(what.contains("spean.confirm.>"), "{what}");
}

#[tokio::test]
async fn every_mistake_is_named_at_once_though_nats_server_is_gone() {
    let mut given = authority().await;
    given.nats.kill().await;
    let folder = given.authority.folder();
    std::fs::write(folder.join("gateway/gateway.nk"), "no seed").expect("written");
    std::fs::copy(
        folder.join("authority/ca.key"),
        folder.join("gateway/gateway.key"),
    )
    .expect("copied");
    let registry = std::fs::read_to_string(folder.join("registry.ndjson")).expect("one");
    let changed = registry.replace("Siem Reap", "Siam Reap");
    std::fs::write(folder.join("registry.ndjson"), changed).expect("written");
    let conf = std::fs::read_to_string(given.authority.nats_configuration()).expect("one");
    let weak = conf.replace("sync_interval: always", "sync_interval: 2m");
    std::fs::write(given.authority.nats_configuration(), weak).expect("written");
    let (right, findings) = given.check();
    assert!(!right);
    let all = serde_json::to_string(&findings).expect("JSON");
    for word in [
        "nkey",
        "gateway.pem and its key",
        "registry.ndjson",
        "sync_interval",
        "nats-server",
    ] {
        assert!(all.contains(word), "{word}: {all}");
    }
}

#[test]
fn an_office_makes_its_folder_of_the_authority_that_it_was_told_of_and_of_no_other() {
    let folder = TempDir::with_prefix("spean-").expect("a temporary folder can be made");
    let path = |name: &str| folder.path().join(name);
    let authority = |name| Authority::init(&path(name), ports::free(), ports::free());
    let (own, other) = (authority("own"), authority("other"));
    let told = |authority: &Authority| {
        let words = programs::run(GATEWAY, &["fingerprint", &authority.arg()]);
        words.trim().to_owned()
    };
    let (bundle, dir) = (path("bundle"), path("agent"));
    let (bundle, dir) = (bundle.to_string_lossy(), dir.to_string_lossy());
    let arg = own.arg();
    let enrol = ["enrol", "moh/hq", "--dir", &arg, "--out", &bundle];
    assert!(programs::run(GATEWAY, &enrol).contains(&told(&own)));
    let init = |authority: &[&str]| {
        let all = ["--dir", &*dir, "init", &*bundle].into_iter();
        let all: Vec<&str> = all.chain(authority.iter().copied()).collect();
        let output = programs::output(AGENT, &all);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), words)
    };
    let (made, words) = init(&[]);
    assert!(
        !made && words.contains("--authority FINGERPRINT"),
        "{words}"
    );
    let (made, words) = init(&["--authority", &told(&other)]);
    assert!(!made && words.contains(&told(&own)), "{words}");
    assert!(!path("agent").exists());
    let spoken = told(&own).replace('-', " ").to_uppercase();
    let (made, words) = init(&["--authority", &spoken]);
    assert!(made, "{words}");
}
