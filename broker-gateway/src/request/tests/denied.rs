//! Requests that must not pass: a subject and a body go in, a refusal comes out, never a request for the server.

use super::*;

#[test]
fn what_lies_outside_the_rights_is_refused() {
    let other = "spean.log.health-quarterly.moh.battambang";
    let named = "$JS.API.CONSUMER.CREATE.health-quarterly.moh_siem-reap_x";
    let in_subject = format!("{named}.{other}");
    let cases = [
        (named, create(json!({}))),
        (named, create(json!({"filter_subject": other}))),
        (named, create(json!({"filter_subjects": [OWN, other]}))),
        (
            named,
            create(json!({"filter_subject": "spean.log.health-quarterly.moh.*"})),
        ),
        (&in_subject, create(json!({"filter_subject": other}))),
        (
            named,
            create(json!({"filter_subject": OWN, "deliver_subject": "_INBOX.mef.hq.x"})),
        ),
        (
            named,
            create(json!({"filter_subject": OWN, "deliver_subject": "_INBOX.moh.siem-reap.*"})),
        ),
        (
            named,
            create(json!({"filter_subject": OWN, "deliver_subject": OWN})),
        ),
        (
            named,
            create(json!({"filter_subject": OWN, "deliver_group": "q"})),
        ),
        (
            named,
            create(json!({"filter_subject": OWN, "sample_freq": "100%"})),
        ),
    ];
    for (subject, body) in cases {
        assert_eq!(
            code(PROVINCE, subject, &body),
            "request-forbidden",
            "{subject} {body}"
        );
    }
}

#[test]
fn what_lies_outside_the_rights_is_not_read_either() {
    let other = "spean.log.health-quarterly.moh.battambang";
    let get = "$JS.API.STREAM.MSG.GET.health-quarterly";
    let direct = "$JS.API.DIRECT.GET.health-quarterly";
    let last = format!("{direct}.{other}");
    let everything = format!("{direct}.spean.log.health-quarterly.>");
    let cases = [
        (get, r#"{"seq":1}"#.to_owned()),
        (get, json!({"last_by_subj": other}).to_string()),
        (
            get,
            json!({"seq": 1, "next_by_subj": "spean.log.health-quarterly.*.*"}).to_string(),
        ),
        (direct, json!({"multi_last": [OWN, other]}).to_string()),
        (direct, json!({"seq": 1, "batch": 10}).to_string()),
        (&last, String::new()),
        (&everything, String::new()),
        (
            "$JS.API.STREAM.INFO.health-quarterly",
            json!({"subjects_filter": "spean.log.health-quarterly.>"}).to_string(),
        ),
        (
            "$JS.API.CONSUMER.CREATE.health-quarterly.a/b",
            create(json!({"filter_subject": OWN})),
        ),
        (
            "$JS.API.CONSUMER.MSG.NEXT.health-quarterly.moh_siem-reap_x",
            "10001".to_owned(),
        ),
        (
            "$JS.API.CONSUMER.MSG.NEXT.health-quarterly.moh_siem-reap_x",
            r#"{"batch":1,"idle_heartbeat":1}"#.to_owned(),
        ),
        (
            "$JS.API.CONSUMER.MSG.NEXT.health-quarterly.moh_siem-reap_x",
            r#"{"batch":1,"group":"g"}"#.to_owned(),
        ),
        ("$JS.ACK.health-quarterly.x.1.2.3.4.5", String::new()),
        ("$JS.ACK.health-quarterly.moh_hq_x.1.2.3.4.5", String::new()),
        (
            "$JS.ACK.x.y.health-quarterly.moh_hq_x.1.2.3.4.5.z",
            String::new(),
        ),
        ("$JS.FC.health-quarterly.moh_hq_x.1", String::new()),
    ];
    for (subject, body) in cases {
        assert_eq!(
            code(PROVINCE, subject, &body),
            "request-forbidden",
            "{subject} {body}"
        );
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_not_passed_on() {
    let named = "$JS.API.CONSUMER.CREATE.health-quarterly.moh_siem-reap_x";
    let with_filter = format!("{named}.{OWN}");
    let cases = [
        (
            named,
            create(json!({"filter_subject": OWN, "DELIVER_SUBJECT": "_INBOX.mef.hq.x"})),
        ),
        (
            named,
            create(json!({"filter_subject": OWN, "unheard_of": 1})),
        ),
        (
            named,
            create(json!({"filter_subject": OWN, "name": "moh_siem-reap_y"})),
        ),
        (
            named,
            create(json!({"filter_subject": OWN, "durable_name": "moh_siem-reap_y"})),
        ),
        (
            named,
            create(json!({"filter_subject": OWN, "filter_subjects": [OWN]})),
        ),
        (
            named,
            create(json!({"filter_subject": "spean.log.market-prices.moh.siem-reap"})),
        ),
        (named, create(json!({"filter_subject": ">"}))),
        (
            named,
            json!({"stream_name": "market-prices", "config": {"filter_subject": OWN}}).to_string(),
        ),
        (
            named,
            json!({"config": {"filter_subject": OWN}}).to_string(),
        ),
        (
            named,
            r#"{"stream_name":"health-quarterly","config":{},"config":{}}"#.to_owned(),
        ),
        (named, "[".repeat(200)),
        (named, String::new()),
        (
            &with_filter,
            create(json!({"filter_subject": format!("{OWN}.*")})),
        ),
        (&with_filter, create(json!({"filter_subjects": [OWN]}))),
    ];
    for (subject, body) in cases {
        assert_eq!(
            code(PROVINCE, subject, &body),
            "request-malformed",
            "{subject} {body}"
        );
    }
}

#[test]
fn other_requests_that_could_be_read_in_two_ways_are_not_passed_on() {
    let cases = [
        (
            "$JS.API.STREAM.MSG.GET.health-quarterly",
            format!("[null,\"{OWN}\"]"),
        ),
        (
            "$JS.API.STREAM.MSG.GET.health-quarterly",
            json!({"multi_last": [OWN]}).to_string(),
        ),
        (
            "$JS.API.STREAM.MSG.GET.health-quarterly",
            r#"{"SEQ":1}"#.to_owned(),
        ),
        (
            "$JS.API.CONSUMER.MSG.NEXT.health-quarterly.moh_siem-reap_x",
            r#"{"batch":-1}"#.to_owned(),
        ),
        (
            "$JS.API.CONSUMER.INFO.health-quarterly.moh_siem-reap_x",
            r#"{"x":1}"#.to_owned(),
        ),
        (
            "$JS.ACK.health-quarterly.moh_siem-reap_x.1.2.3.4.5",
            "+NXT 100".to_owned(),
        ),
        ("$JS.ACK.health-quarterly.moh_siem-reap_x", String::new()),
    ];
    for (subject, body) in cases {
        assert_eq!(
            code(PROVINCE, subject, &body),
            "request-malformed",
            "{subject} {body}"
        );
    }
}
