//! A group: submissions come in one after another, what is known of each is answered, what is new is staged in the log.
//! Nobody is answered here, and nothing is durable yet.

use std::collections::HashMap;

use bytes::Bytes;
use schemas::event::Hash;
use schemas::subject::FeedName;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::committer::{Committer, Draft, Given};
use super::facts::{self, Fact};
use super::state::FIRST_NUMBER;
use super::{AcceptError, Accepted, Known, Stage, Submission};
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::limits::BUDGET_RESERVE_ONE_IN;

pub(super) type AcceptAnswer = oneshot::Sender<Result<Accepted, AcceptError>>;

/// Submissions that will share one sync.
#[derive(Default)]
pub(super) struct Group {
    pub staged: usize,
    pub answers: Vec<(AcceptAnswer, Result<Accepted, AcceptError>)>,
    given: Given,
    ids: HashMap<(u32, String), Known>,
    keys: HashMap<(u32, Hash), String>,
    /// They make room for others only when they are answered.
    rooms: Vec<OwnedSemaphorePermit>,
}

impl Group {
    pub fn answer(&mut self) {
        for (answer, said) in self.answers.drain(..) {
            let _gone = answer.send(said);
        }
        self.rooms.clear();
    }

    /// Nothing of the group is in the log.
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
        let (id, before) = self.known(group, &submission)?;
        let said = match before {
            Some(known) if known.stage != Stage::Lost => {
                let same = known
                    .content
                    .map_or(known.data == submission.data, |content| {
                        content == submission.content
                    });
                match same {
                    true => Ok(Accepted {
                        id,
                        stage: known.stage,
                        again: true,
                    }),
                    false => Err(AcceptError::IdTaken { id }),
                }
            }
            _ => match self.over_budget(submission.bytes.len()) {
                Some(error) => Err(error),
                None => {
                    let accepted = self.stage_new(group, submission)?;
                    group.rooms.push(room);
                    Ok(accepted)
                }
            },
        };
        group.answers.push((answer, said));
        Ok(())
    }

    /// The id that the submission means, and what is known of it: in the group, or in the log.
    fn known(
        &self,
        group: &Group,
        submission: &Submission,
    ) -> Result<(String, Option<Known>), Outage> {
        let look = self.look();
        let named = look.state.named(&submission.feed);
        let given = group.given.feeds.get(&submission.feed).copied();
        let Some(number) = named.map(|(number, _)| number).or(given) else {
            return Ok((submission.id.clone(), None));
        };
        let of_key = match submission.key {
            None => None,
            Some(key) => match group.keys.get(&(number, key)) {
                Some(id) => Some(id.clone()),
                None => look.id_of_key(number, key)?,
            },
        };
        let name = (number, of_key.unwrap_or_else(|| submission.id.clone()));
        let known = match (group.ids.get(&name), named) {
            (Some(known), _) => Some(*known),
            (None, Some((_, feed))) => look.known_in(number, feed, &name.1)?,
            (None, None) => None,
        };
        Ok((name.1, known))
    }

    fn stage_new(&mut self, group: &mut Group, submission: Submission) -> Result<Accepted, Outage> {
        let Submission {
            feed,
            id,
            key,
            content,
            data,
            bytes,
        } = submission;
        let of = self.feed_number(&mut group.given, &feed)?;
        let next = self
            .log
            .state()
            .feed(of)
            .map_or(FIRST_NUMBER, |feed| feed.next);
        let first = !group.given.next.contains_key(&of);
        let next = group.given.next.entry(of).or_insert(next);
        let number = *next;
        let at_ms = now_ms();
        let accepted = Fact::Accepted(facts::Accepted {
            feed: of,
            number,
            at_ms,
            content: Some(content),
            data,
            key,
            id: &id,
            name: if first { feed.as_str() } else { "" },
        });
        let draft = Draft::of(&accepted, bytes);
        *next += 1;
        self.stage_unit(&[draft])?;
        group.staged += 1;
        let known = Known {
            stage: Stage::Accepted,
            number,
            at_ms,
            content: Some(content),
            data,
            key,
        };
        if let Some(key) = key {
            group.keys.insert((of, key), id.clone());
        }
        group.ids.insert((of, id.clone()), known);
        Ok(Accepted {
            id,
            stage: Stage::Accepted,
            again: false,
        })
    }

    /// The number of a feed. One that is given now is staged by itself, before whatever says it.
    fn feed_number(&mut self, given: &mut Given, feed: &FeedName) -> Result<u32, Outage> {
        let known = self.log.state().named(feed).map(|(number, _)| number);
        if let Some(number) = known.or(given.feeds.get(feed).copied()) {
            return Ok(number);
        }
        let number = self.log.state().next_feed(given.feeds.len());
        let named = Draft::of(&Fact::Named(number, feed.as_str()), Bytes::new());
        self.stage_unit(&[named])?;
        given.feeds.insert(feed.clone(), number);
        Ok(number)
    }

    fn over_budget(&self, more: usize) -> Option<AcceptError> {
        let group = self.log.group_bytes() + more;
        let used = self.bytes + u64::try_from(group).unwrap_or(u64::MAX);
        let budget = self.budget_bytes - self.budget_bytes / BUDGET_RESERVE_ONE_IN;
        (used > budget).then_some(AcceptError::DiskBudget {
            used,
            budget: self.budget_bytes,
        })
    }
}
