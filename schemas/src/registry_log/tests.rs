//! The registry's file: written and read back, refused where anything in it was changed, and taken in pages.

use bytes::Bytes;

use super::*;
use crate::registry::seed;
use crate::tables::MINISTRIES;

fn key() -> SigningKey {
    SigningKey::generate().expect("random bytes").0
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000).expect("a time")
}

fn write(key: &SigningKey, events: &[RegistryEvent]) -> (RegistryLog, String) {
    let mut log = RegistryLog::begin(*key.public());
    let mut text = String::new();
    for event in events {
        text.push_str(&log.append(event, key, now()).expect("it applies"));
        text.push('\n');
    }
    (log, text)
}

fn ministries(number: usize) -> Vec<RegistryEvent> {
    MINISTRIES
        .iter()
        .take(number)
        .cloned()
        .map(RegistryEvent::MinistryAdded)
        .collect()
}

#[test]
fn what_the_authority_writes_reads_back_as_the_same_registry() {
    let key = key();
    let (written, text) = write(&key, &seed());
    let read = RegistryLog::load(&text, *key.public()).expect("its own file");
    assert_eq!(read.head(), written.head());
    assert_eq!(read.registry().genesis(), written.registry().genesis());
    assert_eq!(read.registry().position(), seed().len() as u64);
    let whole = |log: &RegistryLog| format!("{:?}", log.registry());
    assert!(whole(&read) == whole(&written));
}

#[test]
fn two_authorities_have_two_geneses() {
    let genesis = |key: &SigningKey| write(key, &ministries(1)).0.registry().genesis();
    let (one, other) = (key(), key());
    assert_ne!(genesis(&one), genesis(&other));
    assert_eq!(genesis(&one), genesis(&one));
}

#[test]
fn a_line_that_was_changed_moved_or_left_out_is_named() {
    let key = key();
    let (_, text) = write(&key, &ministries(5));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let fault = |lines: &[&str]| {
        RegistryLog::load(&lines.concat(), *key.public()).expect_err("tampered with")
    };

    let changed = lines[2].replace("Ministry of", "Ministry 0f");
    let found = fault(&[lines[0], lines[1], &changed, lines[3]]);
    assert_eq!(
        (found.line, found.what),
        (3, LineFault::Envelope(Refusal::DigestMismatch))
    );
    let left_out = fault(&[lines[0], lines[2]]);
    assert_eq!((left_out.line, left_out.what), (2, LineFault::NotLinked));
    let without_first = fault(&lines[1..]);
    assert_eq!(
        (without_first.line, without_first.what),
        (1, LineFault::NotLinked)
    );
    let twice = fault(&[lines[0], lines[0]]);
    assert_eq!((twice.line, twice.what), (2, LineFault::NotLinked));
    let torn = fault(&[lines[0], lines[1].trim_end()]);
    assert_eq!((torn.line, torn.what), (2, LineFault::Torn));
    let blank = fault(&[lines[0], "\n"]);
    assert!(matches!(
        (blank.line, blank.what),
        (2, LineFault::Envelope(_))
    ));
}

#[test]
fn another_keys_words_are_not_the_authoritys() {
    let (authority, stranger) = (key(), key());
    let (_, strange) = write(&stranger, &ministries(2));
    let fault = RegistryLog::load(&strange, *authority.public()).expect_err("another authority");
    assert_eq!((fault.line, fault.what), (1, LineFault::OtherKey));

    let (mut log, mut text) = write(&authority, &ministries(1));
    assert_eq!(
        log.append(&ministries(2)[1], &stranger, now()),
        Err(LineFault::OtherKey)
    );
    // Linked rightly, in the authority's name, signed by the stranger.
    let link = log.head().next().expect("room");
    let line = log
        .append(&ministries(2)[1], &authority, now())
        .expect("it applies");
    let event = structured::decode(line.as_bytes())
        .expect("its own line")
        .event()
        .clone();
    let forged = structured::encode(&SignedEvent::sign(event, link, &stranger));
    text.push_str(&forged);
    text.push('\n');
    let fault = RegistryLog::load(&text, *authority.public()).expect_err("forged");
    assert_eq!((fault.line, fault.what), (2, LineFault::OtherKey));
}

