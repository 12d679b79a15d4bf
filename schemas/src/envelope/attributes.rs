//! Attributes by name: pairs of name and value come in, typed events go out, and back.
//! A name that is not in the list below does not pass.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::chain::Link;
use crate::event::{
    AttributeFault, Core, Draft, Event, Hash, LOG_FORMAT, Must, Position, Timestamp,
};
use crate::limits::DATA_BYTES_MAX;
use crate::refusal::Refusal;
use crate::signing::{SignedEvent, WithheldEvent, extensions};
use crate::subject::LogName;

/// The attributes' values as they were written, each at most once; borrowed from the envelope where it holds them as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes<'a> {
    values: [Option<Cow<'a, str>>; NAMES.len()],
}

/// Every attribute that an event may carry: core first, then the signed extensions in their order, then the material.
const NAMES: [&str; 15] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "causationid",
    "sequence",
    "prevhash",
    "recordedtime",
    "dataclassification",
    "logformat",
    "dssematerial",
];

/// The attribute of this name.
///
/// # Errors
/// `AttributeUnknown`.
pub fn known(name: &str) -> Result<&'static str, Refusal> {
    let known = NAMES.into_iter().find(|known| *known == name);
    known.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Refusal {
    Refusal::AttributeUnknown {
        name: name.chars().take(64).collect(),
    }
}

impl<'a> Attributes<'a> {
    /// # Errors
    /// `AttributeUnknown`, `HeaderRepeated`.
    pub fn put(&mut self, name: &str, value: impl Into<Cow<'a, str>>) -> Result<(), Refusal> {
        let slot = self.slot(name).ok_or_else(|| unknown(name))?;
        match slot.replace(value.into()) {
            None => Ok(()),
            Some(_) => Err(Refusal::HeaderRepeated { name: name.into() }),
        }
    }

