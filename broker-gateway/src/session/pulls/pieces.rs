//! A client's pull comes in, pieces of it go out, one after the other: a small one as long as nothing is known to wait for it, a large one
//! when the small one was full. What waits for minutes costs next to nothing so, and what comes is counted with the session's reads until
//! the client's line has it. To its client it is one pull, which begins and ends once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::status::{Kind, Status};
use crate::account::{Account, Ears};
use crate::limits::{
    HEARTBEAT_MIN, OFFICE_PULLS_MAX, PULL_BYTES_AT_ONCE, PULL_BYTES_WAITING, PULL_LARGE_TIME,
    PULL_LATE, READ_AHEAD_BYTES_MAX, READ_COPIES_MAX, READ_UNHEARD_TIME,
};
use crate::request::{Piece, Pull};
use crate::wire::{Frame, Subject};

/// A pull that is over but for this is ended by nats-server itself.
const LASTS_MIN: Duration = Duration::from_millis(1);

/// The pulls of one session that are under way.
#[derive(Debug)]
pub(super) struct Pieces {
    /// What the session may have asked for and not taken, of reads and pulls together.
    ahead: Arc<Semaphore>,
    /// The pulls of all sessions of the office, and what they listen to.
    places: Arc<Semaphore>,
    ears: Arc<Ears>,
    all: Vec<Asked>,
    /// The consumers whose pulls have brought all their messages, or are about to, the last ones.
    completed: VecDeque<Box<str>>,
}

#[derive(Debug)]
struct Asked {
    pull: Pull,
    reply: Subject,
    heartbeat: Option<Duration>,
    /// Messages that it may still bring.
    batch: u64,
    /// Bytes that it may still bring; None where its client has not said.
    bytes: Option<u64>,
    until: Option<Instant>,
    size: Size,
    /// When the piece was sent, in time listened, and how long it may wait.
    sent: (Duration, Option<Duration>),
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Size {
    Small,
    Large(OwnedSemaphorePermit),
    /// It has to be large, and there is no room: nothing of it waits at nats-server.
    NoRoom,
}

/// Why a pull is not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAsked {
    TooMany,
    /// A pull of another consumer is answered on the same subject: their ends could not be told apart.
    ReplyTaken,
}

/// What follows on the end of a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next piece, as it is sent.
    Piece(Bytes),
    /// The next piece is sent when there is room.
    Waits,
    /// The pull has ended, and its client hears so in these words; None where it hears the broker's own.
    Ended { reply: Subject, told: Option<Told> },
    /// To its client it ended with its last message.
    Silent,
}

/// The end of a pull, as its client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub status: String,
    /// Messages, and bytes, that it would still have brought.
    pub messages: u64,
    pub bytes: u64,
}

impl Pieces {
    pub fn new(ahead: Arc<Semaphore>, account: &Account) -> Pieces {
        Pieces {
            ahead,
            places: account.pulling.clone(),
            ears: account.ears.clone(),
            all: Vec::new(),
            completed: VecDeque::new(),
        }
    }

    /// The place of one more pull.
    ///
    /// # Errors
    /// `NotAsked`.
    pub fn admits(&self, pull: &Pull, reply: &Subject) -> Result<OwnedSemaphorePermit, NotAsked> {
        let other = |asked: &Asked| asked.pull.subject() != pull.subject();
        let mut here = self.all.iter().filter(|asked| asked.reply == *reply);
        if here.any(other) {
            return Err(NotAsked::ReplyTaken);
        }
        let place = self.places.clone().try_acquire_owned();
        place.map_err(|_| NotAsked::TooMany)
    }

    /// The first piece of a pull, as it is sent.
    pub fn begin(
        &mut self,
        (pull, reply): (&Pull, &Subject),
        heartbeat: Option<Duration>,
        place: OwnedSemaphorePermit,
        listened: Duration,
    ) -> Bytes {
        let now = Instant::now();
        let asked = Asked {
            pull: pull.clone(),
            reply: reply.clone(),
            heartbeat,
            batch: pull.batch(),
            bytes: pull.bytes(),
            until: pull.lasts().map(|lasts| now + lasts),
            size: Size::Small,
            sent: (listened, None),
            _place: place,
        };
        self.send(asked, now, listened)
    }

