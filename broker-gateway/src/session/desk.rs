//! Where a session's answers are made: what was decided comes in, frames for the client and lines for the audit go out. Shared
//! by the session and the tasks that wait for what was submitted.

use std::sync::Arc;

use schemas::heal::{CountsQuestion, HealRequest};
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::subject::LogSubject;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;
use tracing::warn;

use super::denial;
use super::outgoing::{Closed, Outgoing};
use super::prices;
use super::pulls::{InVain, Pulls};
use super::reads::Reads;
use super::subscriptions::Subscriptions;
use super::unanswered::Unanswered;
use crate::account::Account;
use crate::acl::{CountRight, PublishPermit};
use crate::admit::{Admitted, Judged, RawEvent, Refills, Submission};
use crate::audit::Record;
use crate::commit::Answers;
use crate::counts::{self, Subjects};
use crate::gateway::Gateway;
use crate::judge::{Denial, Denied};
use crate::limits::{
    HALF_OPERATION_WAIT, LARGE_SUBMISSION_BYTES, OFFICE_ANNOUNCED_BYTES_MAX,
    OFFICE_PUBLISH_BYTES_MAX, WRITE_BYTES_MAX,
};
use crate::overview::Turn;
use crate::peer::Peer;
use crate::policy::Policy;
use crate::refuse::{Answer, Answered};
use crate::request::{self, Look, Shape};
use crate::wire::{Frame, Subject};

pub struct Desk {
    pub gateway: Arc<Gateway>,
    pub peer: Peer,
    pub down: Arc<Outgoing>,
    pub subscriptions: Subscriptions,
    pub unanswered: Unanswered,
    pub pulls: Pulls,
    pub reads: Reads,
    /// What the office's sessions have together.
    pub account: Arc<Account>,
}

impl Desk {
    pub fn new(gateway: Arc<Gateway>, peer: Peer, down: Arc<Outgoing>) -> Arc<Desk> {
        Arc::new(Desk {
            account: gateway.accounts.of(peer.office()),
            gateway,
            peer,
            down,
            subscriptions: Subscriptions::default(),
            unanswered: Unanswered::default(),
            pulls: Pulls::default(),
            reads: Reads::default(),
        })
    }

    /// Hands a submission to admission and what is admitted to commit, in order; waits while too much waits already. What is
    /// returned waits for the answers and tells them.
    pub async fn submit(self: Arc<Self>, submission: Submission) -> impl Future<Output = ()> {
        let bytes: usize = submission.events.iter().map(|event| event.bytes()).sum();
        let room = self.room(bytes).await;
        let asked = Asked {
            subject: submission.permit.log().subject(),
            feed: submission.permit.log().feed.clone(),
            registry: submission.permit.registry().position(),
            replies: submission
                .events
                .iter()
                .map(|event| event.reply.clone())
                .collect(),
        };
        let Judged { admitted, answered } = self.admit(submission, bytes).await;
        let mut stored: Vec<(Vec<usize>, Answers)> = Vec::with_capacity(admitted.len());
        for run in admitted.into_iter().flat_map(Admitted::cut) {
            let places = run.places().to_vec();
            stored.push((places, self.gateway.commits.store(run).await));
        }
        async move {
            self.answer(&asked, answered).await;
            for (places, answers) in stored {
                let answered = answers.await.unwrap_or_else(|_| unknown(&places));
                self.answer(&asked, answered).await;
            }
            drop(room);
        }
    }

    /// The same for what brings lost positions back.
    pub async fn refill(self: Arc<Self>, refills: Refills) -> impl Future<Output = ()> {
        let room = self.room(refills.bytes()).await;
        let asked = Asked {
            subject: refills.log().subject(),
            feed: refills.log().feed.clone(),
            registry: refills.registry().position(),
            replies: refills.replies(),
        };
        let (healing, answered) = self.gateway.admission.heal(refills);
        let stored = match healing {
            Some(healing) => {
                let places = healing.places();
                let stored = self.gateway.commits.heal(self.peer.office(), healing);
                Some((places, stored.await))
            }
            None => None,
        };
        async move {
            self.answer(&asked, answered).await;
            if let Some((places, answers)) = stored {
                let answered = answers.await.unwrap_or_else(|_| unknown(&places));
                self.answer(&asked, answered).await;
            }
            drop(room);
        }
    }

