//! The ids of a run: each comes in as a text, and goes out in the shortest form that gives it back: made again from its event, a time and
//! random bytes, or the text itself. Random bytes stand beside the squeezed texts, for they cannot be squeezed.

use serde_json::Value;

use super::field::{Fields, Malformed, put_number, put_signed, put_text};
use super::limits::KEYED_DATA_BYTES_MAX;
use crate::event::Timestamp;
use crate::ids;
use crate::limits::ATTRIBUTE_BYTES_MAX;

/// How many events that say the same in the same millisecond are told apart before an id goes as what it is.
const SAME_TRIED_MAX: u64 = 4;

/// How an id is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Made from the words at the places of the form's key.
    Keyed,
    /// Made from the content: milliseconds behind the second in which it was recorded, and the count of its like.
    Content {
        step_ms: i64,
        count: u64,
    },
    /// A UUIDv7 of that time with random bits.
    Time {
        step_ms: i64,
        random: [u8; 10],
    },
    Uuid([u8; 16]),
    Hex([u8; 16]),
    Text(String),
}

const KEYED: u8 = 0;
const CONTENT: u8 = 1;
const TIME: u8 = 2;
const UUID: u8 = 3;
const HEX: u8 = 4;
const TEXT: u8 = 5;

/// What an id may be made again from.
#[derive(Debug, Clone, Copy)]
pub struct Named<'e> {
    pub source: &'e str,
    /// The places of the words that make a key.
    pub key: &'e [String],
    pub recorded: Timestamp,
    pub data: &'e [u8],
}

impl Form {
    pub fn of(id: &str, named: &Named<'_>) -> Form {
        if Form::Keyed.id(named).as_deref() == Some(id) {
            return Form::Keyed;
        }
        match (ids::read_uuid(id), ids::read_hex(id)) {
            (Some(bytes), _) => Form::of_uuid(id, bytes, named),
            (None, Some(bytes)) => Form::Hex(bytes),
            (None, None) => Form::Text(id.to_owned()),
        }
    }

    fn of_uuid(id: &str, bytes: [u8; 16], named: &Named<'_>) -> Form {
        let [a, b, c, d, e, f, random @ ..] = bytes;
        let unix_ms = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        if ids::of_time(unix_ms, random) != id {
            return Form::Uuid(bytes);
        }
        // 48 bits are no negative number.
        let step_ms = unix_ms.cast_signed().saturating_sub(named.recorded_ms());
        let made = |count: &u64| ids::of_content(named.source, unix_ms, *count, named.data) == id;
        match (0..SAME_TRIED_MAX).find(made) {
            Some(count) => Form::Content { step_ms, count },
            None => Form::Time { step_ms, random },
        }
    }

    /// Writes what can be squeezed, and what cannot.
    pub fn write(&self, texts: &mut Vec<u8>, random: &mut Vec<u8>) {
        match self {
            Form::Keyed => texts.push(KEYED),
            Form::Content { step_ms, count } => {
                texts.push(CONTENT);
                put_signed(texts, *step_ms);
                put_number(texts, *count);
            }
            Form::Time {
                step_ms,
                random: bytes,
            } => {
                texts.push(TIME);
                put_signed(texts, *step_ms);
                random.extend_from_slice(bytes);
            }
            Form::Uuid(bytes) => {
                texts.push(UUID);
                random.extend_from_slice(bytes);
            }
            Form::Hex(bytes) => {
                texts.push(HEX);
                random.extend_from_slice(bytes);
            }
            Form::Text(text) => {
                texts.push(TEXT);
                put_text(texts, text.as_bytes());
            }
        }
    }

    /// # Errors
    /// `Malformed`.
    pub fn read(texts: &mut Fields<'_>, random: &mut Fields<'_>) -> Result<Form, Malformed> {
        Ok(match texts.byte()? {
            KEYED => Form::Keyed,
            CONTENT => Form::Content {
                step_ms: texts.signed()?,
                count: texts.number()?,
            },
            TIME => Form::Time {
                step_ms: texts.signed()?,
                random: random.array()?,
            },
            UUID => Form::Uuid(random.array()?),
            HEX => Form::Hex(random.array()?),
            TEXT => Form::Text(texts.text(ATTRIBUTE_BYTES_MAX)?.to_owned()),
            _ => return Err(Malformed),
        })
    }

