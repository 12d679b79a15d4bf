//! Who may publish, who may read, whose figures: the allowed and the forbidden side of each feed.

use super::*;
use crate::subject::LogName;

#[test]
fn each_feed_is_published_by_those_who_owe_it_and_by_nobody_else() {
    let registry = peopled();
    let publishers = |name: &str| -> Vec<String> {
        let feed = feed(name);
        let may = registry
            .offices()
            .filter(|office| registry.may_publish(&office.id, &feed).is_ok());
        may.map(|office| office.id.to_string()).collect()
    };
    assert_eq!(publishers("health-quarterly"), ["moh/siem-reap"]);
    assert_eq!(publishers("market-prices"), ["maff/siem-reap"]);
    assert_eq!(publishers("price-bulletin"), ["maff/hq"]);
    assert_eq!(publishers("labour-returns"), ["mlvt/hq", "mlvt/kampot"]);
}

#[test]
fn each_feed_is_read_by_those_whom_it_is_for_and_by_nobody_else() {
    let registry = peopled();
    let readers = |name: &str| -> Vec<String> {
        let log = LogName {
            feed: feed(name),
            office: office("maff/kampot"),
        };
        let may = registry
            .offices()
            .filter(|office| registry.may_read(&office.id, &log).is_ok());
        may.map(|office| office.id.to_string()).collect()
    };
    assert_eq!(readers("health-quarterly"), ["mef/hq", "moh/hq", "mop/hq"]);
    assert_eq!(
        readers("market-prices"),
        [
            "maff/hq", "mef/hq", "mlvt/hq", "moh/hq", "moint/hq", "mop/hq"
        ]
    );
    assert_eq!(readers("price-bulletin").len(), registry.offices().count());
    assert_eq!(readers("labour-returns"), ["mef/hq", "mlvt/hq", "mop/hq"]);
}

#[test]
fn exactly_eleven_provinces_send_prices() {
    let mut registry = seeded();
    let all: Vec<Province> = registry.provinces().cloned().collect();
    for province in &all {
        let id = OfficeId::new("maff", &province.place).expect("a token");
        let office = registry.usual_office(&id).expect("a province");
        registry
            .apply(&RegistryEvent::OfficeAdded(office))
            .expect("an office");
    }
    let may = registry.offices().filter(|office| {
        registry
            .may_publish(&office.id, &feed("market-prices"))
            .is_ok()
    });
    assert_eq!(may.count(), 11);
}

