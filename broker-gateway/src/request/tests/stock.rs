//! What stock clients do without a word about this bus: their own names, defaults beyond bounds, and questions of what there is.

use super::*;

#[test]
fn a_stream_of_which_an_office_sees_nothing_is_none_to_it() {
    for (stream, code) in [
        ("school-terms", "feed-unknown"),
        ("KV_settings", "feed-unknown"),
        ("labour-returns", "grant-unknown"),
    ] {
        for asked in ["STREAM.INFO", "CONSUMER.NAMES", "CONSUMER.LIST"] {
            let told = ask(PROVINCE, &format!("$JS.API.{asked}.{stream}"), "");
            let Err((no @ No::NoStream(_), _)) = told else {
                panic!("{stream}: {told:?}");
            };
            let body: Value = serde_json::from_slice(&no.body("x", 1)).expect("JSON");
            let jetstreams =
                json!({"code": 404, "err_code": 10059, "description": "stream not found"});
            assert_eq!(body["error"], jetstreams);
            assert_eq!(body["spean"]["code"], code);
            // A status of 404 would say that the stream is there and the message is not.
            assert!(no.status().starts_with(b"NATS/1.0 503 "));
        }
    }
}

#[test]
fn an_office_that_reads_its_own_log_alone_sees_no_more_of_the_stream() {
    let asked = |office, body: &str| ask(office, "$JS.API.STREAM.INFO.health-quarterly", body);
    let own = |by_subject| Sight::Own {
        stream: "health-quarterly".parse().expect("a feed"),
        filter: Some(OWN.to_owned()),
        by_subject,
    };
    let filter = json!({"subjects_filter": OWN, "offset": 0}).to_string();
    for (body, sight) in [("", own(false)), ("null", own(false)), (&filter, own(true))] {
        assert_eq!(
            asked(PROVINCE, body),
            Ok(Request::Look(Look::Stream(sight))),
            "{body}"
        );
    }
    let whole = forwarded(HEADQUARTERS, "STREAM.INFO.health-quarterly", &filter);
    assert_eq!(whole.1, json!({"subjects_filter": OWN}));
    let Ok(Request::Look(Look::Streams { sights, .. })) = ask(PROVINCE, "$JS.API.STREAM.LIST", "")
    else {
        panic!("no list");
    };
    let bulletin = Sight::Whole("price-bulletin".parse().expect("a feed"));
    assert_eq!(sights, [own(false), bulletin]);
}

