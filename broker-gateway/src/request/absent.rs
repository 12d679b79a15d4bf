//! A member that stock clients always write, but that is closed to offices: only null and what means nothing may stand there.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Read from null, false, 0, an empty word, list or object, and `none`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Value")]
pub struct Absent;

impl Absent {
    /// It is never written.
    pub fn is_absent(&self) -> bool {
        true
    }
}

impl TryFrom<Value> for Absent {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Absent, &'static str> {
        let nothing = match &value {
            Value::Null => true,
            Value::Bool(set) => !set,
            Value::Number(number) => number.as_u64() == Some(0),
            Value::String(text) => text.is_empty() || text == "none",
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
        };
        nothing
            .then_some(Absent)
            .ok_or("a setting that is not open to offices is given")
    }
}
