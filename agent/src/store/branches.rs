//! What stood at positions of a log, or claims to, beside what is held there: signed events come in and are kept by position and
//! hash, and come out in that order. Nothing held is touched by it, and nothing of it is delivered.

use bytes::Bytes;
use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use sled::{IVec, Tree};

use super::batch::Batch;
use super::chunked;
use super::keys::unreadable;
use super::limits::PAGE_BYTES_MAX;

type Result<T> = std::result::Result<T, sled::Error>;

/// A position and a hash.
const PLACE_BYTES: usize = 40;
/// The number of a piece; the first one is 0.
const PIECE_BYTES: usize = 2;

fn key(prefix: &[u8], position: Position, hash: Hash) -> Vec<u8> {
    let position = position.number().to_be_bytes();
    [prefix, &position[..], hash.as_bytes()].concat()
}

/// Written down twice it is the same.
pub fn insert(batch: &mut Batch, prefix: &[u8], (position, hash): (Position, Hash), signed: &[u8]) {
    chunked::insert(batch, &key(prefix, position, hash), signed);
}

pub fn holds(tree: &Tree, prefix: &[u8], position: Position, hash: Hash) -> Result<bool> {
    let mut pieces = tree.scan_prefix(key(prefix, position, hash));
    Ok(pieces.next().transpose()?.is_some())
}

pub fn get(
    tree: &Tree,
    prefix: &[u8],
    (position, hash): (Position, Hash),
) -> Result<Option<Bytes>> {
    let bytes = chunked::read(tree, &key(prefix, position, hash))?;
    Ok(bytes.map(Bytes::from))
}

/// Says how many bytes it was.
pub fn remove(
    tree: &Tree,
    batch: &mut Batch,
    prefix: &[u8],
    (position, hash): (Position, Hash),
) -> Result<usize> {
    let key = key(prefix, position, hash);
    let bytes = chunked::read(tree, &key)?.map_or(0, |bytes| bytes.len());
    chunked::remove(tree, batch, &key)?;
    Ok(bytes)
}

/// Where there is something, in the order of positions.
pub fn places(tree: &Tree, prefix: &[u8]) -> Result<Vec<(Position, Hash)>> {
    let place = |key: Result<Vec<u8>>| {
        let key = key?;
        let hash = key.last_chunk().map(|hash| Hash::from_bytes(*hash));
        let hash = hash.ok_or_else(|| unreadable("branch"))?;
        Ok((position(prefix, &key)?, hash))
    };
    keys_behind(tree, prefix, 0).map(place).collect()
}

/// The positions at which there is something.
pub fn positions(tree: &Tree, prefix: &[u8]) -> Result<Ranges> {
    let mut positions = Vec::new();
    for key in keys_behind(tree, prefix, 0) {
        positions.push(position(prefix, &key?)?.number());
    }
    positions.dedup();
    Ok(Ranges::of(positions))
}

/// Some of the events behind a position, in the order of positions. All of a position come together, so that there may be a few
/// more than `limit`.
pub fn page(
    tree: &Tree,
    prefix: &[u8],
    after: u64,
    limit: usize,
) -> Result<Vec<(Position, Bytes)>> {
    let mut page: Vec<(Position, Bytes)> = Vec::new();
    let mut bytes = 0;
    for key in keys_behind(tree, prefix, after) {
        let key = key?;
        let position = position(prefix, &key)?;
        let full = page.len() >= limit || bytes >= PAGE_BYTES_MAX;
        if full && page.last().is_some_and(|(last, _)| *last != position) {
            break;
        }
        let signed = chunked::read(tree, &key)?.ok_or_else(|| unreadable("branch"))?;
        bytes += signed.len();
        page.push((position, signed.into()));
    }
    Ok(page)
}

/// The keys of whole values, each once.
fn keys_behind(
    tree: &Tree,
    prefix: &[u8],
    after: u64,
) -> impl Iterator<Item = Result<Vec<u8>>> + use<> {
    let first = [prefix, &after.saturating_add(1).to_be_bytes()].concat();
    let prefix = prefix.to_vec();
    let length = prefix.len() + PLACE_BYTES + PIECE_BYTES;
    let of_log = move |key: &Result<IVec>| key.as_ref().map_or(true, |k| k.starts_with(&prefix));
    let firsts = move |key: Result<IVec>| match key {
        Ok(key) if key.len() != length => Some(Err(unreadable("branch"))),
        Ok(key) => key.strip_suffix(&[0; PIECE_BYTES]).map(|k| Ok(k.to_vec())),
        Err(error) => Some(Err(error)),
    };
    tree.range(first..)
        .keys()
        .take_while(of_log)
        .filter_map(firsts)
}

fn position(prefix: &[u8], key: &[u8]) -> Result<Position> {
    let number = key
        .get(prefix.len()..)
        .and_then(|place| place.first_chunk());
    let position = number.and_then(|number| Position::new(u64::from_be_bytes(*number)));
    position.ok_or_else(|| unreadable("branch"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::limits::INDEX_VALUE_BYTES_MAX;

    #[test]
    fn each_is_there_once_in_the_order_of_positions_whatever_its_size() {
        let folder = tempfile::tempdir().expect("a directory");
        let db = sled::Config::new()
            .path(folder.path())
            .open()
            .expect("opens");
        let at = |number: u64, text: &str| {
            let position = Position::new(number).expect("a position");
            (position, Hash::of(text.as_bytes()))
        };
        let large = vec![7; 3 * INDEX_VALUE_BYTES_MAX];
        let mut batch = Batch::default();
        for (number, bytes) in [
            (300, &b"late"[..]),
            (2, b"early"),
            (2, &large),
            (2, b"early"),
        ] {
            let place = at(number, &String::from_utf8_lossy(bytes));
            insert(&mut batch, b"xlog\0", place, bytes);
        }
        insert(&mut batch, b"xother\0", at(2, "other"), b"other");
        db.apply_batch(batch.of(|_| true)).expect("applies");
        assert_eq!(
            positions(&db, b"xlog\0").expect("reads").to_string(),
            "2, 300"
        );
        let all = |after, limit| -> Vec<(u64, Bytes)> {
            let page = page(&db, b"xlog\0", after, limit).expect("reads");
            let numbered = |(position, signed): (Position, Bytes)| (position.number(), signed);
            page.into_iter().map(numbered).collect()
        };
        let mut of_two = all(0, 1);
        of_two.sort_by_key(|(_, signed)| signed.len());
        assert_eq!(
            of_two,
            [(2, Bytes::from_static(b"early")), (2, large.into())]
        );
        assert_eq!(all(0, 3).len(), 3);
        assert_eq!(all(2, 9), [(300, Bytes::from_static(b"late"))]);
        assert_eq!(all(300, 9), []);
        let (position, hash) = at(300, "late");
        assert!(holds(&db, b"xlog\0", position, hash).expect("reads"));
        assert!(!holds(&db, b"xlog\0", position, Hash::of(b"early")).expect("reads"));
        let place = (position, hash);
        assert_eq!(
            get(&db, b"xlog\0", place).expect("reads"),
            Some(Bytes::from_static(b"late"))
        );
        assert_eq!(places(&db, b"xlog\0").expect("reads").len(), 3);
        let mut batch = Batch::default();
        let bytes = remove(&db, &mut batch, b"xlog\0", place).expect("reads");
        db.apply_batch(batch.of(|_| true)).expect("applies");
        assert_eq!((bytes, all(2, 9)), (4, Vec::new()));
    }
}
