//! A group: submissions come in one after another, what is known of each is answered, what is new is staged in the journal.
//! Nobody is answered here, and nothing is durable yet.

use std::collections::HashMap;
use std::sync::Arc;

use schemas::event::Hash;
use schemas::subject::FeedName;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::committer::Committer;
use super::index::{Known, Reads, Stage, Writes};
use super::record::{self, Record};
use super::segment::Location;
use super::state::State;
use super::{AcceptError, Accepted, Submission};
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::limits::BUDGET_RESERVE_ONE_IN;

pub(super) type AcceptAnswer = oneshot::Sender<Result<Accepted, AcceptError>>;

/// Submissions that will share one sync.
#[derive(Default)]
pub(super) struct Group {
    pub staged: Vec<Staged>,
    pub answers: Vec<(AcceptAnswer, Result<Accepted, AcceptError>)>,
    pub ids: Arc<HashMap<(FeedName, String), Known>>,
    keys: HashMap<(FeedName, Hash), String>,
}

pub(super) struct Staged {
    submission: Submission,
    number: u64,
    at_ms: u64,
    at: Location,
    before: Option<Known>,
    _room: OwnedSemaphorePermit,
}

impl Group {
    /// What the group's records mean for the index.
    pub fn writes(&self, db: &sled::Db, state: &mut State) -> Result<Writes, sled::Error> {
        let mut writes = Writes::default();
        for one in &self.staged {
            let feed = &one.submission.feed;
            let record = accepted_record(&one.submission, one.number, one.at_ms);
            state.accepted(db, &mut writes, feed, (one.at, &record), one.before)?;
        }
        let mut feeds: Vec<&FeedName> =
            self.staged.iter().map(|one| &one.submission.feed).collect();
        feeds.sort_unstable();
        feeds.dedup();
        for feed in feeds {
            let of_feed = self
                .staged
                .iter()
                .filter(|one| one.submission.feed == *feed);
            let places = of_feed.map(|one| (one.number, one.submission.id.as_str()));
            writes.new_in_line(feed, places);
        }
        Ok(writes)
    }

    pub fn answer(&mut self) {
        for (answer, said) in self.answers.drain(..) {
            let _gone = answer.send(said);
        }
    }

    /// Nothing of the group is in the journal.
    pub fn answer_all(&mut self, error: &AcceptError) {
        for (answer, _) in self.answers.drain(..) {
            let _gone = answer.send(Err(error.clone()));
        }
    }
}

impl Committer {
    /// Answers what can be answered from what is known; stages what is new.
    pub fn stage(
        &mut self,
        group: &mut Group,
        submission: Submission,
        answer: AcceptAnswer,
        room: OwnedSemaphorePermit,
    ) -> Result<(), Outage> {
        let known = self.known(group, &submission);
        let (id, before) = known.map_err(|e| Outage::index("read", &e))?;
        match before {
            Some(known) if known.stage != Stage::Lost => {
                let same = known
                    .content
                    .map_or(known.data == submission.data, |content| {
                        content == submission.content
                    });
                let accepted = Accepted {
                    id: id.clone(),
                    stage: known.stage,
                    again: true,
                };
                let said = if same {
                    Ok(accepted)
                } else {
                    Err(AcceptError::IdTaken { id })
                };
                group.answers.push((answer, said));
            }
            before => match self.over_budget(submission.bytes.len()) {
                Some(error) => group.answers.push((answer, Err(error))),
                None => self.stage_new(group, submission, answer, room, before),
            },
        }
        Ok(())
    }

    /// The id that the submission means, and what is known of it: in the group, in the one before it, or in the index.
    fn known(
        &self,
        group: &Group,
        submission: &Submission,
    ) -> Result<(String, Option<Known>), sled::Error> {
        let db = self.index.db();
        let reads = Reads(&db);
        let feed = &submission.feed;
        let of_key = match submission.key {
            None => None,
            Some(key) => {
                let name = (feed.clone(), key);
                let before = self
                    .unapplied
                    .as_ref()
                    .and_then(|group| group.keys.get(&name));
                match group.keys.get(&name).or(before) {
                    Some(id) => Some(id.clone()),
                    None => reads.id_of_key(feed, key)?,
                }
            }
        };
        let id = of_key.unwrap_or_else(|| submission.id.clone());
        let name = (feed.clone(), id);
        let before = self
            .unapplied
            .as_ref()
            .and_then(|group| group.ids.get(&name));
        let known = match group.ids.get(&name).or(before) {
            Some(known) => Some(*known),
            None => reads.known(feed, &name.1)?,
        };
        Ok((name.1, known))
    }

    fn stage_new(
        &mut self,
        group: &mut Group,
        submission: Submission,
        answer: AcceptAnswer,
        room: OwnedSemaphorePermit,
        before: Option<Known>,
    ) {
        let number = self.state.next;
        self.state.next += 1;
        let at_ms = now_ms();
        let at =
            Record::Accepted(accepted_record(&submission, number, at_ms)).stage(&mut self.journal);
        let known = Known {
            stage: Stage::Accepted,
            number,
            at,
            at_ms,
            content: Some(submission.content),
            data: submission.data,
        };
        let name = (submission.feed.clone(), submission.id.clone());
        if let Some(key) = submission.key {
            group.keys.insert((name.0.clone(), key), name.1.clone());
        }
        let ids = Arc::get_mut(&mut group.ids).expect("shared only when it is committed");
        ids.insert(name, known);
        let accepted = Accepted {
            id: submission.id.clone(),
            stage: Stage::Accepted,
            again: false,
        };
        group.answers.push((answer, Ok(accepted)));
        group.staged.push(Staged {
            submission,
            number,
            at_ms,
            at,
            before,
            _room: room,
        });
    }

    fn over_budget(&self, more: usize) -> Option<AcceptError> {
        let group = self.journal.group_bytes() + more;
        let used = self.disk_bytes() + u64::try_from(group).unwrap_or(u64::MAX);
        let budget = self.budget_bytes - self.budget_bytes / BUDGET_RESERVE_ONE_IN;
        (used > budget).then_some(AcceptError::DiskBudget {
            used,
            budget: self.budget_bytes,
        })
    }
}

fn accepted_record(submission: &Submission, number: u64, at_ms: u64) -> record::Accepted<'_> {
    record::Accepted {
        number,
        at_ms,
        content: submission.content,
        data: submission.data,
        feed: submission.feed.as_str(),
        id: &submission.id,
        key: submission.key,
        bytes: &submission.bytes,
    }
}