    /// The same for a gap that the log's office declares.
    pub async fn declare(
        self: Arc<Self>,
        permit: PublishPermit,
        event: RawEvent,
    ) -> impl Future<Output = ()> {
        let room = self.room(event.bytes()).await;
        let log = permit.log();
        let asked = Asked {
            subject: LogSubject::Gap(log.clone()).to_string(),
            feed: log.feed.clone(),
            registry: permit.registry().position(),
            replies: vec![event.reply.clone()],
        };
        let declared = match self.gateway.admission.declare(&permit, &event) {
            Ok(declared) => Ok(self.gateway.commits.declare(declared).await),
            Err(answered) => Err(answered),
        };
        async move {
            let answered = match declared {
                Ok(answers) => answers.await.unwrap_or_else(|_| unknown(&[0])),
                Err(answered) => vec![*answered],
            };
            self.answer(&asked, answered).await;
            drop(room);
        }
    }

    /// Puts a request to heal in line; what is returned waits until it was passed on or not, and writes that down.
    pub async fn ask_to_heal(
        self: Arc<Self>,
        request: HealRequest,
        registry: Arc<Registry>,
    ) -> impl Future<Output = ()> {
        let (subject, position) = (request.subject(), registry.position());
        let office = self.peer.office();
        let passed = self.gateway.commits.ask(office, request, registry).await;
        async move {
            let (answer, code) = match passed.await {
                Ok(Ok(passed)) => (passed.word(), None),
                Ok(Err(hold)) => ("held", Some(hold.code().name)),
                Err(_) => ("held", Some(Hold::BusUnavailable.code().name)),
            };
            let record = Record {
                op: "heal",
                subject: Some(&subject),
                answer,
                code,
                registry: position,
                id: None,
                position: None,
            };
            self.gateway.audit.record(Some(&self.peer), [record]).await;
        }
    }

    /// Waits for a count, and tells it.
    pub async fn count(
        self: Arc<Self>,
        waits: oneshot::Receiver<Arc<Subjects>>,
        right: CountRight,
        question: CountsQuestion,
        (subject, reply): (Subject, Subject),
    ) {
        let policy = self.gateway.policy.borrow().clone();
        // The session ends by itself when its connection takes nothing more.
        let _ = match waits.await {
            Ok(subjects) => {
                let body = counts::answer(&subjects, &right, &question);
                self.tell(&subject, &reply, (b"", &body), &policy).await
            }
            Err(_) => {
                let denial = Denial {
                    what: Denied::Publish,
                    subject,
                    no: Hold::BusUnavailable.into(),
                    reply: Some((reply, Shape::Json("error_response"))),
                };
                self.deny(&denial, &policy).await
            }
        };
    }

    /// Looks at what there is for the office, and tells it.
    pub async fn look(
        self: Arc<Self>,
        turn: Turn,
        look: Look,
        (subject, reply): (Subject, Subject),
    ) {
        let looked = self.gateway.overview.look(&self.gateway, turn, &look).await;
        let policy = self.gateway.policy.borrow().clone();
        // The session ends by itself when its connection takes nothing more.
        let _ = match looked {
            Ok(body) => self.tell(&subject, &reply, (b"", &body), &policy).await,
            Err(why) => {
                warn!(peer = %self.peer, %subject, %why, "the broker does not tell what there is");
                let shape = request::shape_of(&subject);
                let denial = Denial {
                    what: Denied::Publish,
                    subject,
                    no: Hold::BusUnavailable.into(),
                    reply: Some((reply, shape)),
                };
                self.deny(&denial, &policy).await
            }
        };
    }

