//! Authentic events of the own log that are not in it come in; each is settled, where it waited, or taken back. What waits under the
//! same id with other data is put aside, and never sent.

use schemas::alarm::Alarm;
use schemas::receipt::VerifiedReceipt;
use schemas::signing::SignedEvent;

use super::Own;
use crate::dispatch::Trouble;
use crate::outbox::{Settled, Stage, Telling, Vouched};

impl Own {
    /// What waits and is on the bus is settled; what waits under the same id with other data is put aside; the rest is
    /// taken back. In the order of the log, so that a crash leaves no gap in the own log.
    pub(super) async fn take(
        &self,
        events: Vec<SignedEvent>,
        receipt: &VerifiedReceipt,
    ) -> Result<usize, Trouble> {
        let feed = &self.log.feed;
        let (mut settled, mut taken, mut count) = (Vec::new(), Vec::new(), 0_usize);
        for event in events {
            let on_bus = Settled::of(&event);
            let known = self.outbox.known(feed, event.id())?;
            let waiting = known.filter(|known| known.stage == Stage::Accepted);
            match waiting {
                Some(known) if known.data == on_bus.data => {
                    self.flush_taken(&mut taken, receipt).await?;
                    settled.push(on_bus);
                }
                // Stored just before a crash: the notice of an earlier taking.
                None if self.is_due(event.id())? => {
                    self.flush_taken(&mut taken, receipt).await?;
                    settled.push(on_bus);
                }
                other => {
                    self.flush_settled(&mut settled, receipt).await?;
                    if let Some(known) = other {
                        self.set_aside(event.id(), known.number).await?;
                    }
                    taken.push(on_bus);
                    count = count.saturating_add(1);
                }
            }
        }
        self.flush_settled(&mut settled, receipt).await?;
        self.flush_taken(&mut taken, receipt).await?;
        Ok(count)
    }

    /// Whether the id is that of a notice which is to be sent.
    fn is_due(&self, id: &str) -> Result<bool, Trouble> {
        let untold = self.outbox.untold(&self.log.feed)?;
        Ok(untold.is_some_and(|untold| untold.id() == id))
    }

    async fn flush_settled(
        &self,
        settled: &mut Vec<Settled>,
        receipt: &VerifiedReceipt,
    ) -> Result<(), Trouble> {
        if !settled.is_empty() {
            let settled = Vouched::by(receipt.clone(), std::mem::take(settled));
            self.outbox.settle(&self.log.feed, settled).await?;
        }
        Ok(())
    }

    async fn flush_taken(
        &self,
        taken: &mut Vec<Settled>,
        receipt: &VerifiedReceipt,
    ) -> Result<(), Trouble> {
        if !taken.is_empty() {
            let taken = Vouched::by(receipt.clone(), std::mem::take(taken));
            let telling = match self.has_several_agents() {
                true => Telling::NotDue,
                false => Telling::Due,
            };
            self.outbox
                .take_back(&self.log.feed, taken, telling)
                .await?;
        }
        Ok(())
    }

    /// The bus has the id with other data: ours must not be sent under it.
    async fn set_aside(&self, id: &str, number: u64) -> Result<(), Trouble> {
        let text = format!(
            "{}: the id {id} is on the bus with other data; the event that waited under it lies in the tray",
            self.log
        );
        self.outbox
            .alarms()
            .raise(Alarm::IdOnBusWithOtherData, text);
        let refusal = r#"{"spean":{"answer":"refused","code":"id-taken","en":"the bus has this id with other data; submit it under another id","km":"លេខសម្គាល់នេះមានទិន្នន័យផ្សេងនៅលើប្រព័ន្ធរួចហើយ សូមដាក់ជូនដោយលេខសម្គាល់ថ្មី"}}"#;
        Ok(self.outbox.refuse(&self.log.feed, number, refusal).await?)
    }
}
