//! Fields: bytes come in, numbers and texts go out, each read once and within what is there; and back. A number has one form. Nothing
//! here knows what a field means.

/// The bytes end too soon, or a number or text is not written in its one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is cut off, or not in the one form of its fields")]
pub struct Malformed;

/// Bits of a number that one byte holds; the eighth says that another byte follows (LEB128).
const BITS: u32 = 7;
const MORE: u8 = 0x80;

/// Writes a number: seven bits a byte, the lowest first, in as few bytes as hold it.
pub fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while let Some(rest) = Some(number >> BITS).filter(|rest| *rest > 0) {
        out.push(low_bits(number) | MORE);
        number = rest;
    }
    out.push(low_bits(number));
}

/// Writes a count of ours.
pub fn put_count(out: &mut Vec<u8>, count: usize) {
    put_number(out, count as u64);
}

/// Writes a number that may be less than 0: small ones of either sign in few bytes.
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    let doubled = number.wrapping_shl(1) ^ number.wrapping_shr(63);
    put_number(out, doubled.cast_unsigned());
}

/// Writes a text behind its length.
pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_count(out, text.len());
    out.extend_from_slice(text);
}

fn low_bits(number: u64) -> u8 {
    number.to_le_bytes().first().copied().unwrap_or_default() & !MORE
}

/// Reads fields one after the other.
#[derive(Debug, Clone)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub fn of(bytes: &'a [u8]) -> Fields<'a> {
        Fields(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was not read.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// # Errors
    /// `Malformed`, here and in all of the following.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    pub fn take(&mut self, bytes: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub fn number(&mut self) -> Result<u64, Malformed> {
        let mut number: u64 = 0;
        for shift in (0..u64::BITS).step_by(BITS as usize) {
            let byte = self.byte()?;
            let bits = u64::from(byte & !MORE);
            let placed = bits.checked_shl(shift).filter(|p| p >> shift == bits);
            number |= placed.ok_or(Malformed)?;
            if byte & MORE == 0 {
                // A last byte without bits would be a second form of the same number.
                let one_form = byte != 0 || shift == 0;
                return one_form.then_some(number).ok_or(Malformed);
            }
        }
        Err(Malformed)
    }

    /// A count of at most so many.
    pub fn count(&mut self, most: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        Some(count).filter(|count| *count <= most).ok_or(Malformed)
    }

    pub fn signed(&mut self) -> Result<i64, Malformed> {
        let doubled = self.number()?;
        let sign = (doubled & 1).wrapping_neg();
        Ok(((doubled >> 1) ^ sign).cast_signed())
    }

    /// A text of at most so many bytes behind its length.
    pub fn bytes(&mut self, most: usize) -> Result<&'a [u8], Malformed> {
        let bytes = self.count(most)?;
        self.take(bytes)
    }

    /// The same, of UTF-8.
    pub fn text(&mut self, most: usize) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes(most)?).map_err(|_| Malformed)
    }

    /// What stands before the next line feed, which is passed over.
    pub fn line(&mut self) -> Result<&'a [u8], Malformed> {
        let end = memchr::memchr(b'\n', self.0).ok_or(Malformed)?;
        let line = self.take(end)?;
        self.byte()?;
        Ok(line)
    }

    /// Nothing may follow.
    pub fn end(&self) -> Result<(), Malformed> {
        self.0.is_empty().then_some(()).ok_or(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_has_one_form() {
        for (bytes, number) in [
            (&[0_u8][..], Ok(0)),
            (&[0x7f], Ok(127)),
            (&[0x80, 1], Ok(128)),
            (&[0x80, 0], Err(Malformed)),
            (&[0x80], Err(Malformed)),
            (&[], Err(Malformed)),
            (&[0xff; 9], Err(Malformed)),
        ] {
            assert_eq!(Fields::of(bytes).number(), number, "{bytes:x?}");
        }
        let mut most = vec![0xff; 9];
        most.push(1);
        assert_eq!(Fields::of(&most).number(), Ok(u64::MAX));
        most[9] = 2;
        assert_eq!(Fields::of(&most).number(), Err(Malformed));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(number: u64, signed: i64, text: Vec<u8>) {
            let mut out = Vec::new();
            put_number(&mut out, number);
            put_signed(&mut out, signed);
            put_text(&mut out, &text);
            let mut fields = Fields::of(&out);
            prop_assert_eq!(fields.number(), Ok(number));
            prop_assert_eq!(fields.signed(), Ok(signed));
            prop_assert_eq!(fields.bytes(text.len()), Ok(&text[..]));
            prop_assert_eq!(fields.end(), Ok(()));
        }

        #[test]
        fn any_number_that_is_read_is_written_the_same(bytes: [u8; 10]) {
            let mut fields = Fields::of(&bytes);
            if let Ok(number) = fields.number() {
                let mut out = Vec::new();
                put_number(&mut out, number);
                prop_assert_eq!(&bytes[..bytes.len() - fields.rest().len()], &out[..]);
            }
        }
    }
}
