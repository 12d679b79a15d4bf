//! Delivery over HTTP (CloudEvents HTTP binding, binary mode; webhook specification): an event comes in, whether the application
//! has it goes out. The data's bytes travel as they were signed, the attributes as `ce-` headers beside them. A target that is
//! to be asked for leave gets nothing before it has given it.

mod leave;

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use schemas::envelope::nats;
use schemas::signing::SignedEvent;

use self::leave::Leave;
use super::limits::{CONNECT_TIME, RETRY_AFTER_LONGEST};
use crate::link::{install_provider, said};
use crate::settings::AskLeave;

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Yes,
    /// The application cannot take anything now.
    NotNow {
        after: Option<Duration>,
        why: String,
    },
    /// The application does not take this one; those of other logs it may.
    NotThis {
        why: String,
    },
    /// No answer came in time; the application may be at work on it, or have it.
    Unanswered,
    /// The application wants nothing more.
    Retired,
}

/// A delivery that is ready to be sent.
pub struct Ready(RequestBuilder);

pub struct Webhook {
    url: String,
    client: Option<Client>,
    leave: Option<Leave>,
}

impl Webhook {
    pub fn new(url: String, leave: Option<AskLeave>, patience: Duration) -> Webhook {
        install_provider();
        // A redirect is not followed: where events go is what the settings say.
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIME)
            .user_agent(concat!("spean-agent/", env!("CARGO_PKG_VERSION")))
            .build()
            .inspect_err(|error| tracing::error!(%error, "cannot make an HTTP client"))
            .ok();
        Webhook {
            url,
            client,
            leave: leave.map(|wish| Leave::new(wish, patience)),
        }
    }

    /// Makes a delivery ready once the target's leave and pace allow it.
    ///
    /// # Errors
    /// Why nothing can be delivered now.
    pub async fn ready(&mut self, event: &SignedEvent) -> Result<Ready, String> {
        let Some(client) = &self.client else {
            return Err("there is no HTTP client".into());
        };
        let mut headers = headers(event);
        if let Some(leave) = &mut self.leave {
            let (name, origin) = leave.turn(client, &self.url).await?;
            headers.insert(name, origin);
        }
        let body = event.event().data().clone();
        Ok(Ready(client.post(&self.url).headers(headers).body(body)))
    }

    /// What a delivery was answered is known to whoever asks for leave, too.
    pub fn answered(&mut self, status: Option<StatusCode>) {
        let forbids = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        if let (Some(leave), Some(status)) = (&mut self.leave, status)
            && forbids.contains(&status)
        {
            leave.end();
        }
    }
}

impl Ready {
    /// Sends it, and waits so long for an answer: what became of it, and the status that says so.
    pub async fn send(self, patience: Duration) -> (Taken, Option<StatusCode>) {
        match self.0.timeout(patience).send().await {
            Ok(response) => (judge(&response), Some(response.status())),
            Err(error) if error.is_timeout() && !error.is_connect() => (Taken::Unanswered, None),
            // Nothing was sent.
            Err(error) if error.is_connect() => (not_now(None, &said(&error.without_url())), None),
            // It may be this event at which the application ends.
            Err(error) => {
                let why = said(&error.without_url());
                (Taken::NotThis { why }, None)
            }
        }
    }
}

fn not_now(after: Option<Duration>, why: &str) -> Taken {
    Taken::NotNow {
        after,
        why: why.into(),
    }
}

fn judge(response: &Response) -> Taken {
    let status = response.status();
    match status {
        _ if status.is_success() => Taken::Yes,
        StatusCode::GONE => Taken::Retired,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            not_now(retry_after(response.headers()), &words(status))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            not_now(None, &words(status))
        }
        _ if status.is_redirection() => not_now(None, &words(status)),
        _ => Taken::NotThis { why: words(status) },
    }
}

/// A status with the words that belong to it.
fn words(status: StatusCode) -> String {
    format!("the application answers {status}")
}

/// How long the target wants to be left alone: seconds, or until a date (RFC 9110 §10.2.3). The date is read against the one of the
/// answer itself: two clocks need not agree for that. None where it is no time to come.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    let wait = match asked.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = httpdate::parse_http_date(asked).ok()?;
            let said = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok());
            let now = said.unwrap_or_else(SystemTime::now);
            until.duration_since(now).ok()?
        }
    };
    (!wait.is_zero()).then_some(wait.min(RETRY_AFTER_LONGEST))
}

/// Both bindings write attributes alike (percent-encoded, `ce-`), but for the content type, which HTTP has a header for.
fn headers(event: &SignedEvent) -> HeaderMap {
    let block = nats::encode(event);
    let text = String::from_utf8_lossy(&block);
    let lines = text
        .split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| *name != "ce-datacontenttype");
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    let content_type = HeaderValue::from_str(&event.event().core().data_content_type);
    if let Ok(content_type) = content_type {
        headers.insert(CONTENT_TYPE, content_type);
    }
    headers
}

#[cfg(test)]
pub mod tests;
