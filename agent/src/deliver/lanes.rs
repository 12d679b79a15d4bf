//! What is due to one target: each log of its feed comes in from where it stands, the next event of each goes out. A log that is held up holds
//! up no other, however much lies behind it, and of each log no more than its next event is known here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::event::Position;
use schemas::subject::LogName;

use super::Ground;
use super::delivered::{Mark, Step, UpTo};
use super::judge::{Judged, judge};
use crate::inbox::InLog;
use crate::store::Outage;
use crate::store::alarms::now_ms;

/// An event that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub log: LogName,
    pub event: InLog,
    pub kind: Kind,
}

/// What it is to what was delivered of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Next,
    /// It had been declared lost, and passed over.
    Late,
    /// Another event was delivered at its position.
    Branch,
}

/// A log on its way to the target.
#[derive(Debug, Default)]
struct Lane {
    /// All up to here was looked at: it is delivered, on its way, or for no application.
    stand: u64,
    due: Option<Due>,
    under_way: bool,
    until: Option<Instant>,
    trouble: Option<Trouble>,
    /// Since when it cannot be told whether its next event was delivered.
    undecided: Option<Instant>,
    told_branch: bool,
    told_undecided: bool,
}

/// How it went with an event that was not taken.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub tries: u32,
    pub since: Instant,
    pub since_ms: u64,
    pub told: bool,
    /// Tries that got no answer in time.
    pub unanswered: u32,
}

impl Trouble {
    fn begin() -> Trouble {
        Trouble {
            tries: 0,
            since: Instant::now(),
            since_ms: now_ms(),
            told: false,
            unanswered: 0,
        }
    }
}

pub struct Lanes {
    ground: Arc<Ground>,
    lanes: BTreeMap<LogName, Lane>,
}

impl Lanes {
    pub fn new(ground: Arc<Ground>) -> Lanes {
        Lanes {
            ground,
            lanes: BTreeMap::new(),
        }
    }

    /// Looks for what has come in logs of which nothing is due.
    pub fn refresh(&mut self) -> Result<(), Outage> {
        for (log, _) in self.ground.inbox.logs(&self.ground.feed)? {
            let idle = |lane: &Lane| lane.due.is_none();
            if self.lanes.get(&log).is_none_or(idle) {
                self.look(&log)?;
            }
        }
        Ok(())
    }

    /// What is due first, by arrival, of what is neither held up nor under way.
    pub fn first(&self, now: Instant) -> Option<Due> {
        let free = |lane: &&Lane| !lane.under_way && lane.until.is_none_or(|until| until <= now);
        let due = self
            .lanes
            .values()
            .filter(free)
            .filter_map(|lane| lane.due.as_ref());
        due.min_by_key(|due| due.event.arrival).cloned()
    }

    /// When the first of what is held up is due again.
    pub fn soonest(&self) -> Option<Instant> {
        let held = self
            .lanes
            .values()
            .filter(|lane| lane.due.is_some() && !lane.under_way);
        held.filter_map(|lane| lane.until).min()
    }

    /// What is due of the event with an id.
    pub fn due_with_id(&self, id: &str) -> Option<Due> {
        let mut due = self.lanes.values().filter_map(|lane| lane.due.as_ref());
        due.find(|due| due.event.id == id).cloned()
    }

    pub fn goes(&mut self, log: &LogName) {
        if let Some(lane) = self.lanes.get_mut(log) {
            lane.under_way = true;
        }
    }

    /// The log's event is delivered, or passed on in a write that marks it: the next one is looked for.
    pub fn passed(&mut self, due: &Due) -> Result<(), Outage> {
        if let Some(lane) = self.lanes.get_mut(&due.log) {
            lane.under_way = false;
            lane.until = None;
            lane.trouble = None;
            lane.due = None;
            if due.kind != Kind::Late {
                lane.stand = due.event.position.number();
                lane.told_branch &= due.kind == Kind::Branch;
            }
        }
        self.look(&due.log)
    }

    /// The log's event was not taken; how it went with it until now.
    pub fn not_taken(&mut self, log: &LogName) -> Option<&mut Trouble> {
        let lane = self.lanes.get_mut(log)?;
        lane.under_way = false;
        let trouble = lane.trouble.get_or_insert_with(Trouble::begin);
        trouble.tries = trouble.tries.saturating_add(1);
        Some(trouble)
    }

    pub fn wait(&mut self, log: &LogName, wait: Duration) {
        if let Some(lane) = self.lanes.get_mut(log) {
            lane.until = Some(Instant::now() + wait);
        }
    }

    pub fn trouble(&self, log: &LogName) -> Option<&Trouble> {
        self.lanes.get(log)?.trouble.as_ref()
    }

    pub fn in_trouble(&self) -> bool {
        let waits = |lane: &Lane| lane.trouble.is_some() || lane.undecided.is_some();
        self.lanes.values().any(waits)
    }

