//! What was delivered under another name: the format before this one knew a target by the spelling of its path or address, and a target without
//! a name in the settings may get one. Such a target comes in, and goes on where it was.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use schemas::event::Hash;
use schemas::subject::{FeedName, LogName};

use super::lines::{self, Entry, OldLine};
use super::state::{Seen, State, UpTo, marked, target_entry};
use super::{Delivered, Fault};
use crate::settings::TargetName;
use crate::store::{Outage, disk};

/// A target as the settings have it now.
#[derive(Debug, Clone)]
pub struct Here<'a> {
    pub name: &'a TargetName,
    pub feed: &'a FeedName,
    /// Path or address.
    pub to: &'a str,
    /// What it is called where the settings do not name it.
    pub usual: TargetName,
    /// The names of all targets that there are.
    pub all: &'a [TargetName],
}

/// Reads the file of the format before this one, if it is there. A target of it has its spelling for a name.
pub fn read(store: &Path, state: &mut State) -> Result<(), Fault> {
    let path = store.join("delivered");
    let bytes = match fs::read(&path) {
        Err(e) if [ErrorKind::NotFound, ErrorKind::IsADirectory].contains(&e.kind()) => {
            return Ok(());
        }
        read => read.map_err(|e| Outage::disk("read", &path, &e))?,
    };
    let whole = bytes.split(|byte| *byte == b'\n');
    for old in whole.filter_map(lines::read_old) {
        let Ok(log) = LogName::from_source(&old.source) else {
            continue;
        };
        let OldLine {
            subscription,
            position,
            passed_over,
            ..
        } = old;
        state.last += 1;
        let up_to = UpTo {
            position,
            hash: None,
            passed_over,
        };
        let key = (subscription, log);
        let known = state.up_to.get(&key).map_or(0, |(_, up_to)| up_to.position);
        if known <= position {
            state.up_to.insert(key, (state.last, up_to));
        }
    }
    Ok(())
}

/// What was read of it stands in the lines now.
pub fn set_aside(store: &Path) -> Result<(), Outage> {
    let path = store.join("delivered");
    if !path.is_file() {
        return Ok(());
    }
    let failed = |e| Outage::disk("rename", &path, &e);
    fs::rename(&path, store.join("delivered.migrated")).map_err(failed)?;
    disk::sync_directory(store)
}

impl Delivered {
    /// From the end on a target is remembered by its name, with what was delivered to it under another one. Says whether
    /// anything was.
    pub fn adopt(&self, here: &Here<'_>) -> Result<bool, Outage> {
        let name = here.name.to_string();
        let (entries, renamed) = {
            let inner = self.inner();
            let state = &inner.state;
            let renamed = state.renamed(here);
            let known = state.targets.get(&name).map(|(_, seen)| seen.clone());
            let former = renamed.as_ref().and_then(|usual| state.targets.get(usual));
            let file = known.as_ref().or(former.map(|(_, seen)| seen));
            let seen = Seen {
                feed: here.feed.clone(),
                to: here.to.to_owned(),
                file: file.and_then(|seen| seen.file),
            };
            let mut entries = state.taken_over(here, renamed.as_deref());
            if known.as_ref() != Some(&seen) {
                entries.push(target_entry(&name, &seen));
            }
            (entries, renamed)
        };
        if let Some(usual) = renamed {
            self.hashes.rename(&usual, &name)?;
        }
        if !entries.is_empty() {
            self.write(entries)?;
        }
        let inner = self.inner();
        Ok(inner.state.up_to.keys().any(|(target, _)| *target == name))
    }

    /// The hashes of what was delivered before hashes were remembered, as the inbox has them.
    pub fn learn(
        &self,
        target: &TargetName,
        log: &LogName,
        hashes: &BTreeMap<u64, Hash>,
        end: Option<Hash>,
    ) -> Result<(), Outage> {
        self.hashes.put(target.as_str(), log, hashes)?;
        let up_to = self.up_to(target, log);
        match end {
            Some(hash) if up_to.hash.is_none() => {
                let hash = Some(hash);
                let up_to = UpTo { hash, ..up_to };
                let entry = Entry::Mark(marked(target.as_str(), log, &up_to, None));
                self.write(vec![entry])
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl State {
    /// The usual name of a target that got one of its own since.
    fn renamed(&self, here: &Here<'_>) -> Option<String> {
        let usual = &here.usual;
        let (_, seen) = self.targets.get(usual.as_str())?;
        let is_new = !self.targets.contains_key(here.name.as_str());
        let is_free = !here.all.contains(usual);
        let is_it = seen.feed == *here.feed && is_same_place(&seen.to, here.to);
        (is_new && is_free && is_it).then(|| usual.to_string())
    }

    /// What was delivered under another name, and reaches further than what was delivered under this one.
    fn taken_over(&self, here: &Here<'_>, renamed: Option<&str>) -> Vec<Entry> {
        let mut further: BTreeMap<&LogName, &UpTo> = BTreeMap::new();
        for ((target, log), (_, up_to)) in &self.up_to {
            let is_former = renamed == Some(target.as_str()) || is_spelled(target, here);
            let own = self.up_to.get(&(here.name.to_string(), log.clone()));
            let own = own.map_or(0, |(_, up_to)| up_to.position);
            let best = further.get(log).map_or(own, |best| best.position);
            if is_former && up_to.position > best {
                further.insert(log, up_to);
            }
        }
        let entries = further.into_iter();
        entries
            .map(|(log, up_to)| Entry::Mark(marked(here.name.as_str(), log, up_to, None)))
            .collect()
    }
}

/// Whether an old name, a feed and a spelling, means this target.
fn is_spelled(old: &str, here: &Here<'_>) -> bool {
    let Some((feed, place)) = old.split_once(' ') else {
        return false;
    };
    feed == here.feed.as_str() && is_same_place(place, here.to)
}

/// An address is what it is spelled. A path may have been written from another folder.
fn is_same_place(one: &str, other: &str) -> bool {
    if one == other || one.contains("://") || other.contains("://") {
        return one == other;
    }
    let plain = |path: &str| -> PathBuf { Path::new(path).components().collect() };
    let below = |path: &str| plain(path).strip_prefix(".").map(Path::to_owned);
    let [one, other] = [one, other].map(|path| below(path).unwrap_or_else(|_| plain(path)));
    one == other
        || one.is_relative() && other.ends_with(&one)
        || other.is_relative() && one.ends_with(&other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_from_whatever_folder_it_was_written() {
        for (one, other, same) in [
            ("/agent/prices.ndjson", "./prices.ndjson", true),
            ("./out/prices.ndjson", "/agent/out/prices.ndjson", true),
            ("agent/prices.ndjson", "/srv/agent/prices.ndjson", true),
            ("./prices.ndjson", "prices.ndjson", true),
            ("/agent/prices.ndjson", "/other/prices.ndjson", false),
            ("./new-prices.ndjson", "/agent/prices.ndjson", false),
            ("http://a/e", "http://a/e", true),
            ("http://a/e", "http://a/e/", false),
        ] {
            assert_eq!(is_same_place(one, other), same, "{one} {other}");
        }
    }
}
