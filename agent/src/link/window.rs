//! The window: publishes and their answers come in, whether another may go goes out. Plain counting, no clock of its own.
//! It grows while answers come quickly and shrinks while they do not, so that it holds some seconds of the line's time.

use std::time::{Duration, Instant};

use super::limits::{
    HANDSHAKE_BYTES, RATE_MIN, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN, WINDOW_EVENTS_MAX, WINDOW_TIME,
};

#[derive(Debug)]
pub struct Window {
    events: usize,
    bytes: usize,
    bytes_max: usize,
    /// Bytes a second, as last measured.
    rate: u64,
    measured: Option<Measure>,
}

/// What was answered since when.
#[derive(Debug, Clone, Copy)]
struct Measure {
    since: Instant,
    bytes: usize,
}

impl Window {
    /// The handshake gives the first guess at the line.
    pub fn new(handshake: Duration) -> Window {
        let rate = rate_of(HANDSHAKE_BYTES, handshake);
        Window {
            events: 0,
            bytes: 0,
            bytes_max: bytes_in(rate),
            rate,
            measured: None,
        }
    }

    /// Whether a publish of so many bytes may go. One may always go, however large.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.events == 0
            || (self.events < WINDOW_EVENTS_MAX && self.bytes + bytes <= self.bytes_max)
    }

    pub fn sent(&mut self, bytes: usize, now: Instant) {
        if self.events == 0 {
            self.measured = Some(Measure {
                since: now,
                bytes: 0,
            });
        }
        self.events += 1;
        self.bytes += bytes;
    }

    pub fn answered(&mut self, bytes: usize, now: Instant) {
        self.events -= 1;
        self.bytes -= bytes;
        if let Some(measure) = &mut self.measured {
            measure.bytes += bytes;
            if measure.bytes >= self.bytes_max / 2 {
                let taken = now.duration_since(measure.since);
                *measure = Measure {
                    since: now,
                    bytes: 0,
                };
                self.adapt(taken);
            }
        }
    }

    /// Half a window was answered in this time.
    fn adapt(&mut self, taken: Duration) {
        self.rate = rate_of(self.bytes_max as u64 / 2, taken);
        if taken < WINDOW_TIME / 4 {
            self.bytes_max = (self.bytes_max * 2).min(WINDOW_BYTES_MAX);
        } else if taken > WINDOW_TIME {
            self.bytes_max = (self.bytes_max / 2).max(WINDOW_BYTES_MIN);
        }
    }

    /// How long what is under way may take: twice what the line was seen to need.
    pub fn time_under_way(&self) -> Duration {
        Duration::from_secs_f64(2.0 * self.bytes as f64 / self.rate as f64)
    }
}

fn rate_of(bytes: u64, taken: Duration) -> u64 {
    let milliseconds = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX).max(1);
    (bytes.saturating_mul(1_000) / milliseconds).max(RATE_MIN)
}

fn bytes_in(rate: u64) -> usize {
    let bytes = rate.saturating_mul(WINDOW_TIME.as_secs());
    usize::try_from(bytes)
        .unwrap_or(usize::MAX)
        .clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as much as fits over a line of so many bytes a second, and answers it all in time.
    fn round(window: &mut Window, now: &mut Instant, rate: u64) -> usize {
        let mut sent = 0;
        while window.has_room(1_400) {
            window.sent(1_400, *now);
            sent += 1;
        }
        for _ in 0..sent {
            *now += Duration::from_secs_f64(1_400.0 / rate as f64);
            window.answered(1_400, *now);
        }
        sent
    }

    #[test]
    fn a_fast_line_gets_the_full_window() {
        let (mut window, mut now) = (Window::new(Duration::from_millis(400)), Instant::now());
        for _ in 0..20 {
            round(&mut window, &mut now, 1_000_000);
        }
        assert_eq!(round(&mut window, &mut now, 1_000_000), WINDOW_EVENTS_MAX);
        assert_eq!((window.events, window.bytes), (0, 0));
    }

    #[test]
    fn a_slow_line_never_holds_much_more_than_it_moves_in_the_window_s_time() {
        let (mut window, mut now) = (Window::new(Duration::from_millis(50)), Instant::now());
        for _ in 0..20 {
            round(&mut window, &mut now, 1_000);
        }
        let held = round(&mut window, &mut now, 1_000) as u64 * 1_400;
        assert!(held <= 4 * 1_000 * WINDOW_TIME.as_secs(), "{held}");
    }

    #[test]
    fn an_event_larger_than_the_window_goes_alone() {
        let now = Instant::now();
        let mut window = Window::new(Duration::from_secs(5));
        assert!(window.has_room(1_000_000));
        window.sent(1_000_000, now);
        assert!(!window.has_room(1));
        assert!(window.time_under_way() >= Duration::from_secs(1_000));
        window.answered(1_000_000, now + Duration::from_secs(900));
        assert_eq!((window.events, window.bytes), (0, 0));
    }
}
