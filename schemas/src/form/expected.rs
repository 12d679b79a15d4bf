//! What is expected: a period comes in, the last day on which its report is on time goes out. Who is late is not asked here.

use serde::Deserialize;
use time::{Date, Duration};

use crate::period::Period;
use crate::registry::Who;

/// Who owes this report, how often, and by when.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub by: Who,
    pub every: Every,
    /// Days after the period's last day, to its end in Phnom Penh.
    pub due_days: u16,
    /// The first period that is expected.
    pub since: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    Month,
    Quarter,
}

impl Every {
    pub fn takes(self, period: Period) -> bool {
        match (self, period) {
            (Every::Month, Period::Month { .. }) | (Every::Quarter, Period::Quarter { .. }) => true,
            (Every::Month | Every::Quarter, _) => false,
        }
    }
}

impl Expected {
    /// The last day on which the report of a period is on time; none for a period that is not expected.
    pub fn due(&self, period: Period) -> Option<Date> {
        let since: Period = self.since.parse().ok()?;
        let owed = self.every.takes(period) && period.first_day() >= since.first_day();
        let days = Duration::days(self.due_days.into());
        owed.then(|| period.last_day().checked_add(days)).flatten()
    }
}
