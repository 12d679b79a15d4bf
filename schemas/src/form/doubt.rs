//! Doubts: data that its contract takes comes in, what a person should look at again goes out. A doubt is confirmed or mended;
//! it refuses nothing, because an unusual figure may be the one that matters.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Form, Place, Text};

/// When a figure is to be looked at again.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Doubtful {
    /// It lies outside of what is usual.
    Range {
        at: Place,
        /// Only where these members are so.
        #[serde(default, rename = "where")]
        when: BTreeMap<Place, String>,
        least: f64,
        most: f64,
        text: Text,
    },
    /// It has changed by more than so many times since the period before.
    Change {
        at: Place,
        times: f64,
        /// Below this both are small, and jump.
        #[serde(default)]
        from: f64,
        text: Text,
    },
    /// It is about so many times what it was, as where the unit or the currency is another.
    Mixup {
        at: Place,
        factors: Vec<f64>,
        text: Text,
    },
}

/// A figure to look at again; `at` is a pointer into the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    pub at: String,
    pub text: Text,
}

/// How near to a factor a change must be to look like it: units and currencies are told apart by far more.
const NEAR: std::ops::Range<f64> = 0.5..2.0;

impl Doubtful {
    pub fn text(&self) -> &Text {
        match self {
            Doubtful::Range { text, .. }
            | Doubtful::Change { text, .. }
            | Doubtful::Mixup { text, .. } => text,
        }
    }

    fn at(&self) -> &Place {
        match self {
            Doubtful::Range { at, .. }
            | Doubtful::Change { at, .. }
            | Doubtful::Mixup { at, .. } => at,
        }
    }

    fn doubts(&self, value: f64, last: Option<f64>, members: &dyn Fn(&Place) -> String) -> bool {
        match self {
            Doubtful::Range {
                when, least, most, ..
            } => {
                let here = when.iter().all(|(place, wanted)| members(place) == *wanted);
                here && !(*least..=*most).contains(&value)
            }
            Doubtful::Change { times, from, .. } => last.is_some_and(|last| {
                let (low, high) = (value.min(last), value.max(last));
                high >= *from && high > low * times
            }),
            Doubtful::Mixup { factors, .. } => last.is_some_and(|last| {
                let is = |ratio: f64, factor: f64| NEAR.contains(&(ratio / factor));
                let mut factors = factors.iter();
                factors.any(|factor| is(value / last, *factor) || is(last / value, *factor))
            }),
        }
    }
}

impl Form {
    /// What to look at again in an event's data; `last` is the data of the same thing a period before, where it is known.
    pub fn doubts(&self, data: &Value, last: Option<&Value>) -> Vec<Doubt> {
        let mut found = Vec::new();
        for doubtful in &self.doubts {
            match doubtful.at().in_list() {
                None => {
                    let pointer = doubtful.at().as_str();
                    let before = last.and_then(|last| number(last.pointer(pointer)));
                    let members = |place: &Place| word(data.pointer(place.as_str()));
                    self.look(doubtful, pointer, data, before, &members, &mut found);
                }
                Some((list, name)) => {
                    let entries = data.get(list).and_then(Value::as_array);
                    for (index, entry) in entries.into_iter().flatten().enumerate() {
                        let before = last.and_then(|last| self.same(list, entry, last));
                        let before = before.and_then(|before| number(before.get(name)));
                        let members = |place: &Place| match place.in_list() {
                            Some((_, name)) => word(entry.get(name)),
                            None => word(data.pointer(place.as_str())),
                        };
                        let pointer = format!("/{list}/{index}/{name}");
                        self.look(doubtful, &pointer, data, before, &members, &mut found);
                    }
                }
            }
        }
        found
    }

    fn look(
        &self,
        doubtful: &Doubtful,
        pointer: &str,
        data: &Value,
        last: Option<f64>,
        members: &dyn Fn(&Place) -> String,
        found: &mut Vec<Doubt>,
    ) {
        let value = number(data.pointer(pointer));
        if value.is_some_and(|value| doubtful.doubts(value, last, members)) {
            found.push(Doubt {
                at: pointer.to_owned(),
                text: doubtful.text().clone(),
            });
        }
    }

    /// The entry of last time's list that is about the same thing.
    fn same<'v>(&self, list: &str, entry: &Value, last: &'v Value) -> Option<&'v Value> {
        let key = self.key.iter().filter_map(|place| Some(place.in_list()?.1));
        let names: Vec<&str> = key.collect();
        let mut entries = last.get(list)?.as_array()?.iter();
        entries.find(|other| names.iter().all(|name| other.get(name) == entry.get(name)))
    }
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_f64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn word(value: Option<&Value>) -> String {
    let text = value.and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