#[test]
fn an_office_reads_its_own_log_and_no_other_of_a_feed_it_only_publishes() {
    let registry = peopled();
    let log = |of: &str| LogName {
        feed: feed("health-quarterly"),
        office: office(of),
    };
    let own = office("moh/siem-reap");
    assert_eq!(
        registry.may_read(&own, &log("moh/siem-reap")),
        Ok(Rule::OwnLog)
    );
    let denied = registry
        .may_read(&own, &log("moh/kampot"))
        .expect_err("another's log");
    assert_eq!(
        denied.to_string(),
        "no rule lets moh/siem-reap read health-quarterly"
    );
    let names = |feeds: Vec<&Feed>| {
        feeds
            .iter()
            .map(|feed| feed.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(registry.readable_feeds(&own)), ["price-bulletin"]);
    assert_eq!(
        names(registry.publishable_feeds(&own)),
        ["health-quarterly"]
    );
    assert_eq!(names(registry.readable_feeds(&office("mef/hq"))).len(), 4);
}

#[test]
fn a_denial_says_whether_office_feed_or_grant_is_unknown() {
    let registry = peopled();
    let may = |id: &str, name: &str| {
        registry
            .may_publish(&office(id), &feed(name))
            .map(|grant| grant.rule.as_str())
    };
    assert_eq!(
        may("moh/siem-reap", "health-quarterly"),
        Ok("health-quarterly/publish/health-provincial")
    );
    assert_eq!(
        may("moh/kampot", "health-quarterly"),
        Err(Denied::OfficeUnknown(office("moh/kampot")))
    );
    assert_eq!(
        may("moh/hq", "ict-readiness"),
        Err(Denied::FeedUnknown(feed("ict-readiness")))
    );
    assert!(matches!(
        may("moh/hq", "health-quarterly"),
        Err(Denied::NoGrant { .. })
    ));
}

#[test]
fn a_removed_grant_allows_nothing_any_more() {
    let mut registry = peopled();
    let rule = "health-quarterly/publish/health-provincial".to_owned();
    let removal = RegistryEvent::GrantRemoved(RuleName { rule });
    registry.apply(&removal).expect("the rule stands");
    assert!(
        registry
            .may_publish(&office("moh/siem-reap"), &feed("health-quarterly"))
            .is_err()
    );
    assert!(
        registry.apply(&removal).is_err(),
        "there is nothing left to remove"
    );
}

#[test]
fn a_provincial_office_sends_its_own_provinces_figures_and_a_headquarters_any() {
    let registry = peopled();
    let check = |id: &str, name: &str, action, data: Value| {
        let feed = registry.feed(&feed(name)).expect("a feed");
        let event_type = feed.type_of(action).expect("a type");
        registry.check_row(
            registry.office(&office(id)).expect(id),
            feed,
            event_type,
            &data,
        )
    };
    let area = |code: &str| serde_json::json!({ "ref_area": code });
    assert_eq!(
        check(
            "mlvt/kampot",
            "labour-returns",
            Action::Submitted,
            area("KH07")
        ),
        Ok(())
    );
    for other in ["KH17", "KHM", "07", "kh07"] {
        let fault = check(
            "mlvt/kampot",
            "labour-returns",
            Action::Corrected,
            area(other),
        )
        .expect_err(other);
        assert_eq!(fault.pointer, "/ref_area");
        assert!(fault.en.starts_with("must be KH07"));
    }
    for any in ["KH07", "KH17", "KHM"] {
        assert_eq!(
            check("mlvt/hq", "labour-returns", Action::Submitted, area(any)),
            Ok(())
        );
    }
    let reason = serde_json::json!({ "reason": "wrong quarter" });
    assert_eq!(
        check(
            "mlvt/kampot",
            "labour-returns",
            Action::Withdrawn,
            reason.clone()
        ),
        Ok(())
    );
    assert!(
        check(
            "mlvt/kampot",
            "labour-returns",
            Action::Submitted,
            reason.clone()
        )
        .is_err()
    );
    assert_eq!(
        check(
            "maff/siem-reap",
            "price-bulletin",
            Action::Submitted,
            reason
        ),
        Ok(()),
        "a bulletin is of no province"
    );
}

#[test]
fn a_closed_office_has_no_rights_and_its_log_stays_checkable() {
    let mut registry = peopled();
    let closed = office("mlvt/kampot");
    let record = key_record("mlvt/kampot");
    registry
        .apply(&RegistryEvent::KeyAdded(record.clone()))
        .expect("applied");
    let close = RegistryEvent::OfficeClosed(OfficeName {
        office: closed.clone(),
    });
    registry.apply(&close).expect("applied");
    let denied = Denied::OfficeClosed(closed.clone());
    let labour = feed("labour-returns");
    let log = LogName {
        feed: labour.clone(),
        office: closed.clone(),
    };
    assert_eq!(registry.may_publish(&closed, &labour), Err(denied.clone()));
    assert_eq!(registry.may_read(&closed, &log), Err(denied));
    assert!(registry.readable_feeds(&closed).is_empty());
    let first = Position::new(1).expect("a position");
    let key = registry.key_for(&closed, &labour, first).expect("honoured");
    assert_eq!(key.keyid, record.keyid);

    let again = registry.office(&closed).expect("known").clone();
    registry
        .apply(&RegistryEvent::OfficeAdded(again))
        .expect("opened again");
    assert!(registry.may_publish(&closed, &labour).is_ok());

    let nobody = RegistryEvent::OfficeClosed(OfficeName {
        office: office("mlvt/kep"),
    });
    assert!(registry.apply(&nobody).is_err());
}
