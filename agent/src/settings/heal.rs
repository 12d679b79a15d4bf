//! How losses on the bus are looked for and mended: times come in as numbers, checked durations go out.

use std::time::Duration;

use super::reader::Reader;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heal {
    /// How often what the bus counts is compared with what is held here, while connected.
    pub check_interval: Duration,
    /// How long readers leave the first word to the office whose log it is, at most.
    pub reader_wait: Duration,
    /// How long readers are waited for before a gap is declared.
    pub gap_wait: Duration,
    /// How long settled events are kept as they were signed.
    pub resend_horizon: Duration,
}

const DAY_S: u64 = 24 * 60 * 60;

impl Heal {
    pub(super) fn read(heal: &mut Reader<'_>) -> Heal {
        let check = heal.number("check_interval_s").unwrap_or(10 * 60);
        if check == 0 {
            heal.mistake("check_interval_s", "must be at least 1");
        }
        let seconds = |number: Option<u64>, usual| Duration::from_secs(number.unwrap_or(usual));
        let days = heal.number("resend_horizon_days").unwrap_or(90);
        Heal {
            check_interval: Duration::from_secs(check.max(1)),
            reader_wait: seconds(heal.number("reader_wait_s"), 20),
            gap_wait: seconds(heal.number("gap_wait_s"), 10 * 60),
            resend_horizon: Duration::from_secs(days.saturating_mul(DAY_S)),
        }
    }

    /// The first look of a session comes soon, and not at one moment for all offices.
    pub fn first_check(&self) -> Duration {
        Duration::from_secs_f64(1.0 + 2.0 * fastrand::f64()).min(self.check_interval)
    }
}
