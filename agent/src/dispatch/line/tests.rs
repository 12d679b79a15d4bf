//! What each answer asks for.

use schemas::event::Hash;

use super::super::tests::{Notary, event_at, log};
use super::*;

/// A line with so many events under way, and the events.
fn line(under_way: u64) -> (Line, Vec<SignedEvent>) {
    let mut events = Vec::new();
    let mut line = Line::new(log(), Head::empty(Hash::of(b"genesis")));
    for number in 1..=under_way {
        let link = line.next().expect("nothing has stopped it");
        let event = event_at(&format!("event-{number}"), link);
        let settled = Settled::of(&event);
        line.sent(&event, Sent::Waiting { number, settled });
        events.push(event);
    }
    (line, events)
}

fn stored(receipt: Option<Receipt>) -> Answer {
    Answer::Stored {
        sequence: 1,
        duplicate: false,
        receipt: receipt.map(|receipt| Ok(Box::new(receipt))),
    }
}

fn held(head: Option<u64>) -> Answer {
    Answer::Held {
        code: CodeName::read("bus-unavailable"),
        head,
        text: "not now".into(),
    }
}

fn refused() -> Answer {
    Answer::Refused {
        code: CodeName::read("not-json"),
        body: "{}".into(),
    }
}

#[test]
fn a_refused_event_leaves_the_line_and_those_behind_it_are_numbered_anew() {
    let ((mut line, events), notary) = (line(3), Notary::new());
    let receipt = notary.receipt(&events[0]);
    let settled = line.answered(stored(Some(receipt)), &notary.registry);
    assert!(matches!(settled, Effect::Settle(_)));
    let refusal = line.answered(refused(), &notary.registry);
    assert!(matches!(refusal, Effect::Refuse { number: 2, .. }));
    assert_eq!((line.next(), line.stopped()), (None, None));
    let behind = line.answered(held(Some(1)), &notary.registry);
    assert!(matches!(behind, Effect::Nothing));
    assert_eq!(line.stopped(), Some(&Stop::ReadHead));
}

#[test]
fn a_log_does_not_go_on_without_its_notice() {
    let notary = Notary::new();
    let mut line = Line::new(log(), Head::empty(Hash::of(b"genesis")));
    let event = event_at(
        "log-resumed-1-1",
        line.next().expect("nothing has stopped it"),
    );
    line.sent(&event, Sent::Notice(Settled::of(&event)));
    let answered = line.answered(refused(), &notary.registry);
    assert!(matches!(answered, Effect::Nothing));
    let stopped = line.stopped();
    assert!(
        matches!(stopped, Some(Stop::Wait { code, .. }) if code == "not-json"),
        "{stopped:?}"
    );
}

#[test]
fn behind_a_stop_nothing_is_settled() {
    let ((mut line, events), notary) = (line(2), Notary::new());
    line.answered(held(None), &notary.registry);
    let receipt = notary.receipt(&events[1]);
    let behind = line.answered(stored(Some(receipt)), &notary.registry);
    assert!(matches!(behind, Effect::Nothing));
    assert!(matches!(line.stopped(), Some(Stop::Wait { code, .. }) if code == "bus-unavailable"));
}

#[test]
fn an_event_of_the_own_log_that_is_refused_goes_back_into_line() {
    let mut line = Line::new(log(), Head::empty(Hash::of(b"genesis")));
    let event = event_at("event-1", line.next().expect("nothing has stopped it"));
    line.sent(&event, Sent::Own);
    let effect = line.answered(refused(), &Notary::new().registry);
    assert!(matches!(effect, Effect::PutBack { from } if from == Position::FIRST));
}

#[test]
fn a_session_that_ends_leaves_everything_unreachable() {
    let (mut line, _) = line(2);
    line.answered(Answer::Unreachable, &Notary::new().registry);
    assert_eq!(line.under_way(), 1);
    assert_eq!(line.abandon(), Stop::Ended);
}

#[test]
fn one_receipt_settles_a_run_and_a_bare_acknowledgement_settles_nothing() {
    let ((mut line, events), notary) = (line(4), Notary::new());
    for _ in 0..2 {
        let bare = line.answered(stored(None), &notary.registry);
        assert!(matches!(bare, Effect::Nothing));
    }
    let receipt = notary.receipt(&events[2]);
    let settled = line.answered(stored(Some(receipt)), &notary.registry);
    assert!(matches!(settled, Effect::Settle(vouched) if vouched.events() == 3));
    // Nothing is to come that could cover the last one.
    line.answered(stored(None), &notary.registry);
    assert_eq!(line.stopped(), Some(&Stop::ReadHead));
}

#[test]
fn a_receipt_that_proves_nothing_is_an_alarm_and_settles_nothing() {
    let notary = Notary::new();
    let stranger = Notary::new();
    type Made<'a> = &'a dyn Fn(&[SignedEvent]) -> Receipt;
    let bad: [Made<'_>; 2] = [&|events| notary.receipt(&events[1]), &|events| {
        stranger.receipt(&events[0])
    }];
    for made in bad {
        let (mut line, events) = line(2);
        let effect = line.answered(stored(Some(made(&events))), &notary.registry);
        assert!(matches!(effect, Effect::Alarm { .. }));
        let good = notary.receipt(&events[1]);
        let behind = line.answered(stored(Some(good)), &notary.registry);
        assert!(matches!(behind, Effect::Nothing));
        assert!(
            matches!(line.stopped(), Some(Stop::Wait { code, .. }) if *code == Alarm::ReceiptInvalid)
        );
    }
}
