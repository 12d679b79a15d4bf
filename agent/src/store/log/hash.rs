//! The keyed hash of ids: the store's number and an id's parts come in, 64 bits go out, the same for ever. A hash only leads to a record,
//! which says whether it is the id. Without the number, which leaves no store, nobody can choose ids that share one.
//!
//! SipHash-2-4 (Aumasson and Bernstein). The standard library's own may change between its versions, and hints outlive those.

#[derive(Debug, Clone, Copy)]
pub struct IdHash {
    first: u64,
    second: u64,
}

impl IdHash {
    pub fn of_store(store: u64) -> IdHash {
        IdHash {
            first: store,
            second: store.rotate_left(32) ^ 0x5370_6561_6e20_6964,
        }
    }

    /// Each part is hashed with its length, so that `a`, `bc` is not `ab`, `c`.
    pub fn of(self, parts: &[&[u8]]) -> u64 {
        let mut text = Vec::with_capacity(128);
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_le_bytes());
            text.extend_from_slice(part);
        }
        siphash(self.first, self.second, &text)
    }
}

fn siphash(first: u64, second: u64, text: &[u8]) -> u64 {
    let mut v = [
        first ^ 0x736f_6d65_7073_6575,
        second ^ 0x646f_7261_6e64_6f6d,
        first ^ 0x6c79_6765_6e65_7261,
        second ^ 0x7465_6462_7974_6573,
    ];
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = text.len().to_le_bytes()[0];
    for word in words.iter().chain([&last]) {
        let word = u64::from_le_bytes(*word);
        v[3] ^= word;
        round(&mut v);
        round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the paper's appendix A.
    #[test]
    fn it_is_siphash_2_4() {
        let key: Vec<u64> = [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]]
            .map(u64::from_le_bytes)
            .to_vec();
        let text: Vec<u8> = (0..15).collect();
        assert_eq!(siphash(key[0], key[1], &text), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn parts_are_told_apart_and_so_are_stores() {
        let hash = IdHash::of_store(7);
        assert_ne!(hash.of(&[b"a", b"bc"]), hash.of(&[b"ab", b"c"]));
        assert_ne!(hash.of(&[b"a"]), IdHash::of_store(8).of(&[b"a"]));
    }
}
