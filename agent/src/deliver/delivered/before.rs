//! What was delivered, as format 1 said it: two files of lines that say the same, hashes beside them, and the file of the format before come in; the
//! words that say it in records go out. What neither of two lines says is delivered once more, which an alarm tells.
//!
//! ```text
//! deliveries/bus-<genesis>/marks, marks.copy     <crc> {"n":7,"kind":"mark",...}
//!                          hashes/<target>/<feed>/<ministry>/<place>/<chunk>      32 bytes for each of 32,768 positions
//! delivered                                      <crc> {"subscription":"<feed> <path or address>",...}
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use schemas::event::Hash;
use schemas::heal::Ranges;
use schemas::subject::{FeedName, LogName};
use serde::Deserialize;

use super::copies::Copies;
use super::kinds::{Event, FileSeen, Order};
use super::state::{Key, Seen, UpTo, Word};
use crate::deliver::limits::HASHES_KEPT;
use crate::store::before::Former;
use crate::store::log::Identity;
use crate::store::{Fault, Outage};

const HASHES_A_CHUNK: u64 = 32_768;

#[derive(Deserialize)]
struct Line {
    n: u64,
    #[serde(flatten)]
    said: Said,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Said {
    Begin {},
    Target {
        target: String,
        feed: FeedName,
        to: String,
        #[serde(default)]
        file: Option<FileSeen>,
    },
    Mark {
        target: String,
        source: String,
        position: u64,
        #[serde(default)]
        hash: Option<String>,
        #[serde(default)]
        passed_over: Ranges,
        #[serde(default)]
        also: Option<Also>,
    },
    Order {
        target: String,
        order: Order,
    },
}

#[derive(Deserialize)]
struct Also {
    position: u64,
    hash: String,
}

/// A line of the format before: by the spelling of a path or an address, and by position alone.
#[derive(Deserialize)]
struct Spelled {
    subscription: String,
    source: String,
    position: u64,
    #[serde(default)]
    passed_over: Ranges,
}

/// Writes what was delivered of each bus into a new folder, synced. Says how many lines neither of two files has.
///
/// # Errors
/// The disk failed.
pub fn take_over(former: &Former, new: &Path, bus: &str, who: &Identity) -> Result<u64, Fault> {
    let mut buses: BTreeMap<String, Vec<Word>> = BTreeMap::new();
    let mut unread = 0;
    for place in &former.places {
        if place.is_file() {
            let words = buses.entry(bus.to_owned()).or_default();
            words.extend(spelled(&read(place)?));
            continue;
        }
        for name in names(place)? {
            let (words, damaged) = of_bus(&place.join(&name))?;
            unread += damaged;
            buses.entry(name).or_default().extend(words);
        }
    }
    for (name, words) in buses {
        let folder = new.join(name);
        for copy in super::copies::NAMES {
            crate::store::disk::make_directory(&folder.join(copy))?;
        }
        let (mut copies, _) = Copies::open(&folder, who)?;
        for some in words.chunks(WORDS_AT_ONCE) {
            copies.write(some)?;
        }
    }
    Ok(unread)
}

/// Words of one sync.
const WORDS_AT_ONCE: usize = 4_096;

fn names(folder: &Path) -> Result<Vec<String>, Outage> {
    let failed = |e| Outage::disk("read", folder, &e);
    let mut names = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(names),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<Vec<u8>, Outage> {
    match fs::read(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|e| Outage::disk("read", path, &e)),
    }
}

/// What stands behind a good checksum in each line; what is torn or changed is none.
fn lines<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> impl Iterator<Item = T> + 'b {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter_map(|line| {
        let (checksum, line) = line.split_at_checked(9)?;
        let checksum = std::str::from_utf8(checksum).ok()?.trim_end();
        let checksum = u32::from_str_radix(checksum, 16).ok()?;
        let is_good = crc32fast::hash(line) == checksum;
        serde_json::from_slice(line).ok().filter(|_| is_good)
    })
}

fn spelled(bytes: &[u8]) -> Vec<Word> {
    let words = lines::<Spelled>(bytes).filter_map(|line| {
        let log = LogName::from_source(&line.source).ok()?;
        Some(Word::Mark {
            key: (line.subscription, log),
            up_to: UpTo {
                position: line.position,
                hash: None,
                passed_over: line.passed_over,
            },
            also: None,
        })
    });
    words.collect()
}

/// All that both files of lines say, in the order in which it was said, behind the hashes of what was delivered before.
fn of_bus(folder: &Path) -> Result<(Vec<Word>, u64), Outage> {
    let (mut said, mut damaged) = (BTreeMap::new(), u64::MAX);
    for name in ["marks", "marks.copy"] {
        let bytes = read(&folder.join(name))?;
        let all = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let good = lines::<Line>(&bytes).count() as u64;
        said.extend(lines::<Line>(&bytes).map(|line| (line.n, line.said)));
        // One that is not there says nothing of what was lost, where the other one is whole.
        damaged = damaged.min(if all == 0 {
            u64::MAX
        } else {
            all.saturating_sub(good)
        });
    }
    let lines: Vec<Word> = said.into_values().filter_map(word).collect();
    let mut last: BTreeMap<&Key, &UpTo> = BTreeMap::new();
    for line in &lines {
        if let Word::Mark { key, up_to, .. } = line {
            last.insert(key, up_to);
        }
    }
    let mut words = Vec::new();
    for (key, up_to) in last {
        words.extend(hashes(&folder.join("hashes"), key, up_to)?);
    }
    words.extend(lines);
    Ok((words, if damaged == u64::MAX { 0 } else { damaged }))
}

fn word(said: Said) -> Option<Word> {
    Some(match said {
        Said::Begin {} => return None,
        Said::Target {
            target,
            feed,
            to,
            file,
        } => Word::Target {
            target,
            seen: Seen { feed, to, file },
        },
        Said::Mark {
            target,
            source,
            position,
            hash,
            passed_over,
            also,
        } => Word::Mark {
            key: (target, LogName::from_source(&source).ok()?),
            up_to: UpTo {
                position,
                hash: hash.and_then(|hash| hash.parse().ok()),
                passed_over,
            },
            also: also.and_then(|also| {
                let (position, hash) = (also.position, also.hash.parse().ok()?);
                Some(Event { position, hash })
            }),
        },
        Said::Order { target, order } => Word::Order { target, order },
    })
}

/// The hashes of what was delivered of a log, as far back as they are kept.
fn hashes(folder: &Path, (target, log): &Key, up_to: &UpTo) -> Result<Vec<Word>, Outage> {
    let LogName { feed, office } = log;
    let feed = folder.join(target).join(feed.as_str());
    let folder = feed.join(office.ministry()).join(office.place());
    let mut words = Vec::new();
    let mut chunks: Vec<u64> = names(&folder)?
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    chunks.sort_unstable();
    for chunk in chunks {
        let bytes = read(&folder.join(chunk.to_string()))?;
        let first = chunk.saturating_mul(HASHES_A_CHUNK).saturating_add(1);
        for (position, hash) in (first..).zip(bytes.as_chunks::<32>().0) {
            let is_kept = position.saturating_add(HASHES_KEPT) > up_to.position;
            if *hash != [0; 32] && is_kept {
                let hash = Hash::from_bytes(*hash);
                words.push(Word::Mark {
                    key: (target.clone(), log.clone()),
                    up_to: up_to.clone(),
                    also: Some(Event { position, hash }),
                });
            }
        }
    }
    Ok(words)
}
