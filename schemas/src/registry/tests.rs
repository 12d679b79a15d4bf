//! The fold: what the seed holds, what an event changes, and what contradicts the registry.

use serde_json::Value;

use super::*;
use crate::feed::Action;
use crate::signing::SigningKey;

mod keys;
mod policy;

fn seeded() -> Registry {
    let mut registry = Registry::empty(Hash::of(b"genesis"));
    for event in seed() {
        registry
            .apply(&event)
            .expect("the seed applies in its order");
    }
    registry
}

fn office(id: &str) -> OfficeId {
    id.parse().expect("an office")
}

fn feed(name: &str) -> FeedName {
    name.parse().expect("a feed")
}

/// The seed, and one office of each kind that the rules tell apart.
fn peopled() -> Registry {
    let mut registry = seeded();
    for id in [
        "moh/hq",
        "moh/siem-reap",
        "maff/hq",
        "maff/siem-reap",
        "maff/kep",
        "mlvt/hq",
        "mlvt/kampot",
        "mef/hq",
        "mop/hq",
        "moint/hq",
    ] {
        let office = registry.usual_office(&office(id)).expect(id);
        registry
            .apply(&RegistryEvent::OfficeAdded(office))
            .expect(id);
    }
    registry
}

fn key_record(office: &str) -> KeyRecord {
    let (key, _) = SigningKey::generate().expect("random bytes");
    KeyRecord {
        office: office.parse().expect("an office"),
        keyid: key.keyid().into(),
        public_key: (*key.public()).into(),
        honoured: BTreeMap::new(),
    }
}

#[test]
fn the_seed_holds_every_table_and_reads_back_from_its_json() {
    let registry = seeded();
    assert_eq!(registry.ministries().count(), 33);
    assert_eq!(registry.provinces().count(), 25);
    assert_eq!(registry.nodes().count(), 26 + 132);
    assert_eq!(registry.feeds().count(), 4);
    assert_eq!(registry.offices().count(), 0);
    assert_eq!(registry.position(), seed().len() as u64);
    for event in seed() {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(
            serde_json::from_str::<RegistryEvent>(&text).unwrap(),
            event,
            "{text}"
        );
    }
}

#[test]
fn every_feed_has_an_owner_a_x_and_a_pointer_that_its_contract_requires() {
    let registry = seeded();
    for feed in registry.feeds() {
        assert!(registry.ministry(&feed.owner).is_some());
        for action in [Action::Submitted, Action::Corrected, Action::Withdrawn] {
            let event_type = feed.type_of(action).expect("each action has a type");
            assert!(
                event_type
                    .name
                    .starts_with(&format!("kh.gov.{}.", feed.owner))
            );
            assert!(event_type.takes(event_type.contract()));
            assert!(registry.contract(event_type.contract()).is_some());
        }
        if let Some(at) = &feed.province_at {
            let contract = registry
                .contract(feed.type_of(Action::Submitted).unwrap().contract())
                .unwrap();
            let required = contract.schema()["required"].as_array().unwrap();
            assert!(
                required.iter().any(|name| *name == at[1..]),
                "{} requires {at}",
                feed.name
            );
        }
    }
}

#[test]
fn a_key_counts_only_where_the_registry_honours_it() {
    let mut registry = peopled();
    let id = office("moh/siem-reap");
    let (health, other) = (feed("health-quarterly"), feed("labour-returns"));
    let at = |number| Position::new(number).expect("a position");
    let old = key_record("moh/siem-reap");
    registry
        .apply(&RegistryEvent::KeyAdded(old.clone()))
        .expect("the first key");
    assert_eq!(
        registry.key_for(&id, &health, at(9)).unwrap().keyid,
        old.keyid
    );

    let last = BTreeMap::from([(health.clone(), 9)]);
    registry
        .apply(&RegistryEvent::KeyRetired(KeyRetirement {
            keyid: old.keyid.clone(),
            last,
        }))
        .expect("it ends");
    let mut new = key_record("moh/siem-reap");
    new.honoured = BTreeMap::from([(
        health.clone(),
        Span {
            first: Some(10),
            last: None,
        },
    )]);
    registry
        .apply(&RegistryEvent::KeyAdded(new.clone()))
        .expect("the next key");

    assert_eq!(
        registry.key_for(&id, &health, at(9)).unwrap().keyid,
        old.keyid
    );
    assert_eq!(
        registry.key_for(&id, &health, at(10)).unwrap().keyid,
        new.keyid
    );
    assert_eq!(
        registry.key_for(&id, &other, at(1)).unwrap().keyid,
        new.keyid
    );
    let ended = registry
        .key(&old.keyid)
        .expect("a retired key is still known");
    assert!(!ended.honoured(&health, at(10)) && !ended.honoured(&other, at(1)));
    let newest_first: Vec<&str> = registry.keys_of(&id).map(|key| &*key.keyid).collect();
    assert_eq!(newest_first, [&new.keyid, &old.keyid]);
}

/// What contradicts the registry is not applied and changes nothing.
fn refused(registry: &mut Registry, events: Vec<RegistryEvent>) {
    let before = format!("{registry:?}");
    for event in events {
        assert!(registry.apply(&event).is_err(), "{event:?}");
        assert!(format!("{registry:?}") == before, "{event:?}");
    }
}

