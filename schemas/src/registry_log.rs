//! The registry as a signed log: lines (structured CloudEvents with `dssematerial`, one each) come in, a registry that the
//! authority has vouched for goes out; and back, where the authority's key is at hand.
//!
//! Every link is checked, and every signature. Nothing is taken in part: lines with a fault among them change nothing. That a line says
//! what this version does not understand is no fault of it: it is passed over, and told (`Registry::outgrown`). No file and no clock here.

use crate::chain::Head;
use crate::envelope::{format, structured};
use crate::event::{AttributeFault, Classification, Core, Event, Hash, Position, Timestamp};
use crate::json::{self, JsonFault};
use crate::limits::REGISTRY_PAGE_BYTES_MAX;
use crate::refusal::{Hold, Refusal};
use crate::registry::{LOG_FEED, Registry, RegistryEvent, RegistryFault};
use crate::signing::{PublicKey, SignedEvent, SigningKey, verify_all};
use crate::subject::LogName;

/// The registry's own log: NiDA's, and no office's.
const LOG_SOURCE: &str = "urn:spean:nida:hq:registry";
const DATA_SCHEMA: &str = "https://spean.gov.kh/contracts/registry/1.0";

/// A registry, and where its log goes on.
#[derive(Debug, Clone)]
pub struct RegistryLog {
    authority: PublicKey,
    head: Head,
    registry: Registry,
}

