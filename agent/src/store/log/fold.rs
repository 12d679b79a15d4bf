//! What a log's records say, from the newest state that reads: segments come in; the state, how far the log has come, and how its last file ends go
//! out. Nothing is written.
//!
//! ```text
//! | state | records | state | records | state | records ... tail |
//!                                        └────► fold ──────┘
//!                      └─ where this one does not read: from here; where none reads: from nothing, and that is told
//! ```
//! A segment that was written anew begins with the state at its end: its records are not folded, the next one's are. Where something does not
//! read in what the last segment has since its last sync, what follows is cut: a power cut keeps parts of a write in any order, and a log is a
//! prefix of its units.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::Kinds;
use super::active::Gathered;
use super::fields::Take;
use super::hash::IdHash;
use super::keys::Keys;
use super::limits::NAMED_MAX;
use super::open::{Reached, Repair};
use super::record::{self, Place, RECORD_HEADER_BYTES, STATE};
use super::segment::{HEADER_BYTES, Mark, log_path};
use super::survey::{Found, know};
use super::walk::{self, Member, Met, Tail};
use crate::store::{Fault, Outage};

pub(super) struct Folded<K: Kinds> {
    pub state: K::State,
    pub mark: Mark,
    pub reached: Reached,
    /// The places of the last segment.
    pub gathered: Gathered,
    pub tail: Tail,
    /// The last segment can be appended to.
    pub goes_on: bool,
    pub repairs: Vec<Repair>,
}

impl<K: Kinds> Folded<K> {
    /// Something in this segment was met that is no good record.
    pub fn is_damaged(&self, segment: u32) -> bool {
        let mut repairs = self.repairs.iter();
        repairs.any(|one| matches!(one, Repair::Damaged(at) if at.segment == segment))
    }
}

/// Folds all that follows the newest state that reads. `segments` are not empty.
pub(super) fn fold<K: Kinds>(
    dir: &Path,
    segments: &[Found],
    store: u64,
    hash: IdHash,
    seen: Option<&Mark>,
) -> Result<Folded<K>, Fault> {
    match fold_to(dir, segments, store, hash, seen, None)? {
        (folded, None) => Ok(folded),
        (_, Some(cut)) => Ok(fold_to(dir, segments, store, hash, seen, Some(cut))?.0),
    }
}

/// The same with the last segment as if it ended at `cut`. Also says where it is to be cut, unless it was.
fn fold_to<K: Kinds>(
    dir: &Path,
    segments: &[Found],
    store: u64,
    hash: IdHash,
    seen: Option<&Mark>,
    cut: Option<u32>,
) -> Result<(Folded<K>, Option<u32>), Fault> {
    let failed = |number| move |e| Outage::disk("read", &log_path(dir, number), &e);
    let (begin, repairs) = newest_state::<K>(dir, segments, store)?;
    let (first, mark, state) = begin.unwrap_or((
        0,
        Mark {
            store,
            sequence: 0,
            chain: 0,
        },
        K::State::default(),
    ));
    let state_read = repairs.is_empty();
    let mut fold = Fold::<K> {
        state,
        mark,
        reached: reached_before(dir, segments, first, mark, seen)?,
        seen,
        gathered: Gathered::default(),
        keys: Keys::new(hash),
        repairs,
        segment: 0,
        counts: true,
        last: false,
        unread: Vec::new(),
        unknown: None,
    };
    let mut tail = None;
    for (at, one) in segments.iter().enumerate().skip(first) {
        fold.segment = one.number;
        fold.counts = one.times() == 0 || at > first;
        fold.last = at + 1 == segments.len();
        let end = cut.filter(|_| fold.last).unwrap_or(u32::MAX);
        let walked = walk::units_to::<io::Error>(&one.file, one.number, end, |met| {
            fold.take(met);
            Ok(())
        });
        let mut walked = walked.map_err(failed(one.number))?;
        if let Some(cut) = cut.filter(|_| fold.last) {
            walked.to = one.bytes;
            walked
                .named
                .extend(heads_behind(one, cut).map_err(failed(one.number))?);
        }
        know::<K>(dir, fold.unknown)?;
        tail = Some(walked);
    }
    // The last segment is never one that was written anew, but where those after it are gone.
    let header = segments.last().and_then(|one| one.header);
    let tail = tail.ok_or(Outage::Stopped)?;
    let unread = fold.unread.iter().copied();
    let unsure = unread.filter(|at| *at > tail.unsure_from).min();
    let folded = Folded {
        goes_on: header.is_some_and(|header| header.times == 0) && state_read && !tail.damaged,
        reached: fold.reached_at_last(),
        state: fold.state,
        mark: fold.mark,
        gathered: fold.gathered,
        tail,
        repairs: fold.repairs,
    };
    Ok((folded, unsure.filter(|_| cut.is_none())))
}

