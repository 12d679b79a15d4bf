//! Every problem comes in, its golden body is compared. A body never changes unseen.

use std::collections::BTreeSet;

use super::*;

/// Every problem of the agent's own, and one refusal and one hold.
fn problems() -> Vec<Problem> {
    let detail = Detail::new("/price", "must be text in quotes", "ត្រូវជាអក្សរ");
    let attribute = schemas::event::AttributeFault {
        attribute: "time",
        must: schemas::event::Must::BeTime,
    };
    vec![
        Problem::Refused(Refusal::ContractViolated(vec![detail])),
        Problem::Refused(Refusal::AttributeInvalid(vec![attribute])),
        Problem::Held(Hold::GrantUnknown),
        Problem::FeedUnnamed,
        Problem::CausationMissing,
        Problem::IdTaken { id: "7".into() },
        Problem::KeyMalformed,
        Problem::BodyTooLarge,
        Problem::BodyIncomplete,
        Problem::MediaTypeUnsupported,
        Problem::ContentEncodingUnsupported,
        Problem::HeaderUnreadable {
            name: "ce-subject".into(),
        },
        Problem::BatchEmpty,
        Problem::BatchTooLong,
        Problem::BatchRefused(vec![(3, Problem::FeedUnnamed)]),
        Problem::DiskFull(Full::Budget {
            used: 9,
            budget: 10,
        }),
        Problem::StoreUnavailable,
        Problem::TokenMissing,
        Problem::TokenWrong,
        Problem::HostForeign,
        Problem::OriginForeign,
        Problem::QueryMalformed {
            parameter: "after",
            must: QueryMust::BeNumber,
        },
        Problem::PathMalformed,
        Problem::EventNotFound,
        Problem::LogNotFound,
        Problem::FeedNotFound {
            readable: Vec::new(),
        },
        Problem::FeedNotReadable {
            readable: vec!["price-bulletin".parse().expect("a feed")],
        },
        Problem::StreamsTaken,
        Problem::ReceiptNotYet,
        Problem::EventPruned,
        Problem::NumberingAnew,
        Problem::DeliveryNotFound,
        Problem::DeliveryNotDue,
        Problem::DeliveryNothingThere,
        Problem::DeliveryBusy,
        Problem::PathNotFound,
        Problem::MethodNotAllowed,
        Problem::HttpMalformed,
        Problem::PathTooLong,
        Problem::HeadersTooLarge,
    ]
}

#[test]
fn each_problem_has_its_golden_body() {
    let mut golden = include_str!("golden.ndjson").lines();
    for problem in problems() {
        assert_eq!(
            problem.body().to_string(),
            golden.next().unwrap_or_default()
        );
    }
    assert_eq!(golden.next(), None);
}

#[test]
fn no_two_problems_share_a_code_and_each_speaks_both_languages() {
    let mut codes = BTreeSet::new();
    for problem in problems() {
        assert!(codes.insert(problem.code()), "{}", problem.code());
        let khmer = |c: char| ('\u{1780}'..='\u{17ff}').contains(&c);
        assert!(problem.km().chars().any(khmer) && !problem.en().chars().any(khmer));
    }
}
