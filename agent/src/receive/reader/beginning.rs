//! Where a pass begins. The cursor holds while the stream has the event that it was made on; else the stream went back or began
//! anew, and each log is compared with its head on the bus. What is complete here is never read again for what is not.

use std::collections::{BTreeMap, BTreeSet};

use schemas::alarm::Alarm;
use schemas::event::Hash;
use schemas::subject::{LogName, OfficeId};

use super::super::Trouble;
use super::super::limits::FILTERS_MAX;
use super::super::verify::Incoming;
use super::{Reader, cursor_at};
use crate::inbox::Cursor;
use crate::link::{Get, StoredMessage};

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// Everything behind the cursor; without one, everything.
    Behind(Option<Cursor>),
    /// First what these filters let through, from the beginning; then everything behind the end.
    CatchUp {
        filters: Vec<String>,
        end: Option<Cursor>,
    },
}

impl Reader<'_> {
    pub(super) async fn beginning(&self, doubt: bool) -> Result<Beginning, Trouble> {
        let Some(cursor) = self.inbox.cursor(self.feed)? else {
            return Ok(Beginning::Behind(None));
        };
        self.ends.sees(self.feed, cursor.stream_sequence);
        let held = self.is_confirmed(cursor).await?;
        if held && !doubt {
            return Ok(Beginning::Behind(Some(cursor)));
        }
        if !held {
            let text = format!(
                "{}: sequence {} of the stream is not what was read there; the stream went back or began anew, and its logs are compared",
                self.feed, cursor.stream_sequence
            );
            self.inbox.alarms().raise(Alarm::StreamWentBack, text);
        }
        self.compared().await
    }

    /// Whether the stream still has the event that the cursor was made on.
    async fn is_confirmed(&self, cursor: Cursor) -> Result<bool, Trouble> {
        let filter = self.filter();
        let get = Get::From(cursor.stream_sequence, &filter);
        let there = self.session.message(self.feed, get).await?;
        Ok(there.is_some_and(|message| {
            message.sequence == cursor.stream_sequence && self.hash_of(message) == Some(cursor.hash)
        }))
    }

    /// None for what is no event.
    fn hash_of(&self, message: StoredMessage) -> Option<Hash> {
        Some(self.event_of(message)?.event.hash())
    }

    fn event_of(&self, message: StoredMessage) -> Option<Incoming> {
        let StoredMessage {
            subject,
            sequence,
            headers,
            data,
        } = message;
        let read = Incoming::read(self.feed, &subject, sequence, &headers, data);
        read.ok()
    }

    /// Compares each log with its head on the bus.
    async fn compared(&self) -> Result<Beginning, Trouble> {
        let counted = self.session.feed_counts(self.feed).await?.logs;
        let mut open: BTreeSet<OfficeId> = counted.into_keys().collect();
        let Some(heads) = self.session.heads(self.feed).await? else {
            return Ok(Beginning::Behind(None));
        };
        let mut end: Option<Cursor> = None;
        let mut there = BTreeMap::new();
        for message in heads {
            let Some(head) = self.event_of(message) else {
                continue;
            };
            let here = cursor_at(head.sequence, head.event.hash());
            end = end
                .into_iter()
                .chain([here])
                .max_by_key(|cursor| cursor.stream_sequence);
            // A count may be a moment older than the heads: a log that began meanwhile lies before the end, too.
            let log = head.event.event().log().clone();
            let office = &log.office;
            match self.has_all_up_to(&head)? {
                true => open.remove(office),
                false => open.insert(office.clone()),
            };
            there.insert(log, head);
        }
        self.confirm_again(&there)?;
        let open = open.into_iter().filter(|office| office != self.office);
        let filters: Vec<String> = open
            .flat_map(|office| {
                let feed = self.feed.clone();
                let log = LogName { feed, office }.subject();
                [format!("{log}.*"), log]
            })
            .collect();
        Ok(match filters.len() {
            0..=FILTERS_MAX => Beginning::CatchUp { filters, end },
            _ => Beginning::Behind(None),
        })
    }

    /// What the bus has lost of a log that is held here is kept free for it: that needs the bus to know what was confirmed, which it
    /// may have lost with it. Where the bus has other content this office is on a branch, and confirms nothing.
    fn confirm_again(&self, there: &BTreeMap<LogName, Incoming>) -> Result<(), Trouble> {
        for (log, state) in self.inbox.logs(self.feed)? {
            let (head, agrees) = match there.get(&log) {
                None => (0, true),
                Some(head) => (
                    head.event.link().position.number(),
                    self.has_all_up_to(head)?,
                ),
            };
            if agrees {
                self.inbox.agrees(&log)?;
            }
            if agrees && head < state.complete {
                self.inbox.forget_confirmed(&log)?;
            }
        }
        Ok(())
    }

    /// A log that is complete to its head, by the same event. What was declared lost may have come back meanwhile.
    fn has_all_up_to(&self, head: &Incoming) -> Result<bool, Trouble> {
        let (log, position) = (head.event.event().log(), head.event.link().position);
        let complete = self.inbox.state(log)?.complete >= position.number();
        let whole = complete && self.inbox.declared(log)?.is_empty();
        Ok(whole && self.inbox.hash_at(log, position)? == Some(head.event.hash()))
    }
}
