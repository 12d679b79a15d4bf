//! The window: publishes and their answers come in, whether another may go goes out. Plain counting, no clock of its own.
//! It grows while answers come quickly and shrinks while they do not, so that it holds some seconds of the line's time.

use std::num::NonZeroU64;
use std::time::Duration;

use super::limits::{
    HANDSHAKE_BYTES, RATE_FIRST_MAX, RATE_MIN, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN, WINDOW_TIME,
};

#[derive(Debug)]
pub struct Window {
    events_max: usize,
    events: usize,
    bytes: usize,
    bytes_max: usize,
    /// Bytes a second: what lay before an event, itself included, by the time until its answer. Answers come in bursts, as
    /// TLS records do, so that the time between two of them says nothing.
    rate: u64,
}

/// A publish under way.
#[derive(Debug, Clone, Copy)]
pub struct UnderWay {
    bytes: usize,
    /// Bytes under way when it was sent, its own included.
    ahead: usize,
}

impl Window {
    /// The handshake gives the first guess at the line.
    pub fn new(handshake: Duration, events_max: usize) -> Window {
        let rate = rate_of(HANDSHAKE_BYTES, handshake).min(RATE_FIRST_MAX);
        Window {
            events_max,
            events: 0,
            bytes: 0,
            bytes_max: bytes_in(rate),
            rate,
        }
    }

    /// Whether a publish of so many bytes may go. One may always go, however large.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.events == 0
            || (self.events < self.events_max && self.bytes.saturating_add(bytes) <= self.bytes_max)
    }

    pub fn sent(&mut self, bytes: usize) -> UnderWay {
        self.events = self.events.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        let ahead = self.bytes;
        UnderWay { bytes, ahead }
    }

    /// The answer to a publish came after this time.
    pub fn answered(&mut self, publish: UnderWay, after: Duration) {
        let UnderWay { bytes, ahead } = publish;
        self.events = self.events.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        let was_full = ahead >= self.bytes_max / 2;
        let rate = rate_of(ahead as u64, after);
        if was_full {
            self.rate = self.rate.saturating_mul(3).saturating_add(rate) / 4;
        } else {
            // The line was not busy: it may be faster than this, not slower.
            self.rate = self.rate.max(rate);
        }
        if after > WINDOW_TIME {
            self.bytes_max = self.bytes_max.saturating_sub(bytes).max(WINDOW_BYTES_MIN);
        } else if was_full && after < WINDOW_TIME / 4 {
            self.bytes_max = self.bytes_max.saturating_add(bytes).min(WINDOW_BYTES_MAX);
        }
    }

    /// How long what is under way may take: twice what the line was seen to need.
    pub fn time_under_way(&self) -> Duration {
        Duration::from_secs_f64(2.0 * self.bytes as f64 / self.rate as f64)
    }
}

fn rate_of(bytes: u64, taken: Duration) -> u64 {
    let milliseconds = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
    let milliseconds = NonZeroU64::new(milliseconds).unwrap_or(NonZeroU64::MIN);
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
    use super::super::limits::WINDOW_EVENTS_MAX;
    use super::*;

    /// Sends as much as fits over a line of so many bytes a second; answers come in bursts of so many bytes.
    fn round(window: &mut Window, rate: usize, burst: usize) -> usize {
        let mut under_way = Vec::new();
        while window.has_room(1_400) {
            under_way.push(window.sent(1_400));
        }
        for (index, publish) in under_way.iter().enumerate() {
            let passed = ((index + 1) * 1_400).next_multiple_of(burst);
            window.answered(
                *publish,
                Duration::from_secs_f64(passed as f64 / rate as f64),
            );
        }
        under_way.len()
    }

    #[test]
    fn a_fast_line_gets_the_full_window() {
        let mut window = Window::new(Duration::from_millis(400), WINDOW_EVENTS_MAX);
        for _ in 0..20 {
            round(&mut window, 1_000_000, 1_400);
        }
        assert_eq!(round(&mut window, 1_000_000, 1_400), WINDOW_EVENTS_MAX);
        assert_eq!((window.events, window.bytes), (0, 0));
    }

    #[test]
    fn a_slow_line_holds_some_seconds_of_its_time_and_is_known_for_what_it_is() {
        let mut window = Window::new(Duration::from_millis(50), WINDOW_EVENTS_MAX);
        for _ in 0..20 {
            round(&mut window, 1_200, 16 * 1024);
        }
        let held = round(&mut window, 1_200, 16 * 1024) * 1_400;
        assert!(held <= 2 * WINDOW_BYTES_MIN, "{held}");
        let publish = window.sent(16 * 1024);
        assert!(window.time_under_way() > Duration::from_secs(16));
        window.answered(publish, Duration::from_secs(13));
    }

    #[test]
    fn an_event_larger_than_the_window_goes_alone() {
        let mut window = Window::new(Duration::from_secs(5), WINDOW_EVENTS_MAX);
        assert!(window.has_room(1_000_000));
        let publish = window.sent(1_000_000);
        assert!(!window.has_room(1));
        assert!(window.time_under_way() >= Duration::from_secs(1_000));
        window.answered(publish, Duration::from_secs(900));
        assert_eq!((window.events, window.bytes), (0, 0));
    }
}
