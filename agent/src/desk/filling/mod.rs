//! Filling in a form: what was typed comes in, a draft on the agent's disk, everything that is wrong with it, and in the end a submission go
//! out. Nothing of it lies in a browser, and nothing that was typed is thrown away because it is wrong.

pub mod begin;
pub mod checking;
pub mod due;
pub mod looking;
pub mod recent;
pub mod sheets;
pub mod typed;

mod drafts;

use schemas::subject::FeedName;
use serde::{Deserialize, Serialize};

pub use self::drafts::{Drafts, FormId};
use self::typed::Typed;

/// A form that somebody has begun to fill in; its file is replaced whole with each save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filling {
    /// Made when the form was drawn: Back, reload and a double click mean one event.
    pub id: FormId,
    pub feed: FeedName,
    /// One more with each save. A save names the one that it stands on.
    pub version: u64,
    pub saved_ms: u64,
    /// Who saved it last, where the office has named people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub typed: Typed,
    /// Why: an unusual figure, a correction. It stays at the office.
    #[serde(default)]
    pub note: String,
    pub purpose: Purpose,
    /// Where a second person has to look at it.
    #[serde(default)]
    pub approval: Approval,
}

/// What handing it in means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Purpose {
    New,
    /// Says again, and better, what an event of this office said; `before` is what it said.
    Corrects {
        event: String,
        before: Typed,
    },
    /// Takes the place of a refused event that lies in the tray.
    Mends {
        number: u64,
        event: String,
        /// What the refused event corrected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        corrects: Option<String>,
        /// What the gateway said.
        #[serde(default)]
        refusal: String,
        before: Typed,
    },
}

impl Purpose {
    /// What stood there before, for both to be seen.
    pub fn before(&self) -> Option<&Typed> {
        match self {
            Purpose::New => None,
            Purpose::Corrects { before, .. } | Purpose::Mends { before, .. } => Some(before),
        }
    }

    /// The event that is corrected by it.
    pub fn corrects(&self) -> Option<&str> {
        match self {
            Purpose::New => None,
            Purpose::Corrects { event, .. } => Some(event),
            Purpose::Mends { corrects, .. } => corrects.as_deref(),
        }
    }

    /// Whether it must be said why.
    pub fn wants_reason(&self) -> bool {
        matches!(self, Purpose::Corrects { .. })
    }
}

/// How far a form has come that a second person has to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Approval {
    #[default]
    NotAsked,
    Asked {
        by: Option<String>,
        at_ms: u64,
    },
    GivenBack {
        by: Option<String>,
        why: String,
    },
}

impl Filling {
    /// The id of the event that it becomes.
    pub fn event_id(&self) -> String {
        format!("form-{}", self.id)
    }
}
