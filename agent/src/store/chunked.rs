//! Values of any size in an index that takes small ones: a key and bytes come in, pieces under one prefix go out.
//! A value over the index's limit would go to a file that the index never syncs; it never gets one.

use sled::Tree;

use super::batch::Batch;
use super::limits::INDEX_VALUE_BYTES_MAX;

/// A piece's key is the value's key and the piece's number; numbers of pieces follow one another.
fn piece_key(key: &[u8], piece: usize) -> Vec<u8> {
    let number = u16::try_from(piece).expect("a value has at most a few hundred pieces");
    [key, &number.to_be_bytes()].concat()
}

/// The first piece begins with the number of pieces, so that a shorter value written later hides no old piece.
pub fn insert(batch: &mut Batch, key: &[u8], value: &[u8]) {
    let pieces = value.len().div_ceil(INDEX_VALUE_BYTES_MAX).max(1);
    let count = u16::try_from(pieces).expect("a value has at most a few hundred pieces");
    let (first, mut rest) = value.split_at(value.len().min(INDEX_VALUE_BYTES_MAX));
    batch.insert(piece_key(key, 0), [&count.to_be_bytes(), first].concat());
    for piece in 1..pieces {
        let (head, tail) = rest.split_at(rest.len().min(INDEX_VALUE_BYTES_MAX));
        batch.insert(piece_key(key, piece), head);
        rest = tail;
    }
}

/// None when the value, or a piece of it, is not there.
pub fn read(tree: &Tree, key: &[u8]) -> Result<Option<Vec<u8>>, sled::Error> {
    let Some(first) = tree.get(piece_key(key, 0))? else {
        return Ok(None);
    };
    let Some((count, first)) = first.split_first_chunk::<2>() else {
        return Ok(None);
    };
    let mut value = first.to_vec();
    for piece in 1..usize::from(u16::from_be_bytes(*count)) {
        match tree.get(piece_key(key, piece))? {
            Some(more) => value.extend_from_slice(&more),
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

pub fn remove(tree: &Tree, batch: &mut Batch, key: &[u8]) -> Result<(), sled::Error> {
    let Some(first) = tree.get(piece_key(key, 0))? else {
        return Ok(());
    };
    let count = first.first_chunk().map_or(1, |c| u16::from_be_bytes(*c));
    batch.remove_value(piece_key(key, 0), first.len());
    for piece in 1..usize::from(count) {
        let bytes = tree
            .get(piece_key(key, piece))?
            .map_or(0, |more| more.len());
        batch.remove_value(piece_key(key, piece), bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_any_size_reads_back_and_goes_away_whole() {
        let dir = tempfile::tempdir().expect("a directory");
        let db = sled::Config::new().path(dir.path()).open().expect("opens");
        let limit = INDEX_VALUE_BYTES_MAX;
        for size in [0, 1, limit - 1, limit, limit + 1, 1_048_576] {
            let value: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let mut batch = Batch::default();
            insert(&mut batch, b"key", &value);
            db.apply_batch(batch.of(|_| true)).expect("applies");
            assert_eq!(read(&db, b"key").expect("reads"), Some(value));
        }
        let mut batch = Batch::default();
        remove(&db, &mut batch, b"key").expect("reads");
        db.apply_batch(batch.of(|_| true)).expect("applies");
        assert_eq!(db.len(), 0);
    }
}
