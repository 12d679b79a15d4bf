//! The own log on the bus and the one in the store come in; afterwards they agree, and where to go on goes out.
//! What the bus has is settled or taken back; what it lacks is sent again; what no longer links goes back into line.
//!
//! Both are chains, so that where one position agrees, all before it do.

mod belief;
mod displaced;
mod taking;

use std::ops::RangeInclusive;
use std::sync::Arc;

use schemas::alarm::Alarm;
use schemas::chain::Head;
use schemas::envelope::nats;
use schemas::event::Position;
use schemas::notice::LogResumed;
use schemas::receipt::VerifiedReceipt;
use schemas::refusal::Hold;
use schemas::registry::{self, Registry};
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::LogName;

pub use self::displaced::Displaced;
use super::Trouble;
use super::limits::PUT_BACK_EVENTS;
use super::own_log::{BusHead, OnBus, SessionLog};
use crate::link::Ends;
use crate::outbox::{Outbox, PutBack, Vouched};

/// Where to go on.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The head on the bus.
    pub head: Head,
    /// Positions of the own log that the bus lacks, each linked to the one before.
    pub resend: Option<RangeInclusive<u64>>,
    /// Events on the bus that were not remembered.
    pub taken_back: usize,
    /// What is to be told of such events before anything new is sent.
    pub untold: Option<LogResumed>,
}

/// One office's log on one feed, and what it is checked by.
#[derive(Clone)]
pub struct Own {
    pub log: LogName,
    pub outbox: Outbox,
    pub registry: Arc<Registry>,
    pub key: Arc<SigningKey>,
    pub ends: Ends,
}

impl Own {
    /// Makes store and bus agree.
    ///
    /// # Errors
    /// [`Trouble`]; what was done until then stands, and doing it again does no harm.
    pub async fn reconcile(&self, bus: &SessionLog<'_>) -> Result<Standing, Trouble> {
        let BusHead {
            head,
            last,
            declared,
        } = bus.head().await?;
        self.check_declared(head, &declared)?;
        let ours = self.outbox.last_settled(&self.log.feed)?;
        let our_number = ours.map_or(0, |ours| ours.position.number());
        let agree = match &last {
            None => true,
            Some(last) => self.agrees(&last.event)?,
        };
        // What damage took from the own log seems to wait, or to be new: it is looked for on the bus before anything is sent.
        let doubt = self.outbox.whole_up_to(&self.log.feed);
        let mut taken_back = 0;
        if let Some(last) = last.as_ref().filter(|_| !agree || doubt.is_some()) {
            let known = doubt.unwrap_or(our_number);
            taken_back = self.catch_up(bus, last, known).await?;
        }
        if doubt.is_some() {
            self.outbox.mended(&self.log.feed).await?;
        }
        if agree {
            self.vouch_head(bus, last.as_ref()).await?;
        }
        let lacking = head.number().saturating_add(1)..=our_number;
        Ok(Standing {
            head,
            resend: (agree && !lacking.is_empty()).then_some(lacking),
            taken_back,
            untold: self.outbox.untold(&self.log.feed)?,
        })
    }

    /// Reads the log on the bus from an event up to `known` that both have to its head, and takes back what is not here. Says how many events
    /// were not remembered at all.
    async fn catch_up(
        &self,
        bus: &SessionLog<'_>,
        last: &OnBus,
        known: u64,
    ) -> Result<usize, Trouble> {
        let receipt = self.receipt(bus, &last.event).await?;
        let from = self.last_agreed(bus, last, known).await?;
        let taken_back = self.follow(bus, from, last.sequence, &receipt).await?;
        if taken_back > 0 {
            let text = format!(
                "{}: {taken_back} events of our own log, up to position {}, were on the bus and not in this store",
                self.log,
                last.event.link().position
            );
            self.outbox.alarms().raise(Alarm::OwnEventsTakenBack, text);
        }
        Ok(taken_back)
    }

    /// What is settled has a receipt; where the head has none that is kept, it is asked for.
    async fn vouch_head(&self, bus: &SessionLog<'_>, last: Option<&OnBus>) -> Result<(), Trouble> {
        let feed = &self.log.feed;
        let Some(OnBus { event, .. }) = last else {
            return Ok(());
        };
        if self
            .outbox
            .receipt_for(feed, event.link().position)?
            .is_some()
        {
            return Ok(());
        }
        let receipt = self.receipt(bus, event).await?;
        Ok(self
            .outbox
            .settle(feed, Vouched::by(receipt, Vec::new()))
            .await?)
    }

    /// A receipt for an event that is on the bus. One that is missing or proves nothing is an alarm, and is asked for again.
    async fn receipt(
        &self,
        bus: &SessionLog<'_>,
        event: &SignedEvent,
    ) -> Result<VerifiedReceipt, Trouble> {
        let told = bus.receipt(event).await?;
        let position = event.link().position;
        let (alarm, why) = match told {
            None => (Alarm::ReceiptMissing, "the gateway gives none".to_owned()),
            Some(told) => {
                let verified = told.and_then(|receipt| receipt.verified(&self.registry));
                match verified.and_then(|receipt| receipt.is_for(event).map(|()| receipt)) {
                    Ok(receipt) => return Ok(receipt),
                    Err(fault) => (Alarm::ReceiptInvalid, fault.to_string()),
                }
            }
        };
        let text = format!("{}: the receipt for position {position}: {why}", self.log);
        self.outbox.alarms().raise(alarm, text.clone());
        Err(Trouble::Held {
            code: alarm.into(),
            text,
        })
    }

