mod denied;
mod stock;

use crate::limits::PULL_BYTES_AT_ONCE;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixtures;

const OWN: &str = "spean.log.health-quarterly.moh.siem-reap";

/// Who asks: a provincial office, which reads its own log alone, or a headquarters, which reads all of health-quarterly.
const PROVINCE: &str = "moh/siem-reap";
const HEADQUARTERS: &str = "moh/hq";

fn ask(office: &str, subject: &str, body: &str) -> Result<Request, (No, Shape)> {
    let registry = fixtures::registry();
    let asker = Asker {
        peer: &fixtures::peer(office),
        registry: &registry,
    };
    let subject = Subject::parse(subject.as_bytes()).expect("a subject");
    read(asker, &subject, true, body.as_bytes())
}

/// What is sent on, as subject below `$JS.API.` and JSON.
fn forwarded(office: &str, subject: &str, body: &str) -> (String, Value) {
    match ask(office, &format!("$JS.API.{subject}"), body) {
        Ok(Request::Forward { subject, body, .. }) => written(&subject, &body),
        Ok(Request::Pull(pull)) => written(pull.subject(), &whole(&pull)),
        other => panic!("{subject}: {other:?}"),
    }
}

/// As much of a pull as may be asked for at once.
fn whole(pull: &Pull) -> Bytes {
    let bytes = pull.bytes().unwrap_or(u64::MAX);
    pull.piece(Piece {
        batch: pull.batch(),
        bytes: bytes.min(PULL_BYTES_AT_ONCE),
        lasts: pull.lasts(),
        heartbeat: pull.heartbeat(),
    })
}

fn written(subject: &Subject, body: &[u8]) -> (String, Value) {
    let text = subject.as_str();
    let below = text.strip_prefix("$JS.API.").expect("an API subject");
    let value = match body.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(body).expect("JSON"),
    };
    (below.to_owned(), value)
}

fn code(office: &str, subject: &str, body: &str) -> &'static str {
    match ask(office, subject, body) {
        Err((no, _shape)) => no.code().name,
        Ok(request) => panic!("{subject} {body} passed: {request:?}"),
    }
}

fn create(config: Value) -> String {
    json!({"stream_name": "health-quarterly", "config": config}).to_string()
}

#[test]
fn stock_clients_requests_for_the_own_log_pass() {
    let api = |subject: &str, body: &str| forwarded(PROVINCE, subject, body);
    let last = json!({"last_by_subj": OWN, "seq": 0}).to_string();
    assert_eq!(
        api("STREAM.MSG.GET.health-quarterly", &last).1,
        json!({"last_by_subj": OWN})
    );
    let next = json!({"seq": 7, "next_by_subj": OWN}).to_string();
    assert_eq!(
        api("DIRECT.GET.health-quarterly", &next).1,
        json!({"seq": 7, "next_by_subj": OWN})
    );
    let (subject, body) = api(&format!("DIRECT.GET.health-quarterly.{OWN}"), "");
    assert_eq!(subject, format!("DIRECT.GET.health-quarterly.{OWN}"));
    assert_eq!(body, Value::Null);
    let consumer = "health-quarterly.moh_siem-reap_x";
    assert_eq!(
        api(&format!("CONSUMER.MSG.NEXT.{consumer}"), "5").1,
        json!({"batch": 5, "max_bytes": PULL_BYTES_AT_ONCE})
    );
    let pull = r#"{"batch":500,"expires":600000000000,"max_bytes":0,"min_pending":null,"min_ack_pending":null,"group":null,"priority":null}"#;
    assert_eq!(
        api(&format!("CONSUMER.MSG.NEXT.{consumer}"), pull).1,
        json!({"batch": 500, "expires": 600_000_000_000_u64, "max_bytes": PULL_BYTES_AT_ONCE})
    );
    api(&format!("CONSUMER.INFO.{consumer}"), "");
    api(&format!("CONSUMER.DELETE.{consumer}"), "");
}

#[test]
fn every_form_of_create_is_written_as_one() {
    let config = json!({"filter_subject": OWN, "ack_policy": "none", "deliver_policy": "by_start_sequence",
        "opt_start_seq": 3, "mem_storage": true, "ack_wait": 0, "idle_heartbeat": 0, "inactive_threshold": 0,
        "replay_policy": "instant", "priority_policy": "none", "priority_groups": []});
    let name = "moh_siem-reap_x";
    let with_name = |name: &str| {
        let mut config = config.clone();
        config["name"] = json!(name);
        config
    };
    for subject in [
        format!("CONSUMER.CREATE.health-quarterly.{name}"),
        format!("CONSUMER.CREATE.health-quarterly.{name}.{OWN}"),
    ] {
        let (written, body) = forwarded(PROVINCE, &subject, &create(with_name(name)));
        assert_eq!(written, format!("CONSUMER.CREATE.health-quarterly.{name}"));
        assert_eq!(body["config"]["name"], name);
        assert_eq!(body["config"]["filter_subject"], OWN);
        assert_eq!(body["config"]["opt_start_seq"], 3);
        assert_eq!(body["config"].get("priority_policy"), None);
    }
    let (written, body) = forwarded(
        PROVINCE,
        &format!("CONSUMER.DURABLE.CREATE.health-quarterly.{name}"),
        &create(config.clone()),
    );
    assert_eq!(written, format!("CONSUMER.CREATE.health-quarterly.{name}"));
    assert_eq!(body["config"]["durable_name"], name);
    assert!(body["config"]["inactive_threshold"].as_u64() > Some(0));

    let (written, body) = forwarded(
        PROVINCE,
        "CONSUMER.CREATE.health-quarterly",
        &create(config),
    );
    let given = body["config"]["name"].as_str().expect("a name");
    assert!(given.starts_with("moh_siem-reap_"), "{given}");
    assert_eq!(written, format!("CONSUMER.CREATE.health-quarterly.{given}"));
}

