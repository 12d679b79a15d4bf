//! The verdict over one run: what every application's account says, what the brokers hold, which faults bit.
//! In: tallies, counts. Out: one line. Never: a run that passes because nothing was accepted, or because nothing was broken.

use ::tests::tally::Tally;
use serde::{Deserialize, Serialize};

use crate::stage::Count;
use crate::stage::memory::Curve;

/// What a scenario ends in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    pub scenario: String,
    pub seed: u64,
    pub quick: bool,
    /// Events that were submitted.
    pub sent: usize,
    /// Of these, answered 202.
    pub accepted: usize,
    /// Different events that the brokers hold.
    pub durable: usize,
    /// Events that every application has.
    pub received: usize,
    /// The account of each application, with its name.
    pub applications: Vec<Tally>,
    /// Deliveries that came once more because the answer to the first was lost.
    pub again: usize,
    /// From the last mending until every application had what was accepted by then.
    pub catch_up_s: Option<f64>,
    /// On all offices' lines, both ways, with all headers.
    pub bytes: u64,
    /// Faults that were done, and those that left a trace.
    pub faults_fired: u32,
    pub faults_bit: u32,
    /// Done to a part that another fault held, and without a trace for that: they count for nothing.
    pub faults_held: u32,
    /// Of a soak: what every program held, look by look.
    #[serde(default)]
    pub memory: Vec<Curve>,
    /// Programs that ended by themselves and were started again.
    pub restarts: u32,
    pub seconds: f64,
    /// What else went wrong, in words.
    pub failures: Vec<String>,
}

impl Row {
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// A scenario that did not come to its end.
    pub fn broken(scenario: &str, seed: u64, quick: bool, why: String) -> Row {
        Row {
            scenario: scenario.to_owned(),
            seed,
            quick,
            failures: vec![why],
            ..Row::default()
        }
    }

    /// Over all applications.
    pub fn sum(&self, of: fn(&Tally) -> usize) -> usize {
        self.applications.iter().map(of).sum()
    }

    pub fn count_faults(&mut self, count: &Count) {
        self.faults_fired = count.fired;
        self.faults_bit = count.bit;
        self.faults_held = count.held;
    }
}

/// Why a run with these figures did not pass.
pub fn failures(row: &Row, faults: &Count) -> Vec<String> {
    let mut failures = Vec::new();
    for tally in &row.applications {
        let harms = tally.harms().into_iter().filter(|(_, count)| *count > 0);
        failures
            .extend(harms.map(|(what, count)| format!("{count} {what} at {}", tally.application)));
    }
    let missing = row.accepted.saturating_sub(row.durable);
    if missing > 0 {
        failures.push(format!("{missing} not durable"));
    }
    if row.accepted == 0 {
        failures.push("nothing was accepted".to_owned());
    }
    if faults.bit == 0 || !faults.without_trace.is_empty() {
        let (bit, fired) = (faults.bit, faults.fired);
        let which = faults.without_trace.join("; ");
        failures.push(format!(
            "{bit} of {fired} faults bit; without a trace: {which}"
        ));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            accepted: 5,
            durable: 5,
            applications: vec![Tally::default()],
            ..Row::default()
        }
    }

    fn one_bit() -> Count {
        Count {
            fired: 1,
            bit: 1,
            ..Count::default()
        }
    }

    #[test]
    fn a_run_in_which_nothing_happened_does_not_pass() {
        let nothing = failures(&Row::default(), &one_bit());
        assert_eq!(nothing, ["nothing was accepted"]);
        let untouched = failures(&row(), &Count::default());
        assert_eq!(untouched, ["0 of 0 faults bit; without a trace: "]);
        let unfelt = Count {
            fired: 2,
            without_trace: vec!["a line that lost nothing".to_owned()],
            ..one_bit()
        };
        let unfelt = failures(&row(), &unfelt);
        assert_eq!(
            unfelt,
            ["1 of 2 faults bit; without a trace: a line that lost nothing"]
        );
    }

    #[test]
    fn a_fault_that_another_one_held_is_not_counted_against() {
        let held = Count {
            held: 1,
            ..one_bit()
        };
        assert_eq!(failures(&row(), &held), [""; 0]);
    }

    #[test]
    fn harm_is_told_with_the_application_that_has_it() {
        let mut row = row();
        row.durable = 4;
        row.applications[0].application = "moh/hq webhook".to_owned();
        row.applications[0].changed = 2;
        let told = failures(&row, &one_bit());
        assert_eq!(told, ["2 changed at moh/hq webhook", "1 not durable"]);
    }
}
