//! Binary mode of the CloudEvents NATS binding: a header block and a payload come in, an event goes out, and back.
//! It is also how the stores write events down. Headers that are no attributes pass only where the bus set them.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memchr2;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::attributes::Attributes;
use crate::event::Event;
use crate::limits::HEADER_BYTES_MAX;
use crate::refusal::Refusal;
use crate::signing::SignedEvent;

/// The first line of every header block (NATS ADR-4).
const VERSION_LINE: &str = "NATS/1.0\r\n";

/// What the NATS binding percent-encodes besides what is not printable ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// Where a header block comes from, which decides what it may hold besides attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// From a client of this stream (its feed's name): nothing but attributes, and `Nats-Expected-Stream` if it names the stream.
    Client { stream: &'a str },
    /// From the bus, which keeps its own headers and the gateway's stamps beside the event.
    Bus,
}

/// Writes an event in its place.
pub fn encode(event: &SignedEvent) -> Vec<u8> {
    block(&Attributes::of_signed(event))
}

/// Writes an event that has no place yet, for the office's own stores.
pub fn encode_unsigned(event: &Event) -> Vec<u8> {
    block(&Attributes::of_event(event))
}

/// # Errors
/// The first [`Refusal`] that applies. The signature is not verified.
pub fn decode(headers: &[u8], data: Bytes, origin: Origin<'_>) -> Result<SignedEvent, Refusal> {
    let (attributes, _) = attributes(headers, origin)?;
    attributes.into_signed(data)
}

/// An event of a client, and the header block in which the bus keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub event: SignedEvent,
    /// What the client wrote, where it is what [`encode`] would write; no copy is made then.
    pub headers: Bytes,
}

/// Reads what a client of this stream sent.
///
/// # Errors
/// The first [`Refusal`] that applies. The signature is not verified.
pub fn receive(headers: &Bytes, data: Bytes, stream: &str) -> Result<Received, Refusal> {
    let (attributes, form) = attributes(headers, Origin::Client { stream })?;
    let event = attributes.into_signed(data)?;
    let headers = match form {
        Form::Own => headers.clone(),
        Form::Other => encode(&event).into(),
    };
    Ok(Received { event, headers })
}

/// Reads back what [`encode_unsigned`] wrote.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn decode_unsigned(headers: &[u8], data: Bytes) -> Result<Event, Refusal> {
    let (attributes, _) = attributes(headers, Origin::Bus)?;
    attributes.into_event(data)
}

/// What a store keeps of an event in its place: the header block, then the data as it is.
pub fn stored(event: &SignedEvent) -> Bytes {
    joined(encode(event), event.event().data())
}

/// What a store keeps of an event that has no place yet.
pub fn stored_unsigned(event: &Event) -> Bytes {
    joined(encode_unsigned(event), event.data())
}

fn joined(mut block: Vec<u8>, data: &Bytes) -> Bytes {
    block.extend_from_slice(data);
    block.into()
}

/// Reads back what [`stored`] wrote.
///
/// # Errors
/// The first [`Refusal`] that applies. The signature is not verified.
pub fn read_stored(bytes: &Bytes) -> Result<SignedEvent, Refusal> {
    let (headers, data) = parted(bytes)?;
    decode(&headers, data, Origin::Bus)
}

/// Reads back what [`stored_unsigned`] wrote.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn read_stored_unsigned(bytes: &Bytes) -> Result<Event, Refusal> {
    let (headers, data) = parted(bytes)?;
    decode_unsigned(&headers, data)
}

/// A header block ends with its first empty line.
fn parted(bytes: &Bytes) -> Result<(Bytes, Bytes), Refusal> {
    const END: &[u8] = b"\r\n\r\n";
    let end = bytes.windows(END.len()).position(|window| window == END);
    let end = end
        .ok_or(Refusal::HeaderMalformed)?
        .saturating_add(END.len());
    Ok((bytes.slice(..end), bytes.slice(end..)))
}

