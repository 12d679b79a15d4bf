//! Words said in a real authority's folder: what they change is told first, and what is carried fits or is not taken.

use tempfile::TempDir;

use super::*;
use crate::authority::{Enrol, Init, Named};
use crate::settings::ServerAddress;

const OFFICE: &str = "mlvt/kampot";

fn authority() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let init = Init {
        folder: folder.path().join("authority"),
        listen: "127.0.0.1:4443".into(),
        names: vec!["localhost".into()],
        nats: vec![ServerAddress {
            host: "127.0.0.1".into(),
            port: 4222,
        }],
        data_dir: None,
    };
    init.run().expect("an authority");
    enrol(&folder, OFFICE, "first");
    folder
}

fn enrol(folder: &TempDir, office: &str, out: &str) -> String {
    let enrol = Enrol {
        office: office.parse().expect("an office"),
        out: folder.path().join(out),
        authority: dir(folder),
        named: Named::default(),
        from_office: None,
        gateways: Vec::new(),
    };
    enrol.run().expect("enrolled").certificate.to_string()
}

fn dir(folder: &TempDir) -> PathBuf {
    folder.path().join("authority")
}

fn prepared(folder: &TempDir, words: &Words) -> anyhow::Result<Saying> {
    Saying::prepare(&dir(folder), words)
}

fn close() -> Words {
    Words::CloseOffice(OFFICE.parse().expect("an office"))
}

fn retire(after: &[(Option<&str>, u64)], keyid: Option<&str>) -> Words {
    let after = after.iter().map(|(feed, position)| After {
        feed: feed.map(|feed| feed.parse().expect("a feed")),
        position: *position,
    });
    Words::RetireKey {
        office: OFFICE.parse().expect("an office"),
        keyid: keyid.map(ToOwned::to_owned),
        after: after.collect(),
    }
}

fn keyids(folder: &TempDir) -> Vec<String> {
    let log = crate::authority::registry(&dir(folder)).expect("a registry");
    let office = OFFICE.parse().expect("an office");
    let keys = log.registry().keys_of(&office);
    keys.map(|key| key.keyid.clone()).collect()
}

#[test]
fn a_closing_tells_what_the_office_loses_and_takes_effect_when_it_is_said() {
    let folder = authority();
    let before = std::fs::read(dir(&folder).join("registry.ndjson")).expect("a registry");
    let told = prepared(&folder, &close()).expect("it can be said");
    let table = told.report().table();
    for word in [OFFICE, "none: closed", "publish on labour-returns"] {
        assert!(table.contains(word), "{table}");
    }
    drop(told);
    let unsaid = std::fs::read(dir(&folder).join("registry.ndjson")).expect("a registry");
    assert!(unsaid == before, "what was only told is not said");
    let said = prepared(&folder, &close()).expect("it can be said");
    said.say(None).expect("said");
    assert!(
        prepared(&folder, &close())
            .expect("told")
            .report()
            .is_empty()
    );
    enrol(&folder, OFFICE, "again");
    let reopened = prepared(&folder, &close()).expect("told");
    assert!(!reopened.report().is_empty(), "enrolling it again opens it");
}

#[test]
fn a_key_is_retired_at_a_position_of_each_log_and_the_key_is_never_guessed() {
    let folder = authority();
    let fault = |words: &Words| format!("{:#}", prepared(&folder, words).expect_err("a fault"));
    let one = retire(&[(None, 77)], None);
    let report = prepared(&folder, &one).expect("one log, one key");
    let changes = serde_json::to_value(report.report()).expect("JSON");
    let change = &changes["changes"][0];
    assert!(
        changes["changes"]
            .as_array()
            .is_some_and(|all| all.len() == 4)
    );
    assert_eq!(change["office"], OFFICE);
    drop(report);
    let other = retire(&[(Some("market-prices"), 1)], None);
    assert!(fault(&other).contains("--after labour-returns=POSITION"));
    assert!(fault(&retire(&[(None, 77)], Some("strange"))).contains(&keyids(&folder)[0]));

    enrol(&folder, OFFICE, "second");
    let several = fault(&one);
    assert!(keyids(&folder).iter().all(|keyid| several.contains(keyid)));
    let oldest = keyids(&folder).pop().expect("two");
    let named = retire(&[(None, 77)], Some(&oldest));
    prepared(&folder, &named)
        .expect("told")
        .say(None)
        .expect("said");
    let left = retire(&[(None, 90)], None);
    assert!(
        !prepared(&folder, &left)
            .expect("one is left")
            .report()
            .is_empty()
    );
}

