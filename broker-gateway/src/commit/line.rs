//! What waits for one feed's writer, or for its healer: work comes in, each office's in a line of its own, and a turn's worth of it
//! goes out. Offices take turns: who has little goes first and alone, so that nobody waits for another's long run; who has had
//! much rests some times as long as it took, while somebody is about who has little. Where nobody is, nothing rests and turns are
//! long. What of a turn is left after one append goes back: who comes meanwhile waits for that append alone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::limits::{BATCH_EVENTS_MIN, RUN_EVENTS_MAX};
use schemas::subject::OfficeId;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::limits::{LINE_OF_OFFICE_MAX, OTHERS_ABOUT_TIME, TURN_OF_OFFICE_EVENTS};

/// Events of a turn, while nobody is about who waits for it: two runs.
const TURN_EVENTS_MAX: usize = 2 * RUN_EVENTS_MAX;

/// Work that waits in a line.
pub(super) trait Weighs {
    /// How many events it is, or of how many usual ones it has the bytes.
    fn weight(&self) -> usize;
}

/// Where work is put in line. When the last one is gone, the line ends once it is empty.
#[derive(Debug)]
pub(super) struct Entrance<T>(Arc<Line<T>>);

/// Where a turn's worth is taken out. What still waits when it is gone is dropped, and with it whoever waits for an answer is told.
#[derive(Debug)]
pub(super) struct Exit<T>(Arc<Line<T>>);

#[derive(Debug)]
struct Line<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<T> {
    offices: HashMap<OfficeId, OfOffice<T>>,
    /// Whose turn comes first.
    order: VecDeque<OfficeId>,
    entrance_gone: bool,
    exit_gone: bool,
}

#[derive(Debug)]
struct OfOffice<T> {
    waiting: VecDeque<(T, Option<OwnedSemaphorePermit>)>,
    events: usize,
    room: Arc<Semaphore>,
    /// When it was last here.
    seen: Instant,
    /// Events of its in a turn, on average, the last turns most.
    usual: f64,
    rests_until: Instant,
    /// Something of it is looked up elsewhere, and what is behind it waits.
    away: bool,
}

/// A turn's worth of work.
#[derive(Debug)]
pub(super) struct Turn<T> {
    pub work: VecDeque<T>,
    shares: HashMap<OfficeId, usize>,
    began: Instant,
}

pub(super) fn line<T: Weighs>() -> (Entrance<T>, Exit<T>) {
    let line = Arc::new(Line {
        state: Mutex::new(State {
            offices: HashMap::new(),
            order: VecDeque::new(),
            entrance_gone: false,
            exit_gone: false,
        }),
        changed: Notify::new(),
    });
    (Entrance(line.clone()), Exit(line))
}

impl<T: Weighs> Entrance<T> {
    /// Puts work in its office's line; waits while that one is full, and nobody else with it. Where the exit is gone, it is dropped.
    pub async fn put(&self, office: &OfficeId, work: T) {
        let room = self.0.lock().of(office).room.clone();
        if let Ok(permit) = room.acquire_owned().await {
            self.0.put(office, work, Some(permit));
        }
    }

    /// Puts in line what was counted where it comes from.
    pub fn hand(&self, office: &OfficeId, work: T) {
        self.0.put(office, work, None);
    }

    /// Whether nobody takes anything out any more.
    pub fn is_closed(&self) -> bool {
        self.0.lock().exit_gone
    }
}

