//! JetStream API requests: a subject and a body come in, our own type goes out and is written anew; nothing that the server
//! might read otherwise than we do is passed through. What is not on the list of forms is refused. Consumers bear their
//! office's name, filters lie inside what it may read, and everything is sent back to its own inbox.

mod ack;
mod bounds;
mod closed;
mod consumer;
mod create;
mod filter;
mod messages;
mod name;
mod stream;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use schemas::json;
use schemas::refusal::{Detail, Hold, Refusal};
use schemas::registry::Registry;
use schemas::subject::FeedName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::peer::Peer;
use crate::refuse::No;
use crate::wire::Subject;

pub use consumer::{Piece, Pull};
pub use filter::LogFilter;
use name::OwnName;
pub use name::Renamed;
pub use stream::{Look, OwnConsumers, Sight};

/// What to do about a request that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Sent on to the server, as written here.
    Forward {
        subject: Subject,
        body: Bytes,
        /// How the answer is told, where the consumer has another name here.
        renamed: Option<Renamed>,
    },
    /// Sent on, too, and watched while it waits.
    Pull(Pull),
    /// Asked by the gateway itself: nats-server's answer would tell more than the office may know.
    Look(Look),
    /// Answered here, from policy.
    Answer(Bytes),
}

/// How a client expects a no to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As JSON: the API's own name for the response.
    Json(&'static str),
    /// As a message with a status line and no body: with one, stock clients take it for the message that they asked for.
    Status,
    /// As a message with a status line, which ends a pull, and the JSON in its body.
    StatusAndJson,
    /// As nats-server says that nobody answers there; why is told as an error of the connection.
    NoResponders,
}

/// Who asks, and by which rules.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    pub peer: &'a Peer,
    pub registry: &'a Registry,
}

/// Reads a request on a subject below `$JS.`. A `reply` is where the answer goes, inside the peer's own inbox already.
///
/// # Errors
/// The no, in the shape that the form's clients read.
pub fn read(
    asker: Asker<'_>,
    subject: &Subject,
    has_reply: bool,
    body: &[u8],
) -> Result<Request, (No, Shape)> {
    let tokens: Vec<&str> = subject.as_str().split('.').collect();
    let shape = shape(&tokens);
    let request = match tokens.as_slice() {
        ["$JS", "ACK", rest @ ..] => ack::acknowledge(asker, subject, rest, body),
        ["$JS", "FC", rest @ ..] => ack::flow(asker, subject, rest),
        ["$JS", "API", rest @ ..] => {
            api(asker, rest, body).and_then(|request| answerable(request, has_reply))
        }
        _ => Err(Refusal::SubjectForbidden.into()),
    };
    request.map_err(|no| (as_of_a_stream(no), shape))
}

/// A stream that an office can know nothing of is none to its client: stock clients then make one, or say so. It is a hold all the same.
fn as_of_a_stream(no: No) -> No {
    match no {
        No::Held(hold @ (Hold::FeedUnknown | Hold::GrantUnknown)) => No::NoStream(hold),
        No::Held(_) | No::Refused(_) | No::NoStream(_) => no,
    }
}

fn answerable(request: Request, has_reply: bool) -> Result<Request, No> {
    has_reply.then_some(request).ok_or_else(|| {
        malformed(
            "reply",
            "a request needs a reply subject",
            "សំណើត្រូវការប្រធានបទឆ្លើយតប",
        )
    })
}

/// Every form of the API that is open to offices.
fn api(asker: Asker<'_>, tokens: &[&str], body: &[u8]) -> Result<Request, No> {
    match tokens {
        ["INFO"] => stream::account(asker),
        ["STREAM", "NAMES"] => stream::names(asker, body),
        ["STREAM", "LIST"] => stream::list(asker, body),
        ["STREAM", "INFO", feed] => stream::info(asker, feed, body),
        ["STREAM", "MSG", "GET", feed] => messages::get(asker, feed, body),
        ["DIRECT", "GET", feed] => messages::direct(asker, feed, body),
        ["DIRECT", "GET", feed, subject @ ..] => {
            messages::last(asker, feed, &subject.join("."), body)
        }
        ["CONSUMER", "NAMES", feed] => stream::consumer_names(asker, feed, body),
        ["CONSUMER", "LIST", feed] => stream::consumers(asker, feed, body),
        ["CONSUMER", "CREATE", feed] => create::unnamed(asker, feed, body),
        ["CONSUMER", "CREATE", feed, name] => create::named(asker, feed, name, None, body),
        ["CONSUMER", "CREATE", feed, name, filter @ ..] => {
            create::named(asker, feed, name, Some(&filter.join(".")), body)
        }
        ["CONSUMER", "DURABLE", "CREATE", feed, name] => create::durable(asker, feed, name, body),
        ["CONSUMER", "INFO", feed, name] => consumer::info(asker, feed, name, body),
        ["CONSUMER", "DELETE", feed, name] => consumer::delete(asker, feed, name, body),
        ["CONSUMER", "MSG", "NEXT", feed, name] => consumer::next(asker, feed, name, body),
        _ => Err(Refusal::SubjectForbidden.into()),
    }
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// With one message.
    One,
    /// With any number of them, and a status at their end.
    Many,
}

/// How a request as it is written here is answered.
pub fn answers_of(subject: &Subject, body: &[u8]) -> Answers {
    // Inside a string the quotes would be escaped.
    let names = |member: &str| {
        let member = member.as_bytes();
        body.windows(member.len()).any(|part| part == member)
    };
    let direct = subject.as_str().starts_with("$JS.API.DIRECT.GET.");
    match direct && (names("\"batch\":") || names("\"multi_last\":")) {
        true => Answers::Many,
        false => Answers::One,
    }
}

