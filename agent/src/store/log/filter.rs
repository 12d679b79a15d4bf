//! Which ids a segment may have: hashes come in, *no* or *perhaps* goes out. Never a wrong *no*.
//!
//! ```text
//! | 128 bits | 128 bits | ...   the upper half of a hash chooses a block, the rest six bits in it: one look at the memory
//! ```

use super::limits::FILTER_BITS_AN_ID;

const PROBES: u32 = 6;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    blocks: Vec<u128>,
}

impl Filter {
    pub fn of(hashes: impl ExactSizeIterator<Item = u64>) -> Filter {
        let blocks = (hashes.len() * FILTER_BITS_AN_ID).div_ceil(128);
        let mut filter = Filter {
            blocks: vec![0; blocks],
        };
        for hash in hashes {
            let block = filter.block(hash);
            filter.blocks[block] |= bits(hash);
        }
        filter
    }

    /// One that nothing was put in has nothing.
    pub fn may_have(&self, hash: u64) -> bool {
        let block = self.blocks.get(self.block(hash));
        block.is_some_and(|block| block & bits(hash) == bits(hash))
    }

    /// Below the number of blocks, if there are any.
    fn block(&self, hash: u64) -> usize {
        let scaled = u128::from(hash >> 32) * (self.blocks.len() as u128);
        usize::try_from(scaled >> 32).unwrap_or(usize::MAX)
    }

    pub fn write(&self, into: &mut Vec<u8>) {
        for block in &self.blocks {
            into.extend_from_slice(&block.to_le_bytes());
        }
    }

    pub fn bytes(&self) -> usize {
        self.blocks.len() * 16
    }

    /// None where it is not whole blocks.
    pub fn read(bytes: &[u8]) -> Option<Filter> {
        let (blocks, rest) = bytes.as_chunks::<16>();
        rest.is_empty().then(|| Filter {
            blocks: blocks
                .iter()
                .map(|block| u128::from_le_bytes(*block))
                .collect(),
        })
    }
}

fn bits(hash: u64) -> u128 {
    let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..PROBES).fold(0, |bits, probe| {
        bits | 1 << ((mixed >> (22 + 7 * probe)) & 127)
    })
}

#[cfg(test)]
mod tests {
    use super::super::hash::IdHash;
    use super::*;

    #[test]
    fn what_was_put_in_is_there_and_of_a_hundred_others_one_or_two() {
        let hash = |i: u64| IdHash::of_store(1).of(&[&i.to_le_bytes()]);
        for count in [1, 100, 10_000] {
            let filter = Filter::of((0..count).map(hash).collect::<Vec<_>>().into_iter());
            assert!((0..count).all(|i| filter.may_have(hash(i))));
            let mut bytes = Vec::new();
            filter.write(&mut bytes);
            assert_eq!(bytes.len(), filter.bytes());
            assert_eq!(Filter::read(&bytes), Some(filter.clone()));
            let false_answers = (0..10_000).filter(|i| filter.may_have(hash(1_000_000 + i)));
            assert!(false_answers.count() < 300);
        }
        assert!(!Filter::default().may_have(7));
        assert_eq!(Filter::read(&[0; 17]), None);
    }
}