impl<T: Weighs> Exit<T> {
    /// The next turn's worth of work; None when the line has ended.
    pub async fn turn(&mut self) -> Option<Turn<T>> {
        loop {
            // Sessions that are ready now get to put theirs in line, so that one fsync serves them all.
            tokio::task::yield_now().await;
            let changed = self.0.changed.notified();
            let now = Instant::now();
            let wait = match self.0.lock().take(now) {
                Next::Turn(turn) => return Some(turn),
                Next::End => return None,
                Next::Rests(until) => Some(until),
                Next::Nothing => None,
            };
            match wait {
                Some(until) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(until) => {}
                },
                None => changed.await,
            }
        }
    }

    /// A turn is over, with all of its work done.
    pub fn rest(&mut self, turn: Turn<T>, times: Rest) {
        self.end(turn, std::iter::empty(), times);
    }

    /// A turn is over. What is left of its work goes back in front of its offices' lines, in its order; whoever had much of what was
    /// done rests, for so many times as long as its part of it took.
    pub fn end(
        &mut self,
        turn: Turn<T>,
        left: impl DoubleEndedIterator<Item = (OfficeId, T)>,
        times: Rest,
    ) {
        let now = Instant::now();
        let took = now.duration_since(turn.began);
        let mut state = self.0.lock();
        let mut shares = turn.shares;
        for (office, work) in left.rev() {
            if let Some(share) = shares.get_mut(&office) {
                *share = share.saturating_sub(work.weight());
            }
            state.of(&office).put_front(Some(work));
        }
        let whole: usize = shares.values().sum();
        let about = state.about(now);
        for (office, events) in shares.into_iter().filter(|(_, events)| *events > 0) {
            let alone = about.iter().all(|other| *other == office);
            let of_office = state.of(&office);
            of_office.had(events);
            let times = match times {
                Rest::Always(times) => times,
                Rest::AmongOthers(_) if alone || events < BATCH_EVENTS_MIN => continue,
                Rest::AmongOthers(times) => times,
            };
            let part = events as f64 / whole.max(1) as f64;
            of_office.rests_until = now + took.mul_f64(part * times);
        }
    }

    /// Something of the office's is looked up elsewhere; what waits in its line, and all that comes, waits until it has come back.
    pub fn go_away(&mut self, office: &OfficeId) -> Away<T> {
        self.0.lock().of(office).away = true;
        Away {
            line: self.0.clone(),
            office: office.clone(),
            back: None,
        }
    }
}

/// Work of an office that is looked up elsewhere. When this is dropped, its line goes on.
#[derive(Debug)]
pub(super) struct Away<T: Weighs> {
    line: Arc<Line<T>>,
    office: OfficeId,
    back: Option<T>,
}

impl<T: Weighs> Away<T> {
    /// What of it comes back goes in front of all that waits behind it.
    pub fn bring_back(mut self, work: T) {
        self.back = Some(work);
    }
}

impl<T: Weighs> Drop for Away<T> {
    fn drop(&mut self) {
        let mut state = self.line.lock();
        let back = self.back.take();
        let of_office = state.of(&self.office);
        of_office.away = false;
        of_office.put_front(back);
        drop(state);
        self.line.changed.notify_one();
    }
}

/// Who rests behind a turn, and for how many times as long as it took.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rest {
    /// Who had a long run, if others have been there lately.
    AmongOthers(f64),
    Always(f64),
}

impl<T> Drop for Entrance<T> {
    fn drop(&mut self) {
        self.0.lock().entrance_gone = true;
        self.0.changed.notify_one();
    }
}

impl<T> Drop for Exit<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.exit_gone = true;
        for of_office in state.offices.values_mut() {
            of_office.room.close();
            of_office.waiting.clear();
        }
    }
}

impl<T> Line<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Whoever panicked with the lock left whole lines behind: each change is one call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, office: &OfficeId, work: T, permit: Option<OwnedSemaphorePermit>)
    where
        T: Weighs,
    {
        let mut state = self.lock();
        if state.exit_gone {
            return;
        }
        let of_office = state.of(office);
        of_office.seen = Instant::now();
        of_office.events = of_office.events.saturating_add(work.weight());
        of_office.waiting.push_back((work, permit));
        drop(state);
        self.changed.notify_one();
    }
}

/// What there is to do.
enum Next<T> {
    Turn(Turn<T>),
    /// Somebody rests until then, and nobody else waits.
    Rests(Instant),
    Nothing,
    End,
}

impl<T: Weighs> State<T> {
    fn of(&mut self, office: &OfficeId) -> &mut OfOffice<T> {
        if !self.offices.contains_key(office) {
            self.order.push_back(office.clone());
        }
        let now = Instant::now();
        let closed = self.exit_gone;
        self.offices
            .entry(office.clone())
            .or_insert_with(|| OfOffice::new(now, closed))
    }