#[test]
fn a_signature_in_the_authoritys_name_that_is_not_its_own_is_found() {
    let authority = key();
    let (_, text) = write(&authority, &ministries(3));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let event = structured::decode(lines[2].trim_end().as_bytes()).expect("its own line");
    let material = String::from_utf8(event.material().to_vec()).expect("JSON");
    let (before, signature) = material.rsplit_once(r#""sig":""#).expect("a signature");
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let material = format!(r#"{before}"sig":"{other}{}"#, &signature[1..]);
    let forged = SignedEvent::from_parts(event.event().clone(), *event.link(), material.as_bytes())
        .expect("well formed");
    let text = [lines[0], lines[1], &structured::encode(&forged), "\n"].concat();
    let fault = RegistryLog::load(&text, *authority.public()).expect_err("a bad signature");
    assert_eq!((fault.line, fault.what), (3, LineFault::Signature));
}

#[test]
fn lines_fetched_later_extend_it_and_bad_ones_change_nothing() {
    let key = key();
    let (whole, text) = write(&key, &ministries(6));
    let cut = text.match_indices('\n').nth(2).expect("six lines").0 + 1;
    let mut log = RegistryLog::load(&text[..cut], *key.public()).expect("the first half");
    let before = log.head();

    let fault = log.extend(&text).expect_err("the first half again");
    assert_eq!((fault.line, fault.what), (1, LineFault::NotLinked));
    let broken = format!("{}{{}}\n", &text[cut..]);
    assert_eq!(log.extend(&broken).expect_err("a bad fourth line").line, 4);
    assert_eq!((log.head(), log.registry().position()), (before, 3));

    assert_eq!(log.extend(&text[cut..]), Ok(3));
    assert_eq!(log.extend(""), Ok(0));
    assert_eq!(log.head(), whole.head());
}

#[test]
fn what_cannot_be_applied_is_neither_written_nor_read() {
    let key = key();
    let (mut log, text) = write(&key, &ministries(1));
    let before = log.head();
    let removal = serde_json::from_str(r#"{"kind":"grant-removed","rule":"none"}"#)
        .expect("a registry event");
    assert!(matches!(
        log.append(&removal, &key, now()),
        Err(LineFault::Registry(_))
    ));
    assert_eq!(log.head(), before);
    let next = log
        .append(&ministries(2)[1], &key, now())
        .expect("it goes on");
    assert!(log.clone().extend(&next).is_err(), "its own line again");
    assert!(RegistryLog::load(&format!("{text}{next}\n"), *key.public()).is_ok());
}

#[test]
fn pages_hold_whole_lines_and_together_the_whole_file() {
    let (_, text) = write(&key(), &ministries(5));
    assert_eq!(page(&text, 0), text);
    assert_eq!(page(&text, 5), "");
    assert_eq!(page(&text, u64::MAX), "");
    assert_eq!(page(&text, 4).lines().count(), 1);
    let long = format!("{}\n", "x".repeat(REGISTRY_PAGE_BYTES_MAX)).repeat(2);
    assert_eq!(
        page(&long, 0).lines().count(),
        1,
        "one line is always given, however long"
    );
}

/// The words that end something, as they stand in the lines' data: older lines are read for ever.
#[test]
fn the_words_that_end_something_are_written_as_ever() {
    for (text, kind) in [
        (
            r#"{"kind":"office-closed","office":"mlvt/kampot"}"#,
            "office-closed",
        ),
        (
            r#"{"kind":"certificate-revoked","serial":"4a0bc1d2"}"#,
            "certificate-revoked",
        ),
        (
            r#"{"kind":"key-retired","keyid":"k","last":{"labour-returns":77}}"#,
            "key-retired",
        ),
        (
            r#"{"kind":"grant-removed","rule":"price-bulletin/read/everyone"}"#,
            "grant-removed",
        ),
    ] {
        let said = content(text.as_bytes()).expect(text);
        assert_eq!(said.kind(), kind);
        assert_eq!(json::text(&said), text);
    }
}

/// What an older version does with the words of a newer one: it says which lines it cannot read, and goes on behind them.
fn in_newer_words(log: &RegistryLog, key: &SigningKey, data: &str) -> SignedEvent {
    let link = log.head().next().expect("room");
    let core = Core {
        id: format!("registry-{}", link.position),
        event_type: "kh.gov.nida.registry.seal-broken.v1".into(),
        subject: None,
        time: now(),
        data_content_type: "application/json".into(),
        data_schema: DATA_SCHEMA.into(),
        causation_id: None,
        data_classification: Classification::Internal,
        data: Bytes::copy_from_slice(data.as_bytes()),
    };
    let event = Event::new(log_name(), core, now()).expect("an event");
    SignedEvent::sign(event, link, key)
}

/// Takes a line of such words.
fn take_newer(log: &mut RegistryLog, key: &SigningKey, data: &str) {
    let line = structured::encode(&in_newer_words(log, key, data)) + "\n";
    log.extend(&line).expect(data);
}

fn said(log: &mut RegistryLog, key: &SigningKey, text: &str) {
    let said = content(text.as_bytes()).expect(text);
    log.append(&said, key, now()).expect(text);
}

const OFFICE: &str = "moh/kampot";

fn whole(key: &SigningKey) -> RegistryLog {
    let (mut log, _) = write(key, &seed());
    let office = r#"{"kind":"office-added","office":"moh/kampot","title_en":"Kampot","title_km":"x","standing":"provincial","province":"07"}"#;
    said(&mut log, key, office);
    log
}

#[test]
fn a_word_that_is_not_understood_is_told_and_what_stands_behind_it_counts() {
    let key = key();
    let mut log = whole(&key);
    let (genesis, position) = (log.registry().genesis(), log.registry().position());
    assert_eq!(log.registry().outgrown(), None);
    take_newer(
        &mut log,
        &key,
        r#"{"kind":"seal-broken","office":"moh/hq"}"#,
    );
    said(
        &mut log,
        &key,
        r#"{"kind":"office-closed","office":"moh/kampot"}"#,
    );
    let registry = log.registry();
    assert!(registry.is_closed(&OFFICE.parse().expect("an office")));
    let after = (registry.genesis(), registry.position());
    assert_eq!(
        after,
        (genesis, position + 2),
        "every line has its position"
    );
    assert_eq!(registry.head().map(|head| head.hash), Some(log.head().hash));
    let told = registry.outgrown().expect("told").to_string();
    let named = format!("position {} (seal-broken);", position + 1);
    assert!(told.contains(&named), "{told}");
    assert!(told.starts_with("registry-outgrown: "), "{told}");
    for _ in 0..20 {
        take_newer(&mut log, &key, r#"["no", "kind"]"#);
    }
    let told = log.registry().outgrown().expect("told").to_string();
    assert!(told.contains("(no kind) and 13 more;"), "{told}");
}

#[test]
fn a_registry_that_begins_with_a_newer_word_has_its_genesis_there() {
    let key = key();
    let mut log = RegistryLog::begin(*key.public());
    let first = in_newer_words(&log, &key, r#"{"kind":"seal-broken"}"#);
    let line = structured::encode(&first) + "\n";
    log.extend(&line).expect("the authority's");
    assert_eq!(log.registry().genesis(), first.hash());
    assert_eq!(
        (log.registry().position(), log.head().hash),
        (1, first.hash())
    );
}

#[test]
fn the_end_of_a_right_counts_however_much_more_is_said_of_it() {
    let key = key();
    let mut log = whole(&key);
    let office: crate::subject::OfficeId = OFFICE.parse().expect("an office");
    let (own, _) = SigningKey::generate().expect("a key");
    let public = serde_json::to_value(own.public()).expect("a key");
    let keyid = own.keyid().to_owned();
    let added = format!(
        r#"{{"kind":"key-added","office":"moh/kampot","keyid":"{keyid}","public_key":{public}}}"#
    );
    said(&mut log, &key, &added);
    let feed: crate::subject::FeedName = "health-quarterly".parse().expect("a feed");
    let rule = log.registry().may_publish(&office, &feed).expect("granted");
    let rule = rule.rule.clone();

    let serial = r#"{"kind":"certificate-revoked","serial":"4a0b","reason":"stolen"}"#;
    take_newer(&mut log, &key, serial);
    assert!(
        log.registry()
            .is_revoked(&"4a0b".parse().expect("a serial"))
    );
    let retired = format!(
        r#"{{"kind":"key-retired","keyid":"{keyid}","last":{{"health-quarterly":7}},"reason":"lost"}}"#
    );
    take_newer(&mut log, &key, &retired);
    let at = |number| Position::new(number).expect("a position");
    let known = log.registry().key(&keyid).expect("it is known");
    assert!(known.honoured(&feed, at(7)) && !known.honoured(&feed, at(8)));
    // Where it ends cannot be read: what it signed waits.
    let unclear = format!(r#"{{"kind":"key-retired","keyid":"{keyid}","last":"never"}}"#);
    take_newer(&mut log, &key, &unclear);
    assert!(log.registry().key(&keyid).is_none());

    // What a rule says anew is not known, and its old words are not the authority's any more.
    let anew = format!(
        r#"{{"kind":"grant-added","rule":"{rule}","feed":"health-quarterly","right":"publish","who":{{"by":"weekday","days":[1]}}}}"#
    );
    take_newer(&mut log, &key, &anew);
    assert!(log.registry().may_publish(&office, &feed).is_err());
    let closed = r#"{"kind":"office-closed","office":"moh/kampot","until":"2027-01-01"}"#;
    take_newer(&mut log, &key, closed);
    assert!(log.registry().is_closed(&office));
    assert_eq!(log.registry().outgrown().expect("told").lines(), 5);
}

#[test]
fn what_builds_on_words_that_are_not_understood_gives_nothing_and_stops_nothing() {
    let key = key();
    let mut log = whole(&key);
    let before = log.registry().position();
    let strange = r#"{"kind":"office-added","office":"moh/pailin","title_en":"x","title_km":"x","standing":"floating"}"#;
    let closes = r#"{"kind":"office-closed","office":"moh/pailin"}"#;
    let event = in_newer_words(&log, &key, closes);
    let alone = log.extend(&(structured::encode(&event) + "\n"));
    let alone = alone.expect_err("it contradicts the registry");
    assert!(matches!(alone.what, LineFault::Registry(_)));
    take_newer(&mut log, &key, strange);
    take_newer(&mut log, &key, closes);
    let revoked = r#"{"kind":"certificate-revoked","serial":"4a0b"}"#;
    said(&mut log, &key, revoked);
    let registry = log.registry();
    assert_eq!(registry.position(), before + 3);
    assert!(
        registry
            .office(&"moh/pailin".parse().expect("an office"))
            .is_none()
    );
    assert!(registry.is_revoked(&"4a0b".parse().expect("a serial")));
    let own = content(closes.as_bytes()).expect("a registry event");
    assert!(
        log.append(&own, &key, now()).is_err(),
        "who says something new says what can be applied"
    );
}

#[test]
fn a_line_in_a_newer_log_format_is_named_as_one_and_changes_nothing() {
    let key = key();
    let mut log = whole(&key);
    let before = log.head();
    let line = structured::encode(&in_newer_words(&log, &key, "{}")) + "\n";
    let newer = line.replace(r#""logformat":1"#, r#""logformat":2"#);
    let fault = log.extend(&newer).expect_err("it cannot be followed");
    let expected = LineFault::Newer(crate::refusal::Hold::LogFormatUnknown { format: 2 });
    assert_eq!((fault.line, fault.what), (1, expected));
    assert_eq!(log.head(), before);
}
