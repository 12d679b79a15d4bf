//! Looking things up: a state, the log's places and its tables come in; what is known of an id, what stands at a position, where an event lies go
//! out. The committer looks with its own state, everybody else with the last one it has shown. Nothing is changed here.

use bytes::Bytes;
use schemas::event::{Hash, Position};
use schemas::subject::FeedName;

use super::facts::{Accepted, Fact, Settled};
use super::given::{Known, Stage};
use super::kinds;
use super::state::{Feed, State};
use super::tables;
use crate::store::Outage;
use crate::store::fields::NONE;
use crate::store::log::{Head, Looked, Place, Reading, Section};
use crate::store::tables::Tables;

#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub state: &'a State,
    pub reading: &'a Reading,
    pub tables: &'a Tables,
}

/// An event of the own log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    pub hash: Hash,
    /// None where they went with pruning, or do not read any more.
    pub bytes: Option<Bytes>,
}

/// An event in line or in the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InLine {
    pub id: String,
    pub at_ms: u64,
    /// None where they do not read any more.
    pub bytes: Option<Bytes>,
    pub place: Place,
}

/// What names a record, if anything of it reads.
fn head(looked: &Looked) -> Option<Head<'_>> {
    match looked {
        Looked::Record(record) => Some(record.head()),
        Looked::Damaged { head, .. } => head.as_ref().map(|head| head.head()),
    }
}

/// The bytes of a record that reads.
fn bytes(looked: &Looked) -> Option<Bytes> {
    match looked {
        Looked::Record(record) => Some(Bytes::copy_from_slice(record.bytes())),
        Looked::Damaged { .. } => None,
    }
}

impl<'a> Look<'a> {
    /// What became of an id: the newest record that still holds says it.
    pub fn known(&self, name: &FeedName, id: &str) -> Result<Option<Known>, Outage> {
        match self.state.named(name) {
            Some((number, feed)) => self.known_in(number, feed, id),
            None => Ok(None),
        }
    }

    pub fn known_in(&self, number: u32, feed: &Feed, id: &str) -> Result<Option<Known>, Outage> {
        let parts = [&number.to_le_bytes()[..], id.as_bytes()];
        let known = self.reading.find_id(&parts, |looked| {
            match head(&looked).and_then(Fact::read)? {
                Fact::Accepted(one) if (one.feed, one.id) == (number, id) => {
                    accepted_known(feed, &one).map(Ok)
                }
                Fact::Settled(one) | Fact::Remains(one) if (one.feed, one.id) == (number, id) => {
                    match self.is_retracted(feed, &one) {
                        Ok(true) => None,
                        Ok(false) => Some(Ok(settled_known(&one))),
                        Err(outage) => Some(Err(outage)),
                    }
                }
                Fact::Lost(one) if (one.feed, one.id) == (number, id) => {
                    feed.lost.contains(one.number).then_some(Ok(Known {
                        stage: Stage::Lost,
                        number: one.number,
                        at_ms: one.at_ms,
                        content: None,
                        data: NONE,
                        key: None,
                    }))
                }
                _ => None,
            }
        })?;
        known.transpose()
    }

    /// The log went back behind its place since. Where nothing was retracted since nothing is looked up.
    fn is_retracted(&self, feed: &Feed, one: &Settled<'_>) -> Result<bool, Outage> {
        if one.time >= feed.time {
            return Ok(false);
        }
        let place = (one.position, one.hash);
        let retracted = tables::branch_time(self.tables, one.feed, place)?;
        Ok(retracted.is_some_and(|time| time >= one.time))
    }

    /// The id that was accepted last under an idempotency key.
    pub fn id_of_key(&self, number: u32, key: Hash) -> Result<Option<String>, Outage> {
        let feed = number.to_le_bytes();
        self.reading
            .find_id(&kinds::key_parts(&feed, &key), |looked| {
                let (of, said, id) = match head(&looked).and_then(Fact::read)? {
                    Fact::Accepted(one) => (one.feed, one.key, one.id),
                    Fact::Settled(one) | Fact::Remains(one) => (one.feed, one.key, one.id),
                    _ => return None,
                };
                ((of, said) == (number, Some(key))).then(|| id.to_owned())
            })
    }

    /// The record of an event in line or in the tray; None where nothing of it reads.
    pub fn in_line(&self, number: u32, place: u64) -> Result<Option<InLine>, Outage> {
        self.reading.find(Section::Line, number, place, |looked| {
            let at = match &looked {
                Looked::Record(record) => record.at,
                Looked::Damaged { at, .. } => *at,
            };
            let Fact::Accepted(one) = head(&looked).and_then(Fact::read)? else {
                return None;
            };
            ((one.feed, one.number) == (number, place)).then(|| InLine {
                id: one.id.to_owned(),
                at_ms: one.at_ms,
                bytes: bytes(&looked),
                place: at,
            })
        })
    }

    /// What the gateway said of an event in the tray; empty where it does not read.
    pub fn refusal(&self, number: u32, place: u64) -> Result<String, Outage> {
        let refusal = self.reading.find(Section::Tray, number, place, |looked| {
            let bytes = bytes(&looked)?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        });
        Ok(refusal?.unwrap_or_default())
    }

    /// What stands at a position of the own log.
    pub fn own(&self, number: u32, position: Position) -> Result<Option<Own>, Outage> {
        let stands = self.state.feed(number);
        if !stands.is_some_and(|feed| feed.own.contains(position.number())) {
            return Ok(None);
        }
        let at = position.number();
        self.reading.find(Section::Own, number, at, |looked| {
            let own = |hash, bytes| Some(Own { hash, bytes });
            match head(&looked).and_then(Fact::read)? {
                Fact::Settled(one) => own(one.hash, bytes(&looked)),
                Fact::Remains(one) => own(one.hash, None),
                _ => None,
            }
        })
    }

    /// A signed event that stands, or stood, at a position.
    pub fn stood(
        &self,
        number: u32,
        (position, hash): (Position, Hash),
    ) -> Result<Option<Bytes>, Outage> {
        let at = position.number();
        self.reading.find(Section::Own, number, at, |looked| {
            let said = match head(&looked).and_then(Fact::read)? {
                Fact::Settled(one) => one.hash,
                Fact::Branch(one) => one.hash,
                _ => return None,
            };
            (said == hash).then(|| bytes(&looked)).flatten()
        })
    }
}

fn accepted_known(feed: &Feed, one: &Accepted<'_>) -> Option<Known> {
    feed.stage_in_line(one.number).map(|stage| Known {
        stage,
        number: one.number,
        at_ms: one.at_ms,
        content: one.content,
        data: one.data,
        key: one.key,
    })
}

fn settled_known(one: &Settled<'_>) -> Known {
    Known {
        stage: Stage::Settled {
            position: one.position,
        },
        number: one.number,
        at_ms: one.at_ms,
        content: one.content,
        data: one.data,
        key: one.key,
    }
}
