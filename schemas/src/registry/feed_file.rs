//! A feed as it is handed to an authority: a file with the feed and its rules comes in, what of it the registry has words for goes out.

use serde::Deserialize;

use super::{Grant, Right, Who};
use crate::feed::Feed;

/// A feed and its rules, as the files under `feeds/` have them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedFile {
    feed: Feed,
    /// For the reader of the file.
    #[serde(default, rename = "note")]
    _note: String,
    publish: Vec<FeedRule>,
    read: Vec<FeedRule>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedRule {
    rule: String,
    who: Who,
}

impl FeedFile {
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    pub fn grants(&self) -> impl Iterator<Item = Grant> {
        let grant = |right| {
            move |FeedRule { rule, who }: &FeedRule| Grant {
                rule: rule.clone(),
                feed: self.feed.name.clone(),
                right,
                who: who.clone(),
            }
        };
        let publish = self.publish.iter().map(grant(Right::Publish));
        publish.chain(self.read.iter().map(grant(Right::Read)))
    }
}
