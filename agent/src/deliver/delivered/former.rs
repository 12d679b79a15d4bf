//! What was delivered under another name: a target without a name in the settings may get one. Such a target comes in, and goes on where it was. A
//! name may also be the spelling of a path or an address, as stores of format 1 had them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::event::Hash;
use schemas::subject::{FeedName, LogName};

use super::Delivered;
use super::kinds::Event;
use super::state::{Said, Seen, UpTo, Word};
use crate::settings::TargetName;
use crate::store::Outage;

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

impl Delivered {
    /// From the end on a target is remembered by its name, with what was delivered to it under another one. Says whether
    /// anything was.
    pub fn adopt(&self, here: &Here<'_>) -> Result<bool, Outage> {
        let name = here.name.to_string();
        let words = self.inner().said().adopting(here);
        if !words.is_empty() {
            self.write(&words)?;
        }
        let inner = self.inner();
        let has = inner.said().up_to.keys().any(|(target, _)| *target == name);
        Ok(has)
    }

    /// The hashes of what was delivered before hashes were remembered, as the inbox has them.
    pub fn learn(
        &self,
        target: &TargetName,
        log: &LogName,
        hashes: &BTreeMap<u64, Hash>,
        end: Option<Hash>,
    ) -> Result<(), Outage> {
        let up_to = self.up_to(target, log);
        let key = (target.to_string(), log.clone());
        let mark = |up_to: UpTo, also| Word::Mark {
            key: key.clone(),
            up_to,
            also,
        };
        let hashes = hashes.iter();
        let mut words: Vec<Word> = hashes
            .map(|(position, hash)| {
                let (position, hash) = (*position, *hash);
                mark(up_to.clone(), Some(Event { position, hash }))
            })
            .collect();
        if let (Some(hash), None) = (end, up_to.hash) {
            let hash = Some(hash);
            words.push(mark(UpTo { hash, ..up_to }, None));
        }
        match words.is_empty() {
            true => Ok(()),
            false => self.write(&words),
        }
    }
}

impl Said {
    pub fn adopting(&self, here: &Here<'_>) -> Vec<Word> {
        let name = here.name.to_string();
        let renamed = self.renamed(here);
        let known = self.targets.get(&name).map(|(_, seen)| seen);
        let former = renamed.as_ref().and_then(|usual| self.targets.get(usual));
        let file = known.or(former.map(|(_, seen)| seen));
        let seen = Seen {
            feed: here.feed.clone(),
            to: here.to.to_owned(),
            file: file.and_then(|seen| seen.file),
        };
        let is_known = known == Some(&seen);
        let own = self.up_to.keys();
        let of_former = own.filter(|(target, _)| Some(target) == renamed.as_ref());
        let mut words: Vec<Word> = of_former
            .map(|key| Word::Renamed {
                from: key.clone(),
                to: name.clone(),
            })
            .collect();
        words.extend(self.taken_over(here, renamed.as_deref()));
        if !is_known {
            words.push(Word::Target { target: name, seen });
        }
        words
    }

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
    fn taken_over(&self, here: &Here<'_>, renamed: Option<&str>) -> Vec<Word> {
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
        let further = further.into_iter();
        further
            .map(|(log, up_to)| Word::Mark {
                key: (here.name.to_string(), log.clone()),
                up_to: up_to.clone(),
                also: None,
            })
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
