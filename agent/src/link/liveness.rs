//! Whether the line lives: bytes seen and answers due come in, "ask for a sign of life" or "give up" goes out. No clock, no socket.
//! TCP would go on sending into a cut line for a quarter of an hour; this is what notices it within 30 s.

use std::time::{Duration, Instant};

use super::limits::{ANSWER_TIME, PATIENCE, SILENCE_DUE, SILENCE_IDLE};

/// What the line looks like now.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Bytes received since the session began.
    pub bytes_in: u64,
    /// Since when the oldest answer is due.
    pub due_since: Option<Instant>,
    /// Since when the oldest answer to a publish is due: those are short, and come as soon as the event is stored.
    pub publish_due_since: Option<Instant>,
    /// How long what is under way may take on this line.
    pub time_under_way: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Alive,
    /// Ask the gateway for anything.
    Ask,
    /// Nothing came back.
    Silent,
    /// The line lives, but an answer is due for too long.
    Unanswered,
}

#[derive(Debug)]
pub struct Liveness {
    bytes_in: u64,
    heard: Instant,
    asked: Option<Instant>,
}

impl Liveness {
    pub fn new(now: Instant) -> Liveness {
        Liveness {
            bytes_in: 0,
            heard: now,
            asked: None,
        }
    }

    pub fn look(&mut self, sight: Sight, now: Instant) -> Verdict {
        if sight.bytes_in != self.bytes_in {
            self.bytes_in = sight.bytes_in;
            self.heard = now;
            self.asked = None;
        }
        let patience = PATIENCE + sight.time_under_way;
        let since = |since: Option<Instant>| since.map(|since| now.duration_since(since));
        let (due, publish_due) = (since(sight.due_since), since(sight.publish_due_since));
        let silent = now.duration_since(self.heard);
        let bearable = match due {
            // Silence before the question was asked says nothing about its answer.
            Some(due) if due >= SILENCE_DUE => SILENCE_DUE,
            Some(_) | None => SILENCE_IDLE,
        };
        match self.asked {
            Some(asked) if now.duration_since(asked) >= patience => Verdict::Silent,
            Some(_) => Verdict::Alive,
            None if silent >= bearable => {
                self.asked = Some(now);
                Verdict::Ask
            }
            None if publish_due.is_some_and(|due| due >= ANSWER_TIME + sight.time_under_way) => {
                Verdict::Unanswered
            }
            None => Verdict::Alive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::WATCH_INTERVAL;
    use super::*;

    /// Looks at the line every half second; tells when it was given up, and how often it was asked.
    fn watch(sight: impl Fn(Duration) -> Sight, until: Duration) -> (Option<Duration>, u32) {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        let (mut after, mut asked) = (Duration::ZERO, 0);
        while after < until {
            after += WATCH_INTERVAL;
            match liveness.look(sight(after), start + after) {
                Verdict::Alive => {}
                Verdict::Ask => asked += 1,
                Verdict::Silent | Verdict::Unanswered => return (Some(after), asked),
            }
        }
        (None, asked)
    }

    fn idle(bytes_in: u64) -> Sight {
        Sight {
            bytes_in,
            due_since: None,
            publish_due_since: None,
            time_under_way: Duration::ZERO,
        }
    }

    #[test]
    fn a_silent_line_is_noticed_within_30_seconds() {
        let (noticed, asked) = watch(|_| idle(0), Duration::from_secs(60));
        assert!(noticed.expect("it is noticed") < Duration::from_secs(30));
        assert_eq!(asked, 1);
    }

    #[test]
    fn a_line_that_is_cut_while_an_answer_is_due_is_noticed_sooner() {
        let start = Instant::now();
        let sight = |_| Sight {
            bytes_in: 0,
            due_since: Some(start),
            publish_due_since: Some(start),
            time_under_way: Duration::from_secs(1),
        };
        let noticed = watch(sight, Duration::from_secs(60)).0;
        assert!(noticed.expect("it is noticed") < Duration::from_secs(15));
    }

    #[test]
    fn an_idle_line_is_asked_seldom_enough() {
        // An answer comes half a second after each question.
        let answered = |after: Duration| idle((after.as_millis() / 18_500) as u64);
        let (noticed, asked) = watch(answered, Duration::from_secs(3_600));
        assert_eq!(noticed, None);
        assert!(asked <= 200, "{asked} questions of 330 bytes in an hour");
    }

    #[test]
    fn a_large_event_on_a_slow_line_is_waited_for() {
        let start = Instant::now();
        let sight = |_| Sight {
            bytes_in: 0,
            due_since: Some(start),
            publish_due_since: Some(start),
            time_under_way: Duration::from_secs(2_000),
        };
        assert_eq!(watch(sight, Duration::from_secs(1_000)).0, None);
    }

    #[test]
    fn a_publish_that_is_never_answered_ends_the_session_although_the_line_lives() {
        let start = Instant::now();
        let sight = |after: Duration| Sight {
            bytes_in: after.as_secs(),
            due_since: Some(start),
            publish_due_since: Some(start),
            time_under_way: Duration::ZERO,
        };
        let noticed = watch(sight, Duration::from_secs(120)).0;
        assert!(noticed.is_some_and(|after| after >= ANSWER_TIME));
    }
}
