//! What nats-server has acknowledged comes in; that it gives it back goes out, or a hold. One bit in its files is enough, and it acknowledges
//! what nobody can read: then the log ends for whoever asks where it ended before, and the same events would be stored again and again. So
//! what was just stored is looked at after each start of nats-server, wherever something was odd, and every few seconds in which
//! anything is stored. While one of them is not there nothing more is stored in that feed's stream.
//!
//! And what is sent to be stored and not answered, while questions are, is counted: nats-server stores nothing any more on a disk that was
//! full, and says so to nobody; only a start mends it.
//!
//! One for each feed's stream, of its writer and its healer. Never: an answer `stored` for what was looked for and not found.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::event::{Hash, Position};
use schemas::refusal::Hold;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;
use tokio::time::Instant;

use super::read::{Reader, Unreadable, Wanted};
use crate::limits::{
    READ_BACK_INTERVAL, UNANSWERED_MIN, UNREADABLE_LOOK_FIRST, UNREADABLE_LOOK_LONGEST,
    UNREADABLE_TRIAL_INTERVAL,
};
use crate::seldom::seldom;
use crate::upstream::jetstream::{JetStream, Outage};

/// An event that nats-server has acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Acknowledged {
    pub log: LogName,
    /// On which it was stored.
    pub subject: String,
    pub position: Position,
    pub hash: Hash,
    pub seq: u64,
}

impl Acknowledged {
    pub fn of(event: &SignedEvent, subject: &str, seq: u64) -> Acknowledged {
        Acknowledged {
            log: event.event().log().clone(),
            subject: subject.to_owned(),
            position: event.link().position,
            hash: event.hash(),
            seq,
        }
    }
}

/// How much may be stored now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    Store,
    /// One run, to see whether nats-server is well again.
    Try,
}

/// How sure one is of what was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Nothing was odd.
    None,
    /// What stands before it was lost or cannot be read, as far as nats-server tells.
    Odd,
}

#[derive(Debug, Default)]
pub(super) struct Readback(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When something was last read back, and in which life of nats-server.
    whole: Option<(String, Instant)>,
    trouble: Option<Trouble>,
    unanswered: Option<Unanswered>,
}

/// Something was sent to be stored, and nothing was said of it.
#[derive(Debug)]
struct Unanswered {
    server: String,
    times: u32,
    try_at: Instant,
}

/// Something was acknowledged and cannot be read.
#[derive(Debug, Clone)]
struct Trouble {
    what: Acknowledged,
    /// The life of nats-server in which that was so.
    server: String,
    looks: u32,
    look_at: Instant,
    try_at: Instant,
}

/// What a look has shown.
enum Looked {
    There,
    NotThere,
    /// Nobody can say now.
    Not(String),
}

impl Readback {
    /// Says whether anything may be stored now. What could not be read is looked for again, more and more slowly.
    ///
    /// # Errors
    /// `BusUnreadable`, and when it is looked at again.
    pub async fn admits(&self, jetstream: &JetStream) -> Result<May, Hold> {
        let trouble = {
            let mut state = self.lock();
            let is_writable = state.is_writable(jetstream)?;
            match state.trouble.clone() {
                None => return Ok(is_writable),
                Some(trouble) => trouble,
            }
        };
        if trouble.server != jetstream.info().server_id {
            return Ok(May::Try);
        }
        if Instant::now() < trouble.look_at {
            return Err(self.hold());
        }
        let there = match look(jetstream, &trouble.what).await {
            Looked::There => true,
            Looked::NotThere => false,
            Looked::Not(why) => return Err(unknown(jetstream, &trouble.what, &why)),
        };
        let mut state = self.lock();
        if there {
            state.is_well(jetstream);
            return Ok(May::Store);
        }
        let now = Instant::now();
        if let Some(trouble) = &mut state.trouble {
            trouble.again(now);
            if now >= trouble.try_at {
                trouble.try_at = now + UNREADABLE_TRIAL_INTERVAL;
                return Ok(May::Try);
            }
        }
        drop(state);
        Err(self.hold())
    }

    /// Looks at what was just acknowledged, where that is due.
    ///
    /// # Errors
    /// It is not there, or nobody can say: then it is not answered as stored.
    pub async fn look(
        &self,
        jetstream: &JetStream,
        what: impl FnOnce() -> Option<Acknowledged>,
        doubt: Doubt,
    ) -> Result<(), Hold> {
        self.lock().unanswered = None;
        if !self.is_due(jetstream, doubt) {
            return Ok(());
        }
        let Some(what) = what() else { return Ok(()) };
        match look(jetstream, &what).await {
            Looked::There => {
                self.lock().is_well(jetstream);
                Ok(())
            }
            Looked::NotThere => {
                self.lock().is_not_there(jetstream, what);
                Err(self.hold())
            }
            Looked::Not(why) => Err(unknown(jetstream, &what, &why)),
        }
    }

