//! An agent's link: up or down, over one gateway or the other. Sessions are opened here as `dial` opens them over the network; what a cut
//! leaves under way may still arrive, or not.

use std::sync::Arc;
use std::time::Duration;

use agent::link::{Link, Session};
use broker_gateway::peer::Peer;
use tokio::sync::watch;

use crate::bus::Bus;
use crate::wire::{AgentEnd, Gate, Line};

pub struct Uplink {
    peer: Peer,
    offered: watch::Sender<Option<Session>>,
    line: Option<Arc<Line>>,
    up: bool,
    sessions: usize,
}

impl Uplink {
    pub fn new(peer: Peer) -> Uplink {
        let (offered, _) = watch::channel(None);
        Uplink {
            peer,
            offered,
            line: None,
            up: true,
            sessions: 0,
        }
    }

    pub fn link(&self) -> Link {
        Link::of(self.offered.subscribe())
    }

    /// The open session, or a new one over the other gateway; none while the link is down.
    pub async fn session(&mut self, bus: &Bus) -> Option<Session> {
        let open = self.offered.borrow().clone();
        if let Some(open) = open.filter(|open| !open.ended().is_cancelled()) {
            return Some(open);
        }
        if !self.up || bus.nats.is_spent() {
            return None;
        }
        self.sessions += 1;
        let line = bus.accept(&self.peer, self.sessions);
        let (ministry, place) = (self.peer.office().ministry(), self.peer.office().place());
        let inbox = format!(
            "_INBOX.{ministry}.{place}.session{}x{}",
            self.sessions, line.connection
        );
        let wire = Arc::new(AgentEnd(line.clone()));
        let time = Duration::from_millis(100);
        let session = Session::open(wire, inbox, time, line.ended.clone()).await;
        let session = session.expect("it was opened a moment ago");
        self.line = Some(line);
        self.offered.send_replace(Some(session.clone()));
        Some(session)
    }

    /// The line of the open session.
    pub fn line(&self) -> Option<&Arc<Line>> {
        self.line.as_ref().filter(|line| !line.ended.is_cancelled())
    }

    pub fn set_gate(&self, gate: Gate) {
        if let Some(line) = self.line() {
            line.set_gate(gate);
        }
    }

    /// The session ends. What was said and not taken yet arrives later, or never.
    pub fn cut(&mut self, arrives: bool) -> Option<Arc<Line>> {
        if let Some(session) = self.offered.send_replace(None) {
            session.end();
        }
        let line = self.line.take()?;
        if !arrives {
            line.forget();
        }
        line.set_gate(Gate::Holds(0));
        Some(line).filter(|line| !line.is_empty())
    }

    pub fn set_up(&mut self, up: bool) {
        self.up = up;
    }

    pub fn is_up(&self) -> bool {
        self.up
    }
}
