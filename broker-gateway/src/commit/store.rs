//! A plan comes in; its units go out stored, held, or back in line to be judged again. A refused batch that several logs share does
//! not name the guilty one, so each is tried alone, under a new batch id.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use schemas::limits::BATCH_EVENTS_MIN;
use schemas::receipt::Stamp;
use schemas::refusal::Hold;
use schemas::subject::LogName;

use super::append::{self, Message, Outcome};
use super::heads::Place;
use super::plan::Plan;
use super::readback::{Acknowledged, Doubt};
use super::unit::Unit;
use super::writer::{Writer, back_in_line, hold_all};
use crate::limits::STALE_TRIES_MAX;
use crate::seldom::seldom;
use crate::upstream::jetstream::JetStream;

impl Writer {
    /// Stores a plan, as single appends or as a batch, whatever is cheaper; what was refused for its expectation goes back in line.
    pub(super) async fn store(
        &mut self,
        jetstream: &JetStream,
        plan: Plan,
        waiting: &mut VecDeque<Unit>,
    ) {
        let alone = |unit: &Unit| unit.events().len() == 1;
        if plan.events() < BATCH_EVENTS_MIN && plan.units.iter().all(alone) {
            self.store_singles(jetstream, plan.units, waiting).await;
        } else {
            self.store_together(jetstream, plan.units, waiting).await;
        }
    }

    /// One append each, all on their way at once; of one log one at a time, the others wait in line behind it.
    async fn store_singles(
        &mut self,
        jetstream: &JetStream,
        units: Vec<Unit>,
        waiting: &mut VecDeque<Unit>,
    ) {
        let mut logs = HashSet::new();
        let (first, behind): (Vec<Unit>, Vec<Unit>) = units
            .into_iter()
            .partition(|unit| logs.insert(unit.log().clone()));
        back_in_line(behind, waiting);
        let Some(stamp) = self.stamp(&first) else {
            return hold_all(first, &Hold::BusUnavailable);
        };
        let mut sent = Vec::with_capacity(first.len());
        for unit in first {
            let subjects = [unit.log().subject()];
            let messages = self.messages(std::slice::from_ref(&unit), &subjects);
            let pending = match messages.first() {
                Some(message) => append::single(jetstream, message, &stamp).send().await,
                None => continue,
            };
            drop(messages);
            sent.push((unit, pending));
        }
        let mut refused = Vec::new();
        for (unit, pending) in sent {
            let units = vec![unit];
            let outcome = append::outcome(pending).await;
            let outcome = self.read_back(jetstream, &units, outcome).await;
            self.settle(jetstream, units, (outcome, &stamp), &mut refused);
        }
        back_in_line(refused, waiting);
    }

    async fn store_together(
        &mut self,
        jetstream: &JetStream,
        units: Vec<Unit>,
        waiting: &mut VecDeque<Unit>,
    ) {
        let Some(stamp) = self.stamp(&units) else {
            return hold_all(units, &Hold::BusUnavailable);
        };
        let subjects: Vec<String> = units.iter().map(|unit| unit.log().subject()).collect();
        let messages = self.messages(&units, &subjects);
        let pending = match &messages[..] {
            [message] => append::single(jetstream, message, &stamp),
            messages => append::batch(jetstream, messages, &stamp),
        };
        drop(messages);
        let outcome = append::outcome(pending.send().await).await;
        let outcome = self.read_back(jetstream, &units, outcome).await;
        let mut refused = Vec::new();
        self.settle(jetstream, units, (outcome, &stamp), &mut refused);
        back_in_line(refused, waiting);
    }

    /// Looks at the last of what was stored, where that is due.
    async fn read_back(&self, jetstream: &JetStream, units: &[Unit], outcome: Outcome) -> Outcome {
        let Outcome::Stored(seq) = outcome else {
            return outcome;
        };
        let told = |unit: &Unit| self.heads.of(unit.log()).is_some_and(|head| head.is_odd);
        let doubt = match units.iter().any(told) {
            true => Doubt::Odd,
            false => Doubt::None,
        };
        let last = || {
            let unit = units.last()?;
            let event = unit.events().last()?;
            Some(Acknowledged::of(event, &unit.log().subject(), seq))
        };
        match self.readback.look(jetstream, last, doubt).await {
            Ok(()) => Outcome::Stored(seq),
            Err(hold) => Outcome::NotReadBack(hold),
        }
    }

    /// What is stored together names the oldest registry by which any of it was judged.
    fn stamp(&self, units: &[Unit]) -> Option<Arc<Stamp>> {
        let registries = units.iter().map(Unit::registry);
        let oldest = registries.min_by_key(|registry| registry.position())?;
        self.notary.stamp(oldest, self.ends.fresh(&self.feed))
    }