#[test]
fn a_consumer_is_below_its_office_whatever_its_client_calls_it() {
    let own = create(json!({"filter_subject": OWN, "name": "Ab3", "durable_name": "Ab3"}));
    for (subject, body) in [
        ("CONSUMER.CREATE.health-quarterly.Ab3", &*own),
        ("CONSUMER.CREATE.health-quarterly.moh_siem-reap_Ab3", &*own),
        ("CONSUMER.DURABLE.CREATE.health-quarterly.Ab3", &*own),
    ] {
        let (written, body) = forwarded(PROVINCE, subject, body);
        assert_eq!(
            written,
            "CONSUMER.CREATE.health-quarterly.moh_siem-reap_Ab3"
        );
        assert_eq!(body["config"]["name"], "moh_siem-reap_Ab3");
        assert_eq!(body["config"]["durable_name"], "moh_siem-reap_Ab3");
    }
    for asked in ["INFO", "DELETE", "MSG.NEXT"] {
        // Another office's name is one below the own one like any other.
        let (written, _) = forwarded(
            PROVINCE,
            &format!("CONSUMER.{asked}.health-quarterly.mef_hq_x"),
            "",
        );
        let below = format!("CONSUMER.{asked}.health-quarterly.moh_siem-reap_mef_hq_x");
        assert_eq!(written, below);
    }
    let info = ask(PROVINCE, "$JS.API.CONSUMER.INFO.health-quarterly.Ab3", "");
    let Ok(Request::Forward {
        renamed: Some(renamed),
        ..
    }) = info
    else {
        panic!("{info:?}");
    };
    let whole = "moh_siem-reap_Ab3";
    let answer =
        json!({"name": whole, "config": {"name": whole, "description": whole}, "num_pending": 3});
    let told = renamed.tell(answer.to_string().as_bytes()).expect("told");
    let told: Value = serde_json::from_slice(&told).expect("JSON");
    let said =
        json!({"name": "Ab3", "config": {"name": "Ab3", "description": whole}, "num_pending": 3});
    assert_eq!(told, said);
    assert_eq!(renamed.tell(br#"{"error":{"code":404}}"#), None);
}

#[test]
fn what_lies_beyond_a_bound_is_brought_to_it_and_told_to_who_is_pedantic() {
    let named = "$JS.API.CONSUMER.CREATE.health-quarterly.moh_siem-reap_x";
    let second = 1_000_000_000_u64;
    for (setting, given, settled) in [
        ("max_ack_pending", json!(-1), json!(20_000)),
        ("max_ack_pending", json!(65_536), json!(20_000)),
        ("max_ack_pending", json!(0), json!(0)),
        ("max_waiting", json!(100_000), json!(2_048)),
        ("max_deliver", json!(-1), json!(-1)),
        ("ack_wait", json!(1), json!(second)),
        ("ack_wait", json!(0), json!(0)),
        (
            "backoff",
            json!([0, 1, 5 * second]),
            json!([second, second, 5 * second]),
        ),
        ("idle_heartbeat", json!(1), json!(second)),
        (
            "inactive_threshold",
            json!(u64::MAX),
            json!(90 * 86_400 * second),
        ),
    ] {
        let mut config = json!({"filter_subject": OWN});
        config[setting] = given.clone();
        let (_, body) = forwarded(
            PROVINCE,
            &named["$JS.API.".len()..],
            &create(config.clone()),
        );
        assert_eq!(body["config"][setting], settled, "{setting} {given}");
        let pedantic =
            json!({"stream_name": "health-quarterly", "config": config, "pedantic": true});
        let told = ask(PROVINCE, named, &pedantic.to_string());
        match (given == settled, told) {
            (true, Ok(_)) => {}
            (false, Err((No::Refused(Refusal::RequestForbidden(detail)), _))) => {
                assert_eq!(detail.at, setting);
            }
            (_, told) => panic!("{setting} {given}: {told:?}"),
        }
    }
}

#[test]
fn what_is_pushed_is_bounded_where_it_is_made() {
    let pushed = |policy: &str, more: Value| {
        let mut config = json!({"filter_subject": OWN, "ack_policy": policy,
            "deliver_subject": "_INBOX.moh.siem-reap.x"});
        for (setting, value) in more.as_object().expect("settings") {
            config[setting] = value.clone();
        }
        let name = "CONSUMER.CREATE.health-quarterly.moh_siem-reap_x";
        let (_, body) = forwarded(PROVINCE, name, &create(config));
        body["config"].clone()
    };
    let (bits, idle) = (16_000_000, 150_000_000_000_u64);
    let usual = pushed("explicit", json!({}));
    assert_eq!(usual["max_ack_pending"], 256);
    assert_eq!(usual["rate_limit_bps"], bits);
    assert_eq!(usual["inactive_threshold"], idle);
    let more =
        json!({"max_ack_pending": 1_000, "rate_limit_bps": 2 * bits, "inactive_threshold": 1});
    let more = pushed("explicit", more);
    assert_eq!(more["max_ack_pending"], 256);
    assert_eq!(more["rate_limit_bps"], bits);
    assert_eq!(more["inactive_threshold"], idle);
    let less = json!({"max_ack_pending": 7, "rate_limit_bps": 8, "inactive_threshold": 2 * idle});
    let less = pushed("all", less);
    assert_eq!(less["max_ack_pending"], 7);
    assert_eq!(less["rate_limit_bps"], 8);
    assert_eq!(less["inactive_threshold"], 2 * idle);
    // nats-server refuses the bound where nothing is acknowledged.
    assert_eq!(pushed("none", json!({}))["max_ack_pending"], Value::Null);
}

#[test]
fn a_setting_that_is_not_open_is_named() {
    let named = "$JS.API.CONSUMER.CREATE.health-quarterly.moh_siem-reap_x";
    let group = create(json!({"filter_subject": OWN, "deliver_group": "q"}));
    let pause = create(json!({"filter_subject": OWN, "pause_until": "2030-01-01T00:00:00Z"}));
    let next = "$JS.API.CONSUMER.MSG.NEXT.health-quarterly.moh_siem-reap_x";
    let of_group = r#"{"batch":1,"group":"g"}"#.to_owned();
    for (subject, body, setting) in [
        (named, group, "deliver_group"),
        (named, pause, "pause_until"),
        (next, of_group, "group"),
    ] {
        let Err((No::Refused(Refusal::RequestForbidden(detail)), _)) =
            ask(PROVINCE, subject, &body)
        else {
            panic!("{setting} passed");
        };
        assert_eq!(detail.at, setting);
    }
    let unheard = create(json!({"filter_subject": OWN, "unheard_of": 1}));
    let Err((No::Refused(Refusal::RequestMalformed(detail)), _)) = ask(PROVINCE, named, &unheard)
    else {
        panic!("it passed");
    };
    assert_eq!(detail.en, "unknown field `unheard_of`");
}

#[test]
fn an_account_is_answered_from_policy() {
    let Ok(Request::Answer(body)) = ask(PROVINCE, "$JS.API.INFO", "") else {
        panic!("no answer");
    };
    let account: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(account["streams"], 2);
    assert_eq!(
        account["type"],
        "io.nats.jetstream.api.v1.account_info_response"
    );
}