    /// Something was sent over a connection on which nats-server had answered, and it is not known what became of it. Says what whoever wants
    /// it stored is told.
    pub fn not_known(&self, jetstream: &JetStream, outage: &Outage) -> Hold {
        let mut state = self.lock();
        let server = &jetstream.info().server_id;
        let known = state
            .unanswered
            .take()
            .filter(|known| known.server == *server);
        if *outage != Outage::Silent {
            state.unanswered = known;
            return Hold::BusUnavailable;
        }
        let times = known.map_or(0, |known| known.times).saturating_add(1);
        let pause = pause(times.saturating_sub(UNANSWERED_MIN));
        state.unanswered = Some(Unanswered {
            server: server.clone(),
            times,
            try_at: Instant::now() + pause,
        });
        if times < UNANSWERED_MIN {
            return Hold::BusUnavailable;
        }
        seldom!(
            error,
            server,
            "bus-unwritable",
            times,
            "bus-unwritable: nats-server answers questions and says nothing of what it is to store: its disk was full or failed, or its cluster \
             has no majority; make room, and restart nats-server: before that it stores nothing (docs/operating.md)"
        );
        unwritable(pause)
    }

    /// What is told to whoever wants something stored.
    pub fn hold(&self) -> Hold {
        let look_at = self.lock().trouble.as_ref().map(|trouble| trouble.look_at);
        let wait = look_at.map(|at| at.saturating_duration_since(Instant::now()));
        let retry_after_s = wait.map_or(1, |wait| wait.as_secs().max(1));
        Hold::BusUnreadable { retry_after_s }
    }

    fn is_due(&self, jetstream: &JetStream, doubt: Doubt) -> bool {
        let state = self.lock();
        let fresh = state.whole.as_ref().is_some_and(|(server, at)| {
            *server == jetstream.info().server_id && at.elapsed() < READ_BACK_INTERVAL
        });
        doubt == Doubt::Odd || state.trouble.is_some() || !fresh
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// # Errors
    /// Nothing was said of what was sent, and it is not time to send more.
    fn is_writable(&mut self, jetstream: &JetStream) -> Result<May, Hold> {
        let now = Instant::now();
        let server = &jetstream.info().server_id;
        let of_server = self
            .unanswered
            .as_mut()
            .filter(|known| known.server == *server);
        let Some(known) = of_server.filter(|known| known.times >= UNANSWERED_MIN) else {
            return Ok(May::Store);
        };
        let wait = known.try_at.saturating_duration_since(now);
        match wait.is_zero() {
            true => {
                known.try_at = now + UNREADABLE_LOOK_LONGEST;
                Ok(May::Try)
            }
            false => Err(unwritable(wait)),
        }
    }

    fn is_well(&mut self, jetstream: &JetStream) {
        if let Some(trouble) = self.trouble.take() {
            let Acknowledged { log, position, .. } = trouble.what;
            seldom!(info, log, "bus-readable", %log, %position, "nats-server gives back again what it acknowledges");
        }
        let server = jetstream.info().server_id.clone();
        self.whole = Some((server, Instant::now()));
    }

    fn is_not_there(&mut self, jetstream: &JetStream, what: Acknowledged) {
        let now = Instant::now();
        let mut trouble = Trouble {
            server: jetstream.info().server_id.clone(),
            looks: 0,
            look_at: now,
            try_at: now + UNREADABLE_TRIAL_INTERVAL,
            what,
        };
        // A trial in the same life begins nothing anew.
        if let Some(known) = self
            .trouble
            .take()
            .filter(|known| known.server == trouble.server)
        {
            trouble.looks = known.looks;
        }
        trouble.again(now);
        self.trouble = Some(trouble);
    }
}

impl Trouble {
    fn again(&mut self, now: Instant) {
        let Acknowledged {
            log, position, seq, ..
        } = &self.what;
        seldom!(
            error, log, "bus-unreadable", %log, %position, seq,
            "bus-unreadable: nats-server has acknowledged what it cannot give back, so its files are damaged; nothing is stored in this feed's \
             stream: restart nats-server, and see whether `spean-gateway check` still says so (docs/operating.md)"
        );
        self.look_at = now + pause(self.looks);
        self.looks = self.looks.saturating_add(1);
    }
}

fn unwritable(wait: Duration) -> Hold {
    let retry_after_s = wait.as_secs().max(1);
    Hold::BusUnwritable { retry_after_s }
}

fn pause(looks: u32) -> Duration {
    let doubled = UNREADABLE_LOOK_FIRST.saturating_mul(2_u32.saturating_pow(looks.min(8)));
    doubled.min(UNREADABLE_LOOK_LONGEST)
}

async fn look(jetstream: &JetStream, what: &Acknowledged) -> Looked {
    let reader = Reader {
        jetstream,
        log: &what.log,
    };
    let wanted = Wanted::From {
        seq: what.seq,
        next_by_subj: &what.subject,
    };
    match reader.event(wanted).await {
        Ok(Some((seq, event))) if seq == what.seq && event.hash() == what.hash => Looked::There,
        Ok(_) | Err(Unreadable::Message { .. } | Unreadable::Newer { .. }) => Looked::NotThere,
        Err(Unreadable::Api(error)) if !error.is_outage() => Looked::NotThere,
        Err(why @ (Unreadable::Api(_) | Unreadable::Outage(_))) => Looked::Not(why.to_string()),
    }
}

/// It may be there or not: whoever sends it again is answered by what the stream then holds.
fn unknown(jetstream: &JetStream, what: &Acknowledged, why: &str) -> Hold {
    let Acknowledged { log, position, .. } = what;
    seldom!(warn, log, "not-looked-at", %log, %position, why, "what was acknowledged cannot be looked at; it is held");
    jetstream.close();
    Hold::BusUnavailable
}
