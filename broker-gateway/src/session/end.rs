//! Why a session ends, what its client is told of it, and what the audit writes.

use std::time::Duration;

use schemas::explain::{Chapter, Page};
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

/// What `explain` says of the ends that are not the registry's, nor an office's that asks for too much.
pub fn pages() -> impl Iterator<Item = Page> {
    let faults = WireFault::ALL.iter().map(|fault| End::Wire(*fault));
    let breaches = Breach::ALL.iter().map(|breach| End::Breach(*breach));
    let ends = [
        End::ConnectAwaited,
        End::HalfOperation,
        End::Silent,
        End::Gone,
        End::Stopped,
        End::BrokerGone,
        End::Failed,
    ];
    let ends = faults.chain(breaches).chain(ends);
    ends.map(|end| match end.meaning() {
        Some(meaning) => Page::plain(end.code(), Chapter::Sessions, meaning),
        None => Page::plain(end.code(), Chapter::Breaches, &end.said()),
    })
}

impl End {
    /// Why, where it is no fault of the client.
    const fn meaning(self) -> Option<&'static str> {
        match self {
            End::Gone => Some("the client left, or its line is gone; it is told nothing"),
            End::Stopped => Some(
                "the gateway was asked to stop; the client hears nothing and connects to another",
            ),
            End::BrokerGone => {
                Some("the connection to nats-server ended; the client connects again")
            }
            End::Failed => Some(
                "a fault of the gateway's own, which its log has; the client is told with -ERR to connect again",
            ),
            End::Wire(_)
            | End::Breach(_)
            | End::ConnectAwaited
            | End::HalfOperation
            | End::Silent
            | End::NoRoom
            | End::GaveWay
            | End::ShutOut(_) => None,
        }
    }

    /// The words of `-ERR`, without the code that stands behind them.
    fn said(self) -> String {
        let words = self.to_string();
        let code = format!(" ({})", self.code());
        words.strip_suffix(&code).unwrap_or(&words).to_owned()
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

#[cfg(test)]
mod tests {
    use schemas::refusal::Hold;

    use super::*;
    use crate::explain::codes;

    /// One of each end. A new one breaks this match until it stands here.
    fn after(end: End) -> Option<End> {
        Some(match end {
            End::Gone => End::Stopped,
            End::Stopped => End::BrokerGone,
            End::BrokerGone => End::Failed,
            End::Failed => End::Wire(WireFault::Sid),
            End::Wire(_) => End::Breach(Breach::ConnectExpected),
            End::Breach(_) => End::ConnectAwaited,
            End::ConnectAwaited => End::HalfOperation,
            End::HalfOperation => End::Silent,
            End::Silent => End::NoRoom,
            End::NoRoom => End::GaveWay,
            End::GaveWay => End::ShutOut(Hold::OfficeClosed.code()),
            End::ShutOut(_) => return None,
        })
    }

    #[test]
    fn every_end_of_a_session_is_explained() {
        let codes = codes();
        let mut end = Some(End::Gone);
        while let Some(this) = end {
            assert!(!codes.find(this.code()).is_empty(), "{}", this.code());
            end = after(this);
        }
    }

    #[test]
    fn a_breach_is_explained_by_the_words_of_its_err() {
        let codes = codes();
        let said = |code| codes.find(code)[0].en.clone();
        assert_eq!(said("bad-sid"), "Invalid Subscription Id.");
        assert_eq!(
            said("half-operation"),
            "Half an operation was sent, and nothing after it."
        );
    }
}
