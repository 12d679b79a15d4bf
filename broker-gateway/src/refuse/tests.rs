use std::path::Path;

use schemas::event::{AttributeFault, Position, Timestamp};

use super::*;

/// The answers to publishes that every client must be able to read, one body a line: a line that changes breaks somebody's client.
/// `GOLDEN=write` writes it, for a change that is meant.
const GOLDEN: &str = "golden/answers.ndjson";

fn detail() -> Detail {
    Detail::new("/orgUnit", "it is KH99", "គឺ KH99")
}

/// One of each code. A new one breaks `after_*` below until it stands here.
fn refusals() -> Vec<Refusal> {
    let mut all = vec![Refusal::HeaderMalformed];
    while let Some(next) = after_refusal(all.last().expect("never empty")) {
        all.push(next);
    }
    all
}

fn after_refusal(refusal: &Refusal) -> Option<Refusal> {
    let name = || "Nats-Msg-Id".to_owned();
    Some(match refusal {
        Refusal::HeaderMalformed => Refusal::HeaderForbidden { name: name() },
        Refusal::HeaderForbidden { .. } => Refusal::HeaderRepeated { name: name() },
        Refusal::HeaderRepeated { .. } => Refusal::AttributeMissing { name: "type" },
        Refusal::AttributeMissing { .. } => Refusal::AttributeInvalid(vec![attribute()]),
        Refusal::AttributeInvalid(_) => Refusal::AttributeUnknown {
            name: "traceparent".to_owned(),
        },
        Refusal::AttributeUnknown { .. } => Refusal::Unsigned,
        Refusal::Unsigned => Refusal::AttributesUnsigned,
        Refusal::AttributesUnsigned => Refusal::MaterialMalformed,
        Refusal::MaterialMalformed => Refusal::MaterialNotCanonical,
        Refusal::MaterialNotCanonical => Refusal::DigestMismatch,
        Refusal::DigestMismatch => Refusal::SignatureInvalid,
        Refusal::SignatureInvalid => Refusal::SignerMismatch,
        Refusal::SignerMismatch => Refusal::KeyRetired {
            at: Position::FIRST,
        },
        Refusal::KeyRetired { .. } => Refusal::SourceMismatch,
        Refusal::SourceMismatch => Refusal::NotYourLog,
        Refusal::NotYourLog => Refusal::TooLarge,
        Refusal::TooLarge => Refusal::NotJson(detail()),
        Refusal::NotJson(_) => Refusal::ContractViolated(vec![detail(), detail()]),
        Refusal::ContractViolated(_) => Refusal::TypeNotOfFeed,
        Refusal::TypeNotOfFeed => Refusal::SchemaNotOfFeed,
        Refusal::SchemaNotOfFeed => Refusal::RowNotYours(detail()),
        Refusal::RowNotYours(_) => Refusal::SubjectForbidden,
        Refusal::SubjectForbidden => Refusal::RequestMalformed(detail()),
        Refusal::RequestMalformed(_) => Refusal::RequestForbidden(detail()),
        Refusal::RequestForbidden(_) => Refusal::ConfirmationMalformed,
        Refusal::ConfirmationMalformed => Refusal::ConfirmationNotYours,
        Refusal::ConfirmationNotYours => Refusal::ConfirmationUnproved,
        Refusal::ConfirmationUnproved => Refusal::TimeOutOfReach {
            time: time("9999-12-31T23:59:59Z"),
            now: time("2026-10-02T03:00:00Z"),
        },
        Refusal::TimeOutOfReach { .. } => return None,
    })
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn attribute() -> AttributeFault {
    "x".parse::<Position>().expect_err("not a position")
}

fn holds() -> Vec<Hold> {
    let mut all = vec![Hold::FeedUnknown];
    while let Some(next) = after_hold(all.last().expect("never empty")) {
        all.push(next);
    }
    all
}

fn after_hold(hold: &Hold) -> Option<Hold> {
    let head = 7;
    Some(match hold {
        Hold::FeedUnknown => Hold::OfficeUnknown,
        Hold::OfficeUnknown => Hold::GrantUnknown,
        Hold::GrantUnknown => Hold::KeyUnknown,
        Hold::KeyUnknown => Hold::ContractUnknown,
        Hold::ContractUnknown => Hold::PositionAhead { head },
        Hold::PositionAhead { .. } => Hold::PositionTaken { head },
        Hold::PositionTaken { .. } => Hold::ChainMismatch { head },
        Hold::ChainMismatch { .. } => Hold::PositionConfirmed {
            position: Position::new(14).expect("a position"),
            reader: "moh/hq".parse().expect("an office"),
        },
        Hold::PositionConfirmed { .. } => Hold::ClockWrong {
            recorded: time("2036-10-02T03:00:00Z"),
            now: time("2026-10-02T03:00:00Z"),
        },
        Hold::ClockWrong { .. } => Hold::PositionUnproved {
            position: Position::new(14).expect("a position"),
        },
        Hold::PositionUnproved { .. } => Hold::LogUnreadable,
        Hold::LogUnreadable => Hold::LogFormatUnknown { format: 2 },
        Hold::LogFormatUnknown { .. } => Hold::BusUnavailable,
        Hold::BusUnavailable => Hold::BusFull,
        Hold::BusFull => Hold::BusUnreadable { retry_after_s: 7 },
        Hold::BusUnreadable { .. } => Hold::BusUnwritable { retry_after_s: 7 },
        Hold::BusUnwritable { .. } => Hold::BoundReached {
            detail: Box::new(Detail::new("name", "en", "km")),
            retry_after_s: 7,
        },
        Hold::BoundReached { .. } => Hold::OfficeRoomUsed {
            used: 8_000,
            part: 8_192,
        },
        Hold::OfficeRoomUsed { .. } => Hold::AskedTooOften,
        Hold::AskedTooOften => Hold::OfficeOverBudget { retry_after_s: 7 },
        Hold::OfficeOverBudget { .. } => Hold::OfficeClosed,
        Hold::OfficeClosed => Hold::CertificateRevoked,
        Hold::CertificateRevoked => return None,
    })
}

fn answers() -> Vec<Answer> {
    let stored = |duplicate, receipt| Answer::Stored {
        stream: feed(),
        seq: 42,
        duplicate,
        receipt,
    };
    let receipt = || Some(Box::new(receipt()));
    [
        stored(false, None),
        stored(true, None),
        stored(false, receipt()),
        stored(true, receipt()),
    ]
    .into_iter()
    .chain(refusals().into_iter().map(Answer::Refused))
    .chain(holds().into_iter().map(Answer::Held))
    .collect()
}

/// As the golden vectors have it.
fn receipt() -> Receipt {
    let text = include_str!("../../../schemas/vectors/receipt.json");
    serde_json::from_str(text).expect("a receipt")
}

fn feed() -> FeedName {
    "health-quarterly".parse().expect("a name")
}

#[test]
fn every_answer_is_written_as_its_golden_line() {
    let written: Vec<String> = answers()
        .iter()
        .map(|answer| String::from_utf8_lossy(&answer.body(&feed(), 12)).into_owned())
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    if std::env::var_os("GOLDEN").is_some_and(|given| given == "write") {
        std::fs::write(&path, written.join("\n") + "\n").expect("written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    for (written, expected) in written.iter().zip(golden.lines()) {
        assert_eq!(written, expected);
    }
    assert_eq!(
        written.len(),
        golden.lines().count(),
        "{}",
        written.join("\n")
    );
}

#[test]
fn a_code_and_a_number_name_one_answer_each() {
    let codes: Vec<Code> = refusals()
        .iter()
        .map(Refusal::code)
        .chain(holds().iter().map(Hold::code))
        .collect();
    let count = |of: &dyn Fn(&Code) -> String| {
        let all: std::collections::BTreeSet<String> = codes.iter().map(of).collect();
        all.len()
    };
    assert_eq!(count(&|code| code.name.to_owned()), codes.len());
    assert_eq!(count(&|code| code.number.to_string()), codes.len());
}

#[test]
fn a_status_line_stays_on_one_line() {
    let no = No::Refused(Refusal::RequestForbidden(Detail::new("", "a\r\nb: c", "")));
    assert_eq!(no.status(), "NATS/1.0 403 request-forbidden: ab: c\r\n\r\n");
}