    /// Whether what a consumer delivers was asked for.
    pub fn asks(&self, consumer: &str) -> bool {
        let mut all = self.all.iter().map(|asked| asked.pull.consumer());
        all.any(|name| name == consumer) || self.completed.iter().any(|name| **name == *consumer)
    }

    /// Forgets what the broker has ended without a word: what nobody listens to, and what has waited for longer than it may. In time
    /// listened, so that all that came of it was taken.
    pub fn forget(&mut self, listened: Duration, is_heard: impl Fn(&Subject) -> bool) {
        self.all.retain(|asked| {
            let (sent, lasts) = asked.sent;
            let passed = listened.saturating_sub(sent);
            let over = lasts.is_some_and(|lasts| passed >= lasts.saturating_add(PULL_LATE));
            passed < READ_UNHEARD_TIME || (is_heard(&asked.reply) && !over)
        });
    }

    /// A pull whose consumer is gone.
    pub fn give_up(&mut self, reply: &Subject) {
        if let Some(index) = self.first_at(reply.as_str().as_bytes()) {
            self.all.remove(index);
        }
    }

    /// The broker has ended a piece; None where none is known on this subject.
    pub fn end(&mut self, reply: &[u8], status: &Status<'_>, listened: Duration) -> Option<Next> {
        let index = self.first_at(reply)?;
        let (mut asked, now) = (self.all.remove(index), Instant::now());
        let bounded_by_client = asked.bytes == Some(asked.piece_bytes());
        let brought = asked.take_off(status);
        if status.kind == Kind::Completed {
            self.completed.push_back(asked.pull.consumer().into());
            let surplus = self.completed.len().saturating_sub(OFFICE_PULLS_MAX);
            self.completed.drain(..surplus);
        }
        let size = std::mem::replace(&mut asked.size, Size::Small);
        let next = match (status.kind, size) {
            (Kind::Full, size) if !bounded_by_client => self.larger(size, brought, &asked.reply),
            (Kind::TimedOut, Size::Large(_)) if asked.goes_on(now) => Some(Size::Small),
            (Kind::Full | Kind::TimedOut | Kind::Completed | Kind::Other, _) => None,
        };
        Some(match next {
            Some(Size::NoRoom) => {
                asked.size = Size::NoRoom;
                self.all.push(asked);
                Next::Waits
            }
            Some(size) => {
                asked.size = size;
                Next::Piece(self.send(asked, now, listened))
            }
            None if status.kind == Kind::Completed && asked.bytes.is_none() => Next::Silent,
            None => Next::Ended {
                told: asked.told(status),
                reply: asked.reply,
            },
        })
    }

    /// How the piece behind a full one is to be; None where the largest was too small.
    fn larger(&self, size: Size, brought: bool, reply: &Subject) -> Option<Size> {
        let copies = self.ears.copies(reply);
        match size {
            _ if copies > READ_COPIES_MAX => brought.then_some(Size::Small),
            Size::Large(_) if !brought => None,
            Size::Large(room) => Some(Size::Large(room)),
            Size::Small | Size::NoRoom => {
                let room = self.ahead.clone().try_acquire_many_owned(weight(copies));
                Some(match room {
                    Ok(room) => Size::Large(room),
                    Err(_) if brought => Size::Small,
                    Err(_) => Size::NoRoom,
                })
            }
        }
    }

    /// What the first pull that has to be large waits for; None where none waits.
    pub fn wanted(&self) -> Option<(Arc<Semaphore>, u32)> {
        let first = self.all.iter().find(|asked| asked.has_no_room())?;
        let copies = self.ears.copies(&first.reply);
        Some((self.ahead.clone(), weight(copies)))
    }

