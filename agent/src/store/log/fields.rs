//! Fields of heads, hints and headers: numbers, hashes and texts come in, little-endian bytes go out, and back.
//! What does not read is told by None; what that means is the reader's question. Nothing panics on what is read.

/// Writes fields one after another.
pub trait Put {
    fn put_u8(&mut self, number: u8);
    fn put_u32(&mut self, number: u32);
    fn put_u64(&mut self, number: u64);
    /// A text with its length in two bytes. A longer one is cut at 64 KiB, which no name or id has.
    fn put_text(&mut self, text: &str);
}

impl Put for Vec<u8> {
    fn put_u8(&mut self, number: u8) {
        self.push(number);
    }

    fn put_u32(&mut self, number: u32) {
        self.extend_from_slice(&number.to_le_bytes());
    }

    fn put_u64(&mut self, number: u64) {
        self.extend_from_slice(&number.to_le_bytes());
    }

    fn put_text(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(usize::from(u16::MAX))];
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.extend_from_slice(&length.to_le_bytes());
        self.extend_from_slice(text.as_bytes());
    }
}

/// Reads fields one after another.
#[derive(Debug, Clone, Copy)]
pub struct Take<'a>(pub &'a [u8]);

impl<'a> Take<'a> {
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.array().map(u16::from_le_bytes)?;
        std::str::from_utf8(self.bytes(length.into())?).ok()
    }

    pub fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_taken_and_what_is_short_is_none() {
        let mut bytes = Vec::new();
        bytes.put_u8(1);
        bytes.put_u32(2);
        bytes.put_u64(3);
        bytes.put_text("ស្ពាន");
        let mut take = Take(&bytes);
        assert_eq!(
            (take.u8(), take.u32(), take.u64()),
            (Some(1), Some(2), Some(3))
        );
        assert_eq!(take.text(), Some("ស្ពាន"));
        assert!(take.0.is_empty());
        let mut short = Take(&bytes[..bytes.len() - 1]);
        short.bytes(13).expect("there");
        assert_eq!(short.text(), None);
    }
}
