//! Texts of agent.toml and folders come in, settings or all mistakes are expected. Nothing outside a temporary folder is touched.

use std::time::Duration;

use super::*;

const LEAST: &str = r#"
office = "moh/siem-reap"
gateways = ["127.0.0.1:4443"]
gateway_name = "localhost"
"#;

fn parse(more: &str) -> Result<Settings, Vec<String>> {
    let text = format!("{LEAST}{more}");
    Settings::parse(&text, Folder::new("/agent"))
        .map_err(|Mistakes(all)| all.iter().map(Mistake::to_string).collect())
}

#[test]
fn what_is_not_set_is_loopback_and_inside_the_folder() {
    let settings = parse("").expect("good");
    assert_eq!(settings.office.to_string(), "moh/siem-reap");
    assert_eq!(settings.http.listen, Some(LISTEN));
    assert_eq!(settings.store.dir, Path::new("/agent/store"));
    assert_eq!(settings.deliver, []);
}

#[test]
fn frames_are_spoken_where_that_is_said_in_a_word_that_is_known() {
    let packed = |more: &str| parse(more).map(|settings| settings.link.packed);
    assert_eq!(packed(""), Ok(false));
    assert_eq!(packed("[link]\npacked = \"off\"\n"), Ok(false));
    assert_eq!(packed("[link]\npacked = \"on\"\n"), Ok(true));
    let mistakes = packed("[link]\npacked = \"yes\"\n").expect_err("no word of ours");
    assert!(
        mistakes[0].contains("must be \"on\" or \"off\""),
        "{mistakes:?}"
    );
}

#[test]
fn everything_that_can_be_set_is_read() {
    let more = r#"
[http]
listen = "192.0.2.7:7070"
socket = "agent.sock"
tls_cert = "http.pem"
tls_key = "/etc/http.key"
names = ["agent.moh.gov.kh"]
[store]
dir = "/var/lib/spean"
disk_budget_bytes = 1073741824
[[deliver]]
feed = "market-prices"
webhook = "http://127.0.0.1:9000/prices"
[[deliver]]
feed = "labour-returns"
webhook = "https://returns.mlvt.gov.kh/events"
origin = "Spean.MoH.gov.kh"
rate_per_minute = 120
answer_time_s = 300
[[deliver]]
feed = "price-bulletin"
file = "bulletin.ndjson"
retry_longest_s = 5
told_after_s = 86400
"#;
    let settings = parse(more).expect("good");
    assert_eq!(settings.http.socket, Some("/agent/agent.sock".into()));
    let tls = ("/agent/http.pem".into(), "/etc/http.key".into());
    assert_eq!(settings.http.tls, Some(tls));
    assert_eq!(settings.store.dir, Path::new("/var/lib/spean"));
    let seconds = Duration::from_secs;
    let waits: Vec<Waits> = settings.deliver.iter().map(|d| d.waits).collect();
    let patient = Waits {
        answer: seconds(300),
        ..Waits::USUAL
    };
    let eager = Waits {
        retry_longest: seconds(5),
        told_after: seconds(86_400),
        ..Waits::USUAL
    };
    assert_eq!(waits, [Waits::USUAL, patient, eager]);
    let to: Vec<DeliverTo> = settings.deliver.into_iter().map(|d| d.to).collect();
    let webhook = DeliverTo::Webhook {
        url: "http://127.0.0.1:9000/prices".into(),
        leave: None,
    };
    let leave = AskLeave {
        origin: "spean.moh.gov.kh".parse().expect("a name"),
        rate: std::num::NonZeroU32::new(120),
    };
    let asked = DeliverTo::Webhook {
        url: "https://returns.mlvt.gov.kh/events".into(),
        leave: Some(leave),
    };
    let file = DeliverTo::File("/agent/bulletin.ndjson".into());
    assert_eq!(to, [webhook, asked, file]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = r#"
office = "moh"
gateways = ["nowhere"]
colour = "red"
[http]
listen = "0.0.0.0:7070"
tls_cert = "http.pem"
[store]
dir = 7
disk_budget_bytes = 12
size = 1
[[deliver]]
feed = "market-prices"
[[deliver]]
feed = "Prices"
webhook = "ftp://x"
[[deliver]]
feed = "market-prices"
webhook = "http://127.0.0.1:9000/prices"
origin = "moh gov kh"
[[deliver]]
feed = "market-prices"
file = "prices.ndjson"
origin = "spean.moh.gov.kh"
[[deliver]]
feed = "market-prices"
webhook = "http://127.0.0.1:9000/prices"
rate_per_minute = 0
answer_time_s = 301
retry_longest_s = 0
told_after_s = 86401
[[deliver]]
feed = "market-prices"
file = "more.ndjson"
answer_time_s = 10
"#;
    let Mistakes(all) = Settings::parse(text, Folder::new("/agent")).expect_err("mistakes");
    let at: Vec<&str> = all.iter().map(|mistake| &*mistake.at).collect();
    let expected = [
        "office",
        "gateways",
        "gateway_name",
        "http.tls_cert",
        "http.listen",
        "store.dir",
        "store.disk_budget_bytes",
        "store.size",
        "deliver[1]",
        "deliver[2].feed",
        "deliver[2].webhook",
        "deliver[3].origin",
        "deliver[4].origin",
        "deliver[5].rate_per_minute",
        "deliver[5].origin",
        "deliver[5].answer_time_s",
        "deliver[5].retry_longest_s",
        "deliver[5].told_after_s",
        "deliver[6].answer_time_s",
        "deliver[5].name",
        "colour",
    ];
    assert_eq!(at, expected);
}

#[test]
fn text_that_is_no_toml_is_named_by_its_line() {
    let all = parse("[http\n").expect_err("no TOML");
    assert!(all[0].starts_with("line 5: "), "{}", all[0]);
}

#[test]
fn a_folder_without_its_files_names_each_of_them() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("agent.toml"), LEAST).expect("written");
    let Mistakes(all) = Settings::load(Folder::new(dir.path())).expect_err("nothing there");
    for name in [
        "ca.pem",
        "office.pem",
        "office.key",
        "registry.ndjson",
        "signing.pk8",
        "authority.pub",
    ] {
        assert!(all.iter().any(|m| m.at.ends_with(name)), "{name}: {all:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_token_is_made_once_for_its_owner_alone_and_refused_when_others_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("http.token");
    let token = Token::read_or_make(&path).expect("made");
    assert_eq!(Token::read_or_make(&path), Ok(token.clone()));
    let written = fs::read_to_string(&path).expect("read");
    assert!(token.is(written.trim()));
    assert!(!token.is("") && !token.is(&written));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
    assert!(Token::read(&path).is_err());
}
