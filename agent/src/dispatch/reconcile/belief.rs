//! What the bus says of the own log comes in; what is believed of it, and why not the rest, goes out.
//! Nothing is written but alarms: an event is the office's by its signature, and stands where its link says.

use schemas::alarm::Alarm;
use schemas::chain::Head;
use schemas::event::Position;
use schemas::refusal::Refusal;
use schemas::signing::{PublicKey, SignedEvent, verify_all};

use super::Own;
use crate::dispatch::Trouble;

impl Own {
    pub(super) fn check_link(
        &self,
        head: Option<Head>,
        event: &SignedEvent,
    ) -> Result<(), Trouble> {
        let before = head.unwrap_or(Head::empty(self.registry.genesis()));
        if before.is_followed_by(event.link()) {
            return Ok(());
        }
        let first = before.number().saturating_add(1);
        let last = event.link().position.before().map_or(0, Position::number);
        if first <= last {
            let text = format!("{}: the bus has lost positions {first} to {last}", self.log);
            self.outbox.alarms().raise(Alarm::OwnLogGap, text);
            return Ok(());
        }
        Err(self.unbelievable(event, "does not follow the position before it"))
    }

    /// Where the log ends is the office's own word, and goes on from what is known here.
    pub(super) fn check_declared(
        &self,
        head: Head,
        declarations: &[SignedEvent],
    ) -> Result<(), Trouble> {
        for event in declarations {
            let key = self.key_of(event);
            if key.is_none_or(|key| event.verify(&key).is_err()) {
                return Err(
                    self.unbelievable(event, "is declared lost by another than this office")
                );
            }
            let link = event.link();
            let end = head.position.filter(|_| head.is_followed_by(link));
            let ours = end.map(|end| self.outbox.own_hash(&self.log.feed, end));
            if ours
                .transpose()?
                .flatten()
                .is_some_and(|ours| ours != head.hash)
            {
                return Err(self.unbelievable(event, "goes on from another event than is ours"));
            }
        }
        Ok(())
    }

    /// What this office does not have and did not sign it does not take: with its next signature it would vouch for it.
    pub(super) fn check_signatures(&self, events: &[SignedEvent]) -> Result<(), Trouble> {
        let unsigned = |event| self.unbelievable(event, "is not signed with a key of this office");
        let mut claims = Vec::with_capacity(events.len());
        for event in events {
            let key = self.key_of(event).ok_or_else(|| unsigned(event))?;
            claims.push(event.claim(&key));
        }
        let bad = verify_all(&claims).iter().position(Result::is_err);
        match bad.and_then(|bad| events.get(bad)) {
            Some(event) => Err(unsigned(event)),
            None => Ok(()),
        }
    }

    fn key_of(&self, event: &SignedEvent) -> Option<PublicKey> {
        let registered = self.registry.key(event.keyid());
        let registered = registered.filter(|key| {
            key.office == self.log.office && key.honoured(&self.log.feed, event.link().position)
        });
        registered
            .map(|key| key.public)
            .or_else(|| (event.keyid() == self.key.keyid()).then(|| *self.key.public()))
    }

    /// A key that the registry no longer honours here signs nothing: what waits is kept for the next one.
    pub fn check_key(&self, position: Position) -> Result<(), Trouble> {
        let known = self.registry.key(self.key.keyid());
        if known.is_none_or(|key| key.honoured(&self.log.feed, position)) {
            return Ok(());
        }
        Err(Trouble::Held {
            code: Refusal::KeyRetired { at: position }.code().into(),
            text: "the registry no longer honours this office's key here; enrol a new one".into(),
        })
    }

    pub(super) fn unbelievable(&self, event: &SignedEvent, what: &str) -> Trouble {
        let text = format!(
            "{}: position {} on the bus {what}",
            self.log,
            event.link().position
        );
        self.outbox
            .alarms()
            .raise(Alarm::OwnLogUnreadable, text.clone());
        Trouble::Held {
            code: Alarm::OwnLogUnreadable.into(),
            text,
        }
    }
}