    /// The piece for which there is room now, as it is sent; None where its pull is gone.
    pub fn go_on(&mut self, room: OwnedSemaphorePermit, listened: Duration) -> Option<Bytes> {
        let index = self.all.iter().position(Asked::has_no_room)?;
        let mut asked = self.all.remove(index);
        asked.size = Size::Large(room);
        Some(self.send(asked, Instant::now(), listened))
    }

    fn send(&mut self, mut asked: Asked, now: Instant, listened: Duration) -> Bytes {
        let piece = asked.piece(now);
        asked.sent = (listened, piece.lasts);
        let body = asked.pull.piece(piece);
        let frame = Frame::new().publish(asked.pull.subject(), Some(&asked.reply), &body);
        self.all.push(asked);
        frame.finish()
    }

    /// Of those that are answered on a subject a small one, as long as there is one: so nothing that may still come is counted
    /// for too little.
    fn first_at(&self, reply: &[u8]) -> Option<usize> {
        let all = self.all.iter().enumerate();
        let here = all
            .filter(|(_, asked)| asked.reply.as_str().as_bytes() == reply && !asked.has_no_room());
        let first = here.min_by_key(|(_, asked)| matches!(asked.size, Size::Large(_)));
        first.map(|(index, _)| index)
    }
}

impl Asked {
    fn has_no_room(&self) -> bool {
        matches!(self.size, Size::NoRoom)
    }

    fn piece_bytes(&self) -> u64 {
        let most = match self.size {
            Size::Small => PULL_BYTES_WAITING,
            Size::Large(_) | Size::NoRoom => PULL_BYTES_AT_ONCE,
        };
        most.min(self.bytes.unwrap_or(u64::MAX))
    }

    /// Whether a large piece was over before the pull is.
    fn goes_on(&self, now: Instant) -> bool {
        self.pull.waits() && self.until.is_none_or(|until| until > now)
    }

    fn piece(&self, now: Instant) -> Piece {
        let left = self.until.map(|until| until.saturating_duration_since(now));
        // Nothing would stand for no end.
        let left = left.map(|left| left.max(LASTS_MIN));
        let lasts = match self.size {
            // Its room is other reads', too.
            Size::Large(_) if self.pull.waits() => {
                Some(left.map_or(PULL_LARGE_TIME, |left| left.min(PULL_LARGE_TIME)))
            }
            Size::Large(_) | Size::Small | Size::NoRoom => left,
        };
        // nats-server has two of them in the time of a pull, at least.
        let most = lasts.map_or(Duration::MAX, |lasts| lasts / 2);
        let heartbeat = self.heartbeat.map(|every| every.min(most));
        Piece {
            batch: self.batch,
            bytes: self.piece_bytes(),
            lasts,
            heartbeat: heartbeat.filter(|every| *every >= HEARTBEAT_MIN),
        }
    }

    /// Takes off what the piece has brought; whether that is anything. Of pulls that are answered on one subject each end tells its own
    /// number of messages, so only the bytes say so.
    fn take_off(&mut self, status: &Status<'_>) -> bool {
        let brought = self.piece_bytes().saturating_sub(status.bytes.unwrap_or(0));
        self.batch = status.messages.unwrap_or(self.batch);
        self.bytes = self.bytes.map(|bytes| bytes.saturating_sub(brought));
        brought > 0
    }

    /// The broker's word on a piece, with the numbers of the whole pull.
    fn told(&self, status: &Status<'_>) -> Option<Told> {
        status.messages.map(|messages| Told {
            status: status.line.to_owned(),
            messages,
            bytes: self.bytes.unwrap_or(0),
        })
    }
}

/// What a large piece takes of the session's room.
fn weight(copies: usize) -> u32 {
    let bytes = usize::try_from(PULL_BYTES_AT_ONCE).unwrap_or(usize::MAX);
    let bytes = bytes
        .saturating_mul(copies.max(1))
        .min(READ_AHEAD_BYTES_MAX);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
