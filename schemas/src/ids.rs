//! Ids that an agent makes: what an event says comes in, an id goes out that whoever has the event can make again. So it need not be sent
//! beside the event. An id that a submitter chose is nobody's to make.

use uuid::{Builder, Uuid};

use crate::event::Hash;

/// What separates the words of a key: no word holds it.
pub const WORD_END: &str = "\u{1f}";

/// The id of an event that was submitted without one: a UUIDv7 (RFC 9562 §5.7) whose 74 random bits are a digest of what it names. The
/// time is in Unix milliseconds, of which 48 bits are kept; `count` tells events apart that say the same in the same millisecond.
pub fn of_content(source: &str, unix_ms: u64, count: u64, data: &[u8]) -> String {
    let named = format!("spean id\n{source}\n{unix_ms}\n{count}\n");
    let digest = Hash::of(&[named.as_bytes(), data].concat());
    let mut random = [0; 10];
    for (to, from) in random.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    of_time(unix_ms, random)
}

/// A UUIDv7 of this time in its usual form.
pub fn of_time(unix_ms: u64, random: [u8; 10]) -> String {
    uuid(&v7(unix_ms, random))
}

/// A UUIDv7 of this time. Of the random bytes, version and variant take the six highest bits of the first and the third.
pub fn v7(unix_ms: u64, random: [u8; 10]) -> [u8; 16] {
    let id = Builder::from_unix_timestamp_millis(unix_ms, &random);
    id.into_uuid().into_bytes()
}

/// The id of an event that a sheet made: what its row is about, by the words at the places of its form's key, with [`WORD_END`] between.
pub fn of_key(source: &str, key: &str) -> String {
    let hash = Hash::of(format!("{source}\n{key}").as_bytes()).to_string();
    let short = hash.get(..26).unwrap_or(&hash);
    format!("sheet-{short}")
}

/// A UUID in its usual form.
pub fn uuid(bytes: &[u8; 16]) -> String {
    Uuid::from_bytes(*bytes).to_string()
}

/// The bytes of a UUID in its usual form, with small letters; None where it is another.
pub fn read_uuid(text: &str) -> Option<[u8; 16]> {
    let id = Uuid::try_parse(text).ok()?;
    (id.to_string() == text).then(|| id.into_bytes())
}

/// 16 bytes as 32 digits of base 16, with small letters.
pub fn hex(bytes: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}

/// The bytes of such digits; None where they are others.
pub fn read_hex(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).ok()?;
    Some(number.to_be_bytes()).filter(|bytes| hex(bytes) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_from_content_is_a_uuid_of_version_7_that_anybody_makes_again() {
        let id = of_content("urn:spean:moh:siem-reap:x", 1_795_000_000_123, 0, b"{}");
        assert_eq!(id, "01a1ee56-5e7b-7729-9d1a-d490c6c80cea");
        let again = of_content("urn:spean:moh:siem-reap:x", 1_795_000_000_123, 1, b"{}");
        assert_eq!(again[..14], id[..14]);
        assert_ne!(again, id);
        let bytes = read_uuid(&id).expect("a UUID");
        assert_eq!((bytes[6] >> 4, bytes[8] >> 6), (7, 2));
    }

    #[test]
    fn a_uuid_and_hex_digits_have_one_form() {
        let text = "01a1eea9-5e7b-7abc-8def-0123456789ab";
        let bytes = read_uuid(text).expect("a UUID");
        assert_eq!(uuid(&bytes), text);
        assert_eq!(read_hex(&hex(&bytes)), Some(bytes));
        for other in [
            "",
            "01A1EEA9-5e7b-7abc-8def-0123456789ab",
            "01a1eea95e7b-7abc-8def-0123456789ab",
            "01a1eea9-5e7b-7abc-8def-0123456789a",
            "+1a1eea9-5e7b-7abc-8def-0123456789ab",
        ] {
            assert_eq!(read_uuid(other), None, "{other}");
        }
        assert_eq!(read_hex("0123456789abcdef0123456789abcdeF"), None);
        assert_eq!(read_hex("ក"), None);
    }
}