    /// Judges a submission; what of it is wrong is paid for. Large ones leave the threads on which everybody's sessions run.
    async fn admit(&self, submission: Submission, bytes: usize) -> Judged {
        let (events, began) = (submission.events.len(), Instant::now());
        let judged = if bytes < LARGE_SUBMISSION_BYTES {
            self.gateway.admission.admit(submission)
        } else {
            let _turn = self.account.judging.acquire().await;
            let gateway = self.gateway.clone();
            let judging = move || gateway.admission.admit(submission);
            let judged = tokio::task::spawn_blocking(judging).await;
            // Whoever sends it again is judged again; a panic is told by the runtime.
            judged.unwrap_or_default()
        };
        let wrong = judged.answered.len() as f64 / events.max(1) as f64;
        self.account.pay(began.elapsed().mul_f64(wrong));
        judged
    }

    /// Room for a publish, the office's own first, so that none can take all of it.
    async fn room(&self, bytes: usize) -> [Option<OwnedSemaphorePermit>; 2] {
        let own = u32::try_from(bytes.min(OFFICE_PUBLISH_BYTES_MAX)).unwrap_or(u32::MAX);
        let office = self.account.publishing.clone().acquire_many_owned(own);
        let office = office.await;
        let all = self.gateway.publishing.clone().acquire_many_owned(own);
        [office.ok(), all.await.ok()]
    }

    /// Room for a large payload before it comes; None where there is none for long.
    pub async fn announce(&self, bytes: usize) -> Option<Announced> {
        let bytes = u32::try_from(bytes.min(OFFICE_ANNOUNCED_BYTES_MAX)).ok()?;
        let room = async {
            let office = self.account.announcing.clone().acquire_many_owned(bytes);
            let office = office.await.ok()?;
            let all = self.gateway.announcing.clone().acquire_many_owned(bytes);
            Some(Announced([office, all.await.ok()?]))
        };
        tokio::time::timeout(HALF_OPERATION_WAIT, room).await.ok()?
    }

    async fn answer(&self, asked: &Asked, answered: Vec<Answered>) {
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
        let stored = |answered: &&Answered| answered.answer.is_new();
        let in_vain = answered.iter().filter(|one| !stored(one)).count();
        self.account.pay(prices::IN_VAIN.mul_f64(in_vain as f64));
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
        let frames = denial::told(denial, registry, &self.subscriptions);
        self.send(frames).await
    }

    /// In nats-server's own words for the end of a pull with its server, so that stock clients ask anew.
    pub async fn tell_in_vain(&self, pull: &InVain) -> Result<(), Closed> {
        let InVain { reply, pending, .. } = pull;
        self.end_pull("409 Server Shutdown", reply, *pending).await
    }

    /// The same for the end of a pull that has waited as long as it may: stock clients take what has come, and ask anew.
    pub async fn tell_ended(&self, reply: &Subject, pending: u64) -> Result<(), Closed> {
        self.end_pull("408 Request Timeout", reply, pending).await
    }

    async fn end_pull(&self, status: &str, reply: &Subject, pending: u64) -> Result<(), Closed> {
        let status = format!(
            "NATS/1.0 {status}\r\nNats-Pending-Messages: {pending}\r\nNats-Pending-Bytes: 0\r\n\r\n"
        );
        let headers = Some(status.as_bytes());
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

/// Room for a payload that was announced, until it has come.
pub struct Announced(
    #[expect(dead_code, reason = "held, and given back when dropped")] [OwnedSemaphorePermit; 2],
);

/// What the answers to a submission need to know of it.
struct Asked {
    subject: String,
    feed: schemas::subject::FeedName,
    registry: u64,
    replies: Vec<Option<Subject>>,
}

/// Commit ended without a word. The events may be stored; whoever sends them again is told.
fn unknown(places: &[usize]) -> Vec<Answered> {
    places
        .iter()
        .map(|place| Answered {
            place: *place,
            answer: Answer::Held(Hold::BusUnavailable),
            id: None,
            position: None,
        })
        .collect()
}
