//! Action 1 of the road: what a submitter said comes in, a `ValidEvent` goes out, or every mistake by name.
//! A valid event fits its feed's contract and rules, and has all its attributes; it is not durable, and has no position.
//!
//! The data's bytes are never altered. The clock is only written down: a doubtful one stops nobody.

mod ids;
pub mod problem;
pub mod sheet;

use schemas::contract::{self, ContractFault};
use schemas::event::{AttributeFault, Classification, Core, Draft, Event, Hash, Must, Timestamp};
use schemas::feed::{Action, EventType, Feed};
use schemas::json;
use schemas::limits::{DATA_BYTES_MAX, FAULTS_NAMED_MAX};
use schemas::refusal::{Detail, Hold, Refusal};
use schemas::registry::Registry;
use schemas::subject::{FeedName, LogName, OfficeId};
use serde_json::Value;
use time::OffsetDateTime;

use self::problem::Problem;

/// An event that may join its log. Made only here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidEvent {
    event: Event,
    content: Hash,
}

impl ValidEvent {
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Digest of what the submitter said: two submissions with one id are the same if this is.
    pub fn content(&self) -> Hash {
        self.content
    }
}

/// An office that submits, under the registry of the moment.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'r> {
    pub registry: &'r Registry,
    pub office: &'r OfficeId,
    pub now: Timestamp,
}

/// The clock, in whole seconds. One that shows no year of four digits is read as 1970: what is written down must be writable.
pub fn now() -> Timestamp {
    let epoch = || Timestamp::from_unix_seconds(0).expect("1970 is a year of four digits");
    Timestamp::from_time(OffsetDateTime::now_utc()).unwrap_or_else(epoch)
}

impl<'r> Desk<'r> {
    /// Checks a draft and fills in what it leaves out. `feed` is where it was handed in, if that says it.
    ///
    /// # Errors
    /// The first kind of problem; within attributes and data, all that is wrong.
    pub fn submit(&self, draft: Draft, feed: Option<&FeedName>) -> Result<ValidEvent, Problem> {
        let content = draft.content_digest();
        let feed = self.feed(&draft, feed)?;
        let log = LogName {
            feed: feed.name.clone(),
            office: self.office.clone(),
        };
        self.may_publish(&log)?;
        if draft
            .source
            .as_ref()
            .is_some_and(|source| *source != log.source())
        {
            return Err(self.foreign_source(draft.source.as_deref().unwrap_or_default()));
        }
        let event_type = event_type(feed, draft.event_type.as_deref())?;
        let schema = match &draft.data_schema {
            None => event_type.contract().to_owned(),
            Some(given) if event_type.takes(given) => given.clone(),
            Some(_) => return Err(Refusal::SchemaNotOfFeed.into()),
        };
        if event_type.action != Action::Submitted && draft.causation_id.is_none() {
            return Err(Problem::CausationMissing);
        }
        if draft.data.len() > DATA_BYTES_MAX {
            return Err(Refusal::TooLarge.into());
        }
        // What is named nothing is JSON.
        if draft
            .data_content_type
            .as_deref()
            .is_some_and(|given| !contract::is_json(given))
        {
            return Err(Problem::MediaTypeUnsupported);
        }
        self.check_time(&draft)?;
        let checked = self.check_data(&schema, &draft)?;
        let event = self.fill(draft, log, feed, event_type, schema);
        let (event, data) = both(event, checked)?;
        self.check_row(feed, event_type, &data)?;
        Ok(ValidEvent { event, content })
    }

