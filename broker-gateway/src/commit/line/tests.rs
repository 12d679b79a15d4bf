//! Lines of numbers, on a clock that stands still until it is waited on.

use std::time::Duration;

use tokio::time::{advance, timeout};

use super::*;

#[derive(Debug, PartialEq, Eq)]
struct Run(&'static str, usize);

impl Weighs for Run {
    fn weight(&self) -> usize {
        self.1
    }
}

fn office(text: &str) -> OfficeId {
    text.parse().expect("an office")
}

async fn put(entrance: &Entrance<Run>, of: &'static str, events: usize, times: usize) {
    for _ in 0..times {
        entrance.put(&office(of), Run(of, events)).await;
    }
}

/// How many events of each office a turn holds.
fn counted(turn: &Turn<Run>) -> HashMap<&'static str, usize> {
    let mut counts = HashMap::new();
    for Run(of, events) in &turn.work {
        *counts.entry(*of).or_default() += events;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn who_is_alone_gets_long_turns_and_never_rests() {
    let (entrance, mut exit) = line();
    put(&entrance, "moh/kandal", 64, 100).await;
    let first = exit.turn().await.expect("work");
    assert!(counted(&first)["moh/kandal"] > 2 * RUN_EVENTS_MAX - 64);
    advance(Duration::from_secs(1)).await;
    exit.rest(first, Rest::AmongOthers(1.0));
    let soon = timeout(Duration::from_millis(1), exit.turn()).await;
    assert!(soon.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_has_little_goes_first_and_who_has_much_rests() {
    let (entrance, mut exit) = line();
    put(&entrance, "mlvt/kampot", TURN_OF_OFFICE_EVENTS, 20).await;
    put(&entrance, "moh/kandal", 1, 1).await;
    let little = exit.turn().await.expect("work");
    assert_eq!(counted(&little), HashMap::from([("moh/kandal", 1)]));
    exit.rest(little, Rest::AmongOthers(1.0));
    let much = exit.turn().await.expect("work");
    assert_eq!(
        counted(&much),
        HashMap::from([("mlvt/kampot", TURN_OF_OFFICE_EVENTS)])
    );
    advance(Duration::from_millis(20)).await;
    exit.rest(much, Rest::AmongOthers(1.0));
    let rests = timeout(Duration::from_millis(19), exit.turn()).await;
    assert!(rests.is_err(), "{rests:?}");
    put(&entrance, "moh/kandal", 1, 1).await;
    let next = exit.turn().await.expect("work");
    assert_eq!(counted(&next), HashMap::from([("moh/kandal", 1)]));
    assert!(exit.turn().await.is_some(), "it has rested");
}

#[tokio::test(start_paused = true)]
async fn offices_with_much_share_a_turn() {
    let (entrance, mut exit) = line();
    for of in ["moh/kandal", "moh/takeo", "moh/kep"] {
        put(&entrance, of, 10, 50).await;
    }
    let turn = exit.turn().await.expect("work");
    let counts = counted(&turn);
    assert_eq!(counts.len(), 3);
    assert!(
        counts
            .values()
            .all(|events| *events <= TURN_OF_OFFICE_EVENTS)
    );
}

#[tokio::test(start_paused = true)]
async fn offices_that_all_catch_up_share_long_turns_and_none_rests() {
    let (entrance, mut exit) = line();
    let all = ["moh/kandal", "moh/takeo"];
    for _ in 0..2 {
        for of in all {
            put(&entrance, of, 50, 100).await;
        }
        // The first turn does not know yet that nobody has little.
        let first = exit.turn().await.expect("work");
        exit.rest(first, Rest::AmongOthers(1.0));
        let turn = exit.turn().await.expect("work");
        let counts = counted(&turn);
        assert!(
            all.iter().all(|of| counts[of] > RUN_EVENTS_MAX - 50),
            "{counts:?}"
        );
        advance(Duration::from_millis(50)).await;
        exit.rest(turn, Rest::AmongOthers(1.0));
        let soon = timeout(Duration::from_millis(1), exit.turn()).await;
        assert_eq!(
            counted(&soon.expect("nobody rests").expect("work")).len(),
            2
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_line_holds_its_own_office_alone() {
    let (entrance, mut exit) = line();
    put(&entrance, "mlvt/kampot", 1, LINE_OF_OFFICE_MAX).await;
    let waits = timeout(Duration::from_secs(9), put(&entrance, "mlvt/kampot", 1, 1)).await;
    assert!(waits.is_err());
    put(&entrance, "moh/kandal", 1, 1).await;
    let little = exit.turn().await.expect("work");
    assert_eq!(counted(&little), HashMap::from([("moh/kandal", 1)]));
    let _much = exit.turn().await.expect("work");
    put(&entrance, "mlvt/kampot", 1, 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_something_that_is_looked_up_stays_in_order() {
    let (entrance, mut exit) = line();
    let kampot = office("mlvt/kampot");
    put(&entrance, "mlvt/kampot", 3, 1).await;
    put(&entrance, "mlvt/kampot", 4, 1).await;
    let mut turn = exit.turn().await.expect("work");
    let mut left = std::mem::take(&mut turn.work);
    let first = left.pop_front().expect("the first one");
    let left = left.into_iter().map(|run| (kampot.clone(), run));
    exit.end(turn, left, Rest::AmongOthers(1.0));
    let away = exit.go_away(&kampot);
    put(&entrance, "mlvt/kampot", 5, 1).await;
    let waits = timeout(Duration::from_secs(9), exit.turn()).await;
    assert!(waits.is_err());
    away.bring_back(first);
    let order: Vec<usize> = exit
        .turn()
        .await
        .expect("work")
        .work
        .iter()
        .map(Run::weight)
        .collect();
    assert_eq!(order, [3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_line_ends_when_it_is_empty_and_nobody_can_put_anything_in() {
    let (entrance, mut exit) = line();
    put(&entrance, "moh/kandal", 1, 1).await;
    drop(entrance);
    assert!(exit.turn().await.is_some());
    assert!(exit.turn().await.is_none());
    let (entrance, exit) = line::<Run>();
    drop(exit);
    assert!(entrance.is_closed());
    put(&entrance, "moh/kandal", 1, 1).await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_meanwhile_waits_for_one_append_and_not_for_what_is_left_of_a_turn() {
    let (entrance, mut exit) = line();
    let kampot = office("mlvt/kampot");
    put(&entrance, "mlvt/kampot", 1, 6).await;
    let mut turn = exit.turn().await.expect("work");
    let mut left = std::mem::take(&mut turn.work);
    left.pop_front().expect("the first one");
    put(&entrance, "moh/kandal", 1, 1).await;
    let left = left.into_iter().map(|run| (kampot.clone(), run));
    exit.end(turn, left, Rest::AmongOthers(1.0));
    let next = exit.turn().await.expect("work");
    let counts = HashMap::from([("mlvt/kampot", 5), ("moh/kandal", 1)]);
    assert_eq!(counted(&next), counts);
}

#[tokio::test(start_paused = true)]
async fn the_next_turn_begins_with_another_office() {
    let (entrance, mut exit) = line();
    for of in ["moh/kandal", "moh/takeo"] {
        put(&entrance, of, 1, 1).await;
    }
    let first = |turn: Option<Turn<Run>>| turn.expect("work").work[0].0;
    assert_eq!(first(exit.turn().await), "moh/kandal");
    for of in ["moh/kandal", "moh/takeo"] {
        put(&entrance, of, 1, 1).await;
    }
    assert_eq!(first(exit.turn().await), "moh/takeo");
}
