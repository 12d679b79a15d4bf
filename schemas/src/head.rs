//! Where a log ends: answers of the bus come in, the next question or the head's place goes out. No socket here.
//! The gateway asks before its first append, the office before it numbers anything, and both by this rule (it is the same
//! search, so they agree): the last message is the head; where the bus knows none, but still counts some, the highest
//! message that it can read is. Behind it a gap declaration may stand: then the log ends where that one says that it goes on.

use crate::chain::Head;
use crate::event::Position;
use crate::notice::GapDeclared;
use crate::signing::SignedEvent;
use crate::subject::{LogName, LogSubject};

/// What to ask the stream's leader next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// `STREAM.MSG.GET` with `last_by_subj`.
    Last,
    /// `STREAM.INFO` with `subjects_filter`: how many messages the log counts, and the stream's first and last sequence.
    Count,
    /// `STREAM.MSG.GET` with `seq` and `next_by_subj`: the first message of the log from there on.
    From(u64),
    /// The same on the subject of the log's gap declarations; who asks keeps what comes, for [`behind`].
    Gap(u64),
}

/// What the leader answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A message of the log, or a declaration, by its stream sequence.
    Message(u64),
    /// Error 10037 or 404: no such message.
    None,
    Count {
        messages: u64,
        first: u64,
        last: u64,
    },
}

/// What is known of the log's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Ask(Ask),
    /// The last event is the message with this stream sequence; None where the log has none. What was declared behind it was told.
    Found(Option<u64>),
}

/// The search for one log's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadSearch {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Last,
    Count,
    /// `found` can be read; behind `unread_from` nothing can; `probe` was asked for.
    Between {
        found: Option<u64>,
        probe: u64,
        unread_from: u64,
    },
    /// The last event was found; declarations behind it are asked for, from a sequence on.
    Gaps {
        found: Option<u64>,
        from: u64,
    },
}

impl HeadSearch {
    /// The search, and its first question.
    pub fn begin() -> (HeadSearch, Ask) {
        (HeadSearch { state: State::Last }, Ask::Last)
    }

    /// Takes the answer to the last question. An answer that fits no question asks it again, so that no head is made up.
    pub fn answer(&mut self, answer: Answer) -> Step {
        match (self.state, answer) {
            (State::Last, Answer::Message(sequence)) => {
                self.gaps(Some(sequence), sequence.saturating_add(1))
            }
            (State::Last, Answer::None) => {
                self.state = State::Count;
                Step::Ask(Ask::Count)
            }
            (State::Count, Answer::Count { messages: 0, .. }) => self.gaps(None, 1),
            (State::Count, Answer::Count { first, last, .. }) => {
                self.probe(None, first, last.saturating_add(1))
            }
            (
                State::Between {
                    probe, unread_from, ..
                },
                Answer::Message(sequence),
            ) => {
                let from = sequence.max(probe).saturating_add(1);
                self.probe(Some(sequence), from, unread_from)
            }
            (State::Between { found, probe, .. }, Answer::None) => {
                let from = found.map_or(probe, |found| found.saturating_add(1));
                self.probe(found, from, probe)
            }
            (State::Last, Answer::Count { .. }) => Step::Ask(Ask::Last),
            (State::Count, Answer::Message(_) | Answer::None) => Step::Ask(Ask::Count),
            (State::Between { probe, .. }, Answer::Count { .. }) => Step::Ask(Ask::From(probe)),
            (State::Gaps { found, from }, Answer::Message(sequence)) => {
                self.gaps(found, sequence.max(from).saturating_add(1))
            }
            (State::Gaps { found, .. }, Answer::None) => Step::Found(found),
            (State::Gaps { from, .. }, Answer::Count { .. }) => Step::Ask(Ask::Gap(from)),
        }
    }

    /// Halves what is not known yet: `from..unread_from`.
    fn probe(&mut self, found: Option<u64>, from: u64, unread_from: u64) -> Step {
        if from >= unread_from {
            return self.gaps(found, found.map_or(1, |found| found.saturating_add(1)));
        }
        let probe = match found {
            None => from,
            Some(_) => from.midpoint(unread_from),
        };
        self.state = State::Between {
            found,
            probe,
            unread_from,
        };
        Step::Ask(Ask::From(probe))
    }

    fn gaps(&mut self, found: Option<u64>, from: u64) -> Step {
        self.state = State::Gaps { found, from };
        Step::Ask(Ask::Gap(from))
    }
}

/// Where a log ends behind its last event, by the declarations that stand behind that, in the order of the stream. One that
/// leaves positions before it open, or reaches no further, changes nothing.
pub fn behind<'d>(last: Head, declarations: impl IntoIterator<Item = &'d SignedEvent>) -> Head {
    let mut head = last;
    for declaration in declarations {
        let Ok(gap) = GapDeclared::read(declaration) else {
            continue;
        };
        let next = head.number().saturating_add(1);
        if gap.first <= next && gap.last >= next {
            head = Head {
                position: Position::new(gap.last),
                hash: declaration.link().prev,
            };
        }
    }
    head
}

