//! Strict JSON: bytes come in, a value to check goes out, or the fault and the place where it lies. Stricter than most parsers:
//! a document that two readers may read differently (a key twice, half a surrogate, a number out of range) is none.
//! The bytes themselves are never altered; the value is for checking only and is not written out again. What the programs say
//! themselves, out of their own structs, is written here, too.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::limits::{JSON_DEPTH_MAX, POSITION_MAX};

/// Why bytes are no JSON document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {pointer:?}: {kind}")]
pub struct JsonFault {
    /// JSON Pointer (RFC 6901) to the value that is wrong, or that was being read.
    pub pointer: String,
    pub kind: JsonFaultKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonFaultKind {
    #[error("not UTF-8 from byte {0} on")]
    NotUtf8(usize),
    #[error("begins with a byte order mark")]
    ByteOrderMark,
    #[error("the same key stands twice in one object")]
    DuplicateKey,
    #[error("nested deeper than {JSON_DEPTH_MAX} levels")]
    TooDeep,
    #[error("not JSON: {0}")]
    Syntax(String),
}

/// Reads one document, the whole of `bytes`.
///
/// # Errors
/// The first fault, with its pointer.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonFault> {
    let at_top = |kind| JsonFault {
        pointer: String::new(),
        kind,
    };
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(at_top(JsonFaultKind::ByteOrderMark));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| at_top(JsonFaultKind::NotUtf8(error.valid_up_to())))?;
    let mut walk = Walk {
        depth: 0,
        trail: Vec::new(),
        fault: None,
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = AnyValue(&mut walk).deserialize(&mut reader);
    match read.and_then(|value| reader.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(error) => Err(JsonFault {
            pointer: walk.pointer(),
            kind: walk
                .fault
                .unwrap_or_else(|| JsonFaultKind::Syntax(error.to_string())),
        }),
    }
}

/// Reads a member that a contract calls a whole number, as JSON Schema has it: 77, 77.0 and 7.7e1 are one number, written in three ways.
/// Here alone numbers of contracts become numbers of the program, for `#[serde(deserialize_with)]`; what not every reader of JSON keeps
/// exactly is none.
///
/// # Errors
/// It is no whole number from 0 to 2^53 - 1.
pub fn whole<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<u64, D::Error> {
    reader.deserialize_any(Whole)
}

/// What a struct of ours says, as JSON.
#[expect(
    clippy::expect_used,
    reason = "serde_json fails on keys that are no text and on serializers of one's own that fail; no struct of ours has either"
)]
pub fn text(said: &impl serde::Serialize) -> String {
    serde_json::to_string(said).expect("a struct of plain fields is JSON")
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 0 to {POSITION_MAX}")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<u64, E> {
        let exact = value <= POSITION_MAX;
        let other = serde::de::Unexpected::Unsigned(value);
        exact
            .then_some(value)
            .ok_or_else(|| E::invalid_value(other, &self))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<u64, E> {
        // Up to 2^53 every whole number is one of these, so that neither way a digit is lost.
        let exact = (0.0..=POSITION_MAX as f64).contains(&value) && value.fract() == 0.0;
        let other = serde::de::Unexpected::Float(value);
        exact
            .then_some(value as u64)
            .ok_or_else(|| E::invalid_value(other, &self))
    }
}

/// What the reading has met so far. `trail` is filled from the inside out while an error travels up.
struct Walk {
    depth: usize,
    trail: Vec<Step>,
    fault: Option<JsonFaultKind>,
}

enum Step {
    Key(String),
    Index(usize),
}

impl Walk {
    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > JSON_DEPTH_MAX {
            self.fault = Some(JsonFaultKind::TooDeep);
            return Err(E::custom("too deep"));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.trail.iter().rev() {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }
}

struct AnyValue<'w>(&'w mut Walk);

