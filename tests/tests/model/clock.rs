//! The clock of a run moves when all tasks wait. That an outbox's writer works, which is a thread of its own, tokio does not know: it is
//! waited for here before the clock may move.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Waker};

use agent::outbox::Outbox;

use crate::ground::feed;

/// The number of no event.
const NO_NUMBER: u64 = u64::MAX;

thread_local! {
    static WAITED_FOR: RefCell<Vec<Outbox>> = const { RefCell::new(Vec::new()) };
}

/// From here on the clock stands while one of these is written.
pub fn wait_for(outboxes: Vec<Outbox>) {
    WAITED_FOR.set(outboxes);
}

/// Called where the clock would move.
pub fn stands() {
    WAITED_FOR.with_borrow(|all| all.iter().for_each(until_written));
}

/// Ends when all that an outbox was given is done: what is asked last is answered last.
pub fn until_written(outbox: &Outbox) {
    let feed = feed();
    let mut asked = pin!(outbox.refuse(&feed, NO_NUMBER, ""));
    let mut context = Context::from_waker(Waker::noop());
    while asked.as_mut().poll(&mut context).is_pending() {
        std::thread::yield_now();
    }
}
