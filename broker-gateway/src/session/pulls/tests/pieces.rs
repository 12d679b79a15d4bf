//! Pulls in pieces: what is asked of nats-server at once, and what their clients see of it.

use crate::limits::{
    OFFICE_PULLS_MAX, PULL_BYTES_AT_ONCE, PULL_BYTES_WAITING, PULL_LARGE_TIME, READ_UNHEARD_TIME,
};

use super::*;

const REPLY: &str = "_INBOX.moh.hq.p";
const SOON: Duration = Duration::from_secs(60);

fn ended(line: &str, messages: u64, bytes: u64) -> Delivery {
    ended_at(REPLY, line, messages, bytes)
}

fn ended_at(reply: &str, line: &str, messages: u64, bytes: u64) -> Delivery {
    let counts = format!("Nats-Pending-Messages: {messages}\r\nNats-Pending-Bytes: {bytes}");
    status(reply, &format!("{line}\r\n{counts}"))
}

const FULL: &str = "409 Message Size Exceeds MaxBytes";
const TIMED_OUT: &str = "408 Request Timeout";
const COMPLETED: &str = "409 Batch Completed";

/// The body of the piece with which a pull goes on.
fn next(pulls: &Pulls, end: &Delivery) -> Value {
    match pulls.hear(end) {
        Passes::GoesOn(piece) => body(&piece),
        other => panic!("{other:?}"),
    }
}

