//! What was posted: headers and a body come in, drafts go out (CloudEvents HTTP binding 1.0.2: structured, batch, binary; and
//! plain JSON data where the path names the feed). The data's bytes are kept as they came.

use std::borrow::Cow;

use axum::body::{Body, BodyDataStream};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use percent_encoding::percent_decode_str;
use schemas::envelope::attributes::Attributes;
use schemas::envelope::structured;
use schemas::event::Draft;
use schemas::limits::DATA_BYTES_MAX;
use schemas::refusal::Refusal;
use tokio::time::timeout;

use super::limits::{BATCH_EVENTS_MAX, BODY_BYTES_MAX, BODY_TIME, HEADER_NAME_SHOWN};
use crate::submit::problem::Problem;

/// The drafts of one request.
#[derive(Debug, PartialEq, Eq)]
pub enum Posted {
    One(Box<Draft>),
    /// In their order; one that is no event is at fault by itself.
    Batch(Vec<Result<Draft, Refusal>>),
}

/// Reads a body within its bounds.
///
/// # Errors
/// `ContentEncodingUnsupported`; `BodyTooLarge`, before a byte is read where the length says so; `BodyIncomplete`.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let encoding = headers.get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::ContentEncodingUnsupported);
    }
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let length: Option<usize> = length.and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(Problem::BodyTooLarge);
    }
    let whole = collect(body.into_data_stream());
    timeout(BODY_TIME, whole)
        .await
        .unwrap_or(Err(Problem::BodyIncomplete))
}

async fn collect(mut pieces: BodyDataStream) -> Result<Bytes, Problem> {
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Problem::BodyIncomplete)?;
        if whole.len() + piece.len() > BODY_BYTES_MAX {
            return Err(Problem::BodyTooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// Tells the mode by the content type; batch goes before structured, whose name it begins with. The case does not matter.
///
/// # Errors
/// `MediaTypeUnsupported`, or what is wrong with the envelope.
pub fn parse(headers: &HeaderMap, body: Bytes, feed_is_named: bool) -> Result<Posted, Problem> {
    let content_type = match headers.get(CONTENT_TYPE).map(|value| value.to_str()) {
        None => None,
        Some(Ok(text)) => Some(text),
        Some(Err(_)) => return Err(Problem::MediaTypeUnsupported),
    };
    let media = media(content_type.unwrap_or_default());
    if let Some(format) = media.strip_prefix("application/cloudevents-batch") {
        return json_only(format).and_then(|()| batch(&body));
    }
    if let Some(format) = media.strip_prefix("application/cloudevents") {
        json_only(format)?;
        return Ok(Posted::One(structured::decode_draft(&body)?.into()));
    }
    if body.len() > DATA_BYTES_MAX {
        return Err(Refusal::TooLarge.into());
    }
    if headers.keys().any(|name| name.as_str().starts_with("ce-")) {
        return Ok(Posted::One(binary(headers, content_type, body)?.into()));
    }
    match media == "application/json" || media.ends_with("+json") {
        true if feed_is_named => Ok(Posted::One(Box::new(Draft {
            data: body,
            ..Draft::default()
        }))),
        true => Err(Problem::FeedUnnamed),
        false => Err(Problem::MediaTypeUnsupported),
    }
}

/// The media type without its parameters, in lower case.
fn media(content_type: &str) -> String {
    let media = content_type.split(';').next().unwrap_or_default();
    media.trim().to_ascii_lowercase()
}

/// JSON is the default format, and the only one.
fn json_only(format: &str) -> Result<(), Problem> {
    match format {
        "" | "+json" => Ok(()),
        _ => Err(Problem::MediaTypeUnsupported),
    }
}

fn batch(body: &[u8]) -> Result<Posted, Problem> {
    let events = structured::split_batch(body)?;
    match events.len() {
        0 => Err(Problem::BatchEmpty),
        1..=BATCH_EVENTS_MAX => Ok(Posted::Batch(
            events
                .iter()
                .map(|event| structured::decode_draft(event))
                .collect(),
        )),
        _ => Err(Problem::BatchTooLong),
    }
}

fn binary(headers: &HeaderMap, content_type: Option<&str>, body: Bytes) -> Result<Draft, Problem> {
    let mut attributes = Attributes::default();
    for (name, value) in headers {
        if let Some(attribute) = name.as_str().strip_prefix("ce-") {
            let value = decoded(value).ok_or_else(|| Problem::HeaderUnreadable {
                name: name.as_str().chars().take(HEADER_NAME_SHOWN).collect(),
            })?;
            attributes.put(attribute, value)?;
        }
    }
    if let Some(content_type) = content_type {
        attributes.put("datacontenttype", content_type.to_owned())?;
    }
    Ok(attributes.into_draft(body)?)
}

/// A header's value: first the quotes around it go (HTTP binding §3.1.3.2), then the percent signs, once.
fn decoded(value: &HeaderValue) -> Option<String> {
    let value = unquoted(value.to_str().ok()?)?;
    let decoded = percent_decode_str(&value).decode_utf8();
    decoded.ok().map(Cow::into_owned)
}

/// What stands in a quoted string (RFC 9110 §5.6.4); what does not begin with a quote is as it is. None for an open quote.
fn unquoted(value: &str) -> Option<Cow<'_, str>> {
    let Some(quoted) = value.strip_prefix('"') else {
        return Some(value.into());
    };
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => text.push(characters.next()?),
            character => text.push(character),
        }
    }
    characters.next().is_none().then_some(text.into())
}
