//! Drafts as submitters write them come in, promises about what becomes of them go out. The registry is the seed's own.

use schemas::registry::{Office, RegistryEvent, Standing, seed};

use super::*;

/// A registry with the offices that tests submit as.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::empty(Hash::of(b"tests"));
    let offices = [
        ("moh/siem-reap", Standing::Provincial, Some("17")),
        ("moh/hq", Standing::Headquarters, None),
        ("maff/siem-reap", Standing::Provincial, Some("17")),
        ("maff/hq", Standing::Headquarters, None),
        ("mlvt/hq", Standing::Headquarters, None),
        ("mlvt/siem-reap", Standing::Provincial, Some("17")),
        ("ocm/hq", Standing::Headquarters, None),
    ];
    let offices = offices.map(|(id, standing, province)| {
        RegistryEvent::OfficeAdded(Office {
            id: id.parse().expect("an office"),
            title_en: id.into(),
            title_km: id.into(),
            standing,
            province: province.map(str::to_owned),
            node: None,
            agents: None,
        })
    });
    for event in seed().iter().chain(&offices) {
        registry
            .apply(event)
            .expect("the seed and its offices apply");
    }
    registry
}

/// The same, with the feeds that an authority adds when they are wanted.
pub(crate) fn registry_with_more_feeds() -> Registry {
    let mut registry = registry();
    for event in schemas::registry::later() {
        registry.apply(&event).expect("feeds can be added");
    }
    registry
}

pub(crate) const REPORT: &str = r#"{"dataSet":"DENGUE_Q","period":"2026Q3","orgUnit":"KH17","dataValues":[{"dataElement":"DENGUE_CASES","value":"39"}]}"#;
const TYPE: &str = "kh.gov.moh.quarterly-report.submitted.v1";

fn report() -> Draft {
    Draft {
        event_type: Some(TYPE.into()),
        data: REPORT.into(),
        ..Draft::default()
    }
}

fn submit_at(feed: Option<&str>, draft: Draft) -> Result<ValidEvent, Problem> {
    let registry = registry();
    let office = "moh/siem-reap".parse().expect("an office");
    let desk = Desk {
        registry: &registry,
        office: &office,
        now: Timestamp::from_rfc3339("2026-10-02T03:00:07Z").expect("a time"),
    };
    let feed = feed.map(|feed| feed.parse().expect("a feed"));
    desk.submit(draft, feed.as_ref())
}

fn submit(draft: Draft) -> Result<ValidEvent, Problem> {
    submit_at(None, draft)
}

/// The code and the places that a draft is refused with.
fn refused(draft: Draft) -> (&'static str, Vec<String>) {
    let problem = submit(draft).expect_err("a problem");
    (
        problem.code(),
        problem.details().into_iter().map(|d| d.at).collect(),
    )
}

#[test]
fn what_a_submitter_leaves_out_is_filled_in_and_the_data_is_kept_as_it_is() {
    let spaced = REPORT.replace(':', " : ");
    let draft = Draft {
        data: spaced.clone().into(),
        ..report()
    };
    let valid = submit(draft.clone()).expect("valid");
    let event = valid.event();
    assert_eq!(
        event.log().source(),
        "urn:spean:moh:siem-reap:health-quarterly"
    );
    assert_eq!(event.data(), spaced.as_bytes());
    let core = event.core();
    assert_eq!(core.time.to_string(), "2026-10-02T03:00:07Z");
    assert_eq!(event.recorded_time(), core.time);
    assert_eq!(core.data_content_type, "application/json");
    assert_eq!(
        core.data_schema,
        "https://spean.gov.kh/contracts/health-quarterly/1.0"
    );
    assert_eq!(core.data_classification, Classification::Internal);
    let id = schemas::ids::read_uuid(event.id()).expect("a UUID");
    assert_eq!(id[6] >> 4, 7, "version 7");
    assert_eq!(valid.content(), draft.content_digest());
}

#[test]
fn what_a_submitter_says_is_kept() {
    let draft = Draft {
        id: Some("MoH 7/2026".into()),
        source: Some("urn:spean:moh:siem-reap:health-quarterly".into()),
        subject: Some("KH17/2026Q3".into()),
        time: Some("2026-10-01T10:00:00.5+07:00".into()),
        data_content_type: Some("application/json; charset=utf-8".into()),
        data_classification: Some("confidential".into()),
        ..report()
    };
    let valid = submit(draft).expect("valid");
    let core = valid.event().core();
    assert_eq!(core.id, "MoH 7/2026");
    assert_eq!(core.subject.as_deref(), Some("KH17/2026Q3"));
    assert_eq!(core.time.to_string(), "2026-10-01T03:00:00Z");
    assert_eq!(core.data_content_type, "application/json; charset=utf-8");
    assert_eq!(core.data_classification, Classification::Confidential);
}