impl<'de> DeserializeSeed<'de> for AnyValue<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let walk = self.0;
        walk.enter()?;
        let mut list = Vec::new();
        loop {
            match items.next_element_seed(AnyValue(walk)) {
                Ok(Some(item)) => list.push(item),
                Ok(None) => break,
                Err(error) => {
                    walk.trail.push(Step::Index(list.len()));
                    return Err(error);
                }
            }
        }
        walk.leave();
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let walk = self.0;
        walk.enter()?;
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let slot = match map.entry(key) {
                Entry::Vacant(slot) => slot,
                Entry::Occupied(taken) => {
                    walk.trail.push(Step::Key(taken.key().clone()));
                    walk.fault = Some(JsonFaultKind::DuplicateKey);
                    return Err(A::Error::custom("duplicate key"));
                }
            };
            match members.next_value_seed(AnyValue(walk)) {
                Ok(value) => slot.insert(value),
                Err(error) => {
                    walk.trail.push(Step::Key(slot.key().clone()));
                    return Err(error);
                }
            };
        }
        walk.leave();
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> JsonFault {
        parse(text.as_bytes()).expect_err(text)
    }

    #[test]
    fn a_document_is_read_as_serde_json_reads_it() {
        for text in [
            "null",
            " {\"a\" : [1, -2, 1.10, \"\\u1780\", true, {}]} ",
            "[]",
            "\"ស្ពាន\"",
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(parse(text.as_bytes()), Ok(expected));
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_named() {
        let found = fault(r#"{"a":[{"b/c":1,"b/c":1}]}"#);
        assert_eq!(
            (found.pointer.as_str(), found.kind),
            ("/a/0/b~1c", JsonFaultKind::DuplicateKey)
        );
        // Written otherwise, the same key.
        assert_eq!(
            fault(r#"{"a":1,"\u0061":2}"#).kind,
            JsonFaultKind::DuplicateKey
        );
    }

    #[test]
    fn what_readers_could_read_differently_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "{}{}",
            "{} x",
            "[1,]",
            "{\"a\":1,}",
            "{'a':1}",
            "NaN",
            "Infinity",
            "01",
            "+1",
            "1.",
            ".5",
            "1e400",
            "-1e400",
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            "\"\u{1}\"",
            "\"a",
            "/* */1",
            "tru",
        ] {
            assert!(
                matches!(fault(text).kind, JsonFaultKind::Syntax(_)),
                "{text}"
            );
        }
        assert_eq!(fault(r#"{"a":[0,1e400]}"#).pointer, "/a/1");
        assert_eq!(fault("\u{feff}{}").kind, JsonFaultKind::ByteOrderMark);
        assert_eq!(
            parse(b"\"a\xff\"").unwrap_err().kind,
            JsonFaultKind::NotUtf8(2)
        );
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written_and_nothing_else_is() {
        #[derive(serde::Deserialize)]
        struct One(#[serde(deserialize_with = "whole")] u64);
        let read = |text: &str| {
            let value = parse(text.as_bytes()).expect("JSON");
            let from_value = serde_json::from_value(value).ok().map(|One(number)| number);
            let from_text = serde_json::from_str(text).ok().map(|One(number)| number);
            assert_eq!(from_value, from_text, "{text}");
            from_value
        };
        for text in ["77", "77.0", "77.000", "7.7e1", "77e0", "7.7E+1", "770e-1"] {
            assert_eq!(read(text), Some(77), "{text}");
        }
        for text in [
            "9007199254740991",
            "9007199254740991.0",
            "9007199254740.991e3",
        ] {
            assert_eq!(read(text), Some(POSITION_MAX), "{text}");
        }
        for text in ["0", "0.0", "0e7", "-0.0"] {
            assert_eq!(read(text), Some(0), "{text}");
        }
        for text in [
            "9007199254740992",
            "9007199254740992.0",
            "18446744073709551615",
            "18446744073709551616",
            "1e300",
            "77.5",
            "1e-1",
            "-1",
            "-77.0",
            "\"77\"",
            "null",
            "true",
            "[77]",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_and_width_is_not_depth() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(
            fault(&nested(JSON_DEPTH_MAX + 1)).kind,
            JsonFaultKind::TooDeep
        );
        assert_eq!(fault(&"[".repeat(1_000_000)).kind, JsonFaultKind::TooDeep);
        let wide = format!("[{}]", vec!["[{}]"; 1000].join(","));
        assert!(parse(wide.as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_it_takes_serde_json_takes_alike(text in r#"[\[\]{}:,"a-c0-9.eE\\u \-]{0,40}"#) {
            if let Ok(value) = parse(text.as_bytes()) {
                prop_assert_eq!(Some(value), serde_json::from_str(&text).ok());
            }
        }
    }
}
