//! An application in a reader's own network, called by webhook: it takes each event once, and by the seed of the run it is at times
//! not there, answers late, or not at all.
//! In: deliveries. Out: what the application has. Never: an event that it takes twice because an answer of its own was lost.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::tests::tally::Arrived;
use ::tests::webhook::{self, Answer, Posted};
use anyhow::Result;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::part::Disturbed;
use crate::arrivals::Shelf;

/// So many deliveries go well between two that do not.
const GOOD_IN_A_ROW: std::ops::Range<u32> = 15..45;
/// Late, and well within an agent's patience.
const LATE: Duration = Duration::from_secs(2);
/// How soon it wants to be asked again.
const COME_BACK_S: u64 = 1;

pub struct Desk {
    pub shelf: Shelf,
    _serving: AbortOnDropHandle<()>,
}

/// What becomes of a delivery, one after the other.
#[derive(Clone, Copy)]
enum Mood {
    /// 503, with a time.
    Busy,
    /// It takes the event, and the connection ends before its answer.
    AnswerLost,
    /// The connection ends, and it has nothing.
    Away,
    Late,
    /// It says nothing until the agent gives up.
    Silent,
}

const MOODS: [Mood; 4] = [Mood::Busy, Mood::AnswerLost, Mood::Away, Mood::Late];

struct Counter {
    random: fastrand::Rng,
    good: u32,
    odd: usize,
    /// Once in a run, where there is time for it.
    may_be_silent: bool,
    known: HashSet<(String, String)>,
    /// The last event of each log.
    newest: HashMap<String, Newest>,
}

struct Newest {
    id: String,
    taken: Instant,
    was_answered: bool,
}

impl Desk {
    pub fn open(listener: TcpListener, seed: u64, quick: bool, disturbed: Disturbed) -> Desk {
        let mut random = fastrand::Rng::with_seed(seed);
        let good = random.u32(5..GOOD_IN_A_ROW.start);
        let counter = Arc::new(Mutex::new(Counter {
            odd: random.usize(..MOODS.len()),
            random,
            good,
            may_be_silent: !quick,
            known: HashSet::new(),
            newest: HashMap::new(),
        }));
        let shelf = Shelf::default();
        let given = shelf.clone();
        let decide = move |posted| {
            decide(
                posted,
                Arc::clone(&counter),
                given.clone(),
                disturbed.clone(),
            )
        };
        Desk {
            shelf,
            _serving: webhook::serve(listener, decide),
        }
    }
}

async fn decide(
    posted: Posted,
    counter: Arc<Mutex<Counter>>,
    shelf: Shelf,
    disturbed: Disturbed,
) -> Result<Answer> {
    let arrived = match Arrived::of_request(&posted.headers, &posted.body) {
        Ok(arrived) => arrived,
        Err(why) => {
            shelf.open().broken = Some(why.to_string());
            return Err(why);
        }
    };
    let mood = {
        let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
        let mood = counter.mood();
        match mood {
            None | Some(Mood::Late) => counter.take(arrived, true, &shelf, &disturbed),
            Some(Mood::AnswerLost) => counter.take(arrived, false, &shelf, &disturbed),
            Some(Mood::Busy | Mood::Away | Mood::Silent) => {}
        }
        mood
    };
    Ok(match mood {
        None => Answer::Taken,
        Some(Mood::Busy) => Answer::NotNow(COME_BACK_S),
        Some(Mood::AnswerLost | Mood::Away) => Answer::Nothing,
        Some(Mood::Silent) => Answer::Silence,
        Some(Mood::Late) => {
            tokio::time::sleep(LATE).await;
            Answer::Taken
        }
    })
}

impl Counter {
    fn mood(&mut self) -> Option<Mood> {
        if self.good > 0 {
            self.good -= 1;
            return None;
        }
        self.good = self.random.u32(GOOD_IN_A_ROW);
        if std::mem::take(&mut self.may_be_silent) {
            return Some(Mood::Silent);
        }
        self.odd += 1;
        Some(MOODS[self.odd % MOODS.len()])
    }

    /// As docs/receiving.md says, `source` and `id` tell that an event is the same. It comes again for a reason if its answer was lost: the
    /// application gave none, or the agent ended or stood still since; and then nothing behind it in its log was sent before.
    fn take(&mut self, arrived: Arrived, was_answered: bool, shelf: &Shelf, disturbed: &Disturbed) {
        let is_new = self
            .known
            .insert((arrived.source.clone(), arrived.id.clone()));
        let newest = self.newest.get(&arrived.source);
        let for_a_reason = newest.is_some_and(|newest| {
            newest.id == arrived.id && (!newest.was_answered || disturbed.since(newest.taken))
        });
        if !is_new && for_a_reason {
            shelf.open().again += 1;
        }
        if is_new || for_a_reason {
            let newest = Newest {
                id: arrived.id.clone(),
                taken: Instant::now(),
                was_answered,
            };
            self.newest.insert(arrived.source.clone(), newest);
        }
        if is_new || !for_a_reason {
            shelf.open().new.push(arrived);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::tests::tally::Content;

    fn event(id: &str) -> Arrived {
        Arrived {
            source: "a log".to_owned(),
            id: id.to_owned(),
            sequence: 1,
            content: Content::of("", "", "", b""),
        }
    }

    /// Takes each, and returns how many are on the shelf, and how many came again for a reason.
    fn takes(events: &[(&str, bool)], disturbed_before_the_last: bool) -> (usize, usize) {
        let (shelf, disturbed) = (Shelf::default(), Disturbed::default());
        let mut counter = Counter {
            random: fastrand::Rng::with_seed(1),
            good: 0,
            odd: 0,
            may_be_silent: false,
            known: HashSet::new(),
            newest: HashMap::new(),
        };
        for (at, (id, was_answered)) in events.iter().enumerate() {
            if disturbed_before_the_last && at + 1 == events.len() {
                disturbed.now();
            }
            counter.take(event(id), *was_answered, &shelf, &disturbed);
        }
        let taken = shelf.open();
        (taken.new.len(), taken.again)
    }

    #[test]
    fn an_event_whose_answer_was_lost_comes_again_and_is_taken_once() {
        assert_eq!(takes(&[("a", false), ("a", true)], false), (1, 1));
        assert_eq!(takes(&[("a", true), ("a", true)], true), (1, 1));
    }

    #[test]
    fn an_event_that_comes_again_without_a_reason_is_doubled() {
        assert_eq!(takes(&[("a", true), ("a", true)], false), (2, 0));
        let behind = takes(&[("a", false), ("b", true), ("a", true)], true);
        assert_eq!(
            behind,
            (3, 0),
            "what stands behind it was sent: it was marked"
        );
    }
}
