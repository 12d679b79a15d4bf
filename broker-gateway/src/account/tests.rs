//! Offices spend and sit on a clock that stands still until it is waited on.

use tokio::time::advance;

use super::*;
use crate::limits::{
    BUDGET_HELD_MAX, BUDGET_SHORT_MAX, HEAL_REQUEST_BYTES_MAX, HEAL_REQUEST_BYTES_TIME,
    MINISTRY_SESSIONS_MAX, OFFICE_SESSIONS_MAX, SEAT_SILENCE_MIN,
};

fn office(text: &str) -> OfficeId {
    text.parse().expect("an office")
}

/// All that an account holds when nothing was spent.
fn all_held() -> Duration {
    BUDGET_HELD_MAX.mul_f64(OFFICE_WORK_SHARE)
}

#[tokio::test(start_paused = true)]
async fn who_spends_its_part_and_no_more_never_waits() {
    let account = Accounts::default().of(&office("moh/kandal"));
    let began = Instant::now();
    for _ in 0..1_000 {
        advance(Duration::from_millis(10)).await;
        account.pay(Duration::from_millis(10).mul_f64(OFFICE_WORK_SHARE));
        account.solvent().await.expect("never over its budget");
    }
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn who_spends_more_is_slowed_to_its_part_then_told_and_others_notice_nothing() {
    let accounts = Accounts::default();
    let (greedy, other) = (
        accounts.of(&office("mlvt/kampot")),
        accounts.of(&office("moh/kandal")),
    );
    let (began, mut done) = (Instant::now(), Duration::ZERO);
    let told = loop {
        match greedy.solvent().await {
            Ok(()) => {
                greedy.pay(Duration::from_millis(5));
                done += Duration::from_millis(5);
            }
            Err(told) => break told,
        }
    };
    let slowed = began.elapsed();
    assert!(slowed >= BUDGET_SHORT_MAX, "told after {slowed:?}");
    let part = all_held() + slowed.mul_f64(OFFICE_WORK_SHARE);
    assert!(
        done <= part + Duration::from_millis(5),
        "{done:?} of {part:?}"
    );
    assert!(told.retry_after > Duration::ZERO);
    let before = Instant::now();
    other.solvent().await.expect("nothing of it was spent");
    assert_eq!(before.elapsed(), Duration::ZERO);
    advance(told.retry_after).await;
    greedy
        .solvent()
        .await
        .expect("solvent again, as it was told");
}

#[tokio::test(start_paused = true)]
async fn the_sessions_of_an_office_and_the_offices_of_a_ministry_share() {
    let accounts = Accounts::default();
    let account = accounts.of(&office("moh/kandal"));
    account.pay(all_held() + Duration::from_millis(200));
    let again = accounts.of(&office("moh/kandal"));
    let began = Instant::now();
    again.solvent().await.expect("only slowed");
    assert!(began.elapsed() >= Duration::from_secs(1));
    let most = BUDGET_HELD_MAX.mul_f64(MINISTRY_WORK_SHARE);
    for place in ["takeo", "kampot", "siem-reap", "kep"] {
        accounts.of(&office(&format!("mlvt/{place}"))).pay(most / 4);
    }
    let began = Instant::now();
    let fifth = accounts.of(&office("mlvt/pursat"));
    fifth.pay(Duration::from_millis(60));
    fifth.solvent().await.expect("only slowed");
    assert!(began.elapsed() > Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_an_office_owes_is_its_own_and_its_ministry_does_not_wait_for_it() {
    let accounts = Accounts::default();
    let greedy = accounts.of(&office("mlvt/kampot"));
    greedy.pay(Duration::from_secs(3));
    let other = accounts.of(&office("mlvt/kandal"));
    let began = Instant::now();
    other.solvent().await.expect("nothing of it was spent");
    assert_eq!(began.elapsed(), Duration::ZERO);
    // What comes down to the greedy one comes as slowly as it is paid for.
    greedy.paced().await;
    assert_eq!(began.elapsed(), BUDGET_SLOWED_WAIT);
}

#[tokio::test(start_paused = true)]
async fn requests_to_heal_of_all_sessions_are_so_many_bytes_a_minute() {
    let accounts = Accounts::default();
    let asked = |_: &usize| accounts.of(&office("mlvt/kampot")).may_ask_to_heal(1_000);
    assert_eq!(
        (0..100).filter(asked).count(),
        HEAL_REQUEST_BYTES_MAX / 1_000
    );
    advance(HEAL_REQUEST_BYTES_TIME).await;
    assert!(accounts.of(&office("mlvt/kampot")).may_ask_to_heal(1_000));
}

#[tokio::test(start_paused = true)]
async fn an_office_has_so_many_seats_and_the_silent_one_makes_room() {
    let seats = Seats::new(1_000);
    let kampot = office("mlvt/kampot");
    let all: Vec<Seat> = std::iter::from_fn(|| seats.take(&kampot).ok()).collect();
    assert_eq!(all.len(), OFFICE_SESSIONS_MAX);
    assert!(seats.take(&office("mlvt/kep")).is_ok());
    advance(SEAT_SILENCE_MIN).await;
    all.iter().skip(1).for_each(Seat::hear);
    let newcomer = seats
        .take(&kampot)
        .expect("the silent one gives up its seat");
    assert!(all[0].given_up.is_cancelled());
    assert!(all.iter().skip(1).all(|seat| !seat.given_up.is_cancelled()));
    assert!(seats.take(&kampot).is_err());
    drop(newcomer);
    assert!(seats.take(&kampot).is_ok());
}

#[tokio::test(start_paused = true)]
async fn where_a_ministry_has_all_its_seats_its_greediest_office_makes_room() {
    let seats = Seats::new(1_000);
    let places = [
        "takeo", "kampot", "kep", "pursat", "kandal", "kratie", "pailin", "koh-kong",
    ];
    assert_eq!(places.len() * OFFICE_SESSIONS_MAX, MINISTRY_SESSIONS_MAX);
    let mut all = Vec::new();
    for place in places {
        let of_place = office(&format!("moh/{place}"));
        all.extend(std::iter::from_fn(|| seats.take(&of_place).ok()));
    }
    assert_eq!(seats.take(&office("moh/siem-reap")).err(), Some(Full));
    assert!(seats.take(&office("maff/siem-reap")).is_ok());
    advance(SEAT_SILENCE_MIN).await;
    let _seat = seats.take(&office("moh/siem-reap")).expect("room was made");
    assert_eq!(
        all.iter()
            .filter(|seat| seat.given_up.is_cancelled())
            .count(),
        1
    );
}