    /// The id; None where it cannot be made of what its event says.
    pub fn id(&self, named: &Named<'_>) -> Option<String> {
        match self {
            Form::Keyed => Some(ids::of_key(named.source, &named.words()?)),
            Form::Content { step_ms, count } => {
                let unix_ms = named.unix_ms(*step_ms)?;
                Some(ids::of_content(named.source, unix_ms, *count, named.data))
            }
            Form::Time { step_ms, random } => Some(ids::of_time(named.unix_ms(*step_ms)?, *random)),
            Form::Uuid(bytes) => Some(ids::uuid(bytes)),
            Form::Hex(bytes) => Some(ids::hex(bytes)),
            Form::Text(text) => Some(text.clone()),
        }
    }
}

impl Named<'_> {
    fn recorded_ms(&self) -> i64 {
        self.recorded.unix_seconds().saturating_mul(1_000)
    }

    fn unix_ms(&self, step_ms: i64) -> Option<u64> {
        u64::try_from(self.recorded_ms().checked_add(step_ms)?).ok()
    }

    /// What the data says at the places of the key. None: there is no key, or the data is long, or no JSON.
    fn words(&self) -> Option<String> {
        if self.key.is_empty() || self.data.len() > KEYED_DATA_BYTES_MAX {
            return None;
        }
        let data: Value = serde_json::from_slice(self.data).ok()?;
        let word = |place: &String| data.pointer(place).and_then(Value::as_str);
        let words = self.key.iter().map(|place| word(place).unwrap_or_default());
        Some(words.collect::<Vec<_>>().join(ids::WORD_END))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "urn:spean:maff:siem-reap:market-prices";
    const DATA: &[u8] = br#"{"market":"Phnom Srok","price":"12000"}"#;

    fn named<'e>(key: &'e [String]) -> Named<'e> {
        Named {
            source: SOURCE,
            key,
            recorded: "2026-10-02T03:00:07Z".parse().expect("a time"),
            data: DATA,
        }
    }

    #[test]
    fn each_id_is_said_in_its_shortest_form_and_comes_back() {
        let key = ["/market".to_owned(), "/unit".to_owned()];
        let recorded_ms = 1_790_910_007_000;
        let random = [0xff; 10];
        for (id, costs) in [
            (ids::of_key(SOURCE, "Phnom Srok\u{1f}"), (1, 0)),
            (ids::of_content(SOURCE, recorded_ms + 12, 0, DATA), (3, 0)),
            (ids::of_content(SOURCE, recorded_ms - 12, 3, DATA), (3, 0)),
            (ids::of_content(SOURCE, recorded_ms, 4, DATA), (2, 10)),
            (ids::of_time(recorded_ms + 999, random), (3, 10)),
            ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6".to_owned(), (1, 16)),
            ("f81d4fae7dec11d0a76500a0c91e6bf6".to_owned(), (1, 16)),
            ("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6".to_owned(), (38, 0)),
            ("របាយការណ៍".to_owned(), (29, 0)),
        ] {
            let form = Form::of(&id, &named(&key));
            let (mut texts, mut beside) = (Vec::new(), Vec::new());
            form.write(&mut texts, &mut beside);
            assert_eq!((texts.len(), beside.len()), costs, "{id}");
            let read = Form::read(&mut Fields::of(&texts), &mut Fields::of(&beside));
            assert_eq!(read.expect("read").id(&named(&key)), Some(id));
        }
    }

    #[test]
    fn an_id_is_made_of_no_key_that_is_not_there() {
        assert_eq!(Form::Keyed.id(&named(&[])), None);
        let key = ["/market".to_owned()];
        let long = [DATA, &[b' '; KEYED_DATA_BYTES_MAX]].concat();
        let named = Named {
            data: &long,
            ..named(&key)
        };
        assert_eq!(Form::Keyed.id(&named), None);
    }
}