    /// A person has put the log elsewhere: it begins anew.
    pub fn put(&mut self, log: &LogName) -> Result<(), Outage> {
        self.lanes.remove(log);
        self.look(log)
    }

    /// Logs that have stood for long because it cannot be told what was delivered, each once.
    pub fn undecided(&mut self, long: Duration) -> Vec<LogName> {
        let mut all = Vec::new();
        for (log, lane) in &mut self.lanes {
            let since = lane.undecided.filter(|since| since.elapsed() >= long);
            if since.is_some() && !lane.told_undecided {
                lane.told_undecided = true;
                all.push(log.clone());
            }
        }
        all
    }

    fn look(&mut self, log: &LogName) -> Result<(), Outage> {
        let ground = &self.ground;
        let up_to = ground.delivered.up_to(&ground.name, log);
        let lane = match self.lanes.get_mut(log) {
            Some(lane) => lane,
            None => {
                let stand = begin(ground, log, &up_to)?;
                let lane = Lane {
                    stand,
                    ..Lane::default()
                };
                self.lanes.entry(log.clone()).or_insert(lane)
            }
        };
        let due = |event: InLog, kind| Due {
            log: log.clone(),
            event,
            kind,
        };
        lane.due = late(ground, log, &up_to)?.map(|event| due(event, Kind::Late));
        let mut undecided = false;
        while lane.due.is_none() && !undecided {
            let Some(event) = ground.inbox.next_in_log(log, lane.stand)? else {
                break;
            };
            match judge(ground, log, &up_to, &event)? {
                Judged::Done => lane.stand = event.position.number(),
                Judged::Undecided => undecided = true,
                Judged::Next => lane.due = Some(due(event, Kind::Next)),
                Judged::Branch => lane.due = Some(due(event, Kind::Branch)),
            }
        }
        match undecided {
            true => drop(lane.undecided.get_or_insert_with(Instant::now)),
            false => {
                lane.undecided = None;
                lane.told_undecided = false;
            }
        }
        let branch = lane.due.as_ref().filter(|due| due.kind == Kind::Branch);
        if let Some(branch) = branch.filter(|_| !lane.told_branch) {
            ground.tell_branch(branch, &up_to);
            lane.told_branch = true;
        }
        Ok(())
    }
}

/// Where a log is looked at first. What lies before it is delivered by the chain; where that cannot be seen, all is looked at.
fn begin(ground: &Ground, log: &LogName, up_to: &UpTo) -> Result<u64, Outage> {
    let Some(position) = Position::new(up_to.position) else {
        return Ok(0);
    };
    let known = ground.inbox.hash_known(log, position)?;
    if known.is_some() && (up_to.hash.is_none() || known == up_to.hash) {
        return Ok(up_to.position);
    }
    let end = ground.inbox.state(log)?.complete.min(up_to.position);
    let mut back = 0;
    while let Some(position) = Position::new(end.saturating_sub(back)) {
        let here = ground.inbox.hash_at(log, position)?;
        let there = ground
            .delivered
            .hash_of(&ground.name, log, position.number());
        if here.is_some() && here == there {
            return Ok(position.number());
        }
        back = back * 2 + 1;
    }
    Ok(0)
}

/// What had been passed over, and has come back.
fn late(ground: &Ground, log: &LogName, up_to: &UpTo) -> Result<Option<InLog>, Outage> {
    for (first, last) in up_to.passed_over.ends() {
        let mut before = first.before().map_or(0, Position::number);
        while let Some(event) = ground.inbox.next_in_log(log, before)? {
            if event.position > last {
                break;
            }
            if event.for_applications {
                return Ok(Some(event));
            }
            before = event.position.number();
        }
    }
    Ok(None)
}

impl Ground {
    /// What is written down when an event was delivered, or is not to be.
    pub fn mark(&self, due: &Due) -> Result<Mark, Outage> {
        let Due { log, event, kind } = due;
        let step = match kind {
            Kind::Next => {
                // What was declared lost, and comes back behind this one, is not taken for delivered because of it.
                let before = self.delivered.position(&self.name, log);
                let passed_over = self.inbox.passed_over(log, before, event.position)?;
                Step::Next { passed_over }
            }
            Kind::Late => Step::Late,
            Kind::Branch => Step::Branch,
        };
        Ok(Mark {
            log: log.clone(),
            position: event.position,
            hash: event.hash,
            step,
        })
    }

    fn tell_branch(&self, due: &Due, up_to: &UpTo) {
        let (first, last) = (due.event.position, up_to.position);
        let text = format!(
            "{}: of {} other events were delivered at positions {first} to {last} than the bus has there now; what it has is delivered, too",
            self.name, due.log
        );
        self.inbox.alarms().raise("delivered-branch", text);
    }
}
