//! Every byte of a log, read: a folder comes in, what is there and what does not read goes out. Nothing is written, made or cut; a log that is
//! being written may be looked at, and its last group may then count as torn.

use std::io;
use std::path::Path;

use super::Kinds;
use super::fold::state_in;
use super::record::{MORE, Place, STATE};
use super::segment::{Header, Identity, Mark, log_path};
use super::survey::survey;
use super::walk::{self, Met};
use crate::store::{Fault, Outage};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    pub segments: u64,
    pub records: u64,
    pub bytes: u64,
    /// Records of which the bytes do not read, but the head does.
    pub rotten: Vec<Place>,
    /// Bytes that are no record.
    pub damaged: Vec<Place>,
    /// What follows the last whole unit of the last segment.
    pub torn: Option<Place>,
    /// Numbers that no file stands for.
    pub missing: Vec<(u32, u32)>,
    /// Segments that do not begin where the one before ends, or whose header or state does not read.
    pub unjoined: Vec<u32>,
}

impl Checked {
    pub fn is_good(&self) -> bool {
        let none = self.rotten.is_empty() && self.damaged.is_empty() && self.torn.is_none();
        none && self.missing.is_empty() && self.unjoined.is_empty()
    }
}

/// Reads all of a log.
///
/// # Errors
/// As at a start: newer, somebody else's, or the disk does not say.
pub fn check<K: Kinds>(dir: &Path, who: &Identity) -> Result<Checked, Fault> {
    let survey = survey(dir, who)?;
    let mut checked = Checked {
        missing: survey.missing.clone(),
        ..Checked::default()
    };
    let mut before: Option<Mark> = None;
    for (at, one) in survey.segments.iter().enumerate() {
        let failed = |e: io::Error| Outage::disk("read", &log_path(dir, one.number), &e);
        let state = state_in(&one.file, one.number).map_err(failed)?;
        let state = state.filter(|(_, body)| K::read_state(body).is_some());
        let joined = joins(
            one.header.as_ref(),
            state.as_ref().map(|(mark, _)| *mark),
            before,
        );
        if !joined {
            checked.unjoined.push(one.number);
        }
        let place = |offset, length| Place {
            segment: one.number,
            generation: 0,
            offset,
            length,
        };
        let mut end = one.header.map(|header| header.from);
        let counts = one.times() == 0;
        let tail = walk::units::<io::Error>(&one.file, one.number, |met| {
            let members = match met {
                Met::Unit(members) => members,
                Met::Damage { offset, length } => {
                    checked.damaged.push(place(offset, length));
                    return Ok(());
                }
            };
            for member in members.iter().filter(|member| member.named.kind != STATE) {
                checked.records += 1;
                if !member.whole {
                    checked.rotten.push(place(member.offset, member.length));
                }
                if let Some(end) = end.as_mut().filter(|_| counts) {
                    end.go_on(member.crc_head, member.flags & MORE == 0);
                }
            }
            Ok(())
        });
        let tail = tail.map_err(failed)?;
        let rest = (tail.from < tail.to).then(|| place(tail.from, tail.to - tail.from));
        match at + 1 == survey.segments.len() {
            true => checked.torn = rest,
            false => checked.damaged.extend(rest),
        }
        // What was written anew ends where its state says.
        let at_end = state.map(|(mark, _)| mark).zip(one.header);
        let at_end = at_end.map(|(mark, header)| Mark {
            store: header.from.store,
            ..mark
        });
        let whole = !tail.damaged && rest.is_none();
        before = if counts { end } else { at_end }.filter(|_| whole);
        checked.segments += 1;
        checked.bytes += u64::from(one.bytes);
    }
    Ok(checked)
}

/// Whether a segment begins where the one before ends, and its state with it. What was written anew has the state at its end.
fn joins(header: Option<&Header>, state: Option<Mark>, before: Option<Mark>) -> bool {
    let (Some(header), Some(state)) = (header, state) else {
        return false;
    };
    let store = header.from.store;
    let begins = header.times > 0 || Mark { store, ..state } == header.from;
    begins && before.is_none_or(|before| before == header.from)
}