/// How many filters the settings of a consumer name, as they are written here.
pub fn filters_of(body: &[u8]) -> u32 {
    let begin: &[u8] = b"\"spean.log.";
    let filters = body.windows(begin.len()).filter(|part| *part == begin);
    u32::try_from(filters.count()).unwrap_or(u32::MAX)
}

/// The consumer that a request as it is written here makes or changes.
pub fn consumer_made(subject: &Subject) -> Option<(FeedName, &str)> {
    let rest = subject.as_str().strip_prefix("$JS.API.CONSUMER.CREATE.")?;
    let (feed, name) = rest.split_once('.')?;
    Some((feed.parse().ok()?, name))
}

/// The shape in which a form's clients read a no.
pub fn shape_of(subject: &Subject) -> Shape {
    let tokens: Vec<&str> = subject.as_str().split('.').collect();
    shape(&tokens)
}

fn shape(tokens: &[&str]) -> Shape {
    match tokens {
        ["$JS", "API", "INFO"] => Shape::Json("account_info_response"),
        ["$JS", "API", "STREAM", "NAMES"] => Shape::Json("stream_names_response"),
        ["$JS", "API", "STREAM", "LIST"] => Shape::Json("stream_list_response"),
        ["$JS", "API", "STREAM", "INFO", ..] => Shape::Json("stream_info_response"),
        ["$JS", "API", "STREAM", "MSG", "GET", ..] => Shape::Json("stream_msg_get_response"),
        ["$JS", "API", "CONSUMER", "NAMES", ..] => Shape::Json("consumer_names_response"),
        ["$JS", "API", "CONSUMER", "LIST", ..] => Shape::Json("consumer_list_response"),
        ["$JS", "API", "CONSUMER", "INFO", ..] => Shape::Json("consumer_info_response"),
        ["$JS", "API", "CONSUMER", "DELETE", ..] => Shape::Json("consumer_delete_response"),
        ["$JS", "API", "CONSUMER", "CREATE" | "DURABLE", ..] => {
            Shape::Json("consumer_create_response")
        }
        ["$JS", "API", "DIRECT", ..] => Shape::Status,
        ["$JS", "API", "CONSUMER", "MSG", ..] => Shape::StatusAndJson,
        _ => Shape::Json("error_response"),
    }
}

/// Forwards to a subject below `$JS.API.`.
fn forward(subject: &str, body: &impl Serialize) -> Request {
    forward_bytes(subject, written(body))
}

fn forward_bytes(subject: &str, body: impl Into<Bytes>) -> Request {
    Request::Forward {
        subject: written_subject(&format!("$JS.API.{subject}")),
        body: body.into(),
        renamed: None,
    }
}

/// The same for a consumer, which may have another name for its client.
fn forward_named(subject: &str, name: &OwnName, body: impl Into<Bytes>) -> Request {
    Request::Forward {
        subject: written_subject(&format!("$JS.API.{subject}")),
        body: body.into(),
        renamed: name.renamed(),
    }
}

fn written(body: &impl Serialize) -> Bytes {
    Bytes::from(json::text(body))
}

#[expect(
    clippy::expect_used,
    reason = "it is made of a FeedName and an OwnName, which are tokens of subjects, and of words of JetStream's"
)]
fn written_subject(subject: &str) -> Subject {
    Subject::parse(subject.as_bytes()).expect("a subject")
}

/// Reads a body by its own type's list of members: no other, none twice, none in another case.
fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, No> {
    typed(object(bytes)?)
}

fn object(bytes: &[u8]) -> Result<Value, No> {
    let value = json::parse(bytes).map_err(|fault| {
        malformed(
            &fault.pointer,
            &fault.kind.to_string(),
            "តួសំណើមិនមែនជា JSON ត្រឹមត្រូវទេ",
        )
    })?;
    // Serde reads a list as a struct's members in their order; the server does not.
    if value.is_array() {
        return Err(malformed(
            "",
            "a request's body is an object",
            "តួសំណើត្រូវជា object",
        ));
    }
    Ok(value)
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, No> {
    serde_json::from_value(value).map_err(|error| {
        let error = error.to_string();
        // Behind it stand all members that there are.
        let said = error.split(", expected one of").next().unwrap_or(&error);
        malformed("", said, "តួសំណើមានវាលដែលមិនស្គាល់ ឬតម្លៃមិនត្រឹមត្រូវ")
    })
}

/// Like `body`, for requests that may have none; some clients write none as null.
fn optional_body<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T, No> {
    match bytes.trim_ascii() {
        b"" | b"null" => Ok(T::default()),
        bytes => body(bytes),
    }
}

/// A stream has a feed's name; whatever is none is the name of no stream.
fn feed(token: &str) -> Result<FeedName, No> {
    token.parse().map_err(|_| No::Held(Hold::FeedUnknown))
}

fn malformed(at: &str, en: &str, km: &str) -> No {
    No::Refused(Refusal::RequestMalformed(Detail::new(at, en, km)))
}

fn forbidden(at: &str, en: impl Into<String>, km: impl Into<String>) -> No {
    No::Refused(Refusal::RequestForbidden(Detail::new(at, en, km)))
}

/// A number over its bound.
fn bounded(at: &str, number: u64, most: u64) -> Result<u64, No> {
    if number > most {
        return Err(forbidden(
            at,
            format!("must be at most {most}"),
            format!("ត្រូវមិនលើស {most}"),
        ));
    }
    Ok(number)
}
