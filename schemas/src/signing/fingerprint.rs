//! A public key comes in, a few characters by which people know it again go out: told by telephone or on paper, by another way than
//! the key itself.

use std::fmt;
use std::str::FromStr;

use super::PublicKey;
use crate::event::Hash;

/// The first 128 bits of the key's SHA-256: nobody can make another key with the same ones.
const BYTES: usize = 16;

/// Written as eight groups of four hexadecimal digits, such as `3f2a-91bc-...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; BYTES]);

/// Text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fingerprint: it has 32 hexadecimal digits, in groups of four")]
pub struct NotAFingerprint(String);

impl PublicKey {
    pub fn fingerprint(&self) -> Fingerprint {
        let hash = Hash::of(self.as_bytes());
        let mut first = [0; BYTES];
        first
            .iter_mut()
            .zip(hash.as_bytes())
            .for_each(|(to, from)| *to = *from);
        Fingerprint(first)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.chunks(2).enumerate() {
            let dash = if index == 0 { "" } else { "-" };
            f.write_str(dash)?;
            pair.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// However a person writes the groups: in any case, with spaces, dashes, colons or nothing between them.
    fn from_str(text: &str) -> Result<Fingerprint, NotAFingerprint> {
        let none = || NotAFingerprint(text.to_owned());
        let between = |character: &char| !matches!(character, ' ' | '-' | ':');
        let digits: Option<Vec<u32>> = text
            .chars()
            .filter(between)
            .map(|digit| digit.to_digit(16))
            .collect();
        let digits = digits.filter(|digits| digits.len() == 2 * BYTES);
        let digits = digits.ok_or_else(none)?;
        let mut bytes = [0; BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let octet = pair.iter().fold(0, |high, low| high << 4 | low);
            *byte = u8::try_from(octet).map_err(|_| none())?;
        }
        Ok(Fingerprint(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn fingerprint() -> Fingerprint {
        let key = PublicKey::try_from(KEY.to_owned()).expect("the key of RFC 8032's second test");
        key.fingerprint()
    }

    #[test]
    fn a_key_is_known_again_however_its_fingerprint_is_written() {
        let text = fingerprint().to_string();
        assert_eq!(text, "21fe-31df-a154-a261-626b-f854-046f-d227");
        for written in [
            text.clone(),
            text.to_uppercase(),
            text.replace('-', " "),
            text.replace('-', ""),
            format!(" {} ", text.replace('-', ":")),
        ] {
            assert_eq!(written.parse(), Ok(fingerprint()), "{written}");
        }
    }

    #[test]
    fn what_is_shorter_longer_or_other_is_no_fingerprint() {
        let text = fingerprint().to_string();
        for none in [
            "",
            &text[..text.len() - 1],
            &format!("{text}0"),
            &text.replace('2', "g"),
        ] {
            assert!(none.parse::<Fingerprint>().is_err(), "{none}");
        }
        let other = text.replace("21fe", "ffff");
        assert_ne!(other.parse(), Ok(fingerprint()));
    }
}
