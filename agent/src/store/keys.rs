//! Keys of an index: one letter, a feed and the rest come in, bytes go out that sort by them in this order. A feed's name holds no
//! zero, so that no feed's keys stand among another's.

use schemas::subject::FeedName;

pub fn feed_key(letter: u8, feed: &FeedName, rest: &[u8]) -> Vec<u8> {
    [&[letter], feed.as_str().as_bytes(), &[0], rest].concat()
}

/// What stands under a key was not written by this code: the index is damaged.
pub fn unreadable(what: &str) -> sled::Error {
    sled::Error::Unsupported(format!("a damaged {what} in the index"))
}
