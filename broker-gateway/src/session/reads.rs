//! Questions whose answers may be long come in before they go to the broker, and wait until what was asked before was taken: what a
//! client asks for and does not read would otherwise lie in nats-server's memory. Counted is what may come, given back is what has
//! been put on the client's own line.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::subscriptions::Subscriptions;
use crate::limits::{
    ANSWER_BYTES_USUAL, READ_AHEAD_BYTES_MAX, READ_BYTES_AT_ONCE, READ_SEARCH_PAID_MAX,
    READ_UNHEARD_TIME,
};
use crate::request::Answers;
use crate::wire::{Delivery, Subject};

/// The reads of one session that are under way.
#[derive(Debug)]
pub struct Reads {
    room: Arc<Semaphore>,
    /// The turns of all the office's sessions.
    turns: Arc<Semaphore>,
    under_way: Mutex<Vec<Read>>,
}

#[derive(Debug)]
struct Read {
    reply: Subject,
    answers: Answers,
    asked: Instant,
    /// Something of its answer has come.
    answered: bool,
    room: Room,
}

/// What a read takes until it was taken itself.
#[derive(Debug)]
pub struct Room {
    _bytes: OwnedSemaphorePermit,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Reads {
    /// Of a session with this room for what it has not taken, whose office has these turns for reads of several messages.
    pub fn new(room: Arc<Semaphore>, turns: Arc<Semaphore>) -> Reads {
        Reads {
            room,
            turns,
            under_way: Mutex::default(),
        }
    }

    /// Waits until there is room for an answer, once for each subscription that hears it.
    pub async fn begin(&self, reply: &Subject, answers: Answers, listened: &Subscriptions) {
        let copies = listened.copies(reply).max(1);
        loop {
            self.forget_unheard(listened);
            let taken = timeout(READ_UNHEARD_TIME, self.take_room(answers, copies)).await;
            // Where nobody gives back, what is not heard any more does, after a while.
            let Ok(room) = taken else { continue };
            let read = room.map(|room| Read {
                reply: reply.clone(),
                answers,
                asked: Instant::now(),
                answered: false,
                room,
            });
            return self.lock().extend(read);
        }
    }

    /// Nothing more comes for whoever has stopped listening, and what was on its way has come; but another session of the office hears
    /// the same inbox, so that is not said by the subscriptions here alone.
    fn forget_unheard(&self, listened: &Subscriptions) {
        let lately = |read: &Read| read.asked.elapsed() < READ_UNHEARD_TIME;
        self.lock()
            .retain(|read| lately(read) || listened.hears(&read.reply));
    }

    /// None where the session ends.
    async fn take_room(&self, answers: Answers, copies: usize) -> Option<Room> {
        let (bytes, turn) = match answers {
            Answers::One => (ANSWER_BYTES_USUAL, None),
            Answers::Many => {
                let turn = self.turns.clone().acquire_owned().await;
                (READ_BYTES_AT_ONCE as usize, turn.ok())
            }
        };
        let bytes = bytes.saturating_mul(copies).min(READ_AHEAD_BYTES_MAX);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let bytes = self.room.clone().acquire_many_owned(bytes).await;
        Some(Room {
            _bytes: bytes.ok()?,
            _turn: turn,
        })
    }

    /// How long nats-server searched for a long answer that begins with this delivery: what it reads through is not told by what it finds.
    pub fn searched(&self, delivery: &Delivery) -> Option<Duration> {
        let mut under_way = self.lock();
        let subject = delivery.subject();
        let here = |read: &&mut Read| read.reply.as_str().as_bytes() == subject;
        let first = under_way.iter_mut().find(here)?;
        let begins = first.answers == Answers::Many && !first.answered;
        first.answered = true;
        begins.then(|| first.asked.elapsed().min(READ_SEARCH_PAID_MAX))
    }

    /// The room of the read that ends with this delivery, to be given back when that has been put on the client's line.
    pub fn ended(&self, delivery: &Delivery) -> Option<Room> {
        let (subject, status) = (delivery.subject(), delivery.status());
        let ends = |read: &Read| {
            let last = match read.answers {
                Answers::One => true,
                Answers::Many => status.is_some(),
            };
            last && read.reply.as_str().as_bytes() == subject
        };
        let mut under_way = self.lock();
        let index = under_way.iter().position(ends)?;
        Some(under_way.remove(index).room)
    }

    /// The broker leaves it without an answer.
    pub fn give_up(&self, reply: &Subject) {
        self.lock().retain(|read| read.reply != *reply);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Read>> {
        // Whoever panicked with the lock left a whole list behind: each change is one call.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Ears;
    use crate::wire::{ServerFrame, ServerParser, Sid};

    fn subject(text: &str) -> Subject {
        Subject::parse(text.as_bytes()).expect("a subject")
    }

    fn delivery(text: &str) -> Delivery {
        let mut parser = ServerParser::new();
        parser.feed(text.as_bytes());
        match parser.next_frame().expect("a frame").expect("whole") {
            ServerFrame::Message(delivery) => delivery,
            other => panic!("{other:?}"),
        }
    }

    fn listening(to: &str) -> Subscriptions {
        let all = Subscriptions::new(Ears::new(1));
        let sid = Sid::parse(b"1").expect("an id");
        all.add(sid, subject(to)).expect("room");
        all
    }

    fn room() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(READ_AHEAD_BYTES_MAX))
    }

    const SOON: Duration = Duration::from_secs(60);

    const END: &str = "HMSG _INBOX.a.1 1 22 22\r\nNATS/1.0 204 EOB\r\n\r\n\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn a_third_long_answer_is_asked_for_when_one_of_two_was_taken() {
        let turns = Arc::new(Semaphore::new(9));
        let (reads, all) = (Reads::new(room(), turns), listening("_INBOX.a.*"));
        let reply = subject("_INBOX.a.1");
        reads.begin(&reply, Answers::Many, &all).await;
        reads.begin(&reply, Answers::Many, &all).await;
        let more = reads.begin(&reply, Answers::Many, &all);
        assert!(timeout(Duration::from_secs(60), more).await.is_err());
        let event = delivery("MSG _INBOX.a.1 1 2\r\nhi\r\n");
        assert!(reads.ended(&event).is_none());
        drop(reads.ended(&delivery(END)).expect("one has ended"));
        reads.begin(&reply, Answers::Many, &all).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_answer_is_paid_for_by_the_time_until_it_begins() {
        let turns = Arc::new(Semaphore::new(9));
        let (reads, all) = (Reads::new(room(), turns), listening("_INBOX.a.*"));
        let reply = subject("_INBOX.a.1");
        let event = delivery("MSG _INBOX.a.1 1 2\r\nhi\r\n");
        let thought = Duration::from_millis(7);
        reads.begin(&reply, Answers::Many, &all).await;
        tokio::time::advance(thought).await;
        assert_eq!(reads.searched(&event), Some(thought));
        assert_eq!(reads.searched(&event), None, "it goes on");
        assert!(reads.ended(&delivery(END)).is_some());
        reads.begin(&reply, Answers::Many, &all).await;
        tokio::time::advance(SOON).await;
        // Its own client may have kept it waiting for that long.
        assert_eq!(reads.searched(&delivery(END)), Some(READ_SEARCH_PAID_MAX));
        assert!(reads.ended(&delivery(END)).is_some());
        reads.begin(&reply, Answers::One, &all).await;
        assert_eq!(reads.searched(&event), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_listens_to_or_answers_gives_its_room_back() {
        let turns = Arc::new(Semaphore::new(9));
        let (reads, all) = (Reads::new(room(), turns), listening("_INBOX.a.1"));
        let (heard, unheard) = (subject("_INBOX.a.1"), subject("_INBOX.a.2"));
        reads.begin(&unheard, Answers::Many, &all).await;
        reads.begin(&heard, Answers::Many, &all).await;
        let began = Instant::now();
        reads.begin(&heard, Answers::Many, &all).await;
        // Another session of the office may hear what this one does not.
        assert_eq!(began.elapsed(), READ_UNHEARD_TIME);
        reads.give_up(&heard);
        reads.begin(&heard, Answers::One, &all).await;
        let one = delivery("MSG _INBOX.a.1 1 2\r\nhi\r\n");
        assert!(reads.ended(&one).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_heard_twice_takes_twice_the_room() {
        let turns = Arc::new(Semaphore::new(9));
        let (reads, all) = (Reads::new(room(), turns), Subscriptions::new(Ears::new(2)));
        for (sid, to) in [(b"1", "_INBOX.a.1"), (b"2", "_INBOX.a.*")] {
            let sid = Sid::parse(sid).expect("an id");
            all.add(sid, subject(to)).expect("room");
        }
        let reply = subject("_INBOX.a.1");
        reads.begin(&reply, Answers::Many, &all).await;
        let more = reads.begin(&reply, Answers::Many, &all);
        assert!(timeout(Duration::from_secs(60), more).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_sessions_of_an_office_take_turns_at_long_answers() {
        let turns = Arc::new(Semaphore::new(1));
        let (one, other) = (Reads::new(room(), turns.clone()), Reads::new(room(), turns));
        let (all, reply) = (listening("_INBOX.a.*"), subject("_INBOX.a.1"));
        one.begin(&reply, Answers::Many, &all).await;
        other.begin(&reply, Answers::One, &all).await;
        let waits = other.begin(&reply, Answers::Many, &all);
        assert!(timeout(Duration::from_secs(60), waits).await.is_err());
        drop(one);
        other.begin(&reply, Answers::Many, &all).await;
    }
}
