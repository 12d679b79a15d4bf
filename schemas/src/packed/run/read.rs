//! Unpacking: a run's body comes in, the signed events that were packed go out, each digest made anew and the last hash compared. Where that
//! fails, the log's context is gone, and all that is behind it is said in full until a run begins afresh.

use bytes::Bytes;

use super::super::columns;
use super::super::field::{Fields, Malformed};
use super::super::ids::{Form, Named};
use super::super::limits::{
    CONTEXTS_MAX, KEY_PLACES_MAX, RUN_EVENTS_MAX, SQUEEZED_BYTES_MAX, TEXTS_BYTES_MAX,
};
use super::super::squeeze::{History, unsqueeze};
use super::{ALIKE, CHECK_BYTES, CLASSES, Context, FOLLOWS, FRESH, Kind, Unread};
use crate::chain::{Head, Link};
use crate::event::{Core, Event, Hash, Position, Timestamp};
use crate::limits::ATTRIBUTE_BYTES_MAX;
use crate::signing::SignedEvent;
use crate::subject::LogName;

/// The receiver's end of one direction of one connection.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    contexts: [Option<Context>; CONTEXTS_MAX],
}

/// What a run declares, and will take: told before anything of it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub events: usize,
    /// Of its texts and its data together.
    pub bytes: usize,
}

/// A run's body, taken apart and not yet unsqueezed.
struct Said<'b> {
    log: LogName,
    kind: Kind,
    link: Link,
    events: usize,
    check: [u8; CHECK_BYTES],
    data_bytes: usize,
    texts_bytes: usize,
    squeezed: &'b [u8],
    /// Random parts of ids, then the signatures.
    beside: &'b [u8],
    recorded_before: i64,
    history: History,
}

impl Reader {
    /// What a run would take. None: it cannot be read, and takes nothing.
    pub fn size(&self, body: &[u8]) -> Option<Size> {
        let said = self.said(body).ok()?;
        Some(Size {
            events: said.events,
            bytes: said.texts_bytes.saturating_add(said.data_bytes),
        })
    }

    /// # Errors
    /// `Unread`: nothing of it counts.
    pub fn unpack(&mut self, body: &[u8]) -> Result<Vec<SignedEvent>, Unread> {
        let number = Fields::of(body).count(CONTEXTS_MAX.saturating_sub(1)).ok();
        let unpacked = self.said(body).and_then(unpacked);
        let context = number.and_then(|number| self.contexts.get_mut(number));
        match (unpacked, context) {
            (Ok((events, next)), Some(context)) => {
                *context = Some(next);
                Ok(events)
            }
            (Err(unread), Some(context)) => {
                *context = None;
                Err(unread)
            }
            (Err(unread), None) => Err(unread),
            (Ok(_), None) => Err(Unread::NoContext),
        }
    }

    fn said<'b>(&self, body: &'b [u8]) -> Result<Said<'b>, Unread> {
        let mut fields = Fields::of(body);
        let number = fields.count(CONTEXTS_MAX.saturating_sub(1))?;
        let flags = fields.byte()?;
        let known = self.contexts.get(number).and_then(Option::as_ref);
        let context = match flags {
            FRESH => None,
            _ if flags & !(FOLLOWS | ALIKE) == 0 => Some(known.ok_or(Unread::NoContext)?),
            _ => return Err(Malformed.into()),
        };
        let events = fields.count(RUN_EVENTS_MAX)?;
        if events == 0 {
            return Err(Malformed.into());
        }
        let log = match context {
            None => {
                LogName::from_source(fields.text(ATTRIBUTE_BYTES_MAX)?).map_err(|_| Malformed)?
            }
            Some(context) => context.log.clone(),
        };
        let link = match context.filter(|_| flags & FOLLOWS != 0) {
            None => link(&mut fields)?,
            Some(context) => context.head.next().ok_or(Malformed)?,
        };
        let kind = match context.filter(|_| flags & ALIKE != 0) {
            None => kind(&mut fields)?,
            Some(context) => context.kind.clone(),
        };
        Ok(Said {
            log,
            kind,
            link,
            events,
            check: fields.array()?,
            data_bytes: fields.count(TEXTS_BYTES_MAX)?,
            texts_bytes: fields.count(TEXTS_BYTES_MAX)?,
            squeezed: fields.bytes(SQUEEZED_BYTES_MAX)?,
            beside: fields.rest(),
            recorded_before: context.map_or(0, |context| context.recorded.unix_seconds()),
            history: context
                .map(|context| context.history.clone())
                .unwrap_or_default(),
        })
    }
}

fn link(fields: &mut Fields<'_>) -> Result<Link, Malformed> {
    Ok(Link {
        position: Position::new(fields.number()?).ok_or(Malformed)?,
        prev: Hash::from_bytes(fields.array()?),
    })
}

