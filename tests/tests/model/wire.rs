//! An agent's line to a gateway, in memory: what the agent says waits here until the gateway takes it, so that a cut finds events that are
//! under way. In: messages of a session. Out: operations for the gateway. Never: a loss or an order that a connection would not have.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use agent::link::{Deliveries, Delivery, Message, Outage, Wire};
use broker_gateway::peer::Peer;
use broker_gateway::wire::{ClientOp, Publish, Sid, Subject, Subscribe};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::nats::Said;

pub type Mail = mpsc::UnboundedSender<(String, Said)>;

/// How many events may pass to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    Open,
    /// So many more; what is behind them waits.
    Holds(usize),
}

pub struct Line {
    pub peer: Peer,
    /// Its number at the broker.
    pub connection: u64,
    /// Cancelled with the session, and with the broker's life.
    pub ended: CancellationToken,
    state: Mutex<State>,
    news: Notify,
}

struct State {
    said: VecDeque<ClientOp>,
    /// Where the deliveries of a subscription go that the gateway has not made yet.
    mail: BTreeMap<String, Mail>,
    gate: Gate,
    sids: u64,
}

impl Line {
    pub fn new(peer: Peer, connection: u64, ended: CancellationToken) -> Arc<Line> {
        let state = State {
            said: VecDeque::new(),
            mail: BTreeMap::new(),
            gate: Gate::Open,
            sids: 0,
        };
        Arc::new(Line {
            peer,
            connection,
            ended,
            state: Mutex::new(state),
            news: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    pub fn set_gate(&self, gate: Gate) {
        self.state().gate = gate;
        self.news.notify_one();
    }

    /// Lets so many events more pass.
    pub fn let_pass(&self, count: usize) {
        let mut state = self.state();
        if let Gate::Holds(left) = state.gate {
            state.gate = Gate::Holds(left + count);
        }
        self.news.notify_one();
    }

    /// Nothing that was not taken yet arrives any more.
    pub fn forget(&self) {
        self.state().said.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.state().said.is_empty()
    }

    /// Where the deliveries of a subscription go, once.
    pub fn mail(&self, sid: &str) -> Mail {
        let mail = self.state().mail.remove(sid);
        mail.expect("each subscription is made once")
    }

    /// What the gateway takes next, as soon as there is something: all that may pass now.
    pub async fn next(&self) -> Vec<ClientOp> {
        loop {
            let taken = self.state().take();
            if !taken.is_empty() {
                return taken;
            }
            self.news.notified().await;
        }
    }

    fn put(&self, op: ClientOp) {
        self.state().said.push_back(op);
        self.news.notify_one();
    }
}

impl State {
    fn take(&mut self) -> Vec<ClientOp> {
        let mut taken = Vec::new();
        while let Some(first) = self.said.front() {
            match &mut self.gate {
                Gate::Holds(0) if is_event(first) => break,
                Gate::Holds(left) if is_event(first) => *left -= 1,
                Gate::Open | Gate::Holds(_) => {}
            }
            taken.extend(self.said.pop_front());
        }
        taken
    }
}

fn is_event(op: &ClientOp) -> bool {
    matches!(op, ClientOp::Publish(publish) if publish.subject.as_str().starts_with("spean.log."))
}

/// The agent's end.
pub struct AgentEnd(pub Arc<Line>);

impl Wire for AgentEnd {
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), Outage>> {
        let Message {
            subject,
            reply,
            headers,
            payload,
        } = message;
        if self.0.ended.is_cancelled() {
            return Box::pin(std::future::ready(Err(Outage::Ended)));
        }
        let parse = |text: String| Subject::parse(text.as_bytes()).expect("a subject");
        self.0.put(ClientOp::Publish(Publish {
            subject: parse(subject),
            reply: reply.map(parse),
            headers: Some(headers).filter(|headers: &Bytes| !headers.is_empty()),
            payload,
        }));
        Box::pin(std::future::ready(Ok(())))
    }

    fn subscribe(&self, subject: String) -> BoxFuture<'_, Result<Deliveries, Outage>> {
        let (to, mail) = mpsc::unbounded_channel();
        let sid = {
            let mut state = self.0.state();
            state.sids += 1;
            let sid = state.sids.to_string();
            state.mail.insert(sid.clone(), to);
            sid
        };
        self.0.put(ClientOp::Subscribe(Subscribe {
            subject: Subject::parse(subject.as_bytes()).expect("a subject"),
            queue: None,
            sid: Sid::parse(sid.as_bytes()).expect("a number"),
        }));
        let deliveries = stream::unfold(mail, |mut mail| async {
            let (_sid, said) = mail.recv().await?;
            Some((Delivery::from(said), mail))
        });
        Box::pin(std::future::ready(Ok(deliveries.boxed())))
    }

    fn bytes_in(&self) -> u64 {
        0
    }
}