    /// The first message of each log carries what is expected of the log, the last what the log has used with it.
    fn messages<'u>(&self, units: &'u [Unit], subjects: &'u [String]) -> Vec<Message<'u>> {
        let mut used: HashMap<&LogName, (u64, usize)> = HashMap::new();
        let mut messages: Vec<Message<'_>> = Vec::new();
        for (unit, subject) in units.iter().zip(subjects) {
            let (head, log) = (self.heads.of(unit.log()), unit.log());
            let mut expected = head.map(|head| head.expected);
            expected = expected.filter(|_| !used.contains_key(log));
            let mut of_log = head.map_or(0, |head| head.used);
            of_log = used.get(log).map_or(of_log, |(used, _)| *used);
            for (event, headers) in unit.events().iter().zip(unit.headers()) {
                let message = Message {
                    data: event.event().data(),
                    headers,
                    subject,
                    expected: expected.take(),
                    used: None,
                };
                of_log = of_log.saturating_add(message.bytes() as u64);
                used.insert(log, (of_log, messages.len()));
                messages.push(message);
            }
        }
        for (of_log, last) in used.into_values() {
            if let Some(message) = messages.get_mut(last) {
                message.used = Some(of_log);
            }
        }
        messages
    }

    /// Answers units by what became of their append; those that are to be judged again go to `again`.
    fn settle(
        &mut self,
        jetstream: &JetStream,
        units: Vec<Unit>,
        (outcome, stamp): (Outcome, &Arc<Stamp>),
        again: &mut Vec<Unit>,
    ) {
        match outcome {
            Outcome::Stored(last) => self.settle_stored(units, last, stamp),
            Outcome::Stale(told) => self.settle_stale(units, told, again),
            Outcome::Full => {
                let feed = &self.feed;
                seldom!(warn, feed, "stream-full", %feed, "the stream is full; what waits is held");
                hold_all(units, &Hold::BusFull);
            }
            Outcome::Refused(why) => {
                let feed = &self.feed;
                seldom!(warn, feed, "not-stored", %feed, why, "JetStream does not store; what waits is held");
                units.iter().for_each(|unit| self.heads.forget(unit.log()));
                hold_all(units, &Hold::BusUnavailable);
            }
            Outcome::NotReadBack(hold) => {
                units.iter().for_each(|unit| self.heads.forget(unit.log()));
                hold_all(units, &hold);
            }
            Outcome::Unknown(outage) => {
                let feed = &self.feed;
                seldom!(warn, feed, "unknown-stored", %feed, %outage, "it is not known what was stored; it is held");
                jetstream.close();
                hold_all(units, &self.readback.not_known(jetstream, &outage));
            }
        }
    }

    /// The messages of an append stand one behind the other in the stream. The last event of each log carries the receipt.
    fn settle_stored(&mut self, units: Vec<Unit>, last: u64, stamp: &Arc<Stamp>) {
        self.ends.reads(&self.feed, last, self.began);
        let ends: HashMap<LogName, usize> = units
            .iter()
            .enumerate()
            .map(|(index, unit)| (unit.log().clone(), index))
            .collect();
        let events: usize = units.iter().map(|unit| unit.events().len()).sum();
        let mut seq = last.saturating_add(1).saturating_sub(events as u64);
        for (index, mut unit) in units.into_iter().enumerate() {
            let log = unit.log().clone();
            let ends_log = ends.get(&log) == Some(&index);
            let before = self.heads.of(&log).map_or(0, |head| head.used);
            let used = before.saturating_add(unit.bytes() as u64);
            while let [event, behind @ ..] = unit.events() {
                let place = Place {
                    position: event.link().position,
                    hash: event.hash(),
                    seq,
                    used,
                    stamp: Some(stamp.clone()),
                };
                let is_last = ends_log && behind.is_empty();
                self.heads.store(&log, place);
                unit.stored(seq, false, is_last.then(|| stamp.clone()));
                seq = seq.saturating_add(1);
            }
            let registry = unit.registry();
            self.shares.warn(&log, registry, (before, used));
            unit.finish();
        }
    }

    /// Nothing was stored, because one log's last message is another than expected. Where it was one log alone, and the server
    /// told the number, and the head proves to be the same when it is read again, that number is what is expected next.
    fn settle_stale(&mut self, units: Vec<Unit>, told: Option<u64>, again: &mut Vec<Unit>) {
        let logs: HashSet<LogName> = units.iter().map(|unit| unit.log().clone()).collect();
        for log in &logs {
            match told.filter(|_| logs.len() == 1) {
                Some(number) => self.heads.doubt(log, number),
                None => self.heads.forget(log),
            }
        }
        for mut unit in units {
            unit.stale = unit.stale.saturating_add(1);
            if unit.stale < STALE_TRIES_MAX {
                again.push(unit);
            } else {
                unit.hold(&Hold::BusUnavailable);
            }
        }
    }
}