#[test]
fn whoever_reads_all_of_a_feed_may_ask_without_a_filter() {
    let (_, body) = forwarded(
        HEADQUARTERS,
        "CONSUMER.CREATE.health-quarterly.moh_hq_x",
        &create(json!({})),
    );
    assert_eq!(body["config"].get("filter_subject"), None);
    for filter in [
        "spean.log.health-quarterly.>",
        "spean.log.health-quarterly.*.*",
        "spean.log.health-quarterly.moh.>",
        "spean.log.health-quarterly.*.*.*",
        OWN,
    ] {
        let config = create(json!({"filter_subject": filter}));
        forwarded(HEADQUARTERS, "CONSUMER.CREATE.health-quarterly", &config);
    }
    let many = create(json!({"filter_subjects": [OWN, format!("{OWN}.*")]}));
    let (_, body) = forwarded(HEADQUARTERS, "CONSUMER.CREATE.health-quarterly", &many);
    assert_eq!(body["config"]["filter_subjects"][1], format!("{OWN}.*"));
    forwarded(
        HEADQUARTERS,
        "STREAM.MSG.GET.health-quarterly",
        r#"{"seq":1}"#,
    );
}

#[test]
fn names_come_from_policy() {
    let names = |office: &str, body: &str| match ask(office, "$JS.API.STREAM.NAMES", body) {
        Ok(Request::Answer(body)) => {
            let names: Value = serde_json::from_slice(&body).expect("JSON");
            names["streams"].clone()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        names(PROVINCE, ""),
        json!(["health-quarterly", "price-bulletin"])
    );
    let subject = json!({"subject": OWN}).to_string();
    assert_eq!(names(PROVINCE, &subject), json!(["health-quarterly"]));
    assert_eq!(names(PROVINCE, r#"{"subject":"other.>"}"#), json!([]));
    assert_eq!(names("maff/hq", &subject), json!([]));
}

#[test]
fn the_rest_of_the_api_is_closed() {
    for subject in [
        "$JS.API.STREAM.CREATE.health-quarterly",
        "$JS.API.STREAM.UPDATE.health-quarterly",
        "$JS.API.STREAM.DELETE.health-quarterly",
        "$JS.API.STREAM.PURGE.health-quarterly",
        "$JS.API.STREAM.MSG.DELETE.health-quarterly",
        "$JS.API.STREAM.SNAPSHOT.health-quarterly",
        "$JS.API.STREAM.RESTORE.health-quarterly",
        "$JS.API.STREAM.TEMPLATE.NAMES",
        "$JS.API.CONSUMER.PAUSE.health-quarterly.moh_hq_x",
        "$JS.API.CONSUMER.LEADER.STEPDOWN.health-quarterly.moh_hq_x",
        "$JS.API.META.LEADER.STEPDOWN",
        "$JS.API.ACCOUNT.PURGE.x",
        "$JS.hub.API.STREAM.NAMES",
        "$JS.EVENT.ADVISORY.x",
    ] {
        assert_eq!(
            code(HEADQUARTERS, subject, ""),
            "subject-forbidden",
            "{subject}"
        );
    }
}

#[test]
fn own_acknowledgements_pass_as_they_are() {
    for (subject, body) in [
        ("$JS.ACK.health-quarterly.moh_siem-reap_x.1.2.3.4.5", "+ACK"),
        (
            "$JS.ACK._.hash.health-quarterly.moh_siem-reap_x.1.2.3.4.5.tok",
            "-NAK {\"delay\":5}",
        ),
        ("$JS.FC.health-quarterly.moh_siem-reap_x.aB3", ""),
    ] {
        let Ok(Request::Forward { subject: to, .. }) = ask(PROVINCE, subject, body) else {
            panic!("{subject}");
        };
        assert_eq!(to.as_str(), subject);
    }
}

proptest! {
    #[test]
    fn no_body_makes_a_filter_reach_further(
        key in "[a-zA-Z_]{1,18}",
        value in prop_oneof![
            Just(json!("spean.log.health-quarterly.>")),
            Just(json!(["spean.log.health-quarterly.>"])),
            Just(json!("_INBOX.mef.hq.x")),
            Just(json!(1)),
        ],
    ) {
        let mut config = json!({"filter_subject": OWN});
        config[key.as_str()] = value;
        let named = "$JS.API.CONSUMER.CREATE.health-quarterly.moh_siem-reap_x";
        if let Ok(Request::Forward { body, .. }) = ask(PROVINCE, named, &create(config)) {
            let written: Value = serde_json::from_slice(&body).expect("JSON");
            let text = written.to_string();
            prop_assert!(!text.contains("spean.log.health-quarterly.>") || text.contains("description"), "{text}");
            prop_assert!(!text.contains("_INBOX.mef.hq") || text.contains("description"), "{text}");
        }
    }
}
