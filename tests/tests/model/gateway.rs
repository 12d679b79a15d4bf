//! A gateway's rooms without their sockets: operations of an agent's line come in; the real judge, admission and commit decide, and what
//! they say goes back. Of a session only what carries operations from room to room is written here, and no rule.

use std::sync::Arc;

use broker_gateway::acl::{CountRight, HealPermit, PublishPermit};
use broker_gateway::admit::{Admission, Admitted, Judged, RawEvent, Refills, Submission};
use broker_gateway::commit::{Answers, Commits, Notary};
use broker_gateway::counts;
use broker_gateway::judge::{self, Denial, Verdict};
use broker_gateway::limits::PULL_BYTES_AT_ONCE;
use broker_gateway::overview;
use broker_gateway::policy::Policy;
use broker_gateway::refuse::Answered;
use broker_gateway::request::{Look, Piece, Shape};
use broker_gateway::upstream::jetstream::{JetStream, Source as _};
use broker_gateway::wire::{ClientOp, Subject};
use bytes::Bytes;
use schemas::confirmation::signed_with;
use schemas::heal::CountsQuestion;
use schemas::subject::FeedName;
use tokio::sync::Mutex;

use crate::nats::{Nats, Said};
use crate::wire::Line;

pub struct Gateway {
    nats: Nats,
    policy: Arc<Policy>,
    admission: Admission,
    commits: Commits,
    /// What the gateway itself asks over.
    asking: Mutex<Option<JetStream>>,
}

/// What came together of one log.
enum Gathered {
    New(PublishPermit, Vec<RawEvent>),
    Back(Refills),
}

/// What the answers to it need to know.
struct Asked {
    feed: FeedName,
    replies: Vec<Option<Subject>>,
}

impl Gateway {
    pub fn new(nats: Nats, policy: Arc<Policy>, notary: Notary) -> Arc<Gateway> {
        Arc::new(Gateway {
            commits: Commits::new(nats.clone(), notary),
            admission: Admission::new(),
            asking: Mutex::default(),
            nats,
            policy,
        })
    }

    /// Takes what an agent says, until its line is gone and empty.
    pub async fn serve(self: Arc<Gateway>, line: Arc<Line>) {
        loop {
            let ops = line.next().await;
            self.take(&line, ops).await;
            if line.ended.is_cancelled() && line.is_empty() {
                self.nats.leave(line.connection);
            }
        }
    }

    async fn take(self: &Arc<Gateway>, line: &Arc<Line>, ops: Vec<ClientOp>) {
        let mut gathered: Vec<Gathered> = Vec::new();
        for op in ops {
            match judge::judge(op, &line.peer, &self.policy) {
                Verdict::Submit { permit, event } => put(&mut gathered, permit, event),
                Verdict::Refill { permit, event } => put_refill(&mut gathered, permit, event),
                // What was said before is judged before.
                verdict => {
                    self.submit(line, std::mem::take(&mut gathered)).await;
                    self.act(line, verdict).await;
                }
            }
        }
        self.submit(line, gathered).await;
    }

    async fn submit(self: &Arc<Gateway>, line: &Arc<Line>, gathered: Vec<Gathered>) {
        for together in gathered {
            match together {
                Gathered::New(permit, events) => {
                    let asked = Asked {
                        feed: permit.log().feed.clone(),
                        replies: events.iter().map(|event| event.reply.clone()).collect(),
                    };
                    let Judged { admitted, answered } = self.admission.admit(Submission {
                        peer: line.peer.clone(),
                        permit,
                        events,
                    });
                    let mut all = Vec::new();
                    for run in admitted.into_iter().flat_map(Admitted::cut) {
                        all.push(self.commits.store(run).await);
                    }
                    self.answer_later(line, asked, answered, all);
                }
                Gathered::Back(refills) => {
                    let asked = Asked {
                        feed: refills.log().feed.clone(),
                        replies: refills.replies(),
                    };
                    let (healings, answered) = self.admission.heal(refills);
                    let mut all = Vec::new();
                    if let Some(healings) = healings {
                        all.push(self.commits.heal(line.peer.office(), healings).await);
                    }
                    self.answer_later(line, asked, answered, all);
                }
            }
        }
    }

    fn answer_later(
        self: &Arc<Gateway>,
        line: &Arc<Line>,
        asked: Asked,
        now: Vec<Answered>,
        later: Vec<Answers>,
    ) {
        let (gateway, line) = (self.clone(), line.clone());
        tokio::spawn(async move {
            gateway.answer(&line, &asked, &now);
            for answers in later {
                let answered = answers.await.expect("commit answers each event");
                gateway.answer(&line, &asked, &answered);
            }
        });
    }

    fn answer(&self, line: &Line, asked: &Asked, answered: &[Answered]) {
        for Answered { place, answer, .. } in answered {
            if let Some(Some(reply)) = asked.replies.get(*place) {
                let body = answer.body(&asked.feed, self.policy.position());
                self.tell(line, reply, Bytes::new(), body);
            }
        }
    }

    fn tell(&self, line: &Line, reply: &Subject, headers: Bytes, payload: Bytes) {
        let said = Said {
            subject: reply.as_str().to_owned(),
            reply: None,
            headers,
            payload,
        };
        self.nats.tell(line.connection, &said);
    }

