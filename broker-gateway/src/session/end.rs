//! Why a session ends, what its client is told of it, and what the audit writes.

use schemas::refusal::Hold;

use super::outgoing::Closed;
use crate::judge::Breach;
use crate::wire::WireFault;

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// The connection is gone, or takes nothing more.
    #[error("the connection ended")]
    Gone,
    #[error("the gateway stops")]
    Stopped,
    #[error("the broker's connection ended")]
    BrokerGone,
    #[error("{}", .0.words())]
    Wire(#[from] WireFault),
    #[error("{0} ({code})", code = .0.code())]
    Breach(#[from] Breach),
    #[error("Authentication Timeout")]
    ConnectAwaited,
    #[error("half an operation was sent, and nothing after it (half-operation)")]
    HalfOperation,
    #[error("Stale Connection")]
    Silent,
    #[error("{} ({})", Hold::OfficeUnknown.code().en, Hold::OfficeUnknown.code().name)]
    OfficeUnknown,
}

impl End {
    /// What the client is told. Where the connection or the broker failed, it hears nothing and connects again.
    pub fn words(self) -> Option<String> {
        match self {
            End::Gone | End::Stopped | End::BrokerGone => None,
            End::Wire(_)
            | End::Breach(_)
            | End::ConnectAwaited
            | End::HalfOperation
            | End::Silent
            | End::OfficeUnknown => Some(self.to_string()),
        }
    }

    /// What the audit writes; an end that nobody decided on is none.
    pub fn code(self) -> Option<&'static str> {
        match self {
            End::Gone | End::Stopped | End::BrokerGone => None,
            End::Wire(fault) => Some(fault.code()),
            End::Breach(breach) => Some(breach.code()),
            End::ConnectAwaited => Some("connect-awaited"),
            End::HalfOperation => Some("half-operation"),
            End::Silent => Some("stale-connection"),
            End::OfficeUnknown => Some(Hold::OfficeUnknown.code().name),
        }
    }
}

impl From<Closed> for End {
    fn from(_: Closed) -> End {
        End::Gone
    }
}
