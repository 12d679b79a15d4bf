//! What a person is told of a delivery that does not go: what happened comes in, an alarm goes out that says which event of which log waits, what the
//! application said, and what can be done. Nothing is decided here.

use std::time::Duration;

use schemas::subject::LogName;

use super::lanes::{Due, Trouble};
use super::{Ground, TargetState};

impl Ground {
    /// Something was not taken, and is offered again.
    pub(super) fn not_taken(&self, why: &str) {
        let (name, feed) = (self.name.as_str(), &self.feed);
        tracing::warn!(to = name, %feed, why, "a delivery was not taken");
        let state = TargetState::Waiting;
        self.targets.answered(&self.name, state, why);
    }

    /// Raises what has begun, and not again until it was over.
    pub(super) fn tell_standing(&self, code: &str, text: Option<String>) {
        let alarms = self.inbox.alarms();
        alarms.stands_at(code, self.name.as_str(), text);
    }

    pub(super) fn tell_waits(&self, due: &Due, trouble: &Trouble, why: &str) {
        let text = format!(
            "{}: {} waits before event {} (position {}), tried {} times: {why}; mend it at the application, or: spean-agent deliver skip {} --to {} --why \"...\"",
            self.name,
            due.log,
            due.event.id,
            due.event.position,
            trouble.tries,
            due.event.id,
            self.name
        );
        self.inbox.alarms().raise("delivery-waits", text);
    }

    pub(super) fn tell_target_waits(&self, why: &str) {
        let text = format!(
            "{}: the application takes nothing: {why}; what arrives waits, and it is asked again at least once in {} s",
            self.name,
            self.waits.retry_longest.as_secs()
        );
        self.inbox.alarms().raise("delivery-waits", text);
    }

    pub(super) fn tell_slow(&self, due: &Due, patience: Duration) {
        let text = format!(
            "{}: no answer within {} s to event {} of {}; it may have it, and gets it once more, with twice the time; an application that answers before it works on an event gets each once",
            self.name,
            patience.as_secs(),
            due.event.id,
            due.log
        );
        self.inbox.alarms().raise("delivery-slow", text);
    }

    /// Nobody knows whether what has arrived was delivered.
    pub(super) fn tell_undecided(&self, log: &LogName) {
        let up_to = self.delivered.up_to(&self.name, log);
        let text = format!(
            "{}: {log} was delivered to position {}, and what is known of that is not enough to tell whether what has arrived now is the same; it waits until position {} arrives, or: spean-agent deliver again arrival:1 --to {} --why \"...\"",
            self.name, up_to.position, up_to.position, self.name
        );
        self.inbox.alarms().raise("delivered-undecided", text);
    }

    /// Nothing is remembered of the target, and there is something to deliver.
    pub(super) fn tell_begins(&self) {
        let arrived = self.inbox.last_arrival(&self.feed);
        if arrived > 0 {
            let text = format!(
                "{}: nothing says that anything of {} was delivered to it, so it gets all that is kept here, from the beginning; where that is not meant, what was delivered is lost",
                self.name, self.feed
            );
            self.inbox.alarms().raise("delivery-begins", text);
        }
    }
}
