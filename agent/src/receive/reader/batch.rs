//! Deliveries come in one by one, those that lie ready go out together, with what the bus said between them.

use crate::link::{Delivery, SEQUENCE_MAX, Subscription};

use super::super::limits::{BATCH_BYTES, BATCH_EVENTS};

/// What lay ready at once.
pub struct Batch {
    pub messages: Vec<(u64, Delivery)>,
    /// How many of what was asked for have come.
    pub count: u64,
    /// How many more the consumer has, by the last message's word.
    pub pending: Option<u64>,
    pub pull_ended: bool,
    /// The bus has no such consumer any more.
    pub consumer_lost: Option<String>,
}

impl Batch {
    /// The first message and those that have arrived behind it.
    pub fn gather(first: Delivery, arrivals: &mut Subscription) -> Batch {
        let mut batch = Batch {
            messages: Vec::new(),
            count: 0,
            pending: None,
            pull_ended: false,
            consumer_lost: None,
        };
        let mut next = Some(first);
        let mut bytes: usize = 0;
        while let Some(message) = next {
            let came = message.payload.len().saturating_add(message.headers.len());
            bytes = bytes.saturating_add(came);
            batch.take(message);
            let full = batch.messages.len() >= BATCH_EVENTS || bytes >= BATCH_BYTES;
            next = if full { None } else { arrivals.now() };
        }
        batch
    }

    fn take(&mut self, message: Delivery) {
        match message.status {
            None => {}
            // A heartbeat that nobody asked for, or that crossed the last message of its pull: a sign of life and no more.
            Some(100) => return,
            // The pull has waited long enough, or has brought as many bytes as were asked for.
            Some(408) => return self.pull_ended = true,
            Some(409) if message.description.contains("MaxBytes") => return self.pull_ended = true,
            Some(409) if message.description.contains("Batch Completed") => {
                return self.pull_ended = true;
            }
            Some(status) => {
                self.consumer_lost = Some(format!("{status} {}", message.description));
                return;
            }
        }
        self.count = self.count.saturating_add(1);
        if let Some((sequence, pending)) = message.reply.as_deref().and_then(place) {
            self.pending = Some(pending);
            self.messages.push((sequence, message));
        }
    }
}

/// The stream's sequence, and how many more there are: `$JS.ACK[.<domain>.<account>].<stream>.<consumer>.<delivered>.
/// <stream sequence>.<consumer sequence>.<time>.<pending>[.<token>]`.
fn place(reply: &str) -> Option<(u64, u64)> {
    let tokens: Vec<&str> = reply.split('.').collect();
    let (sequence, pending) = match tokens[..] {
        [_, _, _, _, _, sequence, _, _, pending] => (sequence, pending),
        [_, _, _, _, _, _, _, sequence, _, _, pending, ..] => (sequence, pending),
        _ => return None,
    };
    let sequence = sequence.parse().ok();
    let sequence = sequence.filter(|sequence| *sequence <= SEQUENCE_MAX)?;
    Some((sequence, pending.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_read_from_both_forms_of_the_reply_subject() {
        let short = "$JS.ACK.market-prices.maff_hq_1.1.42.7.1790000000000000000.3";
        assert_eq!(place(short), Some((42, 3)));
        let long = "$JS.ACK._.hash.market-prices.maff_hq_1.1.42.7.1790000000000000000.3.x";
        assert_eq!(place(long), Some((42, 3)));
        assert_eq!(place("_INBOX.x"), None);
        assert_eq!(place("$JS.ACK.a.b.1.x.7.0.3"), None);
        let sequence = u64::MAX;
        assert_eq!(place(&format!("$JS.ACK.a.b.1.{sequence}.7.0.3")), None);
    }
}
