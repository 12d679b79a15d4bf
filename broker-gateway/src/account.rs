//! What an office may have of what all share: its sessions come in, and each works on the office's one account. Whoever spends more
//! than its part is slowed, then told (`office-over-budget`); nothing of it is dropped in silence, and nobody else waits for it.
//!
//! Storing good events is not paid for here: there, offices take turns (`commit/line.rs`).

mod allowance;
mod ears;
mod purse;
mod seats;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemas::refusal::Hold;
use schemas::subject::OfficeId;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use self::allowance::Allowance;
pub use self::ears::{Ear, Ears};
use self::purse::{Balance, Purse};
pub use self::seats::{Full, Seat, Seats};
use crate::limits::{
    BUDGET_SLOWED_WAIT, BUDGET_TOLD_PAUSE, MINISTRY_WORK_SHARE, OFFICE_ANNOUNCED_BYTES_MAX,
    OFFICE_PUBLISH_BYTES_MAX, OFFICE_PULLS_MAX, OFFICE_READS_AT_ONCE, OFFICE_SESSIONS_MAX,
    OFFICE_SUBSCRIPTIONS_MAX, OFFICE_WORK_SHARE,
};
use crate::seldom::seldom;

/// The accounts of all offices that have come; the registry bounds their number.
#[derive(Debug, Default)]
pub struct Accounts {
    offices: Mutex<HashMap<OfficeId, Arc<Account>>>,
    ministries: Mutex<HashMap<String, Arc<Purse>>>,
}

/// One office's account, shared by all its sessions.
#[derive(Debug)]
pub struct Account {
    office: OfficeId,
    purse: Purse,
    /// What all offices of the ministry have together.
    ministry: Arc<Purse>,
    heal_requests: Mutex<Allowance>,
    /// Bytes of publishes that wait for their answers.
    pub publishing: Arc<Semaphore>,
    /// Bytes of publishes that were announced and have not come whole.
    pub announcing: Arc<Semaphore>,
    /// Reads of several messages that are under way.
    pub reading: Arc<Semaphore>,
    /// Pulls that are under way.
    pub pulling: Arc<Semaphore>,
    /// What all its sessions listen to.
    pub ears: Arc<Ears>,
    /// Whose turn it is to have a large submission judged.
    pub judging: Semaphore,
}

/// The account has been empty for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget {
    /// When it is worth asking again.
    pub retry_after: Duration,
}

impl From<OverBudget> for Hold {
    fn from(over: OverBudget) -> Hold {
        let retry_after_s = over.retry_after.as_secs().saturating_add(1);
        Hold::OfficeOverBudget { retry_after_s }
    }
}

impl Accounts {
    pub fn of(&self, office: &OfficeId) -> Arc<Account> {
        let mut offices = lock(&self.offices);
        if let Some(account) = offices.get(office) {
            return account.clone();
        }
        let ministry = self.ministry(office.ministry());
        let account = Arc::new(Account::new(office.clone(), ministry));
        offices.insert(office.clone(), account.clone());
        account
    }

    fn ministry(&self, name: &str) -> Arc<Purse> {
        let mut ministries = lock(&self.ministries);
        let purse = ministries
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Purse::new(MINISTRY_WORK_SHARE)));
        purse.clone()
    }
}

impl Account {
    fn new(office: OfficeId, ministry: Arc<Purse>) -> Account {
        Account {
            office,
            purse: Purse::new(OFFICE_WORK_SHARE),
            ministry,
            heal_requests: Mutex::new(Allowance::new(Instant::now())),
            publishing: Arc::new(Semaphore::new(OFFICE_PUBLISH_BYTES_MAX)),
            announcing: Arc::new(Semaphore::new(OFFICE_ANNOUNCED_BYTES_MAX)),
            reading: Arc::new(Semaphore::new(OFFICE_READS_AT_ONCE)),
            pulling: Arc::new(Semaphore::new(OFFICE_PULLS_MAX)),
            ears: Ears::new(OFFICE_SUBSCRIPTIONS_MAX),
            judging: Semaphore::new(1),
        }
    }

    /// Pays for work that was done for the office: the time that it took what all share. The account may be overdrawn; who
    /// asks for more then waits. Its ministry pays for what the account held, and an office's debts are its own: the ministry's other
    /// offices do not wait for them.
    pub fn pay(&self, work: Duration) {
        let now = Instant::now();
        let there = self.purse.pay(work, now);
        self.ministry.pay(there, now);
    }

    /// Whether the account is overdrawn.
    pub fn owes(&self) -> bool {
        self.purse.balance(Instant::now()) != Balance::Good
    }

    /// Waits a moment while the account is overdrawn: what is on its way to the office comes down no faster than it is paid for.
    pub async fn paced(&self) {
        match self.purse.balance(Instant::now()) {
            Balance::Good => {}
            Balance::Short(wait) | Balance::Spent(wait) => {
                sleep(wait.min(BUDGET_SLOWED_WAIT)).await
            }
        }
    }

    /// Waits until the account holds something again.
    ///
    /// # Errors
    /// It has been overdrawn without a break for so long that waiting is no answer any more. This, too, takes a moment, so that
    /// who does not listen is slowed all the same.
    pub async fn solvent(&self) -> Result<(), OverBudget> {
        loop {
            let now = Instant::now();
            match self.purse.balance(now).or_worse(self.ministry.balance(now)) {
                Balance::Good => return Ok(()),
                Balance::Short(wait) => sleep(wait.min(BUDGET_SLOWED_WAIT)).await,
                Balance::Spent(retry_after) => {
                    self.warn();
                    sleep(BUDGET_TOLD_PAUSE).await;
                    return Err(OverBudget { retry_after });
                }
            }
        }
    }

    /// Pays for what an office said that is over its budget, and waits so long that all its sessions together cannot say more of it
    /// than the account is filled with: what is owed grows no further.
    pub async fn throw_away(&self, work: Duration) {
        self.pay(work);
        let of_session = OFFICE_WORK_SHARE / OFFICE_SESSIONS_MAX as f64;
        sleep(work.div_f64(of_session)).await;
    }

    /// Takes a request to heal of so many bytes, which all readers of a feed will hear, if the office may ask for so much now.
    pub fn may_ask_to_heal(&self, bytes: usize) -> bool {
        lock(&self.heal_requests).take(bytes, Instant::now())
    }

    /// The operator sees who it is.
    fn warn(&self) {
        let office = &self.office;
        seldom!(warn, office, "office-over-budget", %office, "an office asks for more than its part, and is told so: office-over-budget");
    }
}

/// Whoever panicked with one of these locks left a whole table behind: each change is one call.
fn lock<T>(table: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
