//! What a session hands on, and waits for: submissions, refills, declarations, questions come in, and their answers go to the desk.
//! Room is taken before anything is read or judged. Never: anything handed on for which there is no room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::heal::{CountsQuestion, HealRequest};
use schemas::refusal::Hold;
use schemas::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::brought::{Brought, Good, Judged};
use super::desk::{Asked, Desk};
use super::prices;
use crate::acl::CountRight;
use crate::audit::Record;
use crate::commit::{Answers, Looked};
use crate::counts::{self, Subjects};
use crate::judge::{Denial, Denied};
use crate::limits::{
    HALF_OPERATION_WAIT, LARGE_SUBMISSION_BYTES, OFFICE_ANNOUNCED_BYTES_MAX,
    OFFICE_PUBLISH_BYTES_MAX,
};
use crate::overview::Turn;
use crate::refuse::{Answer, Answered};
use crate::request::{self, Look, Shape};
use crate::seldom::seldom;
use crate::wire::Subject;

impl Desk {
    /// Hands what was brought to admission and what of it is good to commit, in order; waits while too much waits already. What is
    /// returned waits for the answers and tells them.
    pub async fn take_in(self: Arc<Self>, brought: impl Brought) -> impl Future<Output = ()> {
        let bytes = brought.bytes();
        let room = self.room(bytes).await;
        let mut asked = brought.asked();
        asked.bytes = bytes;
        let Judged { good, answered } = self.judge(brought, bytes, &mut asked).await;
        let mut stored: Vec<(Vec<usize>, Answers)> = Vec::with_capacity(good.len());
        for part in good {
            let office = self.peer.office();
            stored.push(part.store(&self.gateway.commits, office).await);
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
                Ok(Ok(Looked { passed, questions })) => {
                    self.account.pay(prices::LOOKED.saturating_mul(questions));
                    (passed.word(), None)
                }
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
                let peer = &self.peer;
                seldom!(warn, peer.office(), "overview-untold", %peer, %subject, %why, "the broker does not tell what there is");
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

    /// Judges what was brought, large ones beside the threads on which everybody's sessions run, and one of an office after the other,
    /// each when what was faulty in those before it is paid for: all sessions of an office together get no more of it than its part.
    async fn judge<B: Brought>(
        &self,
        brought: B,
        bytes: usize,
        asked: &mut Asked,
    ) -> Judged<B::Good> {
        let gateway = self.gateway.clone();
        let judging = move || {
            let began = Instant::now();
            (brought.judge(&gateway.admission), began.elapsed())
        };
        if bytes < LARGE_SUBMISSION_BYTES {
            let (judged, took) = judging();
            self.pay_for_faults(&judged, took, asked);
            return judged;
        }
        let _turn = self.account.judging.acquire().await;
        if let Err(over) = self.account.solvent().await {
            let places: Vec<usize> = (0..asked.replies.len()).collect();
            return Judged {
                good: Vec::new(),
                answered: held(&places, &over.into()),
            };
        }
        let judged = tokio::task::spawn_blocking(judging).await;
        // A panic there ends the session, as one here would.
        let (judged, took) =
            judged.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
        self.pay_for_faults(&judged, took, asked);
        judged
    }

    /// What it took to judge is paid for where it was in vain: here of what is faulty as it came, of the rest when that is known.
    fn pay_for_faults<G: Good>(&self, judged: &Judged<G>, took: Duration, asked: &mut Asked) {
        let events = u32::try_from(asked.replies.len()).unwrap_or(u32::MAX);
        asked.judging = took.checked_div(events).unwrap_or_default();
        let bad = judged.answered.iter().map(|answered| answered.place);
        let doubtful = judged.good.iter().flat_map(Good::doubtful);
        asked.faulty = bad.chain(doubtful).collect();
        self.account
            .pay(asked.judging.mul_f64(asked.faulty.len() as f64));
    }

    /// Room for a publish, the office's own first, so that none can take all of it.
    async fn room(&self, bytes: usize) -> [Option<OwnedSemaphorePermit>; 2] {
        let own = u32::try_from(bytes.min(OFFICE_PUBLISH_BYTES_MAX)).unwrap_or(u32::MAX);
        let office = self.account.publishing.clone().acquire_many_owned(own);
        let office = office.await;
        let all = self.gateway.publishing.clone().acquire_many_owned(own);
        [office.ok(), all.await.ok()]
    }

    /// Room for a large payload before it comes; None where there is none for long. Who owes something pays first, as nothing that has
    /// come can be sent back; who is over its budget is told once it is here.
    pub async fn announce(&self, bytes: usize) -> Option<Announced> {
        let _told_later = self.account.solvent().await;
        let bytes = u32::try_from(bytes.min(OFFICE_ANNOUNCED_BYTES_MAX)).ok()?;
        let room = async {
            let office = self.account.announcing.clone().acquire_many_owned(bytes);
            let office = office.await.ok()?;
            let all = self.gateway.announcing.clone().acquire_many_owned(bytes);
            Some(Announced([office, all.await.ok()?]))
        };
        tokio::time::timeout(HALF_OPERATION_WAIT, room).await.ok()?
    }
}

/// Room for a payload that was announced, until it has come.
pub struct Announced(
    #[expect(dead_code, reason = "held, and given back when dropped")] [OwnedSemaphorePermit; 2],
);

/// Commit ended without a word. The events may be stored; whoever sends them again is told.
fn unknown(places: &[usize]) -> Vec<Answered> {
    held(places, &Hold::BusUnavailable)
}

fn held(places: &[usize], why: &Hold) -> Vec<Answered> {
    let held = places.iter().map(|place| Answered {
        place: *place,
        answer: Answer::Held(why.clone()),
        id: None,
        position: None,
    });
    held.collect()
}
