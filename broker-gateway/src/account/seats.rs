//! Who sits at the gateway: an office that has shown its certificate comes in, a seat for one session goes out. No office and no
//! ministry has more than its part; the one that has been silent for longest makes room for one that comes anew.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use schemas::subject::OfficeId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lock;
use crate::limits::{MINISTRY_SESSIONS_MAX, OFFICE_SESSIONS_MAX, SEAT_SILENCE_MIN};

/// All seats of a gateway.
#[derive(Debug)]
pub struct Seats {
    most: usize,
    began: Instant,
    taken: Mutex<Vec<Taken>>,
    numbers: AtomicU64,
}

#[derive(Debug)]
struct Taken {
    number: u64,
    office: OfficeId,
    /// When its session was last heard, in milliseconds since the gateway began.
    heard: Arc<AtomicU64>,
    given_up: CancellationToken,
}

/// One session's seat; it is free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    number: u64,
    heard: Arc<AtomicU64>,
    /// It was given to another session; this one has to end.
    pub given_up: CancellationToken,
}

/// No seat can be given: who sits there was heard just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Seats {
    pub fn new(most: usize) -> Arc<Seats> {
        Arc::new(Seats {
            most,
            began: Instant::now(),
            taken: Mutex::default(),
            numbers: AtomicU64::new(0),
        })
    }

    /// # Errors
    /// `Full`.
    pub fn take(self: &Arc<Self>, office: &OfficeId) -> Result<Seat, Full> {
        let mut taken = lock(&self.taken);
        if let Some(crowd) = crowd(&taken, office, self.most) {
            let silent = self.silent_for_longest(&taken, crowd).ok_or(Full)?;
            taken.swap_remove(silent).given_up.cancel();
        }
        let seat = Seat {
            seats: self.clone(),
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            heard: Arc::new(AtomicU64::new(self.now())),
            given_up: CancellationToken::new(),
        };
        taken.push(Taken {
            number: seat.number,
            office: office.clone(),
            heard: seat.heard.clone(),
            given_up: seat.given_up.clone(),
        });
        Ok(seat)
    }

    /// The seat of those whose session was heard longest ago; None if all were heard just now.
    fn silent_for_longest(&self, taken: &[Taken], crowd: OfficeId) -> Option<usize> {
        let heard = |seat: &Taken| seat.heard.load(Ordering::Relaxed);
        let seats = taken.iter().enumerate();
        let (index, silent) = seats
            .filter(|(_, seat)| seat.office == crowd)
            .min_by_key(|(_, seat)| heard(seat))?;
        let silence = self.now().saturating_sub(heard(silent));
        (u128::from(silence) >= SEAT_SILENCE_MIN.as_millis()).then_some(index)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The office that has to give up a seat before another can be taken, if one has to: the greediest of those that share the bound
/// which is reached.
fn crowd(taken: &[Taken], newcomer: &OfficeId, most: usize) -> Option<OfficeId> {
    let of_office = |office: &OfficeId| taken.iter().filter(|seat| seat.office == *office).count();
    let of_ministry = |seat: &&Taken| seat.office.ministry() == newcomer.ministry();
    if of_office(newcomer) >= OFFICE_SESSIONS_MAX {
        return Some(newcomer.clone());
    }
    let full_ministry = taken.iter().filter(of_ministry).count() >= MINISTRY_SESSIONS_MAX;
    let sharing: Vec<&Taken> = match (full_ministry, taken.len() >= most) {
        (false, false) => return None,
        (true, _) => taken.iter().filter(of_ministry).collect(),
        (false, true) => taken.iter().collect(),
    };
    let greediest = sharing
        .into_iter()
        .max_by_key(|seat| of_office(&seat.office));
    greediest.map(|seat| seat.office.clone())
}

impl Seat {
    /// The session has said something.
    pub fn hear(&self) {
        self.heard.store(self.seats.now(), Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.seats.taken).retain(|taken| taken.number != self.number);
    }
}