#[test]
fn a_revocation_names_whose_certificate_it_is() {
    let folder = authority();
    let serial = enrol(&folder, OFFICE, "second");
    let words = Words::RevokeCertificate(serial.parse().expect("a serial"));
    let report = prepared(&folder, &words).expect("it can be said").say(None);
    let report = serde_json::to_value(report.expect("said")).expect("JSON");
    assert_eq!(report["said"], true);
    assert_eq!(report["words"][0], "certificate-revoked");
    assert_eq!(report["changes"][0]["office"], OFFICE);
}

#[test]
fn a_grant_and_its_withdrawal_name_each_office_whose_rights_change() {
    let folder = authority();
    let rule = rule_name(
        &"market-prices".parse().expect("a feed"),
        schemas::registry::Right::Read,
        OFFICE,
    );
    let grant = Words::Grant(schemas::registry::Grant {
        rule: rule.clone(),
        feed: "market-prices".parse().expect("a feed"),
        right: schemas::registry::Right::Read,
        who: schemas::registry::Who::Office {
            office: OFFICE.parse().expect("an office"),
        },
    });
    let granted = prepared(&folder, &grant)
        .expect("told")
        .say(None)
        .expect("said");
    assert!(granted.table().contains(&rule), "{}", granted.table());
    assert!(prepared(&folder, &grant).expect("told").report().is_empty());
    let withdrawn = prepared(&folder, &Words::Withdraw(rule)).expect("told");
    let table = withdrawn.report().table();
    assert!(table.contains("its own log"), "{table}");
    drop(withdrawn);
    let unknown = prepared(&folder, &Words::Withdraw("no/such/rule".into()));
    let fault = format!("{:#}", unknown.expect_err("unknown"));
    assert!(fault.contains("price-bulletin/read/everyone"), "{fault}");
}

#[test]
fn lines_that_were_signed_elsewhere_are_taken_once_and_in_their_order() {
    let folder = authority();
    let gateway = folder.path().join("gateway");
    let mut copying = std::process::Command::new("cp");
    let copied = copying
        .arg("-r")
        .args([dir(&folder), gateway.clone()])
        .status();
    assert!(copied.expect("cp runs").success());
    std::fs::remove_dir_all(gateway.join("authority")).expect("a gateway has no authority");

    let (first, second) = (
        folder.path().join("1.ndjson"),
        folder.path().join("2.ndjson"),
    );
    prepared(&folder, &close())
        .expect("told")
        .say(Some(&first))
        .expect("said");
    let retire = retire(&[(None, 5)], None);
    prepared(&folder, &retire)
        .expect("told")
        .say(Some(&second))
        .expect("said");

    let early = Saying::carried(&gateway, &second).expect_err("a line is missing before it");
    assert!(format!("{early:#}").contains("between"), "{early:#}");
    let taken = Saying::carried(&gateway, &first).expect("it follows");
    assert!(taken.report().table().contains("none: closed"));
    taken.say(None).expect("taken");
    let again = Saying::carried(&gateway, &first).expect("known");
    assert!(again.report().is_empty());
    drop(again);
    let whole = dir(&folder).join("registry.ndjson");
    Saying::carried(&gateway, &whole)
        .expect("it follows")
        .say(None)
        .expect("taken");
    let (here, there) = (
        std::fs::read(gateway.join("registry.ndjson")),
        std::fs::read(&whole),
    );
    assert_eq!(here.expect("one"), there.expect("one"));

    let text = std::fs::read_to_string(&second).expect("lines");
    std::fs::write(&second, text.replace("key-retired", "key-retirfd")).expect("written");
    assert!(
        Saying::carried(&gateway, &second).is_err(),
        "a changed line is nobody's word"
    );
}