    /// The offices that have been here lately and usually have little, and so wait for whatever takes long.
    fn about(&self, now: Instant) -> Vec<OfficeId> {
        let about = self.offices.iter().filter(|(_, one)| {
            let lately = now.duration_since(one.seen) < OTHERS_ABOUT_TIME;
            lately && one.usual < BATCH_EVENTS_MIN as f64
        });
        about.map(|(office, _)| office.clone()).collect()
    }

    fn take(&mut self, now: Instant) -> Next<T> {
        let ready = |of_office: &OfOffice<T>| !of_office.waiting.is_empty() && !of_office.away;
        let waiting: Vec<&OfOffice<T>> = self.offices.values().filter(|one| ready(one)).collect();
        let able: Vec<&&OfOffice<T>> = waiting
            .iter()
            .filter(|one| one.rests_until <= now)
            .collect();
        if able.is_empty() {
            let until = waiting.iter().map(|one| one.rests_until).min();
            let ended = self.entrance_gone && self.offices.values().all(|one| !one.away);
            return match until {
                Some(until) => Next::Rests(until),
                None if ended => Next::End,
                None => Next::Nothing,
            };
        }
        let little = |one: &OfOffice<T>| one.events < BATCH_EVENTS_MIN;
        let small: usize = able
            .iter()
            .filter(|one| little(one))
            .map(|one| one.events)
            .sum();
        let many = able.iter().filter(|one| !little(one)).count();
        let has_much = many > 0;
        let part = TURN_EVENTS_MAX.checked_div(many.max(1)).unwrap_or(0);
        let part = part.max(TURN_OF_OFFICE_EVENTS);
        // Few enough to be stored as single appends, which take a fraction of a batch's time.
        let small_first = has_much && (1..BATCH_EVENTS_MIN).contains(&small);
        let mut turn = Turn {
            work: VecDeque::new(),
            shares: HashMap::new(),
            began: now,
        };
        let mut left = TURN_EVENTS_MAX;
        let about = self.about(now);
        for _ in 0..self.order.len() {
            let Some(office) = self.order.pop_front() else {
                break;
            };
            let most = match about.iter().any(|other| *other != office) {
                true => TURN_OF_OFFICE_EVENTS.min(left),
                false => part.min(left),
            };
            if let Some(one) = self.offices.get_mut(&office)
                && ready(one)
                && one.rests_until <= now
                && (!small_first || little(one))
            {
                let events = one.take(most, &mut turn.work);
                left = left.saturating_sub(events);
                turn.shares.insert(office.clone(), events);
            }
            self.order.push_back(office);
        }
        // The next turn begins with another one.
        if let Some(first) = self.order.pop_front() {
            self.order.push_back(first);
        }
        Next::Turn(turn)
    }
}

impl<T: Weighs> OfOffice<T> {
    fn new(now: Instant, closed: bool) -> OfOffice<T> {
        let room = Arc::new(Semaphore::new(LINE_OF_OFFICE_MAX));
        if closed {
            room.close();
        }
        OfOffice {
            waiting: VecDeque::new(),
            events: 0,
            room,
            seen: now,
            usual: 0.0,
            rests_until: now,
            away: false,
        }
    }

    fn put_front(&mut self, work: Option<T>) {
        if let Some(work) = work {
            self.events = self.events.saturating_add(work.weight());
            self.waiting.push_front((work, None));
        }
    }

    /// Takes work of up to so many events; what is first is taken in any case.
    fn take(&mut self, most: usize, into: &mut VecDeque<T>) -> usize {
        let mut taken = 0_usize;
        while let Some((work, permit)) = self.waiting.pop_front() {
            let events = work.weight();
            if taken > 0 && taken.saturating_add(events) > most {
                self.waiting.push_front((work, permit));
                break;
            }
            taken = taken.saturating_add(events);
            self.events = self.events.saturating_sub(events);
            into.push_back(work);
        }
        taken
    }

    /// So many events of it were in a turn.
    fn had(&mut self, events: usize) {
        self.usual = 0.8 * self.usual + 0.2 * events as f64;
    }
}

#[cfg(test)]
mod tests;
