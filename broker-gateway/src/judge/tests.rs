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
        "spean.heal.health-quarterly.moh.siem-reap",
        "spean.heal.price-bulletin.>",
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
fn a_no_is_told_as_clients_look_for_it() {
    let Verdict::Deny(denial) = judged("SUB _INBOX.moh.siem-reap.x q 1\r\n") else {
        panic!("it passed");
    };
    let queue = Some(Subject::parse(b"q").expect("a subject"));
    assert_eq!(denial.what, Denied::Subscription { queue });
    for (subject, shape) in [
        ("foo", Shape::NoResponders),
        ("$SRV.PING", Shape::NoResponders),
        ("$KV.settings.x", Shape::NoResponders),
        (
            "spean.log.health-quarterly.moh",
            Shape::Json("pub_ack_response"),
        ),
        ("$JS.API.STREAM.CREATE.x", Shape::Json("error_response")),
    ] {
        let line = format!("PUB {subject} _INBOX.moh.siem-reap.r 0\r\n\r\n");
        let Verdict::Deny(denial) = judged(&line) else {
            panic!("{subject} passed");
        };
        let (_, told) = denial.reply.expect("a place to tell it");
        assert_eq!(told, shape, "{subject}");
    }
}

#[test]
fn requests_to_heal_are_heard_and_made_only_for_what_may_be_read() {
    let denials = [
        (
            "SUB spean.heal.health-quarterly.> 1\r\n",
            "request-forbidden",
        ),
        (
            "SUB spean.heal.health-quarterly.moh.hq 1\r\n",
            "request-forbidden",
        ),
        (
            "SUB spean.heal.health-quarterly.*.siem-reap 1\r\n",
            "subject-forbidden",
        ),
        ("SUB spean.heal.> 1\r\n", "subject-forbidden"),
        ("SUB spean.heal.school-terms.> 1\r\n", "feed-unknown"),
        (
            "PUB spean.heal.health-quarterly.moh.hq 19\r\n{\"missing\":[[1,2]]}\r\n",
            "request-forbidden",
        ),
        (
            "PUB spean.heal.health-quarterly.moh.siem-reap 14\r\n{\"missing\":[]}\r\n",
            "request-malformed",
        ),
        (
            "PUB spean.heal.health-quarterly.moh.siem-reap.1 19\r\n{\"missing\":[[1,2]]}\r\n",
            "subject-forbidden",
        ),
    ];
    for (line, code) in denials {
        assert_eq!(denied(line), (code, false), "{line}");
    }
    let line = "PUB spean.heal.health-quarterly.moh.siem-reap 20\r\n{\"missing\": [[1,2]]}\r\n";
    let Verdict::AskToHeal(request) = judged(line) else {
        panic!("not asked");
    };
    assert_eq!(request.body(), br#"{"missing":[[1,2]]}"#);
}

#[test]
fn counts_are_told_of_what_may_be_read() {
    let asked = |feed: &str, body: &str| {
        let reply = "_INBOX.moh.siem-reap.1";
        let bytes = body.len();
        judged(&format!(
            "PUB spean.counts.{feed} {reply} {bytes}\r\n{body}\r\n"
        ))
    };
    let Verdict::Count { right, .. } = asked("health-quarterly", "") else {
        panic!("not counted");
    };
    let office = |id: &str| id.parse().expect("an office");
    assert!(right.covers(&office(OFFICE)) && !right.covers(&office("moh/hq")));
    let Verdict::Count {
        right, question, ..
    } = asked("price-bulletin", r#"{"known":"x"}"#)
    else {
        panic!("not counted");
    };
    assert!(right.covers(&office("maff/hq")));
    assert_eq!(question.known.as_deref(), Some("x"));
    assert!(matches!(asked("school-terms", ""), Verdict::Deny(_)));
    assert!(matches!(asked("health-quarterly", "7"), Verdict::Deny(_)));
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
fn an_office_declares_gaps_in_its_own_logs_alone() {
    let line = |office: &str| {
        let subject = format!("spean.log.health-quarterly.{office}.gap");
        format!("HPUB {subject} _INBOX.moh.siem-reap.1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n")
    };
    let Verdict::Declare { permit, .. } = judged(&line("moh.siem-reap")) else {
        panic!("not taken");
    };
    let source = permit.log().source();
    assert_eq!(source, "urn:spean:moh:siem-reap:health-quarterly");
    assert_eq!(denied(&line("moh.hq")), ("not-your-log", true));
}

#[test]
fn whoever_may_read_a_log_may_refill_it() {
    let line = "HPUB spean.log.health-quarterly.moh.siem-reap.7 12 14\r\nNATS/1.0\r\n\r\nhi\r\n";
    let Verdict::Refill { permit, .. } = judged(line) else {
        panic!("not taken");
    };
    assert_eq!(permit.position().number(), 7);
    let source = permit.log().source();
    assert_eq!(source, "urn:spean:moh:siem-reap:health-quarterly");
}

#[test]
fn what_is_not_open_is_denied_on_the_reply_subject() {
    for (subject, code) in [
        ("spean.log.health-quarterly.moh.hq", "not-your-log"),
        ("spean.log.market-prices.moh.siem-reap", "grant-unknown"),
        ("spean.log.school-terms.moh.siem-reap", "feed-unknown"),
        ("spean.log.health-quarterly.moh.hq.1", "request-forbidden"),
        ("spean.log.school-terms.moh.siem-reap.1", "feed-unknown"),
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
        ("$JS.API.STREAM.CREATE.x", "subject-forbidden"),
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
