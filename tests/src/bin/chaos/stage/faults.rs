//! Faults, each with the trace that shows that it bit: a process that is gone, packets that a rule dropped, a program's own words.
//! In: what was done, and where its trace is to be found. Out: how many were done, and how many bit. Never: a fault that counts because it
//! was meant to hurt.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ::tests::netns::run;

use super::Stage;
use super::office::Office;
use super::part::Shared;
use super::programs::Program;

/// What shows that a fault bit.
pub enum Trace {
    /// It was there when the fault was done, or it was not.
    Seen(bool),
    /// It was not there, and could not be: another fault held what would have left it.
    Held,
    /// The office has not accepted what was submitted, where it had turned away so many before.
    TurnedAway(Arc<Office>, u64),
    /// One of these words, said by any program behind what it had said before.
    Said(&'static [&'static str], Vec<(Shared, usize)>),
    /// The store that was emptied is there again: its program has begun anew.
    MadeAnew(PathBuf),
    /// The store is no longer as it was put back: its program has worked with it.
    WorkedOn { store: PathBuf, copy: PathBuf },
}

pub struct Fault {
    what: String,
    kind: Kind,
    trace: Trace,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fault,
    /// A bound that was set: a fault only for whoever comes up against it.
    Bound,
}

/// What came of all faults of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub fired: u32,
    pub bit: u32,
    /// Left no trace, as another fault held the part; not counted.
    pub held: u32,
    /// What was done and did not bite.
    pub without_trace: Vec<String>,
}

/// Programs that stood still or were gone, and when.
#[derive(Default)]
pub struct Holds(BTreeMap<Program, Vec<(Instant, Option<Instant>)>>);

impl Holds {
    pub fn begin(&mut self, program: Program) {
        let holds = self.0.entry(program).or_default();
        if holds.last().is_none_or(|(_, to)| to.is_some()) {
            holds.push((Instant::now(), None));
        }
    }

    pub fn end(&mut self, program: Program) {
        if let Some((_, to @ None)) = self.0.get_mut(&program).and_then(|held| held.last_mut()) {
            *to = Some(Instant::now());
        }
    }

    /// Whether it was held at any moment since.
    pub fn since(&self, program: Program, since: Instant) -> bool {
        let holds = self.0.get(&program).into_iter().flatten();
        let mut later = holds.filter(|(_, to)| to.is_none_or(|to| to >= since));
        later.next().is_some()
    }
}

impl Stage {
    /// Writes down a fault whose trace is there, or is not.
    pub(super) fn fault(&mut self, bit: bool, what: &str) {
        self.fault_with(Trace::Seen(bit), what);
    }

    pub(super) fn fault_with(&mut self, trace: Trace, what: &str) {
        let nothing = matches!(trace, Trace::Seen(false));
        self.act(&format!(
            "{what}{}",
            if nothing { ": NOTHING HAPPENED" } else { "" }
        ));
        self.faults.push(Fault {
            what: what.to_owned(),
            kind: Kind::Fault,
            trace,
        });
    }

    /// A bound counts as a fault if somebody came up against it.
    pub(super) fn bound(&mut self, trace: Trace, what: &str) {
        self.act(what);
        self.faults.push(Fault {
            what: what.to_owned(),
            kind: Kind::Bound,
            trace,
        });
    }

    /// What left no trace on an office's line since then may have found nobody who was able to send anything.
    pub(super) fn on_the_line(&self, left: bool, office: usize, since: Instant) -> Trace {
        let gateways = (0..self.bus.gateways.len()).map(Program::Gateway);
        let brokers = (0..self.bus.brokers.len()).map(Program::Broker);
        let mut road = [Program::Agent(office)]
            .into_iter()
            .chain(gateways)
            .chain(brokers);
        match !left && road.any(|program| self.holds.since(program, since)) {
            true => Trace::Held,
            false => Trace::Seen(left),
        }
    }

    /// Any program's word from now on.
    pub(super) async fn words_to_come(&self, words: &'static [&'static str]) -> Trace {
        let mut said = Vec::new();
        for shared in self.all_parts() {
            let before = shared.lock().await.words().len();
            said.push((shared, before));
        }
        Trace::Said(words, said)
    }

    /// Looks for every trace that was not to be seen at once.
    pub async fn count_faults(&self) -> Count {
        let mut count = Count::default();
        for fault in &self.faults {
            match fault.bit().await {
                Some(true) => {
                    count.fired += 1;
                    count.bit += 1;
                }
                Some(false) if fault.kind == Kind::Bound => {
                    self.act(&format!("nobody came up against it: {}", fault.what));
                }
                Some(false) => {
                    count.fired += 1;
                    count.without_trace.push(fault.what.clone());
                }
                None => count.held += 1,
            }
        }
        count
    }
}

impl Fault {
    /// None: it could not.
    async fn bit(&self) -> Option<bool> {
        Some(match &self.trace {
            Trace::Seen(seen) => *seen,
            Trace::Held => return None,
            Trace::TurnedAway(office, before) => office.turned_away() > *before,
            Trace::Said(words, parts) => {
                let mut found = false;
                for (part, before) in parts {
                    let all = part.lock().await.words();
                    let later = all.get(*before..).unwrap_or_default();
                    found |= words.iter().any(|word| later.contains(word));
                }
                found
            }
            Trace::MadeAnew(store) => {
                std::fs::read_dir(store).is_ok_and(|mut entries| entries.next().is_some())
            }
            Trace::WorkedOn { store, copy } => {
                run(&format!("diff -rq {} {}", store.display(), copy.display())).is_err()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_counts_while_it_lasts_and_for_what_began_before_its_end() {
        let mut holds = Holds::default();
        let (gateway, before) = (Program::Gateway(0), Instant::now());
        assert!(!holds.since(gateway, before));
        holds.begin(gateway);
        assert!(holds.since(gateway, Instant::now()), "it is held now");
        holds.end(gateway);
        assert!(holds.since(gateway, before), "it was, in between");
        let later = Instant::now() + std::time::Duration::from_millis(1);
        assert!(!holds.since(gateway, later), "it is over");
        assert!(!holds.since(Program::Broker(0), before), "it was another");
    }
}