    fn agrees(&self, event: &SignedEvent) -> Result<bool, Trouble> {
        let ours = self
            .outbox
            .own_hash(&self.log.feed, event.link().position)?;
        Ok(ours == Some(event.hash()))
    }

    /// Looks back from the head, further each time, for an event that is remembered, up to position `our_number`. None: not one is.
    async fn last_agreed(
        &self,
        bus: &SessionLog<'_>,
        last: &OnBus,
        our_number: u64,
    ) -> Result<Option<OnBus>, Trouble> {
        let mut distance = last
            .event
            .link()
            .position
            .number()
            .saturating_sub(our_number)
            .max(1);
        if our_number == 0 {
            return Ok(None);
        }
        loop {
            let sequence = last.sequence.saturating_sub(distance).max(1);
            match bus.from(sequence).await? {
                Some(found)
                    if found.event.link().position.number() <= our_number
                        && self.agrees(&found.event)? =>
                {
                    return Ok(Some(found));
                }
                Some(_) | None if sequence == 1 => return Ok(None),
                Some(_) | None => distance = distance.saturating_mul(4),
            }
        }
    }

    /// Reads on from there to the head. At the first event that is not remembered, whatever the own log has from that
    /// position on goes back into line, before anything else: each of its events is then found by its id, like all others.
    async fn follow(
        &self,
        bus: &SessionLog<'_>,
        from: Option<OnBus>,
        last_sequence: u64,
        receipt: &VerifiedReceipt,
    ) -> Result<usize, Trouble> {
        let behind = |from: &OnBus| from.sequence.saturating_add(1);
        let mut next = from.as_ref().map_or(1, behind);
        let mut head = from.map(|from| Head::of(&from.event));
        let (mut forked, mut lacked) = (false, false);
        let mut taken_back = 0;
        while next <= last_sequence {
            let mut page = bus.page(next).await?;
            if page.is_empty() {
                page.extend(bus.from(next).await?);
            }
            next = page.last().map(behind).ok_or_else(unlinked)?;
            let (mut news, mut fork) = (Vec::with_capacity(page.len()), None);
            for OnBus { event, .. } in page {
                let known = !forked && self.agrees(&event)?;
                if !known || lacked {
                    self.check_link(head, &event)?;
                }
                lacked = !known;
                if !known {
                    if fork.is_none() && !self.is_forgotten(&event)? {
                        fork = Some(event.link().position);
                    }
                    news.push(event.clone());
                }
                head = Some(Head::of(&event));
            }
            self.check_signatures(&news)?;
            if let Some(first) = fork.filter(|_| !forked) {
                self.put_back_from(first, Displaced::ByAnother).await?;
                forked = true;
            }
            taken_back = self.take(news, receipt).await?.saturating_add(taken_back);
        }
        Ok(taken_back)
    }

    /// Nothing here says that another event stood there: it was taken by damage, or comes behind all that is known.
    fn is_forgotten(&self, event: &SignedEvent) -> Result<bool, Trouble> {
        let own = self
            .outbox
            .own_hash(&self.log.feed, event.link().position)?;
        Ok(own.is_none())
    }

    /// From the end, so that what comes first in the log comes first in line.
    pub async fn put_back_from(&self, first: Position, why: Displaced) -> Result<(), Trouble> {
        let feed = &self.log.feed;
        while let Some(last) = self.outbox.last_settled(feed)? {
            let last = last.position.number();
            if last < first.number() {
                return Ok(());
            }
            let from = first.number().max(last.saturating_sub(PUT_BACK_EVENTS - 1));
            let mut page = Vec::new();
            for position in (from..=last).filter_map(Position::new) {
                if let Some(bytes) = self.outbox.own(feed, position)? {
                    page.push(put_back(position, &bytes)?);
                }
            }
            if page.is_empty() && self.is_pruned(Position::new(last))? {
                let text = format!(
                    "{}: positions {first} to {last} were pruned here and are no longer ours on the bus; their events cannot go behind",
                    self.log
                );
                self.outbox.alarms().raise(Alarm::OwnLogPruned, text);
                return Ok(());
            }
            if page.is_empty() {
                return Err(unlinked());
            }
            let (alarm, what) = why.words();
            let text = format!("{}: positions {from} to {last} {what}", self.log);
            self.outbox.alarms().raise(alarm, text);
            self.outbox.put_back(feed, page).await?;
        }
        Ok(())
    }

    fn is_pruned(&self, position: Option<Position>) -> Result<bool, Trouble> {
        let pruned = self.outbox.pruned(&self.log.feed)?;
        Ok(pruned.is_some_and(|pruned| position <= Some(pruned.position)))
    }

    /// Whether the registry says that other agents write this office's logs, too.
    pub fn has_several_agents(&self) -> bool {
        let office = self.registry.office(&self.log.office);
        office.is_some_and(registry::Office::has_several_agents)
    }
}

fn put_back(position: Position, stored: &bytes::Bytes) -> Result<PutBack, Trouble> {
    let signed = nats::read_stored(stored).map_err(|refusal| Trouble::Held {
        code: Alarm::OwnLogUnreadable.into(),
        text: format!("position {position} of the own log in the store cannot be read: {refusal}"),
    })?;
    Ok(PutBack::of(&signed))
}

fn unlinked() -> Trouble {
    Trouble::Held {
        code: Hold::LogUnreadable.code().into(),
        text: "the log on the bus ends before its head".into(),
    }
}