    /// Every attribute that is there, in the order of the list above.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        NAMES
            .iter()
            .zip(&self.values)
            .filter_map(|(name, value)| Some((*name, value.as_deref()?)))
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<Cow<'a, str>>> {
        let mut slots = NAMES.into_iter().zip(&mut self.values);
        slots
            .find(|(known, _)| *known == name)
            .map(|(_, slot)| slot)
    }

    #[expect(
        clippy::expect_used,
        reason = "the names are this crate's own, not an envelope's, and each is in the list"
    )]
    fn set(&mut self, name: &'static str, value: impl Into<Cow<'a, str>>) {
        let slot = self
            .slot(name)
            .expect("an attribute of ours is in the list");
        *slot = Some(value.into());
    }

    fn take(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        self.slot(name)?.take()
    }

    fn need(&mut self, name: &'static str) -> Result<Cow<'a, str>, Refusal> {
        self.take(name).ok_or(Refusal::AttributeMissing { name })
    }

    fn take_owned(&mut self, name: &'static str) -> Option<String> {
        self.take(name).map(Cow::into_owned)
    }

    /// The attributes of an event that has no place yet.
    pub fn of_event(event: &'a Event) -> Attributes<'a> {
        let core = event.core();
        let mut all = Attributes::default();
        all.set("specversion", "1.0");
        all.set("id", &core.id);
        all.set("source", event.log().source());
        all.set("type", &core.event_type);
        if let Some(subject) = &core.subject {
            all.set("subject", subject);
        }
        all.set("time", core.time.to_string());
        all.set("datacontenttype", &core.data_content_type);
        all.set("dataschema", &core.data_schema);
        if let Some(causation_id) = &core.causation_id {
            all.set("causationid", causation_id);
        }
        all.set("recordedtime", event.recorded_time().to_string());
        all.set("dataclassification", core.data_classification.as_str());
        all
    }

    /// The attributes of an event in its place.
    pub fn of_signed(signed: &'a SignedEvent) -> Attributes<'a> {
        let mut all = Attributes::of_event(signed.event());
        for (name, value) in extensions(signed.event(), signed.link()) {
            all.set(name, value);
        }
        all.set("dssematerial", STANDARD.encode(signed.material()));
        all
    }

    /// Reads an event that has no place yet, as the office's own stores keep it.
    ///
    /// # Errors
    /// The first attribute that is missing, or all that are not well formed.
    pub fn into_event(mut self, data: Bytes) -> Result<Event, Refusal> {
        let event = self.take_event(data)?;
        match self.iter().next() {
            None => Ok(event),
            Some((name, _)) => Err(Refusal::AttributeUnknown { name: name.into() }),
        }
    }

    /// Reads an event in its place. Its digests fit its content; its signature is not yet verified.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies, cheap checks first.
    pub fn into_signed(self, data: Bytes) -> Result<SignedEvent, Refusal> {
        let (event, link, material) = self.into_parts(data)?;
        SignedEvent::from_parts(event, link, &material)
    }

    /// Reads an event in its place whose data was replaced by its digest.
    ///
    /// # Errors
    /// As [`Attributes::into_signed`].
    pub fn into_withheld(self, data: Hash) -> Result<WithheldEvent, Refusal> {
        let (event, link, material) = self.into_parts(Bytes::new())?;
        WithheldEvent::from_parts(event, link, data, &material)
    }

    fn into_parts(mut self, data: Bytes) -> Result<(Event, Link, Vec<u8>), Refusal> {
        if data.len() > DATA_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let material = self.take("dssematerial").ok_or(Refusal::Unsigned)?;
        let sequence = self.need("sequence")?;
        let prev = self.need("prevhash")?;
        let log_format = self.need("logformat")?;
        let event = self.take_event(data)?;
        let position = Position::from_sequence(&sequence);
        let position = position.ok_or(invalid("sequence", Must::BeSequence))?;
        let prev: Hash = prev.parse().map_err(one)?;
        if log_format != LOG_FORMAT {
            return Err(invalid("logformat", Must::BeThisLogFormat));
        }
        let material = STANDARD
            .decode(material.as_bytes())
            .map_err(|_| invalid("dssematerial", Must::BeBase64))?;
        Ok((event, Link { position, prev }, material))
    }

    fn take_event(&mut self, data: Bytes) -> Result<Event, Refusal> {
        if self.need("specversion")? != "1.0" {
            return Err(invalid("specversion", Must::BeThisSpecVersion));
        }
        let source = self.need("source")?;
        let log = LogName::from_source(&source).map_err(|_| invalid("source", Must::BeASource))?;
        let recorded = self.need("recordedtime")?;
        let core = Core {
            id: self.need("id")?.into_owned(),
            event_type: self.need("type")?.into_owned(),
            subject: self.take_owned("subject"),
            time: self.need("time")?.parse().map_err(one)?,
            data_content_type: self.need("datacontenttype")?.into_owned(),
            data_schema: self.need("dataschema")?.into_owned(),
            causation_id: self.take_owned("causationid"),
            data_classification: self.need("dataclassification")?.parse().map_err(one)?,
            data,
        };
        let recorded: Timestamp = recorded
            .parse()
            .map_err(|_| invalid("recordedtime", Must::BeTime))?;
        Event::new(log, core, recorded).map_err(Refusal::AttributeInvalid)
    }

    /// Reads what a submitter wrote. Everything may be missing but the specification's version.
    ///
    /// # Errors
    /// `AttributeInvalid` for another version; `AttributeUnknown` for what only the agent may set.
    pub fn into_draft(mut self, data: Bytes) -> Result<Draft, Refusal> {
        if self.need("specversion")? != "1.0" {
            return Err(invalid("specversion", Must::BeThisSpecVersion));
        }
        let draft = Draft {
            id: self.take_owned("id"),
            source: self.take_owned("source"),
            event_type: self.take_owned("type"),
            subject: self.take_owned("subject"),
            time: self.take_owned("time"),
            data_content_type: self.take_owned("datacontenttype"),
            data_schema: self.take_owned("dataschema"),
            causation_id: self.take_owned("causationid"),
            data_classification: self.take_owned("dataclassification"),
            data,
        };
        match self.iter().next() {
            None => Ok(draft),
            Some((name, _)) => Err(Refusal::AttributeUnknown { name: name.into() }),
        }
    }
}

fn invalid(attribute: &'static str, must: Must) -> Refusal {
    one(AttributeFault { attribute, must })
}

fn one(fault: AttributeFault) -> Refusal {
    Refusal::AttributeInvalid(vec![fault])
}
