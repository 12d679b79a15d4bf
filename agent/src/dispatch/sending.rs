//! Numbering, chaining and signing: what the bus lacks and what waits come in, in order; publishes go out within the window;
//! answers come back and are settled in runs. Ends where something stops the line.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use schemas::alarm::Alarm;
use schemas::chain::Link;
use schemas::envelope::nats;
use schemas::event::Position;
use schemas::notice::LogResumed;
use schemas::signing::SignedEvent;
use schemas::subject::LogSubject;
use tokio::sync::watch;

use super::limits::PAGE_EVENTS;
use super::line::{Effect, Line, Sent, Stop};
use super::reconcile::{Displaced, Own, Standing};
use super::{Trouble, clock};
use crate::link::{Answer, Pending, Session, ends_now};
use crate::outbox::{Settled, Vouched, Waiting};
use crate::submit;

/// One feed's line over one session: filled, answered, settled, until it stops.
pub struct Sending {
    own: Own,
    session: Session,
    line: Line,
    answers: VecDeque<Pending>,
    resend: Option<RangeInclusive<u64>>,
    untold: Option<LogResumed>,
    /// Read from the line, not yet sent.
    page: VecDeque<Waiting>,
    /// The number of the last one read.
    read: u64,
    /// Nothing waited behind it when it was last asked.
    drained: bool,
    news: watch::Receiver<u64>,
    stored: u64,
}

impl Sending {
    pub fn new(own: Own, session: Session, standing: Standing) -> Sending {
        Sending {
            news: own.outbox.news(),
            session,
            line: Line::new(own.log.clone(), standing.head),
            own,
            answers: VecDeque::new(),
            resend: standing.resend,
            untold: standing.untold,
            page: VecDeque::new(),
            read: 0,
            drained: false,
            stored: 0,
        }
    }

    /// Why the line has stopped, once nothing is under way any more.
    pub fn stopped(&self) -> Option<&Stop> {
        self.line.stopped()
    }

    /// More than 0 once a receipt came.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// Sends what waits, and waits for more, until the line stops.
    ///
    /// Safe to drop half-way: what is under way stays in line until its answer is settled.
    pub async fn run(&mut self) -> Result<Stop, Trouble> {
        loop {
            self.fill().await?;
            if let Some(stop) = self.stopped() {
                return Ok(stop.clone());
            }
            if self.is_idle() && self.own.outbox.release_hold(&self.own.log.feed) {
                tracing::info!(log = %self.own.log, "the feed waits no longer");
            }
            let may_send = self.line.next().is_some();
            tokio::select! {
                answer = first(&mut self.answers) => self.settle(answer).await?,
                Ok(()) = self.news.changed(), if may_send => self.news.mark_changed(),
                () = self.session.ended().cancelled() => return Ok(self.line.abandon()),
            }
        }
    }

    /// Everything that there was to send is settled.
    pub fn is_idle(&self) -> bool {
        self.line.under_way() == 0 && self.drained && self.page.is_empty()
    }

    /// Settles what is under way, and sends nothing more.
    pub async fn finish(&mut self) -> Result<(), Trouble> {
        while self.line.under_way() > 0 {
            let answer = first(&mut self.answers).await;
            self.settle(answer).await?;
        }
        Ok(())
    }

    /// Sends as much as the window takes.
    pub async fn fill(&mut self) -> Result<(), Trouble> {
        if self.news.has_changed().unwrap_or(false) {
            self.news.mark_unchanged();
            self.drained = false;
        }
        if self.own.outbox.whole_up_to(&self.own.log.feed).is_some() {
            // What seems new may be on the bus: that is looked at first.
            self.line.stop(Stop::ReadHead);
        }
        while let Some(link) = self.line.next().filter(|_| !self.session.is_full()) {
            let sent = match self.next_own(link).await? {
                Some(own) => Some(own),
                None if self.line.next().is_none() => return Ok(()),
                // The gateway takes what comes back at another door, and nothing new goes before it.
                None if self.line.brings_back() => return Ok(()),
                None => match self.next_notice(link)? {
                    Some(notice) => Some(notice),
                    None => self.next_waiting(link).await?,
                },
            };
            let Some(sent) = sent else {
                return Ok(());
            };
            let (event, from) = sent;
            let log = &self.own.log;
            self.own.outbox.sends(&log.feed, event.link().position);
            let pending = match &from {
                Sent::Own => bring_back(&self.session, &event).await,
                Sent::Waiting { .. } | Sent::Notice(_) => self.session.publish(&event).await,
            };
            self.line.sent(&event, from);
            self.answers.push_back(pending);
        }
        Ok(())
    }

    /// The next event of the own log that the bus lacks. One that is not here any more stops the line: it is to be brought back by
    /// readers, or declared lost, before anything behind it is sent. What no longer links goes back into line.
    async fn next_own(&mut self, link: Link) -> Result<Option<(SignedEvent, Sent)>, Trouble> {
        let Some(position) = self.resend.as_mut().and_then(Iterator::next) else {
            return Ok(None);
        };
        let position = Position::new(position).unwrap_or(Position::FIRST);
        let Some(stored) = self.own.outbox.own(&self.own.log.feed, position)? else {
            self.line.stop(Stop::ReadHead);
            return Ok(None);
        };
        let event = nats::read_stored(&stored).ok();
        match event.filter(|event| *event.link() == link) {
            Some(event) => Ok(Some((event, Sent::Own))),
            None => {
                self.resend = None;
                self.own.put_back_from(position, Displaced::Unfit).await?;
                self.drained = false;
                Ok(None)
            }
        }
    }

