//! Structured mode (CloudEvents JSON format 1.0.2): one JSON object, or a batch of them, comes in, events go out, and back.
//! Signed data that is JSON on one line stands as `data`, byte for byte; any other stands as `data_base64`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::attributes::{self, Attributes};
use crate::event::{AttributeFault, Draft, Hash, Must};
use crate::refusal::{Detail, Refusal};
use crate::signing::{SignedEvent, WithheldEvent};

/// Writes an event in its place as one line of JSON, without its newline.
pub fn encode(event: &SignedEvent) -> String {
    let data = event.event().data();
    let mut out = String::with_capacity(data.len().saturating_add(1600));
    out.push('{');
    for (name, value) in Attributes::of_signed(event).iter() {
        match name {
            "logformat" => out.push_str(&format!(r#""{name}":{value},"#)),
            _ => out.push_str(&format!(r#""{name}":{},"#, quoted(value))),
        }
    }
    match one_line_json(data) {
        Some(json) => out.push_str(&format!(r#""data":{json}}}"#)),
        None => out.push_str(&format!(r#""data_base64":"{}"}}"#, STANDARD.encode(data))),
    }
    out
}

/// Reads an event in its place. Its signature is not verified.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn decode(json: &[u8]) -> Result<SignedEvent, Refusal> {
    let (attributes, data) = read(json)?;
    attributes.into_signed(data)
}

/// In the place of the data, where it is withheld. No attribute can have this name: it is too long.
const WITHHELD: &str = "datawithheldsha256base64url";
/// How an event without data ends in its JSON.
const NO_DATA: &str = r#""data_base64":""}"#;

/// Writes an event whose data is withheld as one line of JSON, without its newline.
pub fn encode_withheld(event: &WithheldEvent) -> String {
    let line = encode(event.without_data());
    let attributes = line.strip_suffix(NO_DATA).unwrap_or(&line);
    format!(r#"{attributes}"{WITHHELD}":"{}"}}"#, event.data())
}

/// Reads what [`encode_withheld`] wrote; None where the data is there. The signature is not verified.
pub fn decode_withheld(json: &[u8]) -> Option<Result<WithheldEvent, Refusal>> {
    let text = std::str::from_utf8(json).ok()?;
    let (attributes, data) = text.rsplit_once(&format!(r#""{WITHHELD}":""#))?;
    let data: Hash = data.strip_suffix(r#""}"#)?.parse().ok()?;
    let line = format!("{attributes}{NO_DATA}");
    let read = read(line.as_bytes());
    Some(read.and_then(|(attributes, _)| attributes.into_withheld(data)))
}

/// Reads one submitted event.
///
/// # Errors
/// `NotJson`, or the first attribute that may not be there.
pub fn decode_draft(json: &[u8]) -> Result<Draft, Refusal> {
    let (attributes, data) = read(json)?;
    attributes.into_draft(data)
}

/// Takes a batch apart into the JSON of its events; each is read on its own.
///
/// # Errors
/// `NotJson` where it is no JSON array.
pub fn split_batch(json: &[u8]) -> Result<Vec<Bytes>, Refusal> {
    let parts: Vec<&RawValue> = serde_json::from_slice(json).map_err(|error| {
        otherwise(
            &error,
            "a batch is a list of events, [..]; send one event as application/cloudevents+json",
            "ក្រុម (batch) គឺជាបញ្ជីព្រឹត្តិការណ៍ [..] សូមផ្ញើព្រឹត្តិការណ៍តែមួយជា application/cloudevents+json",
        )
    })?;
    Ok(parts
        .iter()
        .map(|part| Bytes::copy_from_slice(part.get().as_bytes()))
        .collect())
}

fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn one_line_json(data: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(data)
        .ok()
        .filter(|text| !text.contains(['\n', '\r']))?;
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    (raw.get().len() == text.len()).then_some(text)
}

fn read(json: &[u8]) -> Result<(Attributes<'static>, Bytes), Refusal> {
    let Members(members) = serde_json::from_slice(json).map_err(|error| {
        otherwise(
            &error,
            "an event is an object, {..}; send a list of events as application/cloudevents-batch+json",
            "ព្រឹត្តិការណ៍គឺជា object {..} សូមផ្ញើបញ្ជីព្រឹត្តិការណ៍ជា application/cloudevents-batch+json",
        )
    })?;
    let mut attributes = Attributes::default();
    let mut data: Option<(&str, Bytes)> = None;
    for (name, value) in &members {
        match (name.as_str(), &data) {
            ("data" | "data_base64", Some((first, _))) if first == name => {
                return Err(Refusal::HeaderRepeated { name: name.clone() });
            }
            ("data" | "data_base64", Some(_)) => {
                return Err(invalid("data_base64", Must::StandAlone));
            }
            ("data", None) => data = Some((name, Bytes::copy_from_slice(value.get().as_bytes()))),
            ("data_base64", None) => data = Some((name, base64_of(value)?)),
            (name, _) => {
                if let Some(value) = value_of(name, value)? {
                    attributes.put(name, value)?;
                }
            }
        }
    }
    Ok((attributes, data.map_or_else(Bytes::new, |(_, data)| data)))
}

/// An attribute's value: a string, or an integer where ours is one; null means absent (JSON format §2.2). Values of other types
/// are the business of attributes that are not known here.
fn value_of(name: &str, value: &RawValue) -> Result<Option<String>, Refusal> {
    match serde_json::from_str(value.get()) {
        Ok(serde_json::Value::String(text)) => Ok(Some(text)),
        Ok(serde_json::Value::Number(number)) if name == "logformat" => {
            Ok(Some(number.to_string()))
        }
        Ok(serde_json::Value::Null) => Ok(None),
        Ok(_) | Err(_) => Err(invalid(attributes::known(name)?, Must::BeText)),
    }
}

fn base64_of(value: &RawValue) -> Result<Bytes, Refusal> {
    let text: Option<String> = serde_json::from_str(value.get()).ok();
    let bytes = text.and_then(|text| STANDARD.decode(text).ok());
    bytes
        .map(Bytes::from)
        .ok_or(invalid("data_base64", Must::BeBase64))
}

fn invalid(attribute: &'static str, must: Must) -> Refusal {
    Refusal::AttributeInvalid(vec![AttributeFault { attribute, must }])
}

/// JSON of another shape than the content type promises, or none at all.
fn otherwise(error: &serde_json::Error, en: &str, km: &str) -> Refusal {
    match error.classify() {
        Category::Data => Refusal::NotJson(Detail::new("", en, km)),
        Category::Io | Category::Syntax | Category::Eof => not_json("", error),
    }
}

fn not_json(at: &str, error: &serde_json::Error) -> Refusal {
    Refusal::NotJson(Detail::new(
        at,
        format!(
            "it is no JSON at line {}, column {}",
            error.line(),
            error.column()
        ),
        format!("មិនមែនជា JSON នៅបន្ទាត់ {} ជួរ {}", error.line(), error.column()),
    ))
}

/// The members of an object in their order, repeated ones too: serde's maps would keep the last silently.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