/// Where a segment stands, how far the log had come there, and the state with which it begins.
type Beginning<S> = (usize, Mark, S);
/// The one to fold from, and the segments after it whose state does not read.
type Newest<S> = (Option<Beginning<S>>, Vec<Repair>);

/// The last segment whose state reads, and those behind it whose state does not.
fn newest_state<K: Kinds>(
    dir: &Path,
    segments: &[Found],
    store: u64,
) -> Result<Newest<K::State>, Fault> {
    let mut unread = Vec::new();
    for (at, one) in segments.iter().enumerate().rev() {
        let failed = |e| Outage::disk("read", &log_path(dir, one.number), &e);
        let read = state_in(&one.file, one.number).map_err(failed)?;
        let state = read.and_then(|(mark, body)| Some((mark, K::read_state(&body)?)));
        if let Some((mark, state)) = state {
            return Ok((Some((at, Mark { store, ..mark }, state)), unread));
        }
        unread.push(Repair::StateUnread(one.number));
    }
    Ok((None, unread))
}

/// The heads that still read behind what is cut.
fn heads_behind(one: &Found, cut: u32) -> io::Result<Vec<Member>> {
    let mut behind = Vec::new();
    walk::units::<io::Error>(&one.file, one.number, |met| {
        if let Met::Unit(members) = met {
            let cut_off = members.iter().filter(|member| member.offset >= cut);
            behind.extend(
                cut_off
                    .take(NAMED_MAX.saturating_sub(behind.len()))
                    .cloned(),
            );
        }
        Ok(())
    })?;
    Ok(behind)
}

struct Fold<'s, K: Kinds> {
    state: K::State,
    mark: Mark,
    reached: Reached,
    seen: Option<&'s Mark>,
    gathered: Gathered,
    keys: Keys,
    repairs: Vec<Repair>,
    segment: u32,
    /// Its records are not in the state yet.
    counts: bool,
    last: bool,
    /// Where units of the last segment begin that do not read as a whole.
    unread: Vec<u32>,
    unknown: Option<u8>,
}

impl<K: Kinds> Fold<'_, K> {
    fn take(&mut self, met: Met<'_>) {
        let unread = match met {
            Met::Unit(members) => {
                let whole = members.iter().all(|member| member.whole);
                members.first().map(|first| first.offset).filter(|_| !whole)
            }
            Met::Damage { offset, .. } => Some(offset),
        };
        self.unread.extend(unread.filter(|_| self.last));
        match met {
            Met::Unit(members) => members.iter().for_each(|member| self.record(member)),
            Met::Damage { offset, length } => self
                .repairs
                .push(Repair::Damaged(self.place(offset, length))),
        }
        self.reached = reached_now(self.reached, self.seen, self.mark);
    }

    fn place(&self, offset: u32, length: u32) -> Place {
        Place {
            segment: self.segment,
            generation: 0,
            offset,
            length,
        }
    }

    fn record(&mut self, member: &Member) {
        let head = member.head();
        if head.kind == STATE {
            return;
        }
        if !super::knows::<K>(head.kind) {
            self.unknown = Some(head.kind);
            return;
        }
        let place = self.place(member.offset, member.length);
        if !member.whole {
            self.repairs.push(Repair::Rotten {
                at: place,
                head: member.named.clone(),
            });
        }
        if self.counts {
            self.mark
                .go_on(member.crc_head, member.flags & record::MORE == 0);
            if K::fold(&mut self.state, head).is_err() {
                self.repairs.push(Repair::Damaged(place));
            }
        }
        if self.last {
            let offset = (member.offset, member.length);
            self.gathered.add(offset, head, K::keys, &mut self.keys);
        }
    }

    /// What a mark of a sequence that never came is.
    fn reached_at_last(&self) -> Reached {
        match (self.reached, self.seen) {
            (Reached::Unknown, Some(seen)) if seen.sequence > self.mark.sequence => {
                Reached::Short(self.mark.sequence)
            }
            (reached, _) => reached,
        }
    }
}

