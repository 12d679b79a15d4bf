//! The path and the query of a request: their raw text comes in, names and parameters go out. A parameter that is given twice, or is
//! no number where one is meant, is said so by name.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::submit::problem::{Problem, QueryMust};

/// What a path names, in its order.
pub struct Segments<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Segments<T>, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(named)| Segments(named))
            .map_err(|_| Problem::PathMalformed)
    }
}

/// A request's query, not yet looked at.
pub struct Parameters(String);

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters, Problem> {
        Ok(Parameters(parts.uri.query().unwrap_or_default().to_owned()))
    }
}

impl Parameters {
    /// # Errors
    /// `QueryMalformed`: twice, or not UTF-8.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, Problem> {
        let malformed = Problem::QueryMalformed {
            parameter: name,
            must: QueryMust::StandOnce,
        };
        let mut values = self.0.split('&').filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        });
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => match percent_decode_str(value).decode_utf8() {
                Ok(text) => Ok(Some(text.into_owned())),
                Err(_) => Err(malformed),
            },
            (Some(_), Some(_)) => Err(malformed),
        }
    }

    /// # Errors
    /// `QueryMalformed`: twice, or no whole number.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, Problem> {
        let number = self.text(name)?.map(|text| text.parse());
        number.transpose().map_err(|_| Problem::QueryMalformed {
            parameter: name,
            must: QueryMust::BeNumber,
        })
    }
}