#[test]
fn the_feed_is_found_by_path_source_type_or_schema() {
    let bare = || Draft {
        event_type: None,
        ..report()
    };
    let by_source = Draft {
        source: Some("urn:spean:moh:siem-reap:health-quarterly".into()),
        ..bare()
    };
    let by_schema = Draft {
        data_schema: Some("https://spean.gov.kh/contracts/health-quarterly/1.0".into()),
        ..bare()
    };
    let by_path = submit_at(Some("health-quarterly"), bare());
    for found in [
        by_path,
        submit(by_source),
        submit(by_schema),
        submit(report()),
    ] {
        assert_eq!(
            found.expect("valid").event().log().feed.as_str(),
            "health-quarterly"
        );
    }
    assert_eq!(submit(bare()), Err(Problem::FeedUnnamed));
    let shared = Draft {
        data_schema: Some("https://spean.gov.kh/contracts/withdrawal/1.0".into()),
        ..bare()
    };
    assert_eq!(submit(shared), Err(Problem::FeedUnnamed));
    let of_another_world = Draft {
        source: Some("https://github.com/cloudevents".into()),
        event_type: Some("com.github.pull_request.opened".into()),
        ..bare()
    };
    assert_eq!(submit(of_another_world), Err(Problem::FeedUnnamed));
    let unknown = submit_at(Some("weather"), report());
    assert_eq!(unknown, Err(Hold::FeedUnknown.into()));
}

#[test]
fn what_contradicts_the_feed_is_refused() {
    let change = |change: fn(&mut Draft)| {
        let mut draft = report();
        change(&mut draft);
        refused(draft).0
    };
    let source = |source: &str| {
        refused(Draft {
            source: Some(source.into()),
            ..report()
        })
        .0
    };
    assert_eq!(
        source("urn:spean:moh:kampot:health-quarterly"),
        "not-your-log"
    );
    assert_eq!(source("somewhere"), "attribute-invalid");
    assert_eq!(
        source("urn:spean:moh:siem-reap:market-prices"),
        "grant-unknown"
    );
    assert_eq!(
        change(|d| d.event_type = Some("kh.gov.moh.other.v1".into())),
        "feed-unnamed"
    );
    let schema = "https://spean.gov.kh/contracts/market-prices/1.0";
    assert_eq!(
        refused(Draft {
            data_schema: Some(schema.into()),
            ..report()
        })
        .0,
        "schema-not-of-feed"
    );
    let path = submit_at(
        Some("health-quarterly"),
        Draft {
            event_type: Some("kh.gov.maff.market-price.submitted.v1".into()),
            ..report()
        },
    );
    assert_eq!(path, Err(Refusal::TypeNotOfFeed.into()));
    assert_eq!(
        change(|d| d.data_content_type = Some("text/csv".into())),
        "media-type-unsupported"
    );
    assert_eq!(
        change(|d| d.data = vec![b' '; DATA_BYTES_MAX + 1].into()),
        "too-large"
    );
}

#[test]
fn an_office_without_a_grant_and_a_row_of_another_province_do_not_pass() {
    let prices = submit_at(Some("market-prices"), Draft::default());
    assert_eq!(prices, Err(Hold::GrantUnknown.into()));
    let other = Draft {
        data: REPORT.replace("KH17", "KH07").into(),
        ..report()
    };
    assert_eq!(refused(other), ("row-not-yours", vec!["/orgUnit".into()]));
}

#[test]
fn a_correction_names_what_it_corrects() {
    let correction = Draft {
        event_type: Some("kh.gov.moh.quarterly-report.corrected.v1".into()),
        ..report()
    };
    assert_eq!(submit(correction.clone()), Err(Problem::CausationMissing));
    let caused = Draft {
        causation_id: Some("MoH 7/2026".into()),
        ..correction
    };
    assert!(submit(caused).is_ok());
    let withdrawal = Draft {
        event_type: Some("kh.gov.moh.quarterly-report.withdrawn.v1".into()),
        causation_id: Some("MoH 7/2026".into()),
        data: r#"{"reason":"sent twice"}"#.into(),
        ..Draft::default()
    };
    assert!(submit(withdrawal).is_ok());
}

#[test]
fn all_wrong_fields_and_attributes_are_named_at_once() {
    let draft = Draft {
        id: Some(String::new()),
        time: Some("yesterday".into()),
        data_classification: Some("secret".into()),
        data: r#"{"dataSet":"","period":"2026","orgUnit":"KH17"}"#.into(),
        ..report()
    };
    let (code, mut at) = refused(draft);
    at.sort_unstable();
    assert_eq!(code, "contract-violated");
    let expected = [
        "/dataSet",
        "/dataValues",
        "/period",
        "dataclassification",
        "id",
        "time",
    ];
    assert_eq!(at, expected);
}

#[test]
fn a_time_out_of_reach_is_refused_with_the_clock_that_it_was_held_against() {
    let at = |time: &str| Draft {
        time: Some(time.into()),
        ..report()
    };
    for time in [
        "9999-12-31T23:59:59Z",
        "1999-12-31T23:59:59Z",
        "2026-10-03T03:00:08Z",
    ] {
        let problem = submit(at(time)).expect_err("a problem");
        assert_eq!(problem.code(), "time-out-of-reach");
        let said = &problem.details()[0].en;
        assert!(
            said.contains(time) && said.contains("2026-10-02T03:00:07Z"),
            "{said}"
        );
    }
    for time in ["2000-01-01T00:00:00Z", "2026-10-03T10:00:07+07:00"] {
        assert!(submit(at(time)).is_ok(), "{time}");
    }
}

#[test]
fn an_id_that_reads_otherwise_than_it_stands_is_refused() {
    for id in ["a\u{202E}b", "a\u{200B}", "e\u{301}"] {
        let draft = Draft {
            id: Some(id.into()),
            ..report()
        };
        let told = refused(draft);
        assert_eq!(told, ("attribute-invalid", vec!["id".to_owned()]), "{id:?}");
    }
    let khmer = Draft {
        id: Some("របាយការណ៍/២០២៦".into()),
        ..report()
    };
    assert!(submit(khmer).is_ok());
}
