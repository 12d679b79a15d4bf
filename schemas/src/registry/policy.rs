//! Policy: an office and what it wants to do come in; the rule that allows it, or why none does, goes out.
//! What no rule allows is not allowed. That an office, feed or grant is unknown is a hold, not a refusal: it may come.

use std::fmt;

use serde_json::Value;

use super::{Grant, Office, Registry, Right, Standing};
use crate::contract::ContractFault;
use crate::feed::{Action, EventType, Feed};
use crate::refusal::Hold;
use crate::subject::{FeedName, LogName, OfficeId};

/// Why an office may read a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule<'r> {
    /// Every office reads its own logs: it must know their heads, and take its events back.
    OwnLog,
    Grant(&'r Grant),
}

/// Why something is not allowed now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the registry knows no office {0}")]
    OfficeUnknown(OfficeId),
    #[error("the authority has closed the office {0}")]
    OfficeClosed(OfficeId),
    #[error("the registry knows no feed {0}")]
    FeedUnknown(FeedName),
    #[error("no rule lets {office} {right} {feed}")]
    NoGrant {
        office: OfficeId,
        feed: FeedName,
        right: Right,
    },
}

impl Registry {
    /// # Errors
    /// [`Denied`].
    pub fn may_publish(&self, office: &OfficeId, feed: &FeedName) -> Result<&Grant, Denied> {
        self.granted(office, feed, Right::Publish)
    }

    /// # Errors
    /// [`Denied`].
    pub fn may_read(&self, office: &OfficeId, log: &LogName) -> Result<Rule<'_>, Denied> {
        let granted = self.granted(office, &log.feed, Right::Read);
        match granted {
            Err(Denied::NoGrant { .. }) if log.office == *office => Ok(Rule::OwnLog),
            granted => granted.map(Rule::Grant),
        }
    }

    /// The feeds of which an office may read every log.
    pub fn readable_feeds(&self, office: &OfficeId) -> Vec<&Feed> {
        self.feeds_granted(office, Right::Read)
    }

    /// The feeds on which an office may have a log.
    pub fn publishable_feeds(&self, office: &OfficeId) -> Vec<&Feed> {
        self.feeds_granted(office, Right::Publish)
    }

    /// Whether an office may send these figures: a provincial office only its own province's, a headquarters any.
    /// A withdrawal holds no figures. The data has passed the contract.
    ///
    /// # Errors
    /// The field that names another province.
    pub fn check_row(
        &self,
        office: &Office,
        feed: &Feed,
        event_type: &EventType,
        data: &Value,
    ) -> Result<(), ContractFault> {
        let Some(at) = &feed.province_at else {
            return Ok(());
        };
        // A notice is of the log, and holds no figures either.
        if crate::notice::on_every_feed(&event_type.name).is_some() {
            return Ok(());
        }
        if office.standing == Standing::Headquarters || event_type.action == Action::Withdrawn {
            return Ok(());
        }
        let own = office
            .province
            .as_ref()
            .and_then(|code| self.province(code));
        let own = own.map_or("", |province| &province.pcode);
        match data.pointer(at) {
            Some(Value::String(given)) if given == own => Ok(()),
            _ => Err(ContractFault {
                pointer: at.clone(),
                en: format!(
                    "must be {own}: a provincial office sends only its own province's figures"
                ),
                km: format!("ត្រូវតែជា {own}៖ ការិយាល័យខេត្តផ្ញើតែទិន្នន័យរបស់ខេត្តខ្លួនប៉ុណ្ណោះ"),
            }),
        }
    }

    fn granted(&self, office: &OfficeId, feed: &FeedName, right: Right) -> Result<&Grant, Denied> {
        let known = self
            .office(office)
            .ok_or_else(|| Denied::OfficeUnknown(office.clone()))?;
        if self.is_closed(office) {
            return Err(Denied::OfficeClosed(office.clone()));
        }
        if self.feed(feed).is_none() {
            return Err(Denied::FeedUnknown(feed.clone()));
        }
        self.grants()
            .find(|grant| grant.feed == *feed && grant.right == right && grant.who.names(known))
            .ok_or_else(|| Denied::NoGrant {
                office: office.clone(),
                feed: feed.clone(),
                right,
            })
    }

    fn feeds_granted(&self, office: &OfficeId, right: Right) -> Vec<&Feed> {
        self.feeds()
            .filter(|feed| self.granted(office, &feed.name, right).is_ok())
            .collect()
    }
}

impl From<Denied> for Hold {
    fn from(denied: Denied) -> Hold {
        match denied {
            Denied::OfficeUnknown(_) => Hold::OfficeUnknown,
            Denied::OfficeClosed(_) => Hold::OfficeClosed,
            Denied::FeedUnknown(_) => Hold::FeedUnknown,
            Denied::NoGrant { .. } => Hold::GrantUnknown,
        }
    }
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::OwnLog => f.write_str("an office reads its own logs"),
            Rule::Grant(grant) => f.write_str(&grant.rule),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Right::Publish => "publish on",
            Right::Read => "read",
        })
    }
}
