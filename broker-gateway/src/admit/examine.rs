//! One event as it was sent comes in; what it says, and whose key must have signed it, goes out, or the first thing that is wrong.
//! Every check but the signature's is made here, once for each event.

use schemas::contract;
use schemas::envelope::format;
use schemas::envelope::nats::{self, Received};
use schemas::event::{AttributeFault, Must, Timestamp};
use schemas::feed::{EventType, Feed};
use schemas::json;
use schemas::limits::{DATA_BYTES_MAX, HEADER_BYTES_MAX};
use schemas::refusal::{Detail, Hold, Refusal};
use schemas::registry::{Key, Office, Registry};
use schemas::signing::{PublicKey, SignedEvent};
use schemas::subject::LogName;
use time::OffsetDateTime;

use super::{RawEvent, Verdict};
use crate::refuse::No;

/// What all events of a submission are examined by.
pub(super) struct Examiner<'r> {
    registry: &'r Registry,
    log: &'r LogName,
    feed: &'r Feed,
    office: &'r Office,
    /// The key of the event before: one office has one key at a time.
    key: Option<&'r Key>,
}

impl<'r> Examiner<'r> {
    pub fn new(registry: &'r Registry, log: &'r LogName) -> Result<Examiner<'r>, Hold> {
        Ok(Examiner {
            registry,
            log,
            feed: registry.feed(&log.feed).ok_or(Hold::FeedUnknown)?,
            office: registry.office(&log.office).ok_or(Hold::OfficeUnknown)?,
            key: None,
        })
    }

    pub fn examine(&mut self, raw: &RawEvent) -> Verdict<'r> {
        let received = match self.read(raw) {
            Ok(received) => received,
            Err(no) => return Verdict::Fails(None, no),
        };
        let event = &received.event;
        let checked = self
            .signer(event)
            .and_then(|key| self.content(event).map(|()| key));
        match checked {
            Ok(key) => Verdict::Passes(received, key),
            Err(no) => Verdict::Fails(Some(received.event), no),
        }
    }

    /// The same for one that is to be the log's next: it was recorded now, by a clock that is right.
    pub fn examine_new(&mut self, raw: &RawEvent) -> Verdict<'r> {
        match self.examine(raw) {
            Verdict::Passes(received, key) => match self.clock(&received.event) {
                Ok(()) => Verdict::Passes(received, key),
                Err(no) => Verdict::Fails(Some(received.event), no),
            },
            fails @ Verdict::Fails(..) => fails,
        }
    }

    /// What the office's clock wrote is held: which of the two clocks is wrong is not seen here. What somebody wrote beside a clock
    /// that is right is that one's fault.
    pub fn clock(&self, event: &SignedEvent) -> Result<(), No> {
        // Where the clock shows no year that can be written, nothing is stamped, and nothing is stored.
        let Some(now) = Timestamp::from_time(OffsetDateTime::now_utc()) else {
            return Ok(());
        };
        let (recorded, time) = (event.event().recorded_time(), event.event().core().time);
        if !recorded.is_within_reach_of(now) {
            return Err(Hold::ClockWrong { recorded, now }.into());
        }
        match time.is_within_reach_of(now) {
            true => Ok(()),
            false => Err(Refusal::TimeOutOfReach { time, now }.into()),
        }
    }

    pub fn read(&self, raw: &RawEvent) -> Result<Received, No> {
        // Before anything is parsed or hashed: a stranger must not choose its price.
        if raw.payload.len() > DATA_BYTES_MAX || raw.headers.len() > HEADER_BYTES_MAX {
            return Err(Refusal::TooLarge.into());
        }
        if raw.headers.is_empty() {
            return Err(Refusal::Unsigned.into());
        }
        let stream = self.log.feed.as_str();
        let received = nats::receive(&raw.headers, raw.payload.clone(), stream).map_err(|why| {
            match format::newer_in_headers(&raw.headers) {
                Some(hold) => No::Held(hold),
                None => No::Refused(why),
            }
        })?;
        match received.event.event().log() == self.log {
            true => Ok(received),
            false => Err(Refusal::SourceMismatch.into()),
        }
    }

    /// Whose signature counts here. An unknown key may become known; a known one of another office never fits.
    pub fn signer(&mut self, event: &SignedEvent) -> Result<&'r PublicKey, No> {
        let key = match self.key {
            Some(key) if key.keyid == event.keyid() => key,
            Some(_) | None => self.registry.key(event.keyid()).ok_or(Hold::KeyUnknown)?,
        };
        self.key = Some(key);
        let at = event.link().position;
        if key.office != self.log.office {
            Err(Refusal::SignerMismatch.into())
        } else if !key.honoured(&self.log.feed, at) {
            Err(Refusal::KeyRetired { at }.into())
        } else {
            Ok(&key.public)
        }
    }

    fn content(&self, event: &SignedEvent) -> Result<(), No> {
        let legible = event.event().fit_to_join();
        legible.map_err(Refusal::AttributeInvalid)?;
        let core = event.event().core();
        let event_type = self.feed.admits(&core.event_type);
        let event_type = event_type.ok_or(Refusal::TypeNotOfFeed)?;
        let known = self.registry.contract(&core.data_schema);
        let known = known.ok_or(Hold::ContractUnknown)?;
        if !event_type.takes(&core.data_schema) {
            return Err(Refusal::SchemaNotOfFeed.into());
        }
        // Readers hand the data on under the content type that is signed: it is what was checked.
        if !contract::is_json(&core.data_content_type) {
            let fault = AttributeFault {
                attribute: "datacontenttype",
                must: Must::BeJson,
            };
            return Err(Refusal::AttributeInvalid(vec![fault]).into());
        }
        match known.check(&core.data) {
            Ok(data) => self.row(event_type, &data),
            Err(faults) => {
                let mut details: Vec<Detail> = faults.into_iter().map(Detail::from).collect();
                match (json::parse(&core.data), details.len()) {
                    (Err(_), 1..) => Err(Refusal::NotJson(details.swap_remove(0)).into()),
                    (_, _) => Err(Refusal::ContractViolated(details).into()),
                }
            }
        }
    }

    fn row(&self, event_type: &EventType, data: &serde_json::Value) -> Result<(), No> {
        self.registry
            .check_row(self.office, self.feed, event_type, data)
            .map_err(|fault| Refusal::RowNotYours(fault.into()).into())
    }
}
