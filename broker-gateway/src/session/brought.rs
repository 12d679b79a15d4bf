//! What a session brings to be stored, by the three doors that there are: new events, lost ones that come back, declared gaps. In:
//! what was said. Out: how it is judged, and where what is good goes. Never: another way past admission.

use schemas::subject::{LogSubject, OfficeId};

use super::desk::Asked;
use crate::acl::PublishPermit;
use crate::admit::{Admission, Admitted, Declared, Healings, RawEvent, Refills, Submission};
use crate::commit::{Answers, Commits};
use crate::refuse::Answered;

/// Judged together and answered one by one.
pub trait Brought: Send + 'static {
    type Good: Good;

    /// What it occupies until it is answered.
    fn bytes(&self) -> usize;

    /// What its answers need to know of it.
    fn asked(&self) -> Asked;

    /// Without the broker; it may take as long as what was sent likes.
    fn judge(self, admission: &Admission) -> Judged<Self::Good>;
}

/// What became of it. Each event is in exactly one of the two.
pub struct Judged<Part> {
    /// In the order in which it is to be stored.
    pub good: Vec<Part>,
    pub answered: Vec<Answered>,
}

/// What passed admission, and is stored as one.
pub trait Good: Send + 'static {
    /// The places of those that are faulty, and may still be what the chain names.
    fn doubtful(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Puts it in line; the places of its events, and who tells what becomes of them.
    fn store(
        self,
        commits: &Commits,
        office: &OfficeId,
    ) -> impl Future<Output = (Vec<usize>, Answers)> + Send;
}

impl Brought for Submission {
    type Good = Admitted;

    fn bytes(&self) -> usize {
        self.events.iter().map(RawEvent::bytes).sum()
    }

    fn asked(&self) -> Asked {
        let log = self.permit.log();
        let replies = self.events.iter().map(|event| event.reply.clone());
        Asked::new(
            log.subject(),
            log,
            self.permit.registry(),
            replies.collect(),
        )
    }

    fn judge(self, admission: &Admission) -> Judged<Admitted> {
        let judged = admission.admit(self);
        Judged {
            good: judged
                .admitted
                .into_iter()
                .flat_map(Admitted::cut)
                .collect(),
            answered: judged.answered,
        }
    }
}

impl Good for Admitted {
    async fn store(self, commits: &Commits, _office: &OfficeId) -> (Vec<usize>, Answers) {
        let places = self.places().to_vec();
        (places, commits.store(self).await)
    }
}

impl Brought for Refills {
    type Good = Healings;

    fn bytes(&self) -> usize {
        Refills::bytes(self)
    }

    fn asked(&self) -> Asked {
        let log = self.log();
        Asked::new(log.subject(), log, self.registry(), self.replies())
    }

    fn judge(self, admission: &Admission) -> Judged<Healings> {
        let (healings, answered) = admission.heal(self);
        Judged {
            good: healings.into_iter().collect(),
            answered,
        }
    }
}

impl Good for Healings {
    fn doubtful(&self) -> Vec<usize> {
        self.doubtful()
    }

    async fn store(self, commits: &Commits, office: &OfficeId) -> (Vec<usize>, Answers) {
        let places = self.places();
        (places, commits.heal(office, self).await)
    }
}

/// A gap that the log's office declares.
pub struct Declaration {
    pub permit: PublishPermit,
    pub event: RawEvent,
}

impl Brought for Declaration {
    type Good = Declared;

    fn bytes(&self) -> usize {
        self.event.bytes()
    }

    fn asked(&self) -> Asked {
        let log = self.permit.log();
        let subject = LogSubject::Gap(log.clone()).to_string();
        let replies = vec![self.event.reply.clone()];
        Asked::new(subject, log, self.permit.registry(), replies)
    }

    fn judge(self, admission: &Admission) -> Judged<Declared> {
        match admission.declare(&self.permit, &self.event) {
            Ok(declared) => Judged {
                good: vec![declared],
                answered: Vec::new(),
            },
            Err(answered) => Judged {
                good: Vec::new(),
                answered: vec![*answered],
            },
        }
    }
}

impl Good for Declared {
    async fn store(self, commits: &Commits, _office: &OfficeId) -> (Vec<usize>, Answers) {
        (vec![0], commits.declare(self).await)
    }
}