fn reached_now(before: Reached, seen: Option<&Mark>, now: Mark) -> Reached {
    match (before, seen) {
        (Reached::Unknown, Some(seen))
            if seen.sequence == now.sequence && seen.chain == now.chain =>
        {
            Reached::Same
        }
        (Reached::Unknown, Some(seen)) if seen.sequence == now.sequence => Reached::Branched,
        (before, _) => before,
    }
}

/// Whether the log came by a mark before the segment from which it is folded. What was written anew has no marks inside any more.
fn reached_before(
    dir: &Path,
    segments: &[Found],
    first: usize,
    mark: Mark,
    seen: Option<&Mark>,
) -> Result<Reached, Outage> {
    let Some(seen) = seen else {
        return Ok(Reached::Unknown);
    };
    if seen.store != mark.store {
        return Ok(Reached::AnotherStore);
    }
    let mut earlier = segments[..=first]
        .iter()
        .filter_map(|one| Some((one, one.header?)));
    let holds = earlier.rfind(|(_, header)| header.from.sequence <= seen.sequence);
    let Some((one, header)) = holds.filter(|_| seen.sequence < mark.sequence) else {
        return Ok(reached_now(Reached::Unknown, Some(seen), mark));
    };
    let mut now = header.from;
    let mut reached = reached_now(Reached::Unknown, Some(seen), now);
    if header.times > 0 || reached != Reached::Unknown {
        return Ok(reached);
    }
    let walked = walk::units::<io::Error>(&one.file, one.number, |met| {
        if let Met::Unit(members) = met {
            for member in members.iter().filter(|member| member.named.kind != STATE) {
                now.go_on(member.crc_head, member.flags & record::MORE == 0);
            }
            reached = reached_now(reached, Some(seen), now);
        }
        Ok(())
    });
    let tail = walked.map_err(|e| Outage::disk("read", &log_path(dir, one.number), &e))?;
    // Behind a damage the count is not what it was.
    Ok(if tail.damaged {
        Reached::Unknown
    } else {
        reached
    })
}

/// The state that a segment begins with, and how far the log had come; None where it does not read.
pub(super) fn state_in(file: &File, number: u32) -> io::Result<Option<(Mark, Vec<u8>)>> {
    let mut start = [0; RECORD_HEADER_BYTES];
    let read = |into: &mut [u8]| match file.read_exact_at(into, HEADER_BYTES as u64) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        other => other.map(|()| true),
    };
    let offset = u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX);
    let lengths = read(&mut start)?.then(|| record::lengths(&start)).flatten();
    let Some((_, body_bytes)) = lengths.filter(|_| start[18] == STATE) else {
        return Ok(None);
    };
    let mut all = vec![0; RECORD_HEADER_BYTES + body_bytes];
    if !read(&mut all)? {
        return Ok(None);
    }
    let place = Place {
        segment: number,
        generation: 0,
        offset,
        length: 0,
    };
    let state = record::read(all, place)
        .ok()
        .filter(|record| record.kind == STATE);
    Ok(state.and_then(|record| {
        let mut take = Take(record.head().fields);
        let (sequence, chain) = (take.u64()?, take.u64()?);
        let mark = Mark {
            store: 0,
            sequence,
            chain,
        };
        Some((mark, record.bytes().to_vec()))
    }))
}
