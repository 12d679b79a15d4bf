//! Answers: a problem or a JSON value comes in, a response goes out.

use axum::Json;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use metrics::counter;

use crate::outbox::AcceptError;
use crate::store;
use crate::submit::problem::{Full, MEDIA_TYPE, Problem};

/// What a client is told to wait before it asks again, in seconds.
const RETRY_SECONDS: &str = "30";

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        counter!("spean_agent_problems_total", "code" => self.code()).increment(1);
        let status = StatusCode::from_u16(self.status()).expect("problems have statuses of HTTP");
        let mut response = (status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE if self == Problem::ContentEncodingUnsupported => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
            }
            _ => {}
        }
        response
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Problem {
        match error {
            AcceptError::IdTaken { id } => Problem::IdTaken { id },
            AcceptError::DiskBudget { used, budget } => {
                Problem::DiskFull(Full::Budget { used, budget })
            }
            AcceptError::DiskFull => Problem::DiskFull(Full::Disk),
            AcceptError::TooLarge => schemas::refusal::Refusal::TooLarge.into(),
            AcceptError::Outage(outage) => outage.into(),
        }
    }
}

impl From<store::Outage> for Problem {
    fn from(outage: store::Outage) -> Problem {
        match outage {
            store::Outage::Full => Problem::DiskFull(Full::Disk),
            store::Outage::Disk { .. } | store::Outage::Index { .. } | store::Outage::Stopped => {
                tracing::error!(%outage, "the store does not answer");
                Problem::StoreUnavailable
            }
        }
    }
}
