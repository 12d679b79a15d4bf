//! One log's lost positions come in; those that are held here go out to their own subjects, as they were signed. The office itself
//! begins at once; readers wait a drawn time, so that not all of them send the same. Whoever asks has named what he liked, and it ends
//! where too much of what was sent was there already; a page is read at a time, and the session may end at any of them.

use std::collections::VecDeque;
use std::time::Duration;

use schemas::envelope::nats;
use schemas::event::Position;
use schemas::heal::HealRequest;
use schemas::subject::LogName;

use super::Heal;
use super::limits::{ANOTHER_IS_AT_IT, IN_VAIN_MAX, REFILLS_AT_FIRST, REFILLS_UNDER_WAY};
use crate::dispatch::Trouble;
use crate::link::{Answer, Pending, Session};

pub struct Refill {
    heal: Heal,
    session: Session,
    request: HealRequest,
    under_way: VecDeque<(Position, Pending)>,
    /// Could not be judged from where they were sent; their neighbours may be there by now.
    left: Vec<Position>,
    stored: u64,
    /// It was there already.
    in_vain: u64,
    /// Such answers in a row.
    there_already: u32,
}

impl Refill {
    pub fn new(heal: Heal, session: Session, request: HealRequest) -> Refill {
        Refill {
            heal,
            session,
            request,
            under_way: VecDeque::new(),
            left: Vec::new(),
            stored: 0,
            in_vain: 0,
            there_already: 0,
        }
    }

    pub fn log(&self) -> &LogName {
        &self.request.log
    }

    pub async fn run(mut self) -> Result<(), Trouble> {
        tokio::time::sleep(self.patience()).await;
        let missing = self.request.missing.clone();
        // Upwards, each is vouched for by the one before; what is then left, downwards, is named by the one behind.
        for range in missing.ends() {
            self.send_held(range).await?;
        }
        self.settle_all().await?;
        let left = std::mem::take(&mut self.left);
        for position in left.into_iter().rev() {
            self.send(position).await?;
        }
        self.settle_all().await?;
        if self.stored > 0 {
            let (log, stored, left) = (self.log(), self.stored, self.left.len());
            tracing::info!(%log, stored, left, "lost positions were brought back");
        }
        Ok(())
    }

    /// Sends what of a range is held here.
    async fn send_held(&mut self, (first, last): (Position, Position)) -> Result<(), Trouble> {
        let mut next = Some(first);
        while let Some(first) = next.filter(|next| *next <= last) {
            if self.is_needless() {
                break;
            }
            let log = &self.request.log;
            let page = match self.is_own() {
                true => self.heal.outbox.own_within(&log.feed, (first, last))?,
                false => self.heal.inbox.held_within(log, (first, last))?,
            };
            next = page.last().and_then(|last| last.next());
            for position in page {
                self.send(position).await?;
            }
            // Others get their turn, and the session its end, also where nothing had to be waited for.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn is_own(&self) -> bool {
        self.request.log.office == self.heal.office
    }

    fn patience(&self) -> Duration {
        match self.is_own() {
            true => Duration::ZERO,
            false => self.drawn_wait(),
        }
    }

    fn drawn_wait(&self) -> Duration {
        let wait = self.heal.settings.reader_wait;
        wait.mul_f64(0.25 + 0.75 * fastrand::f64())
    }

    /// Whether others are better at it, or nothing of it was lost: each byte of it is taken from what this office itself wants to send.
    fn is_needless(&self) -> bool {
        self.in_vain >= self.stored.saturating_add(IN_VAIN_MAX)
    }

    /// How many may be under way: as many more as were of use.
    fn room(&self) -> usize {
        let stored = usize::try_from(self.stored).unwrap_or(usize::MAX);
        REFILLS_UNDER_WAY.min(stored.saturating_add(REFILLS_AT_FIRST))
    }

    /// Sends a position, if it is held here, and it is still of use.
    async fn send(&mut self, position: Position) -> Result<(), Trouble> {
        if self.is_needless() {
            return Ok(());
        }
        let log = &self.request.log;
        let stored = match self.is_own() {
            true => self.heal.outbox.own(&log.feed, position)?,
            false => self.heal.inbox.get(log, position)?,
        };
        let Some(event) = stored.and_then(|bytes| nats::read_stored(&bytes).ok()) else {
            return Ok(());
        };
        let subject = format!("{}.{position}", log.subject());
        let pending = self.session.publish_on(subject, &event).await;
        self.under_way.push_back((position, pending));
        if self.under_way.len() >= self.room() {
            self.settle_first().await?;
        }
        Ok(())
    }

    async fn settle_all(&mut self) -> Result<(), Trouble> {
        while !self.under_way.is_empty() {
            self.settle_first().await?;
        }
        Ok(())
    }

    async fn settle_first(&mut self) -> Result<(), Trouble> {
        let Some((position, pending)) = self.under_way.pop_front() else {
            return Ok(());
        };
        match pending.await {
            Answer::Stored {
                duplicate: true, ..
            } => {
                self.in_vain = self.in_vain.saturating_add(1);
                self.there_already = self.there_already.saturating_add(1);
            }
            Answer::Stored { .. } => {
                self.stored = self.stored.saturating_add(1);
                self.there_already = 0;
            }
            Answer::Refused { .. } | Answer::Held { head: Some(_), .. } => self.left.push(position),
            Answer::Held {
                code,
                head: None,
                text,
            } => return Err(Trouble::Held { code, text }),
            Answer::Unreachable => return Err(Trouble::Ended),
        }
        if self.there_already >= ANOTHER_IS_AT_IT && !self.is_needless() {
            self.there_already = 0;
            tokio::time::sleep(self.drawn_wait()).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
