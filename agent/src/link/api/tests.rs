//! What JetStream's answers are read as, and which of them are none.

use super::*;

#[test]
fn a_message_elsewhere_than_it_was_asked_for_is_no_answer() {
    for (sequence, from, good) in [
        (7, 7, true),
        (9, 7, true),
        (SEQUENCE_MAX, 7, true),
        (6, 7, false),
        (0, 1, false),
        (SEQUENCE_MAX + 1, 7, false),
        (u64::MAX, 7, false),
    ] {
        assert_eq!(placed(sequence, from).is_ok(), good, "{sequence}");
    }
}

#[test]
fn no_such_message_is_an_answer_and_all_else_is_none() {
    let missing =
        br#"{"type":"x","error":{"code":404,"err_code":10037,"description":"no message found"}}"#;
    assert!(matches!(read::<MessageResponse>(missing), Ok(None)));
    let busy = br#"{"error":{"code":503,"err_code":10008,"description":"unavailable"}}"#;
    assert!(matches!(
        read::<MessageResponse>(busy),
        Err(NoAnswer::Held { code, .. }) if code == "bus-unavailable"
    ));
    let held =
        br#"{"error":{"code":503},"spean":{"answer":"held","code":"feed-unknown","en":"no"}}"#;
    assert!(matches!(
        read::<MessageResponse>(held),
        Err(NoAnswer::Held { code, .. }) if code == "feed-unknown"
    ));
    assert!(read::<MessageResponse>(b"{}").is_err());
}

#[test]
fn a_count_is_the_log_s_and_not_the_stream_s() {
    let info =
        br#"{"state":{"messages":9,"first_seq":1,"last_seq":90,"subjects":{"spean.log.a.b.c":3}}}"#;
    let read: Option<InfoResponse> = read(info).expect("it can be read");
    let state = read.expect("it says something").state;
    assert_eq!(state.subjects.values().sum::<u64>(), 3);
    assert_eq!((state.first_seq, state.last_seq), (1, 90));
}