/// The subject of a log's gap declarations.
pub fn gap_subject(log: &LogName) -> String {
    LogSubject::Gap(log.clone()).to_string()
}

/// The filters under which a log's events stand: appended ones, and lost ones that were put back.
pub fn filters(log: &LogName) -> [String; 2] {
    [log.subject(), format!("{}.*", log.subject())]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chain::Link;
    use crate::event::{Hash, Timestamp};
    use crate::signing::SigningKey;

    /// A stream that has forgotten a log's last message, but still counts it.
    fn search(readable: &[u64], counted: u64, last: u64, knows_last: bool) -> (Option<u64>, u32) {
        let (head, _, questions) = search_with(&[], readable, (counted, last, knows_last));
        (head, questions)
    }

    /// The same, with gap declarations at these sequences; also tells which of them were seen.
    fn search_with(
        gaps: &[u64],
        readable: &[u64],
        (counted, last, knows_last): (u64, u64, bool),
    ) -> (Option<u64>, Vec<u64>, u32) {
        let mut seen = Vec::new();
        let (mut search, mut ask) = HeadSearch::begin();
        for questions in 1..200 {
            let answer = match ask {
                Ask::Last if knows_last => readable
                    .last()
                    .map_or(Answer::None, |s| Answer::Message(*s)),
                Ask::Last => Answer::None,
                Ask::Count => Answer::Count {
                    messages: counted,
                    first: 1,
                    last,
                },
                Ask::From(from) => readable
                    .iter()
                    .find(|sequence| **sequence >= from)
                    .map_or(Answer::None, |sequence| Answer::Message(*sequence)),
                Ask::Gap(from) => match gaps.iter().find(|sequence| **sequence >= from) {
                    Some(sequence) => {
                        seen.push(*sequence);
                        Answer::Message(*sequence)
                    }
                    None => Answer::None,
                },
            };
            match search.answer(answer) {
                Step::Ask(next) => ask = next,
                Step::Found(head) => return (head, seen, questions),
            }
        }
        panic!("no end");
    }

    #[test]
    fn a_log_that_was_never_written_is_empty() {
        assert_eq!(search(&[], 0, 900, true), (None, 3));
    }

    #[test]
    fn a_forgotten_last_message_does_not_make_a_log_empty() {
        assert_eq!(search(&[3, 40], 3, 1_000_000, false).0, Some(40));
    }

    #[test]
    fn a_log_of_which_nothing_can_be_read_has_no_readable_head() {
        assert_eq!(search(&[], 3, 1_000_000, false).0, None);
    }

    #[test]
    fn declarations_behind_the_last_event_are_told_and_those_before_it_are_not() {
        let (head, seen, _) = search_with(&[7, 12, 30], &[3, 9], (2, 40, true));
        assert_eq!((head, seen), (Some(9), vec![12, 30]));
        let (head, seen, _) = search_with(&[1, 30], &[], (0, 40, true));
        assert_eq!((head, seen), (None, vec![1, 30]));
    }

    fn declared(first: u64, last: u64) -> SignedEvent {
        let (key, _) = SigningKey::generate().expect("a key");
        let now = Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
        let log = LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a log");
        let event = GapDeclared { first, last }.event(log, now, None);
        let link = Link {
            position: Position::new(last + 1).expect("a position"),
            prev: Hash::of(&last.to_be_bytes()),
        };
        SignedEvent::sign(event.expect("well formed"), link, &key)
    }

    #[test]
    fn a_log_ends_behind_what_was_declared_next_to_its_end() {
        let head = |position, hash: &[u8]| Head {
            position: Position::new(position),
            hash: Hash::of(hash),
        };
        let five = head(5, b"five");
        let nine = head(9, &9u64.to_be_bytes());
        let twelve = head(12, &12u64.to_be_bytes());
        for (declarations, end) in [
            (vec![], five),
            (vec![(6, 9)], nine),
            (vec![(2, 3)], five),
            (vec![(7, 9)], five),
            (vec![(6, 9), (2, 3)], nine),
            (vec![(6, 9), (10, 12)], twelve),
            (vec![(6, 12), (6, 9)], twelve),
            (vec![(4, 9)], nine),
        ] {
            let declarations: Vec<SignedEvent> = declarations
                .into_iter()
                .map(|(first, last)| declared(first, last))
                .collect();
            assert_eq!(behind(five, &declarations), end);
        }
        assert_eq!(behind(head(0, b"genesis"), &[declared(1, 9)]), nine);
    }

    proptest! {
        #[test]
        fn the_highest_readable_message_is_found_in_few_questions(
            readable in proptest::collection::btree_set(1u64..1_000_000, 0..40), knows_last: bool,
        ) {
            let readable: Vec<u64> = readable.into_iter().collect();
            let (head, questions) = search(&readable, readable.len() as u64 + 1, 1_000_000, knows_last);
            prop_assert_eq!(head, readable.last().copied());
            prop_assert!(questions <= 25, "{}", questions);
        }
    }
}
