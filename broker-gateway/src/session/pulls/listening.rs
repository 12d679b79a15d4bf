//! A clock that runs only while the broker is listened to: what it says while the gateway is busy passing on is not silence.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug, Default)]
pub struct Listening {
    before: Duration,
    since: Option<Instant>,
}

impl Listening {
    pub fn begin(&mut self) {
        self.since = Some(Instant::now());
    }

    pub fn end(&mut self) {
        self.before = self.time();
        self.since = None;
    }

    /// How long was listened, all together.
    pub fn time(&self) -> Duration {
        let now = self.since.map(|since| since.elapsed());
        self.before + now.unwrap_or_default()
    }
}
