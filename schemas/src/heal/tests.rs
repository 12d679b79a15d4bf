use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::limits::POSITION_MAX;

fn ranges(pairs: &[(u64, u64)]) -> Ranges {
    Ranges::try_from(pairs.to_vec()).expect("ranges")
}

fn log() -> LogName {
    LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a log")
}

#[test]
fn a_request_reads_back_and_nothing_else_reads() {
    let request = HealRequest::new(log(), &ranges(&[(41, 43), (57, 57)]));
    let subject = "spean.heal.health-quarterly.moh.siem-reap";
    assert_eq!(request.subject(), subject);
    assert_eq!(request.body(), br#"{"missing":[[41,43],[57,57]]}"#);
    assert_eq!(
        HealRequest::read(subject, &request.body()),
        Ok(request.clone())
    );
    assert_eq!(request.missing.to_string(), "41-43, 57");
    for body in [
        "",
        "{}",
        "[]",
        r#"{"missing":[]}"#,
        r#"{"missing":[[0,1]]}"#,
        r#"{"missing":[[2,1]]}"#,
        r#"{"missing":[[1,2],[3,4]]}"#,
        r#"{"missing":[[5,6],[1,2]]}"#,
        r#"{"missing":[[1,2]],"x":1}"#,
    ] {
        let read = HealRequest::read(subject, body.as_bytes());
        assert_eq!(read, Err(HealFault::Body), "{body}");
    }
    let below = HealRequest::read(&format!("{subject}.1"), &request.body());
    assert_eq!(below, Err(HealFault::Subject));
    let many = Ranges::of((1..=1_000).map(|n| 2 * n));
    let bounded = HealRequest::new(log(), &many);
    assert!(bounded.body().len() <= HEAL_BODY_BYTES_MAX);
    assert_eq!(HealRequest::read(subject, &bounded.body()), Ok(bounded));
}

#[test]
fn a_request_names_a_bounded_number_of_positions() {
    let subject = "spean.heal.health-quarterly.moh.siem-reap";
    for (missing, first_ones) in [
        (WIDEST, vec![(1, HEAL_POSITIONS_MAX)]),
        (
            &[(1, 10), (20, POSITION_MAX)],
            vec![(1, 10), (20, HEAL_POSITIONS_MAX + 9)],
        ),
        (
            &[(1, HEAL_POSITIONS_MAX), (POSITION_MAX, POSITION_MAX)],
            vec![(1, HEAL_POSITIONS_MAX)],
        ),
    ] {
        let request = HealRequest::new(log(), &ranges(missing));
        assert_eq!(Vec::from(request.missing.clone()), first_ones);
        assert_eq!(HealRequest::read(subject, &request.body()), Ok(request));
        let all = serde_json::to_string(&ranges(missing)).expect("JSON");
        let body = format!(r#"{{"missing":{all}}}"#);
        let read = HealRequest::read(subject, body.as_bytes());
        assert_eq!(read, Err(HealFault::Body), "{body}");
    }
    let beyond = format!(r#"{{"missing":[[1,{}]]}}"#, POSITION_MAX + 1);
    let read = HealRequest::read(subject, beyond.as_bytes());
    assert_eq!(read, Err(HealFault::Body));
}

/// Everything that may be said of positions; who walks it does not come back.
const WIDEST: &[(u64, u64)] = &[(1, POSITION_MAX)];

#[test]
fn what_is_asked_of_the_widest_ranges_costs_no_more_than_of_others() {
    let all = ranges(WIDEST);
    let most = ranges(&[(1, 1), (3, POSITION_MAX)]);
    assert_eq!(all.count(), POSITION_MAX);
    assert_eq!(all.without(&most), ranges(&[(2, 2)]));
    assert_eq!(most.without(&all), Ranges::default());
    assert_eq!(most.within(&all), most);
    assert_eq!(all.within(&most), most);
    assert_eq!(most.with(2..=2), all);
    assert_eq!(most.union(&all), all);
    assert_eq!(all.up_to(7), ranges(&[(1, 7)]));
    assert!(all.contains(POSITION_MAX) && !most.contains(2) && !all.contains(0));
    assert_eq!(all.to_string(), "1-9007199254740991");
    assert_eq!(Ranges::one(0..=u64::MAX).count(), u64::MAX);
    let count = |appended| LogCount {
        appended,
        refilled: all.clone(),
        gaps: u64::MAX,
    };
    let held = compare(u64::MAX, &all, &count(u64::MAX));
    assert_eq!(held, Compared::Agrees, "more than can be counted");
    let lacks = compare(u64::MAX, &all, &count(0));
    assert_eq!(lacks, Compared::BusLacks(u64::MAX - POSITION_MAX));
}

#[test]
fn counts_leave_out_what_may_not_be_read_and_what_is_known() {
    let subjects = [
        ("spean.log.health-quarterly.moh.siem-reap", 9),
        ("spean.log.health-quarterly.moh.siem-reap.5", 1),
        ("spean.log.health-quarterly.moh.siem-reap.gap", 1),
        ("spean.log.health-quarterly.moh.battambang", 4),
        ("spean.log.market-prices.moh.siem-reap", 4),
    ];
    let feed = log().feed;
    let own = |office: &OfficeId| *office == log().office;
    let counts = FeedCounts::of(&feed, 14, subjects, own);
    let text = serde_json::to_string(&counts).expect("JSON");
    let logs = r#""logs":{"moh/siem-reap":{"n":9,"r":[[5,5]],"g":1}}}"#;
    assert!(text.ends_with(logs), "{text}");
    let known = Some(counts.tag.clone());
    assert_eq!(counts.answer(&CountsQuestion { known }).logs, None);
}

#[test]
fn a_log_is_compared_with_refills_counted_and_declared_gaps_allowed_for() {
    let count = |appended, refilled: &[(u64, u64)]| LogCount {
        appended,
        refilled: ranges(refilled),
        gaps: 0,
    };
    let none = Ranges::default();
    assert_eq!(compare(10, &none, &count(10, &[])), Compared::Agrees);
    assert_eq!(compare(10, &none, &count(9, &[])), Compared::BusLacks(1));
    assert_eq!(compare(10, &none, &count(9, &[(4, 4)])), Compared::Agrees);
    assert_eq!(compare(10, &none, &count(12, &[])), Compared::BusHasMore(2));
    let declared = ranges(&[(4, 6)]);
    assert_eq!(compare(10, &declared, &count(7, &[])), Compared::Agrees);
    assert_eq!(
        compare(10, &declared, &count(7, &[(5, 5)])),
        Compared::Agrees
    );
    assert_eq!(
        compare(10, &declared, &count(6, &[])),
        Compared::BusLacks(1)
    );
}

proptest! {
    #[test]
    fn ranges_are_sets(
        one in proptest::collection::btree_set(1u64..60, 0..40),
        other in proptest::collection::btree_set(1u64..60, 0..40),
    ) {
        let (left, right) = (Ranges::of(one.clone()), Ranges::of(other.clone()));
        #[expect(clippy::disallowed_methods, reason = "they are few")]
        let set = |ranges: &Ranges| ranges.positions().collect::<BTreeSet<u64>>();
        prop_assert_eq!(set(&left), one.clone());
        prop_assert_eq!(set(&left.union(&right)), &one | &other);
        prop_assert_eq!(set(&left.without(&right)), &one - &other);
        prop_assert_eq!(set(&left.within(&right)), &one & &other);
        for number in 0..62 {
            prop_assert_eq!(left.contains(number), one.contains(&number));
        }
        let below: BTreeSet<u64> = one.iter().copied().filter(|n| *n <= 30).collect();
        prop_assert_eq!(set(&left.up_to(30)), below);
        prop_assert_eq!(left.count(), one.len() as u64);
        let pairs: Vec<(u64, u64)> = left.clone().into();
        prop_assert_eq!(Ranges::try_from(pairs), Ok(left));
    }
}