/// Why lines are not the authority's next words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the registry {what}")]
pub struct RegistryLogFault {
    /// Counted from 1 in the lines given.
    pub line: usize,
    pub what: LineFault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    #[error("is torn: it does not end with a newline")]
    Torn,
    #[error("is no signed event: {0}")]
    Envelope(#[from] Refusal),
    #[error("cannot be judged, and nothing behind it counts: {0}")]
    Newer(Hold),
    #[error("is written otherwise than lines are")]
    Form,
    #[error("is of another log than {LOG_SOURCE}")]
    OtherLog,
    #[error("is signed with another key than the authority's")]
    OtherKey,
    #[error("does not follow the line before it")]
    NotLinked,
    #[error("carries a signature that is not the authority's")]
    Signature,
    #[error("is not strict JSON {0}")]
    Json(#[from] JsonFault),
    #[error("says nothing that this version understands: {0}")]
    Content(String),
    #[error("cannot be applied: {0}")]
    Registry(#[from] RegistryFault),
    #[error("cannot be written: {0}")]
    Attribute(#[from] AttributeFault),
}

impl RegistryLog {
    /// A log without a line. Its first event is linked to the authority's key, so that no two authorities have one genesis.
    pub fn begin(authority: PublicKey) -> RegistryLog {
        let head = Head::empty(Hash::of(authority.as_bytes()));
        RegistryLog {
            authority,
            head,
            registry: Registry::empty(head.hash),
        }
    }

    /// Reads a whole registry.
    ///
    /// # Errors
    /// The first line that is not the authority's, or cannot be applied.
    pub fn load(text: &str, authority: PublicKey) -> Result<RegistryLog, RegistryLogFault> {
        let mut log = RegistryLog::begin(authority);
        log.extend(text)?;
        Ok(log)
    }

    /// Takes the lines that follow, all or none, and says how many.
    ///
    /// # Errors
    /// As [`RegistryLog::load`].
    pub fn extend(&mut self, text: &str) -> Result<usize, RegistryLogFault> {
        let signed = self.linked(text)?;
        let at = |line, what| RegistryLogFault { line, what };
        let claims = signed.iter().map(|event| event.claim(&self.authority));
        let verdicts = verify_all(&claims.collect::<Vec<_>>());
        if let Some((bad, _)) = (1..).zip(&verdicts).find(|(_, good)| good.is_err()) {
            return Err(at(bad, LineFault::Signature));
        }
        let mut next = self.clone();
        for (line, event) in (1..).zip(&signed) {
            next.take(event).map_err(|fault| at(line, fault.into()))?;
        }
        *self = next;
        Ok(signed.len())
    }

    /// Says something more, and gives the line to write down, without its newline.
    ///
    /// # Errors
    /// `LineFault::OtherKey`, or why it cannot be applied.
    pub fn append(
        &mut self,
        said: &RegistryEvent,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<String, LineFault> {
        if *key.public() != self.authority {
            return Err(LineFault::OtherKey);
        }
        let link = self.head.next().ok_or(LineFault::NotLinked)?;
        let core = Core {
            id: format!("registry-{}", link.position),
            event_type: format!("kh.gov.nida.registry.{}.v1", said.kind()),
            subject: None,
            time: now,
            data_content_type: "application/json".to_owned(),
            data_schema: DATA_SCHEMA.to_owned(),
            causation_id: None,
            data_classification: Classification::Internal,
            data: json::text(said).into(),
        };
        let event = Event::new(log_name(), core, now).map_err(|faults| {
            faults
                .first()
                .copied()
                .map_or(LineFault::NotLinked, LineFault::from)
        })?;
        let signed = SignedEvent::sign(event, link, key);
        self.go_on(&signed, |registry| registry.apply(said))?;
        Ok(structured::encode(&signed))
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn authority(&self) -> &PublicKey {
        &self.authority
    }

    pub fn head(&self) -> Head {
        self.head
    }

    /// Reads lines and checks that each follows the one before it; no signature yet.
    fn linked(&self, text: &str) -> Result<Vec<SignedEvent>, RegistryLogFault> {
        let mut head = self.head;
        let mut signed = Vec::new();
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let event = self
                .follows(line, head)
                .map_err(|what| RegistryLogFault { line: number, what })?;
            head = Head::of(&event);
            signed.push(event);
        }
        Ok(signed)
    }

    fn follows(&self, line: &str, head: Head) -> Result<SignedEvent, LineFault> {
        let line = line.strip_suffix('\n').ok_or(LineFault::Torn)?;
        let event = decode(line.as_bytes())?;
        if *event.event().log() != log_name() {
            Err(LineFault::OtherLog)
        } else if event.keyid() != self.authority.keyid() {
            Err(LineFault::OtherKey)
        } else if !head.is_followed_by(event.link()) {
            Err(LineFault::NotLinked)
        } else {
            Ok(event)
        }
    }

    /// Takes one line of the log; where one before it was not understood, it may build on that.
    fn take(&mut self, event: &SignedEvent) -> Result<(), RegistryFault> {
        let data = event.event().data();
        let said = content(data);
        self.go_on(event, |registry| match &said {
            Ok(said) => match registry.apply(said) {
                Err(_) if registry.outgrown().is_some() => {
                    registry.pass_over(data);
                    Ok(())
                }
                applied => applied,
            },
            Err(_newer) => {
                registry.pass_over(data);
                Ok(())
            }
        })
    }

    fn go_on(
        &mut self,
        event: &SignedEvent,
        change: impl FnOnce(&mut Registry) -> Result<(), RegistryFault>,
    ) -> Result<(), RegistryFault> {
        if self.head.position.is_none() {
            // The genesis of every other log is known with the registry's first event.
            let mut first = Registry::empty(event.hash());
            change(&mut first)?;
            self.registry = first;
        } else {
            change(&mut self.registry)?;
        }
        self.registry.read_in(event.hash());
        self.head = Head::of(event);
        Ok(())
    }
}

/// What one line says, by itself: the authority's word or not, and in its log or not, is not asked.
///
/// # Errors
/// What it is not.
pub fn said(line: &[u8]) -> Result<RegistryEvent, LineFault> {
    content(decode(line)?.event().data())
}

/// A line is an event of a log like any other; its chain cannot be followed where a newer version wrote the envelope itself.
fn decode(line: &[u8]) -> Result<SignedEvent, LineFault> {
    structured::decode(line).map_err(|refusal| match format::newer_in_json(line) {
        Some(hold) => LineFault::Newer(hold),
        None => LineFault::Envelope(refusal),
    })
}

/// One line by itself, signed by the authority, in the one form in which lines are written: its position, and what it says.
///
/// # Errors
/// Why it is not the authority's word.
pub fn verified_line(
    line: &[u8],
    authority: &PublicKey,
) -> Result<(Position, RegistryEvent), LineFault> {
    let event = verified(line, authority)?;
    Ok((event.link().position, content(event.event().data())?))
}

/// The same of a line that may say what this version does not understand.
///
/// # Errors
/// Why it is not the authority's word.
pub fn verified(line: &[u8], authority: &PublicKey) -> Result<SignedEvent, LineFault> {
    let event = decode(line)?;
    if structured::encode(&event).as_bytes() != line {
        return Err(LineFault::Form);
    }
    if *event.event().log() != log_name() {
        return Err(LineFault::OtherLog);
    }
    if event.keyid() != authority.keyid() {
        return Err(LineFault::OtherKey);
    }
    event.verify(authority).map_err(|_| LineFault::Signature)?;
    Ok(event)
}

/// The lines behind position `after`, as many as go into one answer; at least one, if there is any.
pub fn page(text: &str, after: u64) -> &str {
    let behind = (0..after).try_fold(text, |text, _| Some(text.split_once('\n')?.1));
    let behind = behind.unwrap_or("");
    let mut end: usize = 0;
    for line in behind.split_inclusive('\n') {
        let longer = end.saturating_add(line.len());
        if end > 0 && longer > REGISTRY_PAGE_BYTES_MAX {
            break;
        }
        end = longer;
    }
    behind
        .split_at_checked(end)
        .map_or(behind, |(page, _)| page)
}

#[expect(clippy::expect_used, reason = "both names are written here")]
fn log_name() -> LogName {
    LogName {
        feed: LOG_FEED.parse().expect("a token"),
        office: "nida/hq".parse().expect("an office"),
    }
}

fn content(data: &[u8]) -> Result<RegistryEvent, LineFault> {
    serde_json::from_value(json::parse(data)?)
        .map_err(|error| LineFault::Content(error.to_string()))
}

#[cfg(test)]
mod tests;
