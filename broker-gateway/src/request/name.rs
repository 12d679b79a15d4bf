//! A consumer's name comes in as a client says it, the one that it has on the bus goes out: below its office's name, so that no two
//! offices meet. Answers tell it as it was said.

use bytes::Bytes;
use serde_json::Value;

use super::{Asker, forbidden};
use crate::refuse::No;

/// The server takes names of up to 256 bytes; stock clients' are under 40.
const NAME_BYTES_MAX: usize = 128;

/// A consumer's name that begins as its office's names do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnName {
    whole: String,
    /// As the client says it, where that is another one.
    said: Option<String>,
}

/// A consumer that has another name for its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    whole: String,
    said: String,
}

impl OwnName {
    /// Takes a name with the office's own in front or without it: both are the same consumer.
    ///
    /// # Errors
    /// What can be no name.
    pub fn parse(asker: Asker<'_>, name: &str) -> Result<OwnName, No> {
        let prefix = asker.peer.consumer_prefix();
        let is_whole = name.len() > prefix.len() && name.starts_with(&prefix);
        let (whole, said) = match is_whole {
            true => (name.to_owned(), None),
            false => (format!("{prefix}{name}"), Some(name.to_owned())),
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if name.is_empty() || whole.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
            let most = NAME_BYTES_MAX.saturating_sub(prefix.len());
            return Err(forbidden(
                "name",
                format!("a consumer's name is 1 to {most} letters, digits, - and _"),
                format!("ឈ្មោះ consumer ត្រូវមាន 1 ដល់ {most} អក្សរ លេខ - និង _"),
            ));
        }
        Ok(OwnName { whole, said })
    }

    /// Takes the whole name alone: for subjects that go on as they came.
    ///
    /// # Errors
    /// Another office's name, or one as a client says it.
    pub fn parse_whole(asker: Asker<'_>, name: &str) -> Result<OwnName, No> {
        let own = OwnName::parse(asker, name)?;
        match own.said {
            None => Ok(own),
            Some(_) => {
                let (peer, prefix) = (asker.peer, asker.peer.consumer_prefix());
                Err(forbidden(
                    "name",
                    format!("a consumer of {peer} is named {prefix}<letters, digits, - and _>"),
                    format!("ឈ្មោះ consumer របស់ {peer} ត្រូវចាប់ផ្តើមដោយ {prefix}"),
                ))
            }
        }
    }

    /// A name for a consumer that was given none.
    pub fn generate(asker: Asker<'_>) -> OwnName {
        let prefix = asker.peer.consumer_prefix();
        OwnName {
            whole: format!("{prefix}{:016x}", fastrand::u64(..)),
            said: None,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.whole
    }

    pub fn renamed(&self) -> Option<Renamed> {
        let said = self.said.clone()?;
        let whole = self.whole.clone();
        Some(Renamed { whole, said })
    }
}

impl Renamed {
    /// As a list tells it: without the office's own name in front.
    pub fn in_list(prefix: &str, whole: &str) -> Renamed {
        Renamed {
            whole: whole.to_owned(),
            said: whole.strip_prefix(prefix).unwrap_or(whole).to_owned(),
        }
    }

    pub fn said(&self) -> &str {
        &self.said
    }

    pub fn whole(&self) -> &str {
        &self.whole
    }

    /// nats-server's answer with the name that the client knows; None where it does not hold the other one.
    pub fn tell(&self, body: &[u8]) -> Option<Bytes> {
        let mut answer: Value = serde_json::from_slice(body).ok()?;
        let told = self.put_into(&mut answer);
        told.then(|| Bytes::from(answer.to_string()))
    }

    /// Says whether the name was there.
    pub fn put_into(&self, answer: &mut Value) -> bool {
        let mut told = false;
        for at in ["/name", "/config/name", "/config/durable_name"] {
            if let Some(Value::String(name)) = answer.pointer_mut(at)
                && *name == self.whole
            {
                name.clone_from(&self.said);
                told = true;
            }
        }
        told
    }
}
