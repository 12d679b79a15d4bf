//! A filter or a subject of a request comes in, the logs that it reaches go out.

use schemas::subject::{CONFIRMATIONS, FeedName, LogName, OfficeId};

use super::{Asker, malformed};
use crate::acl::{self, ReadRight, Scope};
use crate::refuse::No;

/// A filter inside one feed: `spean.log.<feed>.>`, or one log with or without what stands beside it; or inside the
/// confirmations: `spean.confirm.*.*.<feed>.<ministry>.<office>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter {
    text: String,
    scope: Scope,
}

impl LogFilter {
    /// Reads a filter of a feed's stream.
    ///
    /// # Errors
    /// What is no filter of this feed.
    pub fn parse(feed: &FeedName, text: &str) -> Result<LogFilter, No> {
        if feed.as_str() == CONFIRMATIONS {
            return LogFilter::parse_confirmations(feed, text);
        }
        let none = || {
            malformed(
                "filter_subject",
                &format!(
                    "must be spean.log.{feed}.> or spean.log.{feed}.<ministry>.<office> and what follows it"
                ),
                &format!("ត្រូវជា spean.log.{feed}.> ឬ spean.log.{feed}.<ក្រសួង>.<ការិយាល័យ>"),
            )
        };
        let tokens: Vec<&str> = text.split('.').collect();
        let ["spean", "log", named, rest @ ..] = tokens.as_slice() else {
            return Err(none());
        };
        if *named != feed.as_str() {
            return Err(none());
        }
        let scope = scope(feed, rest).ok_or_else(none)?;
        Ok(LogFilter {
            text: text.to_owned(),
            scope,
        })
    }

    /// Reads a filter of the stream of confirmations: what any reader, or one, says of one log.
    fn parse_confirmations(stream: &FeedName, text: &str) -> Result<LogFilter, No> {
        let tokens: Vec<&str> = text.split('.').collect();
        let named = match tokens.as_slice() {
            ["spean", "confirm", reader, at, feed, ministry, place]
                if is_token(reader) && is_token(at) =>
            {
                let office = OfficeId::new(ministry, place).ok();
                feed.parse().ok().zip(office)
            }
            _ => None,
        };
        let (feed, office) = named.ok_or_else(|| {
            malformed(
                "filter_subject",
                "must be spean.confirm.*.*.<feed>.<ministry>.<office>",
                "ត្រូវជា spean.confirm.*.*.<feed>.<ក្រសួង>.<ការិយាល័យ>",
            )
        })?;
        Ok(LogFilter {
            text: text.to_owned(),
            scope: Scope::Confirmations {
                stream: stream.clone(),
                of: Some(LogName { feed, office }),
            },
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// # Errors
    /// What the asker may not read.
    pub fn allow(&self, asker: Asker<'_>) -> Result<ReadRight, No> {
        acl::read(asker.registry, asker.peer, &self.scope)
    }
}

fn scope(feed: &FeedName, rest: &[&str]) -> Option<Scope> {
    let whole = Scope::Feed(feed.clone());
    match rest {
        [">"] => Some(whole),
        [ministry, ">"] if is_token(ministry) => Some(whole),
        [ministry, office] => log(feed, ministry, office),
        [ministry, office, tail] if is_tail(tail) => log(feed, ministry, office),
        _ => None,
    }
}

/// One log, or with a wildcard in its place more than one, which takes the right to them all.
fn log(feed: &FeedName, ministry: &str, office: &str) -> Option<Scope> {
    if !is_token(ministry) || !is_token(office) {
        return None;
    }
    match OfficeId::new(ministry, office) {
        Ok(office) => Some(Scope::Log(LogName {
            feed: feed.clone(),
            office,
        })),
        Err(_) => Some(Scope::Feed(feed.clone())),
    }
}

/// A token of a log's subject, or the wildcard for one.
fn is_token(token: &str) -> bool {
    token == "*" || OfficeId::new(token, token).is_ok()
}

/// What may stand behind a log's subject: a position, `gap`, or a wildcard.
fn is_tail(token: &str) -> bool {
    token == ">" || is_token(token)
}
