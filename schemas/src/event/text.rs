//! The texts of attributes: a value comes in, what is wrong with it goes out. What was accepted once stays readable; what is new is held to
//! more, because ids are compared byte for byte and shown to people: no two may look alike, and none may read otherwise than it stands.

use unicode_normalization::is_nfc;

use super::{AttributeFault, Must, fault};
use crate::limits::ATTRIBUTE_BYTES_MAX;

/// CloudEvents strings: not empty, no control characters (§3.1, "String"), and bounded.
pub fn text(attribute: &'static str, value: Option<&str>, faults: &mut Vec<AttributeFault>) {
    let Some(value) = value else { return };
    if value.is_empty() {
        faults.push(fault(attribute, Must::NotBeEmpty));
    } else if value.len() > ATTRIBUTE_BYTES_MAX {
        faults.push(fault(attribute, Must::BeShort));
    } else if !is_plain(value) {
        faults.push(fault(attribute, Must::BePlain));
    }
}

/// # Errors
/// What a new text must be.
pub fn legible(value: &str) -> Result<(), Must> {
    if is_ascii(value) {
        return Ok(());
    }
    if value.chars().any(is_format) {
        return Err(Must::BeLegible);
    }
    match is_nfc(value) {
        true => Ok(()),
        false => Err(Must::BeNormal),
    }
}

fn is_plain(value: &str) -> bool {
    is_ascii(value) || !value.chars().any(|c| c.is_control() || is_noncharacter(c))
}

/// Printable ASCII, as nearly all texts are.
fn is_ascii(value: &str) -> bool {
    value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

/// Unicode's general categories Cf (format), Zl and Zp (separators of lines and paragraphs), as of Unicode 17; and the two inherent
/// vowels of Khmer, which are never shown.
fn is_format(c: char) -> bool {
    const FORMAT: [(char, char); 21] = [
        ('\u{AD}', '\u{AD}'),
        ('\u{600}', '\u{605}'),
        ('\u{61C}', '\u{61C}'),
        ('\u{6DD}', '\u{6DD}'),
        ('\u{70F}', '\u{70F}'),
        ('\u{890}', '\u{891}'),
        ('\u{8E2}', '\u{8E2}'),
        ('\u{17B4}', '\u{17B5}'),
        ('\u{180E}', '\u{180E}'),
        ('\u{200B}', '\u{200F}'),
        ('\u{2028}', '\u{202E}'),
        ('\u{2060}', '\u{206F}'),
        ('\u{FEFF}', '\u{FEFF}'),
        ('\u{FFF9}', '\u{FFFB}'),
        ('\u{110BD}', '\u{110BD}'),
        ('\u{110CD}', '\u{110CD}'),
        ('\u{13430}', '\u{1343F}'),
        ('\u{1BCA0}', '\u{1BCA3}'),
        ('\u{1D173}', '\u{1D17A}'),
        ('\u{E0001}', '\u{E0001}'),
        ('\u{E0020}', '\u{E007F}'),
    ];
    FORMAT
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_text_reads_as_it_stands_and_stands_in_one_form() {
        for plain in ["a-1", "KH17/2026Q1", "របាយការណ៍ ២០២៦", "é", "Ωμέγα", "報告"]
        {
            assert_eq!(legible(plain), Ok(()), "{plain}");
        }
        for hidden in [
            "a\u{202E}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "a\u{200B}b",
            "\u{FEFF}a",
            "a\u{2066}b",
            "a\u{AD}b",
            "ក\u{17B4}",
            "a\u{E0041}",
        ] {
            assert_eq!(legible(hidden), Err(Must::BeLegible), "{hidden:?}");
            let mut faults = Vec::new();
            text("id", Some(hidden), &mut faults);
            assert_eq!(faults, [], "what was stored before stays readable");
        }
        for apart in ["e\u{301}", "\u{212B}", "\u{340}"] {
            assert_eq!(legible(apart), Err(Must::BeNormal), "{apart:?}");
        }
    }
}
