use schemas::confirmation::Said;
use schemas::event::{Hash, Position, Timestamp};
use schemas::signing::SigningKey;

use super::*;
use crate::fixtures;
use crate::fixtures::pen::{Pen, key_added};

fn log(text: &str) -> LogName {
    LogName::from_source(text).expect("a source")
}

#[test]
fn an_office_appends_to_its_own_logs_where_a_grant_says_so() {
    let registry = fixtures::registry();
    let peer = fixtures::peer("moh/siem-reap");
    let publish =
        |source| publish(&registry, &peer, log(source)).map(|permit| permit.log().clone());
    let own = "urn:spean:moh:siem-reap:health-quarterly";
    assert_eq!(publish(own), Ok(log(own)));
    for (source, no) in [
        (
            "urn:spean:moh:hq:health-quarterly",
            No::Refused(Refusal::NotYourLog),
        ),
        (
            "urn:spean:moh:siem-reap:market-prices",
            No::Held(Hold::GrantUnknown),
        ),
        (
            "urn:spean:moh:siem-reap:school-terms",
            No::Held(Hold::FeedUnknown),
        ),
    ] {
        assert_eq!(publish(source), Err(no), "{source}");
    }
    let stranger = fixtures::peer("moh/takeo");
    let theirs = log("urn:spean:moh:takeo:health-quarterly");
    assert_eq!(
        super::publish(&registry, &stranger, theirs).map(|_| ()),
        Err(No::Held(Hold::OfficeUnknown))
    );
}