    /// The feed that a draft is for, by where it was handed in or else by what it says of itself.
    fn feed(&self, draft: &Draft, named: Option<&FeedName>) -> Result<&'r Feed, Problem> {
        if let Some(name) = named {
            return self.registry.feed(name).ok_or(Hold::FeedUnknown.into());
        }
        let by_source = draft.source.as_deref().map(LogName::from_source);
        if let Some(Ok(log)) = by_source {
            return self
                .registry
                .feed(&log.feed)
                .ok_or(Hold::FeedUnknown.into());
        }
        let has_type = |feed: &&Feed| {
            draft
                .event_type
                .as_deref()
                .is_some_and(|name| feed.event_type(name).is_some())
        };
        let takes_schema = |feed: &&Feed| {
            let uri = draft.data_schema.as_deref();
            uri.is_some_and(|uri| feed.types.iter().any(|known| known.takes(uri)))
        };
        let only = |mut feeds: Vec<&'r Feed>| (feeds.len() == 1).then(|| feeds.remove(0));
        let by_type = only(self.registry.feeds().filter(has_type).collect());
        let by_schema = || only(self.registry.feeds().filter(takes_schema).collect());
        by_type.or_else(by_schema).ok_or(Problem::FeedUnnamed)
    }

    fn may_publish(&self, log: &LogName) -> Result<(), Problem> {
        match self.registry.may_publish(&log.office, &log.feed) {
            Ok(_) => Ok(()),
            Err(denied) => Err(Hold::from(denied).into()),
        }
    }

    fn foreign_source(&self, source: &str) -> Problem {
        match LogName::from_source(source) {
            Ok(log) if log.office != *self.office => Refusal::NotYourLog.into(),
            Ok(_) => Refusal::SourceMismatch.into(),
            Err(_) => Refusal::AttributeInvalid(vec![AttributeFault {
                attribute: "source",
                must: Must::BeASource,
            }])
            .into(),
        }
    }

    /// A time that is wrong, or right beside a clock that is not; what cannot be read is named with all else that is wrong.
    fn check_time(&self, draft: &Draft) -> Result<(), Problem> {
        let given = draft.time.as_deref().and_then(Timestamp::from_rfc3339);
        match given {
            Some(time) if !time.is_within_reach_of(self.now) => {
                let now = self.now;
                Err(Refusal::TimeOutOfReach { time, now }.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_data(
        &self,
        schema: &str,
        draft: &Draft,
    ) -> Result<Result<Value, Vec<Detail>>, Problem> {
        let contract = self.registry.contract(schema);
        let contract = contract.ok_or(Hold::ContractUnknown)?;
        match (contract.check(&draft.data), json::parse(&draft.data)) {
            (Ok(data), _) => Ok(Ok(data)),
            (Err(_), Err(fault)) => Err(Refusal::NotJson(detail(fault.into())).into()),
            (Err(faults), Ok(_)) => Ok(Err(faults.into_iter().map(detail).collect())),
        }
    }

    fn fill(
        &self,
        draft: Draft,
        log: LogName,
        feed: &Feed,
        event_type: &EventType,
        data_schema: String,
    ) -> Result<Event, Vec<AttributeFault>> {
        let mut faults = Vec::new();
        let time = match draft.time.as_deref().map(Timestamp::from_rfc3339) {
            None => self.now,
            Some(Some(time)) => time,
            Some(None) => {
                faults.push(AttributeFault {
                    attribute: "time",
                    must: Must::BeTime,
                });
                self.now
            }
        };
        let data_classification = match draft.data_classification.as_deref().map(str::parse) {
            None => feed.classification,
            Some(Ok(classification)) => classification,
            Some(Err(fault)) => {
                faults.push(fault);
                Classification::Restricted
            }
        };
        let own_id = || ids::of_new(&log.source(), &draft.data);
        let core = Core {
            id: draft.id.clone().unwrap_or_else(own_id),
            event_type: event_type.name.clone(),
            subject: draft.subject,
            time,
            data_content_type: draft
                .data_content_type
                .unwrap_or_else(|| "application/json".into()),
            data_schema,
            causation_id: draft.causation_id,
            data_classification,
            data: draft.data,
        };
        let event = Event::new(log, core, self.now);
        match event.and_then(|event| event.fit_to_join().map(|()| event)) {
            Ok(event) if faults.is_empty() => Ok(event),
            Ok(_) => Err(faults),
            Err(mut all) => {
                faults.append(&mut all);
                Err(faults)
            }
        }
    }

    fn check_row(&self, feed: &Feed, event_type: &EventType, data: &Value) -> Result<(), Problem> {
        let office = self
            .registry
            .office(self.office)
            .ok_or(Hold::OfficeUnknown)?;
        let checked = self.registry.check_row(office, feed, event_type, data);
        checked.map_err(|fault| Refusal::RowNotYours(detail(fault)).into())
    }
}

fn detail(fault: ContractFault) -> Detail {
    let ContractFault { pointer, en, km } = fault;
    Detail::new(pointer, en, km)
}

fn event_type<'f>(feed: &'f Feed, given: Option<&str>) -> Result<&'f EventType, Problem> {
    let known = match given {
        None => feed.type_of(Action::Submitted),
        Some(name) => feed.event_type(name),
    };
    known.ok_or(Refusal::TypeNotOfFeed.into())
}

/// The event and its data, or all that is wrong with either.
fn both(
    event: Result<Event, Vec<AttributeFault>>,
    data: Result<Value, Vec<Detail>>,
) -> Result<(Event, Value), Problem> {
    match (event, data) {
        (Ok(event), Ok(data)) => Ok((event, data)),
        (Err(faults), Ok(_)) => Err(Refusal::AttributeInvalid(faults).into()),
        (Ok(_), Err(details)) => Err(Refusal::ContractViolated(details).into()),
        (Err(faults), Err(mut details)) => {
            details.extend(faults.into_iter().map(Detail::from));
            details.truncate(FAULTS_NAMED_MAX);
            Err(Refusal::ContractViolated(details).into())
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