    /// What was taken back is told before anything new: nobody endorses silently what a thief of the key has signed.
    #[expect(
        clippy::expect_used,
        reason = "a notice's attributes are words of the program's own, numbers and a hash"
    )]
    fn next_notice(&mut self, link: Link) -> Result<Option<(SignedEvent, Sent)>, Trouble> {
        let several = self.own.has_several_agents();
        let Some(untold) = self.untold.take().filter(|_| !several) else {
            return Ok(None);
        };
        self.own.check_key(link.position)?;
        let event = untold.event(self.own.log.clone(), submit::now());
        let event = event.expect("well formed");
        let signed = SignedEvent::sign(event, link, &self.own.key);
        let settled = Settled::of(&signed);
        Ok(Some((signed, Sent::Notice(settled))))
    }

    async fn next_waiting(&mut self, link: Link) -> Result<Option<(SignedEvent, Sent)>, Trouble> {
        if self.page.is_empty() && !self.drained {
            self.read_page().await?;
        }
        let Some(Waiting {
            number, id, bytes, ..
        }) = self.page.pop_front()
        else {
            return Ok(None);
        };
        self.own.check_key(link.position)?;
        let event = nats::read_stored_unsigned(&bytes).map_err(|refusal| Trouble::Held {
            code: Alarm::OutboxUnreadable.into(),
            text: format!("the event {id} in the outbox cannot be read: {refusal}"),
        })?;
        let event = clock::by_todays(event, submit::now());
        let signed = SignedEvent::sign(event, link, &self.own.key);
        let settled = Settled::of(&signed);
        Ok(Some((signed, Sent::Waiting { number, settled })))
    }

    /// With nothing under way, all that was read has left the line, and it is read from its front: what a person put back
    /// into it stands there.
    async fn read_page(&mut self) -> Result<(), Trouble> {
        if self.line.under_way() == 0 {
            self.read = 0;
        }
        let feed = &self.own.log.feed;
        let page = self
            .own
            .outbox
            .waiting(feed, self.read, PAGE_EVENTS)
            .await?;
        self.drained = page.is_empty();
        self.read = page.last().map_or(self.read, |last| last.number);
        self.page = page.into();
        Ok(())
    }

    /// Takes the oldest answer and those that are there behind it. What receipts cover is settled as one.
    pub async fn settle(&mut self, first: Answer) -> Result<(), Trouble> {
        let mut settled: Option<Vouched> = None;
        let mut answer = Some(first);
        let mut effect = Effect::Nothing;
        while let Some(taken) = answer.take() {
            let fresh = matches!(
                taken,
                Answer::Stored {
                    duplicate: false,
                    ..
                }
            );
            effect = self.line.answered(taken, &self.own.registry);
            match effect {
                Effect::Settle(vouched) => {
                    clock::compare(&vouched, fresh, self.own.outbox.alarms());
                    self.hear_stamps(&vouched, fresh);
                    match &mut settled {
                        Some(settled) => settled.and(vouched),
                        None => settled = Some(vouched),
                    }
                    effect = Effect::Nothing;
                }
                Effect::Nothing => {}
                Effect::Refuse { .. } | Effect::PutBack { .. } | Effect::Alarm { .. } => break,
            }
            if settled.as_ref().map_or(0, Vouched::events) < PAGE_EVENTS {
                answer = self.ready();
            }
        }
        if let Some(settled) = settled {
            let stored = settled.events() as u64;
            self.stored = self.stored.saturating_add(stored).saturating_add(1);
            self.own.outbox.settle(&self.own.log.feed, settled).await?;
        }
        match effect {
            Effect::Nothing | Effect::Settle(_) => Ok(()),
            Effect::Alarm { text } => {
                self.own.outbox.alarms().raise(Alarm::ReceiptInvalid, text);
                Ok(())
            }
            Effect::Refuse { number, body } => {
                let log = &self.own.log;
                tracing::warn!(%log, number, "an event was refused and lies in the tray");
                Ok(self.own.outbox.refuse(&log.feed, number, &body).await?)
            }
            Effect::PutBack { from } => self.own.put_back_from(from, Displaced::Unfit).await,
        }
    }

    /// What a gateway judges by is told on: one that has more than is here has not shown it. So is where it has seen the stream end; a fresh
    /// stamp is its word about now.
    fn hear_stamps(&self, vouched: &Vouched, fresh: bool) {
        let (feed, alarms) = (&self.own.log.feed, self.own.outbox.alarms());
        for receipt in vouched.receipts() {
            let stamp = &receipt.facts().stamp;
            let gateway = format!("gateway {}", stamp.gateway);
            if let Some(head) = stamp.registry {
                self.session.names_registry(&gateway, head);
            }
            let Some(newest) = stamp.newest else {
                continue;
            };
            match ends_now(feed, newest.number()).filter(|_| fresh) {
                Some(end) => self.own.ends.gateway_has(&gateway, &end, alarms),
                None => self.own.ends.names(feed, &gateway, newest),
            }
        }
    }

    /// The next answer, if it is there.
    pub fn ready(&mut self) -> Option<Answer> {
        let answer = self.answers.front_mut()?.now()?;
        self.answers.pop_front();
        Some(answer)
    }
}

/// Sends an event that the bus had before to its own position: it says that it is not new.
async fn bring_back(session: &Session, event: &SignedEvent) -> Pending {
    let (log, position) = (event.event().log().clone(), event.link().position);
    let subject = LogSubject::Refill(log, position).to_string();
    session.publish_on(subject, event).await
}

/// The oldest answer; waits for ever where none is due. Safe to drop: an answer leaves the queue only when it is taken.
async fn first(answers: &mut VecDeque<Pending>) -> Answer {
    match answers.front_mut() {
        Some(pending) => {
            let answer = pending.await;
            answers.pop_front();
            answer
        }
        None => std::future::pending().await,
    }
}
