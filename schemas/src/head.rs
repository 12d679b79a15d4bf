//! Where a log ends: answers of the bus come in, the next question or the head's place goes out. No socket here.
//! The gateway asks before its first append, the office before it numbers anything, and both by this rule (it is the same
//! search, so they agree): the last message is the head; where the bus knows none, but still counts some, the highest
//! message that it can read is.

use crate::subject::LogName;

/// What to ask the stream's leader next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// `STREAM.MSG.GET` with `last_by_subj`.
    Last,
    /// `STREAM.INFO` with `subjects_filter`: how many messages the log counts, and the stream's first and last sequence.
    Count,
    /// `STREAM.MSG.GET` with `seq` and `next_by_subj`: the first message of the log from there on.
    From(u64),
}

/// What the leader answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A message of the log, by its stream sequence.
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
    /// The head is the message with this stream sequence; None where the log is empty.
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
}

impl HeadSearch {
    /// The search, and its first question.
    pub fn begin() -> (HeadSearch, Ask) {
        (HeadSearch { state: State::Last }, Ask::Last)
    }

    /// Takes the answer to the last question. An answer that fits no question asks it again, so that no head is made up.
    pub fn answer(&mut self, answer: Answer) -> Step {
        match (self.state, answer) {
            (State::Last, Answer::Message(sequence)) => Step::Found(Some(sequence)),
            (State::Last, Answer::None) => {
                self.state = State::Count;
                Step::Ask(Ask::Count)
            }
            (State::Count, Answer::Count { messages: 0, .. }) => Step::Found(None),
            (State::Count, Answer::Count { first, last, .. }) => self.probe(None, first, last + 1),
            (
                State::Between {
                    probe, unread_from, ..
                },
                Answer::Message(sequence),
            ) => self.probe(Some(sequence), sequence.max(probe) + 1, unread_from),
            (State::Between { found, probe, .. }, Answer::None) => {
                self.probe(found, found.map_or(probe, |found| found + 1), probe)
            }
            (State::Last, Answer::Count { .. }) => Step::Ask(Ask::Last),
            (State::Count, Answer::Message(_) | Answer::None) => Step::Ask(Ask::Count),
            (State::Between { probe, .. }, Answer::Count { .. }) => Step::Ask(Ask::From(probe)),
        }
    }

    /// Halves what is not known yet: `from..unread_from`.
    fn probe(&mut self, found: Option<u64>, from: u64, unread_from: u64) -> Step {
        if from >= unread_from {
            return Step::Found(found);
        }
        let probe = match found {
            None => from,
            Some(_) => from + (unread_from - from) / 2,
        };
        self.state = State::Between {
            found,
            probe,
            unread_from,
        };
        Step::Ask(Ask::From(probe))
    }
}

/// The filters under which a log's events stand: appended ones, and lost ones that were put back.
pub fn filters(log: &LogName) -> [String; 2] {
    [log.subject(), format!("{}.*", log.subject())]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A stream that has forgotten a log's last message, but still counts it.
    fn search(readable: &[u64], counted: u64, last: u64, knows_last: bool) -> (Option<u64>, u32) {
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
            };
            match search.answer(answer) {
                Step::Ask(next) => ask = next,
                Step::Found(head) => return (head, questions),
            }
        }
        panic!("no end");
    }

    #[test]
    fn a_log_that_was_never_written_is_empty() {
        assert_eq!(search(&[], 0, 900, true), (None, 2));
    }

    #[test]
    fn a_forgotten_last_message_does_not_make_a_log_empty() {
        assert_eq!(search(&[3, 40], 3, 1_000_000, false).0, Some(40));
    }

    #[test]
    fn a_log_of_which_nothing_can_be_read_has_no_readable_head() {
        assert_eq!(search(&[], 3, 1_000_000, false).0, None);
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
