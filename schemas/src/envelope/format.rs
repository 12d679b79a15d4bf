//! What could not be read comes in; whether it is written in a newer log format than this version's goes out. Only the envelope is looked at:
//! what a newer format says besides is not known here, and so no word of it is final.

use crate::event::LOG_FORMAT;
use crate::refusal::Hold;

/// Why a header block may be unreadable here: another version's gateway or agent wrote it.
pub fn newer_in_headers(block: &[u8]) -> Option<Hold> {
    let text = std::str::from_utf8(block).ok()?;
    let named = text.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = name.trim().to_ascii_lowercase();
        (name == "ce-logformat").then_some(value.trim())
    });
    newer(named)
}

/// The same of one event in structured mode.
pub fn newer_in_json(json: &[u8]) -> Option<Hold> {
    let event: serde_json::Value = serde_json::from_slice(json).ok()?;
    let named = match event.get("logformat")? {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    newer([named.as_str()])
}

fn newer<'n>(named: impl IntoIterator<Item = &'n str>) -> Option<Hold> {
    let mut named = named.into_iter();
    let (Some(format), None) = (named.next(), named.next()) else {
        return None;
    };
    let plain = !format.starts_with(['0', '+']);
    let format: u32 = format.parse().ok().filter(|_| plain)?;
    let is_newer = LOG_FORMAT.parse().is_ok_and(|own: u32| format > own);
    is_newer.then_some(Hold::LogFormatUnknown { format })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_format_that_is_named_once_is_a_newer_one() {
        let block = |lines: &str| format!("NATS/1.0\r\nce-id: x\r\n{lines}\r\n\r\n").into_bytes();
        let newer = Some(Hold::LogFormatUnknown { format: 2 });
        assert_eq!(newer_in_headers(&block("ce-logformat: 2")), newer);
        assert_eq!(newer_in_headers(&block("CE-LogFormat:2 ")), newer);
        for other in [
            "ce-logformat: 1",
            "ce-logformat: 0",
            "ce-logformat: 02",
            "ce-logformat: +2",
            "ce-logformat: two",
            "ce-logformat: 4294967296",
            "ce-logformat: 2\r\nce-logformat: 2",
            "ce-other: 2",
        ] {
            assert_eq!(newer_in_headers(&block(other)), None, "{other}");
        }
        assert_eq!(newer_in_json(br#"{"id":"x","logformat":2}"#), newer);
        assert_eq!(newer_in_json(br#"{"id":"x","logformat":"2"}"#), newer);
        for other in [
            r#"{"logformat":1}"#,
            r#"{"logformat":2.5}"#,
            "{}",
            "[2]",
            "2",
        ] {
            assert_eq!(newer_in_json(other.as_bytes()), None, "{other}");
        }
    }
}
