//! Where a session's answers are made: what was decided comes in, frames for the client and lines for the audit go out. Shared
//! by the session and the tasks that wait for what was submitted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schemas::packed::GatewayHello;
use schemas::registry::Registry;
use schemas::subject::{FeedName, LogName};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::denial;
use super::outgoing::{Closed, Outgoing};
use super::prices;
use super::pulls::{InVain, Pulls, Told};
use super::reads::Reads;
use super::subscriptions::Subscriptions;
use super::unanswered::Unanswered;
use crate::account::Account;
use crate::audit::Record;
use crate::gateway::Gateway;
use crate::judge::{Denial, Denied};
use crate::limits::{READ_AHEAD_BYTES_MAX, WRITE_BYTES_MAX};
use crate::peer::Peer;
use crate::policy::Policy;
use crate::refuse::Answered;
use crate::wire::{Frame, Subject};

pub struct Desk {
    pub gateway: Arc<Gateway>,
    pub peer: Peer,
    pub down: Arc<Outgoing>,
    pub subscriptions: Subscriptions,
    pub unanswered: Unanswered,
    pub pulls: Pulls,
    pub reads: Reads,
    /// When it was told where streams end.
    pub ends_told: Mutex<Option<Instant>>,
    /// What the office's sessions have together.
    pub account: Arc<Account>,
    /// What a packed session was greeted with.
    pub hello: Option<GatewayHello>,
}

impl Desk {
    pub fn new(
        gateway: Arc<Gateway>,
        peer: Peer,
        down: Arc<Outgoing>,
        hello: Option<GatewayHello>,
    ) -> Arc<Desk> {
        let account = gateway.accounts.of(peer.office());
        let ahead = Arc::new(Semaphore::new(READ_AHEAD_BYTES_MAX));
        Arc::new(Desk {
            pulls: Pulls::new(ahead.clone(), &account),
            reads: Reads::new(ahead, account.reading.clone()),
            subscriptions: Subscriptions::new(account.ears.clone()),
            account,
            gateway,
            peer,
            down,
            unanswered: Unanswered::default(),
            ends_told: Mutex::default(),
            hello,
        })
    }

    pub(super) async fn answer(&self, asked: &Asked, answered: Vec<Answered>) {
        let records = answered.iter().map(|answered| Record {
            op: "publish",
            subject: Some(&asked.subject),
            answer: answered.answer.word(),
            code: answered.answer.code(),
            registry: asked.registry,
            id: answered.id.as_deref(),
            position: answered.position,
        });
        self.gateway.audit.record(Some(&self.peer), records).await;
        let in_vain = answered.iter().filter(|one| !one.answer.is_new());
        self.account.pay(in_vain.map(|one| asked.price(one)).sum());
        let answered = match self.tell_runs(asked, answered).await {
            Ok(answered) => answered,
            Err(Closed) => return,
        };
        // The answers to a run leave together: one notice to the writer, and few TLS records.
        let mut frames = Frame::new();
        for answered in &answered {
            frames = self.add_answer(frames, asked, answered);
            if frames.len() >= WRITE_BYTES_MAX
                && self.send(std::mem::take(&mut frames)).await.is_err()
            {
                return;
            }
        }
        // The session ends by itself when its connection takes nothing more.
        let _ = self.send(frames).await;
    }

    /// On the reply subject; who named none hears of a no as nats-server would tell it.
    fn add_answer(&self, frames: Frame, asked: &Asked, answered: &Answered) -> Frame {
        let reply = asked.replies.get(answered.place).and_then(Option::as_ref);
        match (reply, answered.answer.code()) {
            (Some(reply), _) => {
                let body = answered.answer.body(&asked.feed, asked.registry);
                self.subscriptions.answer(frames, reply, None, &body)
            }
            (None, Some(code)) => {
                frames.error(&denial::violation(&Denied::Publish, &asked.subject, code))
            }
            (None, None) => frames,
        }
    }

    async fn send(&self, frames: Frame) -> Result<(), Closed> {
        match frames.is_empty() {
            true => Ok(()),
            false => self.down.send(frames.finish()).await,
        }
    }

    /// An answer made here.
    pub async fn tell(
        &self,
        subject: &Subject,
        reply: &Subject,
        (headers, body): (&[u8], &[u8]),
        policy: &Policy,
    ) -> Result<(), Closed> {
        self.record_allowed("request", subject, policy).await;
        let headers = Some(headers).filter(|headers| !headers.is_empty());
        let frames = self
            .subscriptions
            .answer(Frame::new(), reply, headers, body);
        self.send(frames).await
    }