    async fn act(self: &Arc<Gateway>, line: &Arc<Line>, verdict: Verdict) {
        match verdict {
            Verdict::Subscribe(subscribe) => {
                let sid = subscribe.sid.as_str();
                let mail = line.mail(sid);
                self.nats
                    .listen(line.connection, subscribe.subject, sid, mail);
            }
            Verdict::Forward {
                subject,
                reply,
                body,
                ..
            } => self.forward(&subject, reply.as_ref(), body),
            Verdict::Confirm {
                confirmable,
                subject,
                reply,
            } => {
                let keyid = confirmable
                    .signed_with()
                    .expect("an agent shows what it confirms");
                self.nats.say(Said {
                    subject: subject.as_str().to_owned(),
                    reply: reply.map(|reply| reply.as_str().to_owned()),
                    headers: signed_with(keyid).into(),
                    payload: confirmable.confirmation().to_string().into(),
                });
            }
            Verdict::Look { look, reply, .. } => self.look(line, &look, &reply).await,
            Verdict::Pull { pull, reply } => {
                let whole = pull.piece(Piece {
                    batch: pull.batch(),
                    bytes: pull.bytes().unwrap_or(PULL_BYTES_AT_ONCE),
                    lasts: pull.lasts(),
                    heartbeat: None,
                });
                self.forward(pull.subject(), Some(&reply), whole);
            }
            Verdict::Answer {
                reply,
                headers,
                body,
                ..
            } => self.tell(line, &reply, headers, body),
            Verdict::Count {
                right,
                question,
                reply,
                ..
            } => self.count(line, &right, &question, &reply).await,
            Verdict::AskToHeal(request) => self.nats.say(Said {
                subject: request.subject(),
                reply: None,
                headers: Bytes::new(),
                payload: request.body().into(),
            }),
            Verdict::Declare { permit, event } => self.declare(line, &permit, &event).await,
            Verdict::Deny(denial) => self.deny(line, &denial),
            Verdict::Ping
            | Verdict::Pong
            | Verdict::Unsubscribe { .. }
            | Verdict::Submit { .. }
            | Verdict::Refill { .. } => {}
            Verdict::Close(breach) => panic!("an agent does not break the protocol: {breach}"),
        }
    }

    fn forward(&self, subject: &Subject, reply: Option<&Subject>, payload: Bytes) {
        self.nats.say(Said {
            subject: subject.as_str().to_owned(),
            reply: reply.map(|reply| reply.as_str().to_owned()),
            headers: Bytes::new(),
            payload,
        });
    }

    async fn count(
        &self,
        line: &Line,
        right: &CountRight,
        question: &CountsQuestion,
        reply: &Subject,
    ) {
        let subjects = counts::subjects(&self.jetstream().await, right.feed()).await;
        // Where the broker goes down meanwhile, the session goes with it.
        if let Ok(subjects) = subjects {
            let body = counts::answer(&subjects, right, question);
            self.tell(line, reply, Bytes::new(), body);
        }
    }

    async fn look(&self, line: &Line, look: &Look, reply: &Subject) {
        let Look::Stream(sight) = look else {
            panic!("an agent does not ask what there is: {look:?}");
        };
        // Where the broker goes down meanwhile, the session goes with it.
        if let Ok(told) = overview::tell_stream(&self.jetstream().await, sight).await {
            self.tell(line, reply, Bytes::new(), told.to_string().into());
        }
    }

    async fn jetstream(&self) -> JetStream {
        let mut asking = self.asking.lock().await;
        let jetstream = match asking.take_if(|open| !open.is_closed()) {
            Some(open) => open,
            None => self.nats.open(None).await.expect("it is in memory"),
        };
        asking.insert(jetstream).clone()
    }

    async fn declare(
        self: &Arc<Gateway>,
        line: &Arc<Line>,
        permit: &PublishPermit,
        event: &RawEvent,
    ) {
        let asked = Asked {
            feed: permit.log().feed.clone(),
            replies: vec![event.reply.clone()],
        };
        match self.admission.declare(permit, event) {
            Ok(declared) => {
                let answers = self.commits.declare(declared).await;
                self.answer_later(line, asked, Vec::new(), vec![answers]);
            }
            Err(answered) => self.answer(line, &asked, &[*answered]),
        }
    }

    fn deny(&self, line: &Line, denial: &Denial) {
        let registry = self.policy.position();
        let Some((reply, shape)) = &denial.reply else {
            panic!("an agent does not ask what it must not: {denial:?}");
        };
        let (status, body) = match shape {
            Shape::Json(response) => (None, denial.no.body(response, registry)),
            Shape::Status => (Some(denial.no.status()), Bytes::new()),
            Shape::StatusAndJson => {
                let body = denial.no.body("error_response", registry);
                (Some(denial.no.status()), body)
            }
            Shape::NoResponders => panic!("an agent does not ask other services: {denial:?}"),
        };
        self.tell(line, reply, status.unwrap_or_default(), body);
    }
}

fn put(gathered: &mut Vec<Gathered>, permit: PublishPermit, event: RawEvent) {
    let known = gathered.iter_mut().find_map(|together| match together {
        Gathered::New(known, events) if known.log() == permit.log() => Some(events),
        Gathered::New(..) | Gathered::Back(_) => None,
    });
    match known {
        Some(events) => events.push(event),
        None => gathered.push(Gathered::New(permit, vec![event])),
    }
}

fn put_refill(gathered: &mut Vec<Gathered>, permit: HealPermit, event: RawEvent) {
    let known = gathered.iter_mut().find_map(|together| match together {
        Gathered::Back(known) if known.log() == permit.log() => Some(known),
        Gathered::New(..) | Gathered::Back(_) => None,
    });
    match known {
        Some(refills) => refills.put(permit, event),
        None => gathered.push(Gathered::Back(Refills::new(permit, event))),
    }
}