#[test]
fn a_reader_confirms_in_its_own_name_what_it_may_read() {
    let pen = Pen::of("moh/hq", "KH12");
    let log = log("urn:spean:moh:siem-reap:health-quarterly");
    let said = |reader: &str, log: &LogName| Said {
        reader: reader.parse().expect("an office"),
        log: log.clone(),
        position: Position::FIRST,
        hash: Hash::of(b"event"),
        time: Timestamp::from_unix_seconds(1_790_000_000).expect("a time"),
        registry: None,
        newest: None,
    };
    let judged = |said: Said, at: &LogName, key: &SigningKey| {
        let subject = ConfirmSubject {
            reader: "moh/hq".parse().expect("an office"),
            log: at.clone(),
        };
        let body = Confirmation::sign(said, key).to_string();
        let peer = fixtures::peer("moh/hq");
        confirm(&pen.registry, &peer, &subject, body.as_bytes(), b"").map(|_| ())
    };
    assert_eq!(judged(said("moh/hq", &log), &log, &pen.key), Ok(()));
    let not_yours = Err(No::Refused(Refusal::ConfirmationNotYours));
    let labour = super::tests::log("urn:spean:mlvt:hq:labour-returns");
    let own = super::tests::log("urn:spean:moh:hq:health-quarterly");
    for (said, at) in [
        (said("mef/hq", &log), &log),
        (said("moh/hq", &own), &log),
        (said("moh/hq", &labour), &labour),
        (said("moh/hq", &own), &own),
    ] {
        assert_eq!(judged(said.clone(), at, &pen.key), not_yours, "{said:?}");
    }
    let (stranger, _) = SigningKey::generate().expect("a key");
    let unknown = Err(No::Held(Hold::KeyUnknown));
    assert_eq!(judged(said("moh/hq", &log), &log, &stranger), unknown);
    let subject = said("moh/hq", &log).subject();
    let peer = fixtures::peer("moh/hq");
    let changed = Confirmation::sign(said("moh/hq", &log), &pen.key)
        .to_string()
        .replace(r#""position":1"#, r#""position":2"#);
    let changed = confirm(&pen.registry, &peer, &subject, changed.as_bytes(), b"");
    assert_eq!(changed.map(|_| ()), not_yours);
    let malformed = confirm(&pen.registry, &peer, &subject, b"{}", b"").map(|_| ());
    assert_eq!(malformed, Err(No::Refused(Refusal::ConfirmationMalformed)));
}

#[test]
fn a_word_is_proved_by_the_office_s_signature_and_by_nothing_that_a_reader_can_make() {
    let mut pen = Pen::new();
    let (key, _) = SigningKey::generate().expect("a key");
    pen.tell(key_added("moh/hq", &key));
    let events = pen.run(2);
    let said = |position: u64, hash: Hash| Said {
        reader: "moh/hq".parse().expect("an office"),
        log: events[0].event().log().clone(),
        position: Position::new(position).expect("a position"),
        hash,
        time: Timestamp::from_unix_seconds(1_790_000_000).expect("a time"),
        registry: None,
        newest: None,
    };
    let judged = |said: Said, headers: &str| {
        let (subject, body) = (said.subject(), Confirmation::sign(said, &key).to_string());
        let (peer, headers) = (fixtures::peer("moh/hq"), headers.as_bytes());
        let judged = confirm(&pen.registry, &peer, &subject, body.as_bytes(), headers);
        judged.map(|taken| taken.signed_with().map(str::to_owned))
    };
    let evidence = Evidence::of(&events[1]).headers();
    let proved = Ok(Some(pen.key.keyid().to_owned()));
    assert_eq!(judged(said(2, events[1].hash()), &evidence), proved);
    assert_eq!(judged(said(2, events[1].hash()), ""), Ok(None));
    let unproved = Err(No::Refused(Refusal::ConfirmationUnproved));
    for (said, headers) in [
        (said((1 << 53) - 1, events[1].hash()), evidence.as_str()),
        (said(2, Hash::of(b"any")), &evidence),
        (said(1, events[0].hash()), &evidence),
        (
            said(2, events[1].hash()),
            "NATS/1.0\r\nSpean-Evidence: x\r\n\r\n",
        ),
    ] {
        assert_eq!(
            judged(said.clone(), headers),
            unproved,
            "{said:?} {headers}"
        );
    }
}

#[test]
fn an_office_sees_who_has_read_its_own_logs_and_no_others() {
    let registry = fixtures::registry();
    let peer = fixtures::peer("moh/siem-reap");
    let stream: FeedName = schemas::subject::CONFIRMATIONS.parse().expect("a token");
    let of = |source| Scope::Confirmations {
        stream: stream.clone(),
        of: Some(log(source)),
    };
    let own = read(
        &registry,
        &peer,
        &of("urn:spean:moh:siem-reap:health-quarterly"),
    );
    assert!(own.is_ok());
    let others = read(&registry, &peer, &of("urn:spean:moh:hq:health-quarterly"));
    let others = others.expect_err("not its own");
    assert_eq!(others.code().name, "request-forbidden");
    let whole = read(&registry, &peer, &Scope::Feed(stream));
    assert_eq!(whole, Err(No::Held(Hold::FeedUnknown)));
}

#[test]
fn deliveries_stay_inside_what_may_be_read_now() {
    let rights = |office| DeliveryRights::of(&fixtures::registry(), &fixtures::peer(office));
    let (province, headquarters) = (rights("moh/siem-reap"), rights("moh/hq"));
    let cases: [(&[u8], bool, bool); 9] = [
        (b"spean.heal.health-quarterly.moh.siem-reap", true, true),
        (b"spean.heal.health-quarterly.moh.battambang", false, true),
        (b"spean.log.health-quarterly.moh.siem-reap", true, true),
        (b"spean.log.health-quarterly.moh.siem-reap.7", true, true),
        (b"spean.log.health-quarterly.moh.siem-reapx", false, true),
        (b"spean.log.health-quarterly.moh.battambang", false, true),
        (b"spean.log.labour-returns.mlvt.hq", false, false),
        (b"spean.log.", false, false),
        (b"_INBOX.moh.siem-reap.x", true, true),
    ];
    for (subject, for_province, for_headquarters) in cases {
        let text = String::from_utf8_lossy(subject);
        assert_eq!(province.open(subject), for_province, "{text}");
        assert_eq!(headquarters.open(subject), for_headquarters, "{text}");
    }
}
