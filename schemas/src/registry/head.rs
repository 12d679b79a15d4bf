//! Where a registry stands: how many lines were read and the hash of the last come in, and what somebody else's word about it means goes
//! out. Any two who talk name it, so that one who is shown an older world, or another one, is noticed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Registry;
use crate::event::{Hash, Position};
use crate::receipt::{FieldFault, header};

/// The header in which a gateway names its registry's head: beside what it stores, and in its answers about the registry.
pub const REGISTRY_HEADER: &str = "Spean-Registry";

/// The registry's last line. Written as its position and its hash with a space between, wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistryHead {
    pub position: Position,
    pub hash: Hash,
}

/// What a head says of a registry that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    Same,
    /// It is one that stood here before: whoever names it has not read on yet, or was put back.
    Older,
    /// There are lines that are not here.
    Newer,
    /// Another line stands at a position that is known here: there are two registries.
    Forked,
}

impl RegistryHead {
    /// The line of a header block.
    pub fn header(&self) -> String {
        format!("{REGISTRY_HEADER}: {self}\r\n")
    }

    /// Reads it from a header block; None where it does not stand there.
    pub fn read(headers: &[u8]) -> Option<RegistryHead> {
        header(headers, REGISTRY_HEADER)?.parse().ok()
    }
}

impl Registry {
    /// Where it stands; None where it was not read line by line.
    pub fn head(&self) -> Option<RegistryHead> {
        let position = Position::new(self.position)?;
        let hash = self.hash_at(position)?;
        Some(RegistryHead { position, hash })
    }

    /// What somebody else's head says of this one.
    pub fn beside(&self, head: RegistryHead) -> Beside {
        match self.hash_at(head.position) {
            None => Beside::Newer,
            Some(hash) if hash != head.hash => Beside::Forked,
            Some(_) if head.position.number() == self.position => Beside::Same,
            Some(_) => Beside::Older,
        }
    }

    fn hash_at(&self, position: Position) -> Option<Hash> {
        let index = usize::try_from(position.number().checked_sub(1)?).ok()?;
        self.lines.get(index).copied()
    }
}

impl fmt::Display for RegistryHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.position, self.hash)
    }
}

impl FromStr for RegistryHead {
    type Err = FieldFault;

    /// There is one form of each.
    fn from_str(text: &str) -> Result<RegistryHead, FieldFault> {
        let fault = FieldFault("registry");
        let (number, hash) = text.split_once(' ').ok_or(fault)?;
        let head = RegistryHead {
            position: number
                .parse()
                .ok()
                .and_then(Position::new)
                .ok_or(FieldFault("registry"))?,
            hash: hash.parse().map_err(|_| FieldFault("registry"))?,
        };
        match head.to_string() == text {
            true => Ok(head),
            false => Err(FieldFault("registry")),
        }
    }
}

impl TryFrom<String> for RegistryHead {
    type Error = FieldFault;

    fn try_from(text: String) -> Result<RegistryHead, FieldFault> {
        text.parse()
    }
}

impl From<RegistryHead> for String {
    fn from(head: RegistryHead) -> String {
        head.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_one_form() {
        let head = RegistryHead {
            position: Position::new(261).expect("a position"),
            hash: Hash::of(b"line 261"),
        };
        let text = head.to_string();
        assert_eq!(text.parse::<RegistryHead>().ok(), Some(head));
        let block = format!("NATS/1.0\r\n{}\r\n", head.header());
        assert_eq!(RegistryHead::read(block.as_bytes()), Some(head));
        for other in [
            "",
            "261",
            "0261 x",
            &format!("0{text}"),
            &format!("+{text}"),
            &format!("{text} "),
        ] {
            assert!(other.parse::<RegistryHead>().is_err(), "{other:?}");
        }
    }
}
