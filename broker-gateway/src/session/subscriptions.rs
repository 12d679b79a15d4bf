//! What a client listens to, so that answers made here find their way. Deliveries from the broker name the subscription.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::account::{Ear, Ears};
use crate::limits::SUBSCRIPTIONS_MAX;
use crate::wire::{Frame, Sid, Subject};

/// A session's subscriptions; shared with the tasks that answer.
#[derive(Debug)]
pub struct Subscriptions {
    all: Mutex<Vec<Subscription>>,
    /// What all sessions of the office may have: a message comes down once for each that hears it.
    ears: Arc<Ears>,
    pausing: Notify,
}

#[derive(Debug)]
struct Subscription {
    sid: Sid,
    subject: Subject,
    delivered: usize,
    /// It ends with this many deliveries.
    after: Option<usize>,
    /// It was given up at the broker until the client's line has room again.
    paused: bool,
    _ear: Ear,
}

/// The table is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Subscriptions {
    /// With the places of the session's office.
    pub fn new(ears: Arc<Ears>) -> Subscriptions {
        Subscriptions {
            all: Mutex::default(),
            ears,
            pausing: Notify::new(),
        }
    }

    /// A known id is taken over, as nats-server does not mind either.
    pub fn add(&self, sid: Sid, subject: Subject) -> Result<(), Full> {
        let mut all = self.lock();
        all.retain(|subscription| subscription.sid != sid);
        if all.len() >= SUBSCRIPTIONS_MAX {
            return Err(Full);
        }
        let ear = self.ears.listen(subject.clone());
        all.push(Subscription {
            sid,
            subject,
            delivered: 0,
            after: None,
            paused: false,
            _ear: ear.ok_or(Full)?,
        });
        Ok(())
    }

    /// Ends a subscription now, or after so many deliveries counted from its beginning.
    pub fn end(&self, sid: &Sid, after: Option<usize>) {
        let mut all = self.lock();
        for subscription in all.iter_mut().filter(|known| known.sid == *sid) {
            subscription.after = Some(after.unwrap_or(0));
        }
        all.retain(Subscription::goes_on);
    }

    /// Whether anybody in this session listens to a subject.
    pub fn hears(&self, subject: &Subject) -> bool {
        let all = self.lock();
        all.iter()
            .any(|known| known.subject.matches(subject.as_str()))
    }

    /// How many of the office listen to a subject: each has what comes on it once.
    pub fn copies(&self, subject: &Subject) -> usize {
        self.ears.copies(subject)
    }

    /// Counts a delivery from the broker. None: nobody listens any more.
    pub fn deliver(&self, sid: &Sid) -> Option<()> {
        let mut all = self.lock();
        let known = all.iter_mut().find(|known| known.sid == *sid)?;
        known.count_delivery();
        all.retain(Subscription::goes_on);
        Some(())
    }

    /// Writes an answer made here behind other frames, once for each subscription that hears it.
    pub fn answer(
        &self,
        mut frames: Frame,
        subject: &Subject,
        headers: Option<&[u8]>,
        payload: &[u8],
    ) -> Frame {
        let mut all = self.lock();
        let hears = |known: &&mut Subscription| known.subject.matches(subject.as_str());
        for known in all.iter_mut().filter(hears) {
            known.count_delivery();
            frames = match headers {
                None => frames.message(subject, &known.sid, payload),
                Some(headers) => frames.message_with_headers(subject, &known.sid, headers, payload),
            };
        }
        all.retain(Subscription::goes_on);
        frames
    }

    /// The operations that make the same subscriptions at the broker.
    pub fn operations(&self) -> Bytes {
        let all = self.lock();
        let frames = all
            .iter()
            .fold(Frame::new(), |frames, known| known.subscribe_in(frames));
        frames.finish()
    }

    /// The operations that give a subscription up at the broker for a while, and those that hear the same; None where it was before.
    pub fn pause(&self, sid: &Sid) -> Option<Bytes> {
        let mut all = self.lock();
        let mut known = all.iter().filter(|known| !known.paused);
        let subject = known.find(|known| known.sid == *sid)?.subject.clone();
        let mut frames = Frame::new();
        for known in all.iter_mut().filter(|known| !known.paused) {
            if known.overlaps(&subject) {
                known.paused = true;
                frames = frames.unsubscribe(&known.sid, None);
            }
        }
        self.pausing.notify_one();
        Some(frames.finish())
    }

    /// Waits until something is paused.
    pub async fn paused(&self) {
        while !self.lock().iter().any(|known| known.paused) {
            self.pausing.notified().await;
        }
    }

    /// The operations that make what is paused at the broker again.
    pub fn resume(&self) -> Bytes {
        let mut all = self.lock();
        let mut frames = Frame::new();
        for known in all.iter_mut().filter(|known| known.paused) {
            known.paused = false;
            frames = known.subscribe_in(frames);
        }
        frames.finish()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Subscription>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    fn count_delivery(&mut self) {
        self.delivered = self.delivered.saturating_add(1);
    }

    /// Whether it may hear what another one does.
    fn overlaps(&self, other: &Subject) -> bool {
        self.subject.matches(other.as_str()) || other.matches(self.subject.as_str())
    }

    /// Behind other frames, as it is made at the broker.
    fn subscribe_in(&self, frames: Frame) -> Frame {
        let frames = frames.subscribe(&self.subject, &self.sid);
        match self.after {
            Some(after) => {
                frames.unsubscribe(&self.sid, Some(after.saturating_sub(self.delivered)))
            }
            None => frames,
        }
    }

    fn goes_on(&self) -> bool {
        self.after.is_none_or(|after| self.delivered < after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(all: &Subscriptions, subject: &str, payload: &[u8]) -> Bytes {
        let subject = Subject::parse(subject.as_bytes()).expect("a subject");
        all.answer(Frame::new(), &subject, None, payload).finish()
    }

    fn sid(text: &str) -> Sid {
        Sid::parse(text.as_bytes()).expect("an id")
    }

    fn subject(text: &str) -> Subject {
        Subject::parse(text.as_bytes()).expect("a subject")
    }

    fn of_an_office(places: usize) -> Subscriptions {
        Subscriptions::new(Ears::new(places))
    }

    #[test]
    fn an_answer_reaches_every_subscription_that_matches() {
        let all = of_an_office(SUBSCRIPTIONS_MAX);
        all.add(sid("1"), subject("_INBOX.moh.hq.*")).expect("room");
        all.add(sid("2"), subject("_INBOX.moh.hq.>")).expect("room");
        all.add(sid("3"), subject("_INBOX.moh.hq.y")).expect("room");
        let frames = answered(&all, "_INBOX.moh.hq.x", b"hi");
        assert_eq!(
            frames,
            "MSG _INBOX.moh.hq.x 1 2\r\nhi\r\nMSG _INBOX.moh.hq.x 2 2\r\nhi\r\n"
        );
        assert!(answered(&all, "_INBOX.moh.hq", b"").is_empty());
    }

    #[test]
    fn a_subscription_ends_after_as_many_as_were_asked_for() {
        let all = of_an_office(SUBSCRIPTIONS_MAX);
        all.add(sid("1"), subject("a")).expect("room");
        assert_eq!(all.deliver(&sid("1")), Some(()));
        all.end(&sid("1"), Some(3));
        assert_eq!(all.operations(), "SUB a 1\r\nUNSUB 1 2\r\n");
        assert!(!answered(&all, "a", b"").is_empty());
        assert_eq!(all.deliver(&sid("1")), Some(()));
        assert_eq!(all.deliver(&sid("1")), None);
        assert!(all.operations().is_empty());
    }

    #[tokio::test]
    async fn what_is_paused_is_made_again_as_it_was() {
        let all = of_an_office(SUBSCRIPTIONS_MAX);
        all.add(sid("1"), subject("a")).expect("room");
        all.add(sid("2"), subject("b")).expect("room");
        assert_eq!(all.deliver(&sid("1")), Some(()));
        all.end(&sid("1"), Some(3));
        all.add(sid("3"), subject("*")).expect("room");
        let paused = all.pause(&sid("1")).expect("it goes on");
        assert_eq!(paused, "UNSUB 1\r\nUNSUB 3\r\n", "it hears the same");
        assert_eq!(all.pause(&sid("1")), None);
        all.paused().await;
        assert_eq!(all.resume(), "SUB a 1\r\nUNSUB 1 2\r\nSUB * 3\r\n");
        assert!(all.resume().is_empty());
    }

    #[test]
    fn the_table_has_an_end() {
        let all = of_an_office(SUBSCRIPTIONS_MAX + 1);
        for number in 0..SUBSCRIPTIONS_MAX {
            all.add(sid(&number.to_string()), subject("a"))
                .expect("room");
        }
        assert_eq!(all.add(sid("more"), subject("a")), Err(Full));
        all.end(&sid("0"), None);
        all.add(sid("more"), subject("a")).expect("room");
    }

    #[test]
    fn the_sessions_of_an_office_share_its_places() {
        let one = of_an_office(3);
        let other = Subscriptions::new(one.ears.clone());
        one.add(sid("1"), subject("a")).expect("room");
        other.add(sid("1"), subject("a")).expect("room");
        other.add(sid("2"), subject("b")).expect("room");
        assert_eq!(one.add(sid("2"), subject("b")), Err(Full));
        assert_eq!(one.copies(&subject("a")), 2);
        assert!(!one.hears(&subject("b")), "another session does");
        drop(other);
        one.add(sid("2"), subject("b")).expect("room");
    }
}