    /// A no, on the reply subject where there is one that may be used, and as an error of the connection where there is none.
    pub async fn deny(&self, denial: &Denial, policy: &Policy) -> Result<(), Closed> {
        let registry = policy.position();
        let record = Record {
            op: match denial.what {
                Denied::Publish => "publish",
                Denied::Subscription { .. } => "subscribe",
            },
            subject: Some(denial.subject.as_str()),
            answer: denial.no.word(),
            code: Some(denial.no.code().name),
            registry,
            id: None,
            position: None,
        };
        self.gateway.audit.record(Some(&self.peer), [record]).await;
        if let Some(place) = self.place_in_run(denial.reply.as_ref().map(|(reply, _)| reply)) {
            return self.deny_in_run(place, denial, registry).await;
        }
        let frames = denial::told(denial, registry, &self.subscriptions);
        self.send(frames).await
    }

    /// In nats-server's own words for the end of a pull with its server, so that stock clients ask anew.
    pub async fn tell_in_vain(&self, pull: &InVain) -> Result<(), Closed> {
        let InVain { reply, pending, .. } = pull;
        let told = Told {
            status: "409 Server Shutdown".to_owned(),
            messages: *pending,
            bytes: 0,
        };
        self.tell_ended(reply, &told).await
    }

    /// The end of a pull that came in pieces.
    pub async fn tell_ended(&self, reply: &Subject, told: &Told) -> Result<(), Closed> {
        let Told {
            status,
            messages,
            bytes,
        } = told;
        let headers = format!(
            "NATS/1.0 {status}\r\nNats-Pending-Messages: {messages}\r\nNats-Pending-Bytes: {bytes}\r\n\r\n"
        );
        let headers = Some(headers.as_bytes());
        let frames = self.subscriptions.answer(Frame::new(), reply, headers, b"");
        self.send(frames).await
    }

    /// A delivery that its reader may no longer have.
    pub async fn withhold(&self, subject: &[u8]) {
        let subject = String::from_utf8_lossy(subject);
        let record = Record {
            op: "deliver",
            subject: Some(&subject),
            answer: "withheld",
            code: Some("request-forbidden"),
            registry: self.gateway.policy.borrow().position(),
            id: None,
            position: None,
        };
        self.gateway.audit.record(Some(&self.peer), [record]).await;
    }

    pub async fn record_connect(&self, policy: &Policy) {
        self.account.pay(prices::CONNECTED);
        self.record("connect", None, "allowed", policy).await;
    }

    pub async fn record_allowed(&self, op: &'static str, subject: &Subject, policy: &Policy) {
        self.record(op, Some(subject.as_str()), "allowed", policy)
            .await;
    }

    /// Acknowledgements follow from a consumer that was judged; each of them would be a line for every event delivered.
    pub async fn record_request(&self, subject: &Subject, policy: &Policy) {
        let text = subject.as_str();
        if !text.starts_with("$JS.ACK.") && !text.starts_with("$JS.FC.") {
            self.record_allowed("request", subject, policy).await;
        }
    }

    pub async fn record_end(&self, code: &'static str) {
        let registry = self.gateway.policy.borrow().position();
        let record = Record {
            op: "session",
            subject: None,
            answer: "ended",
            code: Some(code),
            registry,
            id: None,
            position: None,
        };
        self.gateway.audit.record(Some(&self.peer), [record]).await;
    }

    async fn record(
        &self,
        op: &'static str,
        subject: Option<&str>,
        answer: &'static str,
        policy: &Policy,
    ) {
        let record = Record {
            op,
            subject,
            answer,
            code: None,
            registry: policy.position(),
            id: None,
            position: None,
        };
        self.gateway.audit.record(Some(&self.peer), [record]).await;
    }
}

/// What the answers to a submission need to know of it.
pub struct Asked {
    pub subject: String,
    pub feed: FeedName,
    pub registry: u64,
    pub replies: Vec<Option<Subject>>,
    /// The bytes of all of it.
    pub bytes: usize,
    /// How long it took to judge, for each of its events.
    pub judging: Duration,
    /// The places of those whose judging is paid for: they were faulty as they came.
    pub faulty: BTreeSet<usize>,
}

impl Asked {
    pub fn new(
        subject: String,
        log: &LogName,
        registry: &Registry,
        replies: Vec<Option<Subject>>,
    ) -> Asked {
        Asked {
            subject,
            feed: log.feed.clone(),
            registry: registry.position(),
            replies,
            bytes: 0,
            judging: Duration::ZERO,
            faulty: BTreeSet::new(),
        }
    }

    /// What is still to be paid for an event that was not stored.
    fn price(&self, answered: &Answered) -> Duration {
        let each = self.bytes.checked_div(self.replies.len());
        let in_vain = prices::in_vain(&answered.answer, each.unwrap_or_default());
        match self.faulty.contains(&answered.place) {
            true => in_vain,
            false => in_vain.saturating_add(self.judging),
        }
    }
}