fn block(attributes: &Attributes<'_>) -> Vec<u8> {
    let mut out = String::with_capacity(1400);
    out.push_str(VERSION_LINE);
    for (name, value) in attributes.iter() {
        out.push_str("ce-");
        out.push_str(name);
        out.push_str(": ");
        out.extend(utf8_percent_encode(value, ENCODED));
        out.push_str("\r\n");
    }
    out.push_str("\r\n");
    out.into_bytes()
}

/// Whether a header block is written as [`encode`] writes it, but for the order of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Own,
    Other,
}

fn attributes<'h>(
    headers: &'h [u8],
    origin: Origin<'_>,
) -> Result<(Attributes<'h>, Form), Refusal> {
    if headers.len() > HEADER_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let mut all = Attributes::default();
    let mut form = Form::Own;
    for line in lines(headers)? {
        let (name, value) = line.split_once(':').ok_or(Refusal::HeaderMalformed)?;
        let Some(attribute) = attribute_name(name)? else {
            pass(name, value.trim_matches(' '), origin)?;
            form = Form::Other;
            continue;
        };
        let own_name = name.starts_with("ce-") && matches!(attribute, Cow::Borrowed(_));
        match value.strip_prefix(' ') {
            Some(plain) if own_name && is_plain(plain) => all.put(&attribute, plain)?,
            Some(_) | None => {
                form = Form::Other;
                all.put(&attribute, value_of(value)?)?;
            }
        }
    }
    Ok((all, form))
}

/// A value that is written as it is.
fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'!' | b'#' | b'$' | b'&'..=b'~');
    !value.is_empty() && value.bytes().all(plain)
}

/// The lines between the version line and the empty line that ends the block. A folded line is malformed.
fn lines(headers: &[u8]) -> Result<Vec<&str>, Refusal> {
    let malformed = Refusal::HeaderMalformed;
    let text = std::str::from_utf8(headers).map_err(|_| malformed.clone())?;
    let text = text
        .strip_prefix(VERSION_LINE)
        .and_then(|text| text.strip_suffix("\r\n"));
    let mut rest = text.ok_or(malformed.clone())?;
    let mut lines = Vec::with_capacity(16);
    while let Some((line, behind)) = rest.split_once('\n') {
        let line = line.strip_suffix('\r').filter(|line| is_bare(line));
        lines.push(line.ok_or(malformed.clone())?);
        rest = behind;
    }
    match rest {
        "" => Ok(lines),
        _ => Err(malformed),
    }
}

/// A line that ends where its line end stands, and nowhere before.
fn is_bare(line: &str) -> bool {
    !line.is_empty() && memchr2(b'\r', 0, line.as_bytes()).is_none()
}

/// The attribute that a header carries, if it carries one. NATS keeps the case of names; CloudEvents has none.
fn attribute_name(name: &str) -> Result<Option<Cow<'_, str>>, Refusal> {
    let token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    if !token {
        return Err(Refusal::HeaderMalformed);
    }
    let parts = name.split_at_checked("ce-".len());
    let attribute = parts.filter(|(prefix, _)| prefix.eq_ignore_ascii_case("ce-"));
    Ok(attribute.map(
        |(_, name)| match name.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        },
    ))
}

/// Decodes once, as the binding says; what is left must be UTF-8.
fn value_of(value: &str) -> Result<Cow<'_, str>, Refusal> {
    percent_decode_str(value.trim_matches(' '))
        .decode_utf8()
        .map_err(|_| Refusal::HeaderMalformed)
}

fn pass(name: &str, value: &str, origin: Origin<'_>) -> Result<(), Refusal> {
    let expected = name.eq_ignore_ascii_case("nats-expected-stream");
    match origin {
        Origin::Bus => Ok(()),
        Origin::Client { stream } if expected && value == stream => Ok(()),
        Origin::Client { .. } => Err(Refusal::HeaderForbidden {
            name: name.chars().take(64).collect(),
        }),
    }
}
