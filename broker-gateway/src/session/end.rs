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
    /// Something of ours panicked. What was sent and not answered is sent again, over another session.
    #[error("the gateway failed here; connect again (session-failed)")]
    Failed,
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
            End::Failed
            | End::Wire(_)
            | End::Breach(_)
            | End::ConnectAwaited
            | End::HalfOperation
            | End::Silent
            | End::OfficeUnknown => Some(self.to_string()),
        }
    }

    /// What the audit writes.
    pub fn code(self) -> &'static str {
        match self {
            End::Gone => "connection-ended",
            End::Stopped => "gateway-stops",
            End::BrokerGone => "broker-gone",
            End::Failed => "session-failed",
            End::Wire(fault) => fault.code(),
            End::Breach(breach) => breach.code(),
            End::ConnectAwaited => "connect-awaited",
            End::HalfOperation => "half-operation",
            End::Silent => "stale-connection",
            End::OfficeUnknown => Hold::OfficeUnknown.code().name,
        }
    }
}

impl From<Closed> for End {
    fn from(_: Closed) -> End {
        End::Gone
    }
}
