//! Why a session ends, what its client is told of it, and what the audit writes.

use std::time::Duration;

use schemas::refusal::Code;
use tokio::task::JoinSet;

use super::outgoing::Closed;
use super::upstream::Upstream;
use crate::judge::Breach;
use crate::limits::{FAREWELL_WAIT, SHUT_OUT_WAIT};
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
    #[error(
        "no room for an operation of this size: other sessions of this office have begun and not ended theirs (office-over-budget)"
    )]
    NoRoom,
    /// A new session of its office, or of its ministry, has its seat.
    #[error("maximum connections exceeded (too-many-sessions)")]
    GaveWay,
    /// The registry lets the office or its certificate in no more.
    #[error("{} ({})", .0.en, .0.name)]
    ShutOut(Code),
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
            | End::NoRoom
            | End::GaveWay
            | End::ShutOut(_) => Some(self.to_string()),
        }
    }

    /// How long the last words may take. Who is shut out gets nothing more than them.
    pub fn farewell(self) -> Duration {
        match self {
            End::ShutOut(_) => SHUT_OUT_WAIT,
            End::Gone
            | End::Stopped
            | End::BrokerGone
            | End::Failed
            | End::Wire(_)
            | End::Breach(_)
            | End::ConnectAwaited
            | End::HalfOperation
            | End::Silent
            | End::NoRoom
            | End::GaveWay => FAREWELL_WAIT,
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
            End::NoRoom => "office-over-budget",
            End::GaveWay => "too-many-sessions",
            End::ShutOut(code) => code.name,
        }
    }
}

impl From<Closed> for End {
    fn from(_: Closed) -> End {
        End::Gone
    }
}

/// The end of the upstream connection; without one, never.
pub(super) async fn ended(upstream: &mut Option<Upstream>) {
    match upstream {
        Some(upstream) => upstream.ended().await,
        None => std::future::pending().await,
    }
}

/// A task that was to tell an answer has panicked: its client would wait for nothing. As long as none has, never.
pub(super) async fn failed(answering: &mut JoinSet<()>) {
    while let Some(told) = answering.join_next().await {
        if told.is_err() {
            return;
        }
    }
    std::future::pending().await
}
