//! Packing: signed events come in, a run's body goes out, and how many of them it holds.

use super::super::columns;
use super::super::field::{put_count, put_number, put_signed, put_text};
use super::super::ids::{Form, Named};
use super::super::limits::{
    CONTEXTS_MAX, KEY_PLACES_MAX, RUN_EVENTS_MAX, SQUEEZED_BYTES_MAX, TEXTS_BYTES_MAX,
};
use super::super::squeeze::{History, squeeze};
use super::{ALIKE, CHECK_BYTES, CLASSES, Context, FOLLOWS, FRESH, Kind};
use crate::chain::{Head, follows};
use crate::event::Event;
use crate::signing::SignedEvent;
use crate::subject::LogName;

/// The sender's end of one direction of one connection.
#[derive(Debug, Default)]
pub struct Writer {
    /// A context's place is its log's number; None where another log may have it.
    contexts: Vec<Option<Context>>,
    /// Numbers, the one that was used last at the end.
    used: Vec<usize>,
}

/// A run, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    pub body: Vec<u8>,
    /// How many of the events it holds: the first ones.
    pub events: usize,
}

/// The parts of a run that follow from its events alone.
struct Texts {
    /// To be squeezed.
    texts: Vec<u8>,
    /// Of ids, which cannot be.
    random: Vec<u8>,
}

impl Writer {
    /// Packs the first of these events: as many as are one run, of one kind, and within bounds. `key`: the places of the form's key, where
    /// the feed has one. None: the first one has to go in full.
    pub fn pack(&mut self, events: &[&SignedEvent], key: &[String]) -> Option<Packed> {
        let key = key.get(..key.len().min(KEY_PLACES_MAX))?;
        let mut count = run_length(events);
        while count > 0 {
            let run = events.get(..count)?;
            if let Some(packed) = self.pack_all(run, key) {
                return Some(packed);
            }
            count /= 2;
        }
        None
    }

    /// The reader has lost what was said of a log: it is all said again.
    pub fn forget(&mut self, log: &LogName) {
        let of_log = |context: &&mut Option<Context>| {
            context.as_ref().is_some_and(|context| context.log == *log)
        };
        self.contexts
            .iter_mut()
            .filter(of_log)
            .for_each(|context| *context = None);
    }

    fn pack_all(&mut self, run: &[&SignedEvent], key: &[String]) -> Option<Packed> {
        let (first, last) = (run.first()?, run.last()?);
        let log = first.event().log();
        let number = self.number_of(log);
        // The number may have been another log's until now.
        let context = self.contexts.get(number).and_then(Option::as_ref);
        let context = context.filter(|context| context.log == *log);
        let kind = Kind::of(first, key);
        let recorded_before = context.map_or(0, |context| context.recorded.unix_seconds());
        let Texts { texts, random } = Texts::of(run, key, recorded_before);
        let fresh = History::default();
        let history = context.map_or(&fresh, |context| &context.history);
        let squeezed = squeeze(&texts, history)?;
        if texts.len() > TEXTS_BYTES_MAX || squeezed.len() > SQUEEZED_BYTES_MAX {
            return None;
        }
        let mut body = head(number, context, run, &kind)?;
        body.extend_from_slice(last.hash().as_bytes().get(..CHECK_BYTES)?);
        put_count(
            &mut body,
            run.iter().map(|event| event.event().data().len()).sum(),
        );
        put_count(&mut body, texts.len());
        put_text(&mut body, &squeezed);
        body.extend_from_slice(&random);
        run.iter()
            .for_each(|event| body.extend_from_slice(event.signature()));
        let mut history = history.clone();
        history.put(&texts);
        let context = Context {
            log: log.clone(),
            kind,
            head: Head::of(last),
            recorded: last.event().recorded_time(),
            history,
        };
        self.keep(number, context);
        let events = run.len();
        Some(Packed { body, events })
    }

    /// The number that a log has, or gets: a free one, or that which was not used for longest.
    fn number_of(&self, log: &LogName) -> usize {
        let has = |context: &Option<Context>| context.as_ref().is_some_and(|c| c.log == *log);
        let known = self.contexts.iter().position(has);
        let free = self.contexts.iter().position(Option::is_none);
        let known = known.or(free);
        let next = Some(self.contexts.len()).filter(|count| *count < CONTEXTS_MAX);
        let longest = self.used.first().copied().unwrap_or_default();
        known.or(next).unwrap_or(longest)
    }

