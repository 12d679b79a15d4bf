//! Requests that went to the broker come in, those that it left without an answer go out. In an election, or where a server is gone,
//! nobody answers; the client's own patience has to fit the slowest line, the gateway's only the broker's.
//!
//! Pulls are no such requests: they may wait for an event for as long as they say.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::limits::{UNANSWERED_MAX, UPSTREAM_ANSWER_WAIT};
use crate::request::{self, Renamed, Shape};
use crate::wire::Subject;

/// The requests of one session that wait for their answer, the oldest first.
#[derive(Debug, Default)]
pub struct Unanswered {
    waiting: Mutex<Vec<Waiting>>,
    asked: Notify,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub subject: Subject,
    pub reply: Subject,
    pub shape: Shape,
    /// How the answer is told.
    pub renamed: Option<Renamed>,
    until: Instant,
}

impl Unanswered {
    /// Past the bound a client waits by its own patience alone.
    pub fn ask(&self, subject: &Subject, reply: &Subject, renamed: Option<Renamed>) {
        let shape = request::shape_of(subject);
        let mut waiting = self.lock();
        if shape == Shape::StatusAndJson || waiting.len() >= UNANSWERED_MAX {
            return;
        }
        waiting.push(Waiting {
            subject: subject.clone(),
            reply: reply.clone(),
            shape,
            renamed,
            until: Instant::now() + UPSTREAM_ANSWER_WAIT,
        });
        self.asked.notify_one();
    }

    /// Something came on this subject: what was asked waits no longer.
    pub fn hear(&self, subject: &[u8]) -> Option<Waiting> {
        let mut waiting = self.lock();
        let asked = |waiting: &Waiting| waiting.reply.as_str().as_bytes() == subject;
        let index = waiting.iter().position(asked)?;
        Some(waiting.remove(index))
    }

    /// Waits until a request has waited for too long; it waits no longer then.
    pub async fn overdue(&self) -> Waiting {
        loop {
            let first = self.lock().first().cloned();
            let Some(first) = first else {
                self.asked.notified().await;
                continue;
            };
            sleep_until(first.until).await;
            let mut waiting = self.lock();
            if waiting.first() == Some(&first) {
                return waiting.remove(0);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        // Whoever panicked with the lock left a whole list behind: each change is one call.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    fn subject(text: &str) -> Subject {
        Subject::parse(text.as_bytes()).expect("a subject")
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_answered_in_time_is_told_once_and_pulls_may_wait() {
        let (all, asked) = (Unanswered::default(), subject("$JS.API.STREAM.INFO.x"));
        for reply in ["_INBOX.a.1", "_INBOX.a.2"] {
            all.ask(&asked, &subject(reply), None);
        }
        let pull = subject("$JS.API.CONSUMER.MSG.NEXT.x.y");
        all.ask(&pull, &subject("_INBOX.a.3"), None);
        all.hear(b"_INBOX.a.1");
        all.hear(b"_INBOX.a.9");
        let began = Instant::now();
        assert_eq!(all.overdue().await.reply, subject("_INBOX.a.2"));
        assert_eq!(began.elapsed(), UPSTREAM_ANSWER_WAIT);
        let more = timeout(UPSTREAM_ANSWER_WAIT * 2, all.overdue()).await;
        assert!(more.is_err(), "{more:?}");
    }
}
