use super::*;
use crate::fixtures;

const OFFICE: &str = "moh/siem-reap";

fn judged(line: &str) -> Verdict {
    let mut parser = crate::wire::ClientParser::new();
    parser.feed(line.as_bytes());
    let op = parser.next_op().expect("well-formed").expect("whole");
    judge(op, &fixtures::peer(OFFICE), &fixtures::policy())
}

/// The code of the no, and whether it is told on the reply subject.
fn denied(line: &str) -> (&'static str, bool) {
    match judged(line) {
        Verdict::Deny(denial) => (denial.no.code().name, denial.reply.is_some()),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn an_office_listens_in_its_own_inbox_and_nowhere_else() {
    for subject in [
        "_INBOX.moh.siem-reap.x",
        "_INBOX.moh.siem-reap.*",
        "_INBOX.moh.siem-reap.a.>",
    ] {
        let verdict = judged(&format!("SUB {subject} 1\r\n"));
        assert!(matches!(verdict, Verdict::Subscribe(_)), "{subject}");
    }
    for subject in [
        ">",
        "*",
        "$SYS.>",
        "$JS.>",
        "$KV.>",
        "spean.>",
        "spean.log.health-quarterly.moh.siem-reap",
        "_INBOX.>",
        "_INBOX.*.siem-reap.>",
        "_INBOX.moh.>",
        "_INBOX.moh.siem-reap",
        "_INBOX.moh.hq.>",
    ] {
        assert_eq!(
            denied(&format!("SUB {subject} 1\r\n")),
            ("request-forbidden", false),
            "{subject}"
        );
    }
    assert_eq!(
        denied("SUB _INBOX.moh.siem-reap.x q 1\r\n"),
        ("request-forbidden", false)
    );
}

#[test]
fn an_event_goes_to_admission_with_the_log_of_its_subject() {
    let line = "HPUB spean.log.health-quarterly.moh.siem-reap _INBOX.moh.siem-reap.1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n";
    let Verdict::Submit { permit, event } = judged(line) else {
        panic!("not submitted");
    };
    assert_eq!(
        permit.log().source(),
        "urn:spean:moh:siem-reap:health-quarterly"
    );
    assert_eq!(
        (&event.headers[..], &event.payload[..]),
        (&b"NATS/1.0\r\n\r\n"[..], &b"hi"[..])
    );
    assert_eq!(
        event.reply.expect("given").as_str(),
        "_INBOX.moh.siem-reap.1"
    );
}

#[test]
fn what_is_not_open_is_denied_on_the_reply_subject() {
    for (subject, code) in [
        ("spean.log.health-quarterly.moh.hq", "not-your-log"),
        ("spean.log.market-prices.moh.siem-reap", "grant-unknown"),
        ("spean.log.school-terms.moh.siem-reap", "feed-unknown"),
        (
            "spean.log.health-quarterly.moh.siem-reap.1",
            "refill-not-taken",
        ),
        (
            "spean.log.health-quarterly.moh.siem-reap.gap",
            "refill-not-taken",
        ),
        ("spean.log.health-quarterly.moh", "subject-forbidden"),
        ("spean.log.health-quarterly.moh.*", "subject-forbidden"),
        ("spean.confirm.moh.siem-reap", "subject-forbidden"),
        ("spean.audit", "subject-forbidden"),
        ("spean.registry.x", "subject-forbidden"),
        ("_INBOX.moh.siem-reap.x", "subject-forbidden"),
        ("_INBOX.moh.hq.x", "subject-forbidden"),
        ("$SYS.REQ.SERVER.PING", "subject-forbidden"),
        ("$KV.x.y", "subject-forbidden"),
        ("$O.x.C.y", "subject-forbidden"),
        ("$JS.API.STREAM.LIST", "subject-forbidden"),
        ("$JS.ACK.health-quarterly.*.1.2.3.4.5", "subject-forbidden"),
        ("other", "subject-forbidden"),
    ] {
        let line = format!("PUB {subject} _INBOX.moh.siem-reap.1 0\r\n\r\n");
        assert_eq!(denied(&line), (code, true), "{subject}");
        let line = format!("PUB {subject} 0\r\n\r\n");
        assert_eq!(denied(&line), (code, false), "{subject}");
    }
}

#[test]
fn nothing_is_sent_to_anothers_inbox() {
    for reply in [
        "_INBOX.moh.hq.1",
        "_INBOX.moh.siem-reap.*",
        "spean.log.x",
        "$JS.API.STREAM.NAMES",
    ] {
        for subject in [
            "spean.log.health-quarterly.moh.siem-reap",
            "spean.registry",
            "$JS.API.STREAM.NAMES",
            "$JS.ACK.health-quarterly.moh_siem-reap_x.1.2.3.4.5",
        ] {
            let line = format!("PUB {subject} {reply} 0\r\n\r\n");
            assert_eq!(
                denied(&line),
                ("subject-forbidden", false),
                "{subject} {reply}"
            );
        }
    }
}

#[test]
fn a_filters_wildcards_may_stand_in_a_requests_subject() {
    let subject = "$JS.API.CONSUMER.CREATE.health-quarterly.moh_siem-reap_x.spean.log.health-quarterly.moh.siem-reap.*";
    let body = r#"{"stream_name":"health-quarterly","config":{}}"#;
    let line = format!(
        "PUB {subject} _INBOX.moh.siem-reap.1 {}\r\n{body}\r\n",
        body.len()
    );
    let Verdict::Forward { subject, .. } = judged(&line) else {
        panic!("not forwarded");
    };
    assert_eq!(
        subject.as_str(),
        "$JS.API.CONSUMER.CREATE.health-quarterly.moh_siem-reap_x"
    );
}

#[test]
fn a_second_connect_ends_the_session() {
    assert!(matches!(
        judged("CONNECT {\"headers\":true}\r\n"),
        Verdict::Close(Breach::ConnectRepeated)
    ));
}

#[test]
fn names_and_the_registry_are_answered_here() {
    for (subject, body) in [
        ("$JS.API.STREAM.NAMES", ""),
        (REGISTRY_SUBJECT, r#"{"after":0}"#),
    ] {
        let line = format!(
            "PUB {subject} _INBOX.moh.siem-reap.1 {}\r\n{body}\r\n",
            body.len()
        );
        assert!(matches!(judged(&line), Verdict::Answer { .. }), "{subject}");
    }
}