#[test]
fn a_key_is_one_known_offices_under_its_own_thumbprint() {
    let mut registry = peopled();
    let known = key_record("moh/hq");
    let added = RegistryEvent::KeyAdded(known.clone());
    registry.apply(&added).expect("a key");
    let stolen = KeyRecord {
        office: office("maff/hq"),
        ..known
    };
    let misnamed = KeyRecord {
        keyid: "x".into(),
        ..key_record("moh/hq")
    };
    let unknown = KeyRetirement {
        keyid: "x".into(),
        last: BTreeMap::new(),
    };
    refused(
        &mut registry,
        vec![
            RegistryEvent::KeyAdded(stolen),
            RegistryEvent::KeyAdded(misnamed),
            RegistryEvent::KeyAdded(key_record("moh/nowhere")),
            RegistryEvent::KeyRetired(unknown),
        ],
    );
}

#[test]
fn a_gateways_key_is_no_others() {
    let mut registry = peopled();
    let (public, offices) = (key_record("moh/hq").public_key, key_record("maff/hq"));
    let gateway = |name: &str, public| {
        RegistryEvent::GatewayAdded(GatewayRecord {
            name: name.into(),
            public_key: public,
        })
    };
    registry
        .apply(&RegistryEvent::KeyAdded(offices.clone()))
        .expect("an office's key");
    registry.apply(&gateway("one", public)).expect("a gateway");
    let known = registry.gateway_key(&public.keyid());
    assert_eq!(known.map(|known| &*known.name), Some("one"));
    let taken = KeyRecord {
        keyid: public.keyid(),
        public_key: public,
        ..key_record("moh/hq")
    };
    refused(
        &mut registry,
        vec![
            gateway("two", public),
            gateway("three", offices.public_key),
            gateway("a b", key_record("moh/hq").public_key),
            RegistryEvent::KeyAdded(taken),
        ],
    );
}

#[test]
fn an_office_stands_in_a_known_province_on_a_known_node() {
    let mut registry = peopled();
    let kampot = registry
        .usual_office(&office("moh/kampot"))
        .expect("an office");
    let in_province = |province: Option<&str>| Office {
        province: province.map(str::to_owned),
        ..kampot.clone()
    };
    let on_node = Office {
        node: Some("07-099".into()),
        agents: None,
        ..kampot.clone()
    };
    let of_nobody = Office {
        id: office("xyz/kampot"),
        ..kampot.clone()
    };
    let offices = vec![
        in_province(None),
        in_province(Some("26")),
        on_node,
        of_nobody,
    ];
    refused(
        &mut registry,
        offices
            .into_iter()
            .map(RegistryEvent::OfficeAdded)
            .collect(),
    );
}

#[test]
fn a_feed_has_a_known_owner_known_contracts_and_a_name_of_its_own() {
    let mut registry = peopled();
    let health = registry
        .feed(&feed("health-quarterly"))
        .expect("a feed")
        .clone();
    let mut unchecked = health.clone();
    unchecked.types[0].contracts =
        vec!["https://spean.gov.kh/contracts/health-quarterly/9.0".into()];
    let feeds = vec![
        Feed {
            owner: "xyz".into(),
            ..health.clone()
        },
        Feed {
            types: Vec::new(),
            ..health.clone()
        },
        Feed {
            province_at: Some("orgUnit".into()),
            ..health.clone()
        },
        Feed {
            name: feed(LOG_FEED),
            ..health
        },
        unchecked,
    ];
    refused(
        &mut registry,
        feeds.into_iter().map(RegistryEvent::FeedAdded).collect(),
    );
}

#[test]
fn a_contract_never_changes_and_a_grant_names_what_is_known() {
    let mut registry = peopled();
    let grant = registry.grants().next().expect("a grant").clone();
    let nowhere = Who::Provinces {
        ministry: "maff".into(),
        provinces: vec!["99".into()],
    };
    let contract = |version: &str| ContractRecord {
        uri: format!("https://spean.gov.kh/contracts/withdrawal/{version}"),
        schema: serde_json::json!({ "$id": "https://spean.gov.kh/contracts/withdrawal/1.0" }),
    };
    refused(
        &mut registry,
        vec![
            RegistryEvent::ContractAdded(contract("1.0")),
            RegistryEvent::ContractAdded(contract("2.0")),
            RegistryEvent::GrantAdded(Grant {
                feed: feed("nothing"),
                ..grant.clone()
            }),
            RegistryEvent::GrantAdded(Grant {
                who: nowhere,
                ..grant
            }),
        ],
    );
}

#[test]
fn an_unknown_kind_or_field_is_no_registry_event() {
    for text in [
        r#"{"kind":"feed-purged","rule":"x"}"#,
        r#"{"kind":"grant-removed","rule":"x","also":"y"}"#,
        r#"{"kind":"grant-added","rule":"x","feed":"f","right":"read","who":{"by":"everyone","but":"moh"}}"#,
        r#"{"rule":"x"}"#,
    ] {
        assert!(
            serde_json::from_str::<RegistryEvent>(text).is_err(),
            "{text}"
        );
    }
}

#[test]
fn an_office_is_proposed_from_its_name_in_both_languages() {
    let registry = seeded();
    let usual = |id: &str| registry.usual_office(&office(id));
    let siem_reap = usual("moh/siem-reap").expect("a province's office");
    assert_eq!(siem_reap.title_km, "ក្រសួងសុខាភិបាល ខេត្តសៀមរាប");
    assert_eq!(
        (siem_reap.standing, siem_reap.province.as_deref()),
        (Standing::Provincial, Some("17"))
    );
    assert_eq!(
        usual("mef/hq").expect("a headquarters").standing,
        Standing::Headquarters
    );
    assert_eq!(usual("moh/somewhere"), None);
    assert_eq!(usual("xyz/hq"), None);
}
