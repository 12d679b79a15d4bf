//! How much goes at once: what was sent and when it was answered come in, how many events the next run holds goes out. Plain counting, no
//! clock of its own. A run is to take about a second and a half of the line, so that what is more urgent waits for two of them at most.

use std::time::Duration;

use super::super::limits::{
    HANDSHAKE_BYTES, RATE_FIRST_MAX, RATE_MIN, RUN_EVENTS_MIN, RUN_TIME, RUNS_UNDER_WAY_MAX,
};
use schemas::packed::limits::RUN_EVENTS_MAX;

/// What an event is taken to be before one was sent: a row with its signature.
const EVENT_BYTES_FIRST: f64 = 120.0;
/// How much the latest figure counts among those before it.
const LATEST: f64 = 0.5;

#[derive(Debug)]
pub struct Pace {
    /// Bytes a second.
    rate: f64,
    event_bytes: f64,
    runs: usize,
    bytes: usize,
}

/// A run under way.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    bytes: usize,
    /// Bytes under way when it was sent, its own included.
    ahead: usize,
}

impl Pace {
    /// The handshake gives the first guess at the line.
    pub fn new(handshake: Duration) -> Pace {
        let rate = HANDSHAKE_BYTES as f64 / handshake.as_secs_f64().max(0.001);
        Pace {
            rate: rate.clamp(RATE_MIN as f64, RATE_FIRST_MAX as f64),
            event_bytes: EVENT_BYTES_FIRST,
            runs: 0,
            bytes: 0,
        }
    }

    /// How many events the next run holds at most.
    pub fn run_events(&self) -> usize {
        let fits = self.rate * RUN_TIME.as_secs_f64() / self.event_bytes;
        // A number that is too large for a usize becomes the largest.
        (fits as usize).clamp(RUN_EVENTS_MIN, RUN_EVENTS_MAX)
    }

    /// Whether a run of so many events may go. With nothing under way anything goes at once; else it gathers until it is worth a run, or until
    /// an answer has come.
    pub fn may_send(&self, events: usize) -> bool {
        let room = 2.0 * self.rate * RUN_TIME.as_secs_f64();
        match self.runs {
            0 => events > 0,
            runs => {
                runs < RUNS_UNDER_WAY_MAX
                    && events >= self.run_events()
                    && (self.bytes as f64) < room
            }
        }
    }

    pub fn sent(&mut self, events: usize, bytes: usize) -> Sent {
        let each = bytes as f64 / events.max(1) as f64;
        self.event_bytes = mixed(self.event_bytes, each).max(1.0);
        self.runs = self.runs.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        Sent {
            bytes,
            ahead: self.bytes,
        }
    }

    /// The last answer to a run came after this time.
    pub fn answered(&mut self, sent: Sent, after: Duration) {
        self.runs = self.runs.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(sent.bytes);
        let ahead = sent.ahead as f64;
        let rate = (ahead / after.as_secs_f64().max(0.001)).max(RATE_MIN as f64);
        let was_busy = ahead > 0.5 * self.rate * RUN_TIME.as_secs_f64();
        self.rate = match was_busy {
            true => mixed(self.rate, rate),
            // The line may be faster than this, not slower.
            false => self.rate.max(rate),
        };
    }
}

fn mixed(before: f64, latest: f64) -> f64 {
    before * (1.0 - LATEST) + latest * LATEST
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as much as may go over a line of so many bytes a second; how many events each of the last runs held.
    fn on_a_line_of(bytes_a_second: f64, event_bytes: usize) -> Vec<usize> {
        let mut pace = Pace::new(Duration::from_millis(400));
        let mut runs = Vec::new();
        for _ in 0..30 {
            let mut sent = Vec::new();
            while pace.may_send(pace.run_events()) {
                let events = pace.run_events();
                sent.push(pace.sent(events, events * event_bytes));
                runs.push(events);
            }
            for run in sent {
                let after = Duration::from_secs_f64(run.ahead as f64 / bytes_a_second);
                pace.answered(run, after);
            }
        }
        assert_eq!((pace.runs, pace.bytes), (0, 0));
        runs.split_off(runs.len() - 5)
    }

    #[test]
    fn a_run_is_about_a_second_and_a_half_of_the_line() {
        // 64 kbit/s, 126 bytes an event; 9.6 kbit/s; a fast one.
        for (rate, bytes, expected) in [
            (8_000.0, 126, 80..=110),
            (1_200.0, 126, 16..=16),
            (1e6, 126, 256..=256),
        ] {
            let runs = on_a_line_of(rate, bytes);
            assert!(
                runs.iter().all(|run| expected.contains(run)),
                "{rate}: {runs:?}"
            );
        }
    }

    #[test]
    fn what_is_alone_goes_at_once_and_the_next_gathers_until_its_answer() {
        let mut pace = Pace::new(Duration::from_millis(400));
        assert!(!pace.may_send(0));
        assert!(pace.may_send(1));
        let sent = pace.sent(1, 120);
        assert!(!pace.may_send(1));
        assert!(pace.may_send(pace.run_events()));
        pace.answered(sent, Duration::from_millis(50));
        assert!(pace.may_send(1));
    }

    #[test]
    fn no_more_than_three_runs_are_under_way() {
        let mut pace = Pace::new(Duration::from_millis(1));
        let sent = (0..9).take_while(|_| {
            let may = pace.may_send(RUN_EVENTS_MAX);
            if may {
                pace.sent(RUN_EVENTS_MAX, 100);
            }
            may
        });
        assert_eq!(sent.count(), RUNS_UNDER_WAY_MAX);
    }
}