    fn keep(&mut self, number: usize, context: Context) {
        if self.contexts.len() <= number {
            self.contexts.resize_with(number.saturating_add(1), || None);
        }
        if let Some(place) = self.contexts.get_mut(number) {
            *place = Some(context);
        }
        self.used.retain(|used| *used != number);
        self.used.push(number);
    }
}

/// How many of the events are one run of one kind, of which the data fits.
fn run_length(events: &[&SignedEvent]) -> usize {
    let Some(first) = events.first() else {
        return 0;
    };
    let kind = Kind::of(first, &[]);
    let mut bytes: usize = 0;
    let mut before: Option<&SignedEvent> = None;
    let goes_on = events.iter().take(RUN_EVENTS_MAX).take_while(|event| {
        bytes = bytes.saturating_add(event.event().data().len());
        let linked = before.is_none_or(|before| follows(before, event).is_ok());
        before = Some(event);
        linked && bytes <= TEXTS_BYTES_MAX && kind.is_of(event)
    });
    goes_on.count()
}

/// What is said before the texts; behind a context of its log only what has changed.
fn head(
    number: usize,
    context: Option<&Context>,
    run: &[&SignedEvent],
    kind: &Kind,
) -> Option<Vec<u8>> {
    let first = run.first()?;
    let log = first.event().log();
    let link = first.link();
    let follows = context.is_some_and(|context| context.head.is_followed_by(link));
    let alike = context.is_some_and(|context| context.kind == *kind);
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    let mut out = Vec::new();
    put_count(&mut out, number);
    out.push(flag(context.is_none(), FRESH) | flag(follows, FOLLOWS) | flag(alike, ALIKE));
    put_count(&mut out, run.len());
    if context.is_none() {
        put_text(&mut out, log.source().as_bytes());
    }
    if !follows {
        put_number(&mut out, link.position.number());
        out.extend_from_slice(link.prev.as_bytes());
    }
    if !alike {
        put_kind(&mut out, kind);
    }
    Some(out)
}

fn put_kind(out: &mut Vec<u8>, kind: &Kind) {
    let texts = [
        &kind.keyid,
        &kind.event_type,
        &kind.data_schema,
        &kind.data_content_type,
    ];
    texts.iter().for_each(|text| put_text(out, text.as_bytes()));
    let class = CLASSES
        .iter()
        .position(|class| *class == kind.classification);
    put_count(out, class.unwrap_or_default());
    put_count(out, kind.key.len());
    kind.key
        .iter()
        .for_each(|place| put_text(out, place.as_bytes()));
}

impl Texts {
    /// Column by column: when recorded, when it was, ids, subjects, what they correct, data.
    fn of(run: &[&SignedEvent], key: &[String], recorded_before: i64) -> Texts {
        let (mut texts, mut random) = (Vec::new(), Vec::new());
        let events: Vec<&Event> = run.iter().map(|event| event.event()).collect();
        let mut before = recorded_before;
        for event in &events {
            let recorded = event.recorded_time().unix_seconds();
            put_signed(&mut texts, recorded.saturating_sub(before));
            before = recorded;
        }
        for event in &events {
            let step = event.core().time.seconds_behind(event.recorded_time());
            put_signed(&mut texts, step);
        }
        for event in &events {
            let named = Named {
                source: &event.log().source(),
                key,
                recorded: event.recorded_time(),
                data: event.data(),
            };
            Form::of(event.id(), &named).write(&mut texts, &mut random);
        }
        put_lines(
            &mut texts,
            events.iter().map(|event| event.core().subject.as_deref()),
        );
        put_lines(
            &mut texts,
            events
                .iter()
                .map(|event| event.core().causation_id.as_deref()),
        );
        let data: Vec<&[u8]> = events.iter().map(|event| &event.data()[..]).collect();
        columns::write(&data, &mut texts);
        Texts { texts, random }
    }
}

/// An attribute is never empty, and holds no line feed.
fn put_lines<'l>(out: &mut Vec<u8>, lines: impl Iterator<Item = Option<&'l str>>) {
    for line in lines {
        out.extend_from_slice(line.unwrap_or_default().as_bytes());
        out.push(b'\n');
    }
}
