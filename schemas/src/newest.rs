//! Where a feed's stream ends: what anybody has named and what the bus says of it now come in, whoever is contradicted goes out. So any two
//! who talk notice that one of them is shown an older world. Never a verdict about an event: a number proves nothing.

mod said;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::limits::{NEWEST_LAG_MAX, POSITION_MAX, WITNESSES_MAX};
use crate::receipt::{FieldFault, header};

pub use self::said::{ENDS_HEADER, End, contradiction};

/// The header in which a gateway names it beside what it stores.
pub const NEWEST_HEADER: &str = "Spean-Newest";

/// The newest sequence of a feed's stream; 0 while it holds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Newest(u64);

impl Newest {
    /// None for what a reader of JSON might not keep exactly.
    pub fn new(sequence: u64) -> Option<Newest> {
        (sequence <= POSITION_MAX).then_some(Newest(sequence))
    }

    pub fn number(self) -> u64 {
        self.0
    }

    /// The line of a header block.
    pub fn header(self) -> String {
        format!("{NEWEST_HEADER}: {self}\r\n")
    }

    /// Reads it from a header block; None where it does not stand there.
    pub fn read(headers: &[u8]) -> Option<Newest> {
        header(headers, NEWEST_HEADER)?.parse().ok()
    }
}

impl fmt::Display for Newest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Newest {
    type Err = FieldFault;

    /// There is one form of each.
    fn from_str(text: &str) -> Result<Newest, FieldFault> {
        let read = text.parse().ok().and_then(Newest::new);
        let plain = read.filter(|newest| newest.to_string() == text);
        plain.ok_or(FieldFault("newest"))
    }
}

impl TryFrom<u64> for Newest {
    type Error = FieldFault;

    fn try_from(sequence: u64) -> Result<Newest, FieldFault> {
        Newest::new(sequence).ok_or(FieldFault("newest"))
    }
}

impl From<Newest> for u64 {
    fn from(newest: Newest) -> u64 {
        newest.0
    }
}

/// Who has named which end of one feed's stream, the highest each. One who names what never was is told of once, and hides nobody else's word.
#[derive(Debug, Default)]
pub struct Witnesses(BTreeMap<String, Named>);

#[derive(Debug)]
struct Named {
    newest: Newest,
    at: Instant,
    /// It was told that the bus says less, and the bus has not said as much since.
    told: bool,
}

/// A witness whose word the bus does not bear out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradicted {
    pub who: String,
    pub newest: Newest,
    /// How long before the bus said less it was named.
    pub before: Duration,
}

impl Witnesses {
    /// Somebody knows of this end.
    pub fn name(&mut self, who: &str, newest: Newest, at: Instant) {
        let room = self.0.len() < WITNESSES_MAX;
        match self.0.get_mut(who) {
            Some(named) if named.newest < newest => (named.newest, named.at) = (newest, at),
            None if room => {
                let told = false;
                self.0.insert(who.into(), Named { newest, at, told });
            }
            Some(_) | None => {}
        }
    }

    /// The highest that one has named.
    pub fn of(&self, who: &str) -> Option<Newest> {
        self.0.get(who).map(|named| named.newest)
    }

    /// The bus says that the stream ends here, by a reading of this moment. Who has named more long enough before is contradicted, and told once;
    /// it is over when the bus has as much.
    pub fn hold_against(&mut self, newest: Newest, at: Instant) -> Vec<Contradicted> {
        let mut contradicted = Vec::new();
        for (who, named) in &mut self.0 {
            let before = at.saturating_duration_since(named.at);
            if named.newest <= newest {
                named.told = false;
            } else if before >= NEWEST_LAG_MAX && !std::mem::replace(&mut named.told, true) {
                let (who, newest) = (who.clone(), named.newest);
                contradicted.push(Contradicted {
                    who,
                    newest,
                    before,
                });
            }
        }
        contradicted
    }

    /// Whether a reading of this moment would contradict somebody who was not told of.
    pub fn doubt(&self, newest: Option<Newest>, now: Instant) -> bool {
        self.0.values().any(|named| {
            let old = now.saturating_duration_since(named.at) >= NEWEST_LAG_MAX;
            old && !named.told && Some(named.newest) > newest
        })
    }
}

#[cfg(test)]
mod tests;