fn told(reply: &str, line: &str, messages: u64, bytes: u64) -> Passes {
    Passes::Ended {
        reply: subject(reply),
        told: Told {
            status: line.to_owned(),
            messages,
            bytes,
        },
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("not for ever")
}

#[tokio::test(start_paused = true)]
async fn a_pull_is_small_while_it_waits_and_large_while_it_brings() {
    let pulls = pulls();
    let first = try_ask(&pulls, REPLY, json!({ "batch": 5_000, "expires": LONG }));
    let first = first.expect("asked for");
    assert_eq!(first["max_bytes"], PULL_BYTES_WAITING);
    assert_eq!(first["expires"], LONG);
    advance(SOON).await;
    let second = next(&pulls, &ended(FULL, 4_980, 100));
    assert_eq!(second["batch"], 4_980);
    assert_eq!(second["max_bytes"], PULL_BYTES_AT_ONCE);
    assert_eq!(second["expires"], nanos(PULL_LARGE_TIME));
    let third = next(&pulls, &ended(FULL, 4_500, 100));
    assert_eq!(third["max_bytes"], PULL_BYTES_AT_ONCE);
    // Nothing more was there: it waits again, for the rest of its time.
    let fourth = next(&pulls, &ended(TIMED_OUT, 4_400, 500_000));
    assert_eq!(fourth["batch"], 4_400);
    assert_eq!(fourth["max_bytes"], PULL_BYTES_WAITING);
    assert_eq!(fourth["expires"], LONG - nanos(SOON));
    let end = pulls.hear(&ended(TIMED_OUT, 4_400, PULL_BYTES_WAITING));
    assert_eq!(end, told(REPLY, TIMED_OUT, 4_400, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_s_own_bound_is_told_as_nats_server_tells_it() {
    let pulls = pulls();
    let own = json!({ "batch": 500, "max_bytes": 1_000_000, "expires": LONG });
    ask(&pulls, REPLY, own.clone());
    let brought = PULL_BYTES_WAITING - 768;
    let second = next(&pulls, &ended(FULL, 480, 768));
    assert_eq!(second["max_bytes"], 1_000_000 - brought);
    let end = pulls.hear(&ended(FULL, 10, 77));
    assert_eq!(end, told(REPLY, FULL, 10, 77));
    ask(&pulls, REPLY, own);
    let end = pulls.hear(&ended(COMPLETED, 0, 768));
    assert_eq!(end, told(REPLY, COMPLETED, 0, 1_000_000 - brought));
    // Who named no bytes hears nothing of them.
    ask(&pulls, REPLY, json!({ "batch": 5, "expires": LONG }));
    let end = pulls.hear(&ended(COMPLETED, 0, 768));
    assert_eq!(end, Passes::NoFurther);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_wait_does_not_wait_in_pieces_either() {
    let pulls = pulls();
    ask(&pulls, REPLY, json!({ "batch": 500, "no_wait": true }));
    let second = next(&pulls, &ended(FULL, 480, 768));
    assert_eq!(second["no_wait"], true);
    assert_eq!(second["expires"], Value::Null);
    let end = pulls.hear(&ended(TIMED_OUT, 3, 768));
    assert_eq!(end, told(REPLY, TIMED_OUT, 3, 0));
    // One that waits for ever waits small.
    ask(&pulls, REPLY, json!({ "batch": 500 }));
    let second = next(&pulls, &ended(FULL, 480, 768));
    assert_eq!(second["expires"], nanos(PULL_LARGE_TIME));
    let third = next(&pulls, &ended(TIMED_OUT, 470, 768));
    assert_eq!(third["expires"], Value::Null);
    assert_eq!(third["max_bytes"], PULL_BYTES_WAITING);
}

#[tokio::test(start_paused = true)]
async fn without_room_a_pull_goes_on_small_or_waits_where_the_next_event_is_large() {
    let pulls = pulls();
    let replies = ["a", "b", "c", "d"].map(|last| format!("_INBOX.moh.hq.{last}"));
    for reply in &replies {
        ask(&pulls, reply, json!({ "batch": 500, "expires": LONG }));
    }
    let [a, b, c, d] = &replies;
    for reply in [a, b] {
        let large = next(&pulls, &ended_at(reply, FULL, 480, 768));
        assert_eq!(large["max_bytes"], PULL_BYTES_AT_ONCE);
    }
    let small = next(&pulls, &ended_at(c, FULL, 480, 768));
    assert_eq!(small["max_bytes"], PULL_BYTES_WAITING);
    let waits = pulls.hear(&ended_at(d, FULL, 500, PULL_BYTES_WAITING));
    assert_eq!(waits, Passes::NoFurther);
    assert!(timeout(SOON, pulls.large()).await.is_err(), "no room");
    next(&pulls, &ended_at(b, TIMED_OUT, 400, 768));
    let large = timeout(SOON, pulls.large()).await.expect("room");
    assert!(
        large.starts_with(b"PUB $JS.API.CONSUMER.MSG.NEXT."),
        "{large:?}"
    );
    let large = body(&large);
    assert_eq!(large["batch"], 500);
    assert_eq!(large["max_bytes"], PULL_BYTES_AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn an_office_has_as_many_pulls_and_one_consumer_s_on_a_subject() {
    let pulls = pulls();
    let said = json!({ "batch": 3, "expires": LONG });
    for _ in 0..OFFICE_PULLS_MAX {
        ask(&pulls, REPLY, said.clone());
    }
    let more = try_ask(&pulls, REPLY, said.clone());
    assert_eq!(more, Err(NotAsked::TooMany));
    let other = pull_of("moh_hq_2", said.clone());
    let other = pulls.ask(&other, &subject(REPLY));
    assert_eq!(other, Err(NotAsked::ReplyTaken));
    pulls.hear(&ended(TIMED_OUT, 3, PULL_BYTES_WAITING));
    ask(&pulls, REPLY, said.clone());
    let more = try_ask(&pulls, REPLY, said);
    assert_eq!(more, Err(NotAsked::TooMany));
}

/// What has to be large, while that is forgotten of which nothing is heard.
async fn large_meanwhile(pulls: &Pulls, heard: &Subscriptions) -> Bytes {
    tokio::select! {
        () = pulls.forget(heard) => unreachable!("it has no end"),
        large = pulls.large() => large,
    }
}

/// Nobody says so when a pull ends to whose answers nobody listens.
#[tokio::test(start_paused = true)]
async fn what_nobody_listens_to_any_more_gives_its_room_back_without_a_word() {
    let (pulls, deaf) = (pulls(), Subscriptions::new(Ears::new(1)));
    for reply in ["_INBOX.moh.hq.a", "_INBOX.moh.hq.b", "_INBOX.moh.hq.c"] {
        ask(&pulls, reply, json!({ "batch": 500, "expires": LONG }));
    }
    for reply in ["_INBOX.moh.hq.a", "_INBOX.moh.hq.b"] {
        next(&pulls, &ended_at(reply, FULL, 480, 768));
    }
    let waits = ended_at("_INBOX.moh.hq.c", FULL, 500, PULL_BYTES_WAITING);
    assert_eq!(pulls.hear(&waits), Passes::NoFurther);
    // Only what was listened to counts as silence.
    let unheard = timeout(READ_UNHEARD_TIME * 2, large_meanwhile(&pulls, &deaf)).await;
    assert!(unheard.is_err(), "{unheard:?}");
    let listening = silence_that_ends(&pulls, READ_UNHEARD_TIME * 2);
    let heard = listening_to("_INBOX.moh.hq.c");
    let forgetting = large_meanwhile(&pulls, &heard);
    let (listened, large) = tokio::join!(listening, forgetting);
    assert_eq!(listened, Ok(()));
    assert_eq!(body(&large)["max_bytes"], PULL_BYTES_AT_ONCE);
}

/// A client may have several pulls of one consumer answered on one subject, as some stock clients do.
#[tokio::test(start_paused = true)]
async fn ends_on_one_subject_are_told_apart_by_what_they_brought() {
    let pulls = pulls();
    for batch in [100, 500] {
        ask(&pulls, REPLY, json!({ "batch": batch, "expires": LONG }));
    }
    let large = next(&pulls, &ended(FULL, 480, 768));
    assert_eq!(large["batch"], 480);
    assert_eq!(large["max_bytes"], PULL_BYTES_AT_ONCE);
    let other = next(&pulls, &ended(FULL, 90, 768));
    assert_eq!(other["batch"], 90);
    assert_eq!(other["max_bytes"], PULL_BYTES_AT_ONCE);
}