fn kind(fields: &mut Fields<'_>) -> Result<Kind, Malformed> {
    let text = |fields: &mut Fields<'_>| fields.text(ATTRIBUTE_BYTES_MAX).map(str::to_owned);
    Ok(Kind {
        keyid: text(fields)?,
        event_type: text(fields)?,
        data_schema: text(fields)?,
        data_content_type: text(fields)?,
        classification: *CLASSES.get(fields.count(CLASSES.len())?).ok_or(Malformed)?,
        key: {
            let places = fields.count(KEY_PLACES_MAX)?;
            let places = std::iter::repeat_with(|| text(fields)).take(places);
            places.collect::<Result<_, _>>()?
        },
    })
}

/// One event's own attributes, but for its id and its data.
struct Own<'t> {
    recorded: Timestamp,
    time: Timestamp,
    id: Form,
    subject: Option<&'t str>,
    causation_id: Option<&'t str>,
}

fn unpacked(said: Said<'_>) -> Result<(Vec<SignedEvent>, Context), Unread> {
    let mut history = said.history.clone();
    let texts = unsqueeze(said.squeezed, &history, said.texts_bytes)?;
    let mut fields = Fields::of(&texts);
    let mut beside = Fields::of(said.beside);
    let own = own(&said, &mut fields, &mut beside)?;
    let data = columns::read(&mut fields, said.events, said.data_bytes)?;
    let mut events = Vec::with_capacity(said.events);
    let mut next = Some(said.link);
    for (index, (own, data)) in own.into_iter().zip(data).enumerate() {
        let link = next.ok_or(Malformed)?;
        let event = event(&said, own, data).ok_or(Unread::Event(index))?;
        let signed = SignedEvent::rebuilt(event, link, &said.kind.keyid, beside.array()?);
        let signed = signed.map_err(|_| Unread::Event(index))?;
        next = Head::of(&signed).next();
        events.push(signed);
    }
    beside.end()?;
    let last = events.last().ok_or(Malformed)?;
    if !last.hash().as_bytes().starts_with(&said.check) {
        return Err(Unread::Check);
    }
    history.put(&texts);
    let context = Context {
        log: said.log,
        kind: said.kind,
        head: Head::of(last),
        recorded: last.event().recorded_time(),
        history,
    };
    Ok((events, context))
}

fn own<'t>(
    said: &Said<'_>,
    fields: &mut Fields<'t>,
    beside: &mut Fields<'_>,
) -> Result<Vec<Own<'t>>, Malformed> {
    let mut recorded = Vec::with_capacity(said.events);
    let mut before = said.recorded_before;
    for _ in 0..said.events {
        before = before.saturating_add(fields.signed()?);
        recorded.push(Timestamp::from_unix_seconds(before).ok_or(Malformed)?);
    }
    let times = recorded.iter().map(|recorded| {
        let time = recorded.unix_seconds().saturating_add(fields.signed()?);
        Timestamp::from_unix_seconds(time).ok_or(Malformed)
    });
    let times = times.collect::<Result<Vec<_>, _>>()?;
    let ids = (0..said.events).map(|_| Form::read(fields, beside));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let (subjects, causes) = (lines(fields, said.events)?, lines(fields, said.events)?);
    let rows = recorded
        .into_iter()
        .zip(times)
        .zip(ids)
        .zip(subjects)
        .zip(causes);
    let own = rows.map(|((((recorded, time), id), subject), causation_id)| Own {
        recorded,
        time,
        id,
        subject,
        causation_id,
    });
    Ok(own.collect())
}

fn lines<'t>(fields: &mut Fields<'t>, count: usize) -> Result<Vec<Option<&'t str>>, Malformed> {
    let lines = std::iter::repeat_with(|| {
        let line = std::str::from_utf8(fields.line()?).map_err(|_| Malformed)?;
        Ok(Some(line).filter(|line| !line.is_empty()))
    });
    lines.take(count).collect()
}

fn event(said: &Said<'_>, own: Own<'_>, data: Bytes) -> Option<Event> {
    let named = Named {
        source: &said.log.source(),
        key: &said.kind.key,
        recorded: own.recorded,
        data: &data,
    };
    let id = own.id.id(&named)?;
    let core = Core {
        id,
        event_type: said.kind.event_type.clone(),
        subject: own.subject.map(str::to_owned),
        time: own.time,
        data_content_type: said.kind.data_content_type.clone(),
        data_schema: said.kind.data_schema.clone(),
        causation_id: own.causation_id.map(str::to_owned),
        data_classification: said.kind.classification,
        data,
    };
    Event::new(said.log.clone(), core, own.recorded).ok()
}
