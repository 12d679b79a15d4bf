//! Bytes of a subject or a subscription id come in, checked ones go out. What they may be used for is the judge's matter.

use std::fmt;
use std::sync::Arc;

use super::WireFault;

/// A well-formed NATS subject: no empty token, wildcards only as whole tokens. All names of this bus are ASCII, and only what can be
/// seen is taken: in the audit and in a log a subject reads as what it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(Arc<str>);

impl Subject {
    pub fn parse(bytes: &[u8]) -> Result<Subject, WireFault> {
        let text = str::from_utf8(bytes).map_err(|_| WireFault::Subject)?;
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(WireFault::Subject);
        }
        let mut tokens = text.split('.').peekable();
        while let Some(token) = tokens.next() {
            let last = tokens.peek().is_none();
            let well_formed = match token {
                "" => false,
                ">" => last,
                "*" => true,
                _ => !token.contains(['*', '>']),
            };
            if !well_formed {
                return Err(WireFault::Subject);
            }
        }
        Ok(Subject(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Holds no wildcard, so that it can be published to.
    pub fn is_literal(&self) -> bool {
        !self.0.contains(['*', '>'])
    }

    /// Whether a message on `subject`, which is literal, is one for this subscription.
    pub fn matches(&self, subject: &str) -> bool {
        let mut tokens = subject.split('.');
        for wanted in self.0.split('.') {
            match (wanted, tokens.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (_, Some(token)) if token == wanted => {}
                (_, Some(_) | None) => return false,
            }
        }
        tokens.next().is_none()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The client's own name for one of its subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sid(Box<str>);

/// Stock clients count; ten digits are usual.
const SID_BYTES_MAX: usize = 32;

impl Sid {
    pub fn parse(bytes: &[u8]) -> Result<Sid, WireFault> {
        let fits = (1..=SID_BYTES_MAX).contains(&bytes.len())
            && bytes.iter().all(u8::is_ascii_alphanumeric);
        match std::str::from_utf8(bytes) {
            Ok(text) if fits => Ok(Sid(text.into())),
            Ok(_) | Err(_) => Err(WireFault::Sid),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
