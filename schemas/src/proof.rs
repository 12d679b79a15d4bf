//! A proof in one file: an event, what follows it up to a receipt, and the registry's words about the keys come in; lines that anybody
//! can check with nothing but the authority's public key go out, and back: what they prove, or the first line that is bad.
//!
//! A line each: the header, the event (whole, or with its data withheld), the skeletons of the events behind it, the receipt, and
//! the lines of the registry that name the keys. Each has one form: what is read is written anew and compared, so that no byte
//! can be another.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::chain::Head;
use crate::envelope::structured;
use crate::event::{Hash, Position, Timestamp, seconds};
use crate::json;
use crate::limits::{CLOCKS_APART_MAX, STAMP_BEFORE_MAX};
use crate::receipt::{Receipt, ReceiptFault};
use crate::refusal::Refusal;
use crate::registry::{GatewayRecord, Key, Registry, RegistryEvent};
use crate::registry_log::{self, LineFault};
use crate::signing::{PublicKey, SignedEvent, Skeleton, WithheldEvent};
use crate::subject::LogName;

/// The first line of the file, by which it is known.
pub const HEADER: &str = r#"{"spean-proof":1}"#;

/// The line of the event.
pub const EVENT_LINE: usize = 2;

/// Whether the event's data is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    Shown,
    Withheld,
}

/// Writes a proof: of an event, with those behind it up to the receipt's, by the registry's lines.
pub fn write(
    event: &SignedEvent,
    data: Data,
    behind: &[SignedEvent],
    receipt: &Receipt,
    registry: &str,
) -> String {
    let mut lines = vec![HEADER.to_owned()];
    lines.push(match data {
        Data::Shown => structured::encode(event),
        Data::Withheld => structured::encode_withheld(&WithheldEvent::of(event)),
    });
    lines.extend(behind.iter().map(|event| json::text(&Skeleton::of(event))));
    lines.push(receipt.to_string());
    let keys = [event.keyid(), receipt.keyid()];
    let named = registry.lines().filter(|line| {
        registry_log::said(line.as_bytes()).is_ok_and(|said| names_key(&said, &keys))
    });
    lines.extend(named.map(str::to_owned));
    lines.join("\n") + "\n"
}

fn names_key(said: &RegistryEvent, keys: &[&str]) -> bool {
    match said {
        RegistryEvent::KeyAdded(record) => keys.contains(&record.keyid.as_str()),
        RegistryEvent::KeyRetired(retirement) => keys.contains(&retirement.keyid.as_str()),
        RegistryEvent::GatewayAdded(gateway) => keys.contains(&gateway.public_key.keyid().as_str()),
        RegistryEvent::MinistryAdded(_)
        | RegistryEvent::ProvinceAdded(_)
        | RegistryEvent::NodeAdded(_)
        | RegistryEvent::OfficeAdded(_)
        | RegistryEvent::ContractAdded(_)
        | RegistryEvent::FeedAdded(_)
        | RegistryEvent::GrantAdded(_)
        | RegistryEvent::GrantRemoved(_)
        | RegistryEvent::OfficeClosed(_)
        | RegistryEvent::CertificateRevoked(_) => false,
    }
}

/// What a file proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    pub log: LogName,
    pub id: String,
    pub position: Position,
    pub hash: Hash,
    /// The key of the office that signed the event.
    pub keyid: String,
    /// SHA-256 of the data, where it is withheld.
    pub data_withheld: Option<Hash>,
    /// The position that the receipt is for: the event's, or one that the chain leads to.
    pub receipt_position: Position,
    /// When the office accepted the event, by its clock.
    pub recorded: Timestamp,
    /// The event was durable by then.
    pub admitted: Timestamp,
    /// The gateway that admitted what the receipt is for.
    pub admitted_by: String,
    /// The gateway that signed the receipt.
    pub signed_by: String,
}

/// The first line of a file that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {what}")]
pub struct ProofFault {
    /// Counted from 1.
    pub line: usize,
    pub what: ProofBreak,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofBreak {
    #[error("is not the header of a proof, {HEADER}")]
    Header,
    #[error("is missing, or does not end as a line")]
    Missing,
    #[error("is written otherwise than it must be")]
    Form,
    #[error("is no signed event, or was changed: {0}")]
    Event(Refusal),
    #[error("is not the receipt that must stand here: {0}")]
    Receipt(String),
    #[error(
        "is stamped {admitted}, a day or more before the event was recorded at {recorded}: one of the two clocks was wrong"
    )]
    StampedBefore {
        admitted: Timestamp,
        recorded: Timestamp,
    },
    #[error("is a receipt for another event: the chain does not lead to it")]
    NotLinked,
    #[error("is not the authority's word: {0}")]
    Registry(LineFault),
    #[error("says nothing about a key, or stands out of its order")]
    RegistryOrder,
    #[error(
        "is signed with a key that the registry's lines do not honour for this office at this position"
    )]
    Key,
    #[error("carries a signature that is not its key's")]
    Signature,
}

/// Checks a file with nothing but the authority's key.
///
/// # Errors
/// The first line that is bad, and why.
pub fn verify(text: &str, authority: &PublicKey) -> Result<Proved, ProofFault> {
    let at = |line, what| ProofFault { line, what };
    let mut lines = Lines::new(text)?;
    if lines.next()? != HEADER {
        return Err(at(1, ProofBreak::Header));
    }
    let (event, data_withheld) = event(lines.next()?).map_err(|what| at(EVENT_LINE, what))?;
    let mut head = Head::of(&event);
    while let Ok(skeleton) = serde_json::from_str::<Skeleton>(lines.peek()?) {
        same(lines.peek()?, &json::text(&skeleton)).map_err(|what| at(lines.number, what))?;
        let link = head
            .next()
            .ok_or_else(|| at(lines.number, ProofBreak::NotLinked))?;
        head = skeleton.head_at(link);
        lines.next()?;
    }
    let receipt_line = lines.number;
    let receipt = receipt(lines.next()?).map_err(|what| at(receipt_line, what))?;
    let facts = receipt.facts().clone();
    let named = (Some(facts.position), facts.hash, &facts.log);
    if named != (head.position, head.hash, event.event().log()) {
        return Err(at(receipt_line, ProofBreak::NotLinked));
    }
    let recorded = event.event().recorded_time();
    let admitted = facts.stamp.admitted;
    if recorded.seconds_behind(admitted) >= seconds(STAMP_BEFORE_MAX) {
        let what = ProofBreak::StampedBefore { admitted, recorded };
        return Err(at(receipt_line, what));
    }
    let keys = Keys::read(&mut lines, authority)?;
    let signed = keys.office_signed(&event);
    signed.map_err(|what| at(EVENT_LINE, what))?;
    let signed_by = keys
        .gateway_signed(receipt)
        .map_err(|what| at(receipt_line, what))?;
    Ok(Proved {
        log: event.event().log().clone(),
        id: event.id().to_owned(),
        position: event.link().position,
        hash: event.hash(),
        keyid: event.keyid().to_owned(),
        data_withheld,
        receipt_position: facts.position,
        recorded,
        admitted,
        admitted_by: facts.stamp.gateway,
        signed_by,
    })
}

impl Proved {
    /// By how much the gateway's stamp lies before the office's own time, where that is more than clocks differ by.
    pub fn stamped_before(&self) -> Option<Duration> {
        let before = u64::try_from(self.recorded.seconds_behind(self.admitted)).ok()?;
        let before = Duration::from_secs(before);
        (before > CLOCKS_APART_MAX).then_some(before)
    }
}

/// The lines, each read once and counted.
struct Lines<'a> {
    rest: &'a str,
    /// Of the line that comes next, counted from 1.
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Result<Lines<'a>, ProofFault> {
        let lines = Lines {
            rest: text,
            number: 1,
        };
        match text.ends_with('\n') {
            true => Ok(lines),
            false => Err(ProofFault {
                line: text.lines().count().max(1),
                what: ProofBreak::Missing,
            }),
        }
    }

    fn peek(&self) -> Result<&'a str, ProofFault> {
        let line = self.rest.split_once('\n').map(|(line, _)| line);
        line.ok_or(ProofFault {
            line: self.number,
            what: ProofBreak::Missing,
        })
    }

    fn next(&mut self) -> Result<&'a str, ProofFault> {
        let line = self.peek()?;
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        self.number = self.number.saturating_add(1);
        Ok(line)
    }
}

/// The event, without its data where that is withheld; then its digest.
fn event(line: &str) -> Result<(SignedEvent, Option<Hash>), ProofBreak> {
    match structured::decode_withheld(line.as_bytes()) {
        Some(withheld) => {
            let withheld = withheld.map_err(ProofBreak::Event)?;
            same(line, &structured::encode_withheld(&withheld))?;
            Ok((withheld.without_data().clone(), Some(withheld.data())))
        }
        None => {
            let event = structured::decode(line.as_bytes()).map_err(ProofBreak::Event)?;
            same(line, &structured::encode(&event))?;
            Ok((event, None))
        }
    }
}

fn receipt(line: &str) -> Result<Receipt, ProofBreak> {
    let read: Result<Receipt, _> = serde_json::from_str(line);
    let receipt = read.map_err(|error| ProofBreak::Receipt(error.to_string()))?;
    same(line, &receipt.to_string())?;
    Ok(receipt)
}

fn same(line: &str, written_anew: &str) -> Result<(), ProofBreak> {
    (line == written_anew).then_some(()).ok_or(ProofBreak::Form)
}

/// The keys, by the authority's word.
#[derive(Default)]
struct Keys {
    offices: BTreeMap<String, Key>,
    gateways: Vec<GatewayRecord>,
}

impl Keys {
    /// Each line is signed by the authority for itself.
    fn read(lines: &mut Lines<'_>, authority: &PublicKey) -> Result<Keys, ProofFault> {
        let mut keys = Keys::default();
        let mut before = 0;
        while !lines.rest.is_empty() {
            let number = lines.number;
            let at = |what| ProofFault { line: number, what };
            let line = lines.next()?;
            let (position, said) = registry_log::verified_line(line.as_bytes(), authority)
                .map_err(|fault| at(ProofBreak::Registry(fault)))?;
            let ordered = position.number() > before;
            before = position.number();
            let known = ordered && keys.take(said);
            known
                .then_some(())
                .ok_or_else(|| at(ProofBreak::RegistryOrder))?;
        }
        Ok(keys)
    }

    /// False for what says nothing about a key.
    fn take(&mut self, said: RegistryEvent) -> bool {
        match said {
            RegistryEvent::KeyAdded(record) => {
                // What is no key signs nothing.
                let key = Key::try_from(&record).ok();
                self.offices.extend(key.map(|key| (record.keyid, key)));
                true
            }
            RegistryEvent::KeyRetired(retirement) => {
                let key = self.offices.get_mut(&retirement.keyid);
                key.map(|key| key.retire(&retirement.last)).is_some()
            }
            RegistryEvent::GatewayAdded(gateway) => {
                self.gateways.push(gateway);
                true
            }
            RegistryEvent::MinistryAdded(_)
            | RegistryEvent::ProvinceAdded(_)
            | RegistryEvent::NodeAdded(_)
            | RegistryEvent::OfficeAdded(_)
            | RegistryEvent::ContractAdded(_)
            | RegistryEvent::FeedAdded(_)
            | RegistryEvent::GrantAdded(_)
            | RegistryEvent::GrantRemoved(_)
            | RegistryEvent::OfficeClosed(_)
            | RegistryEvent::CertificateRevoked(_) => false,
        }
    }

    fn office_signed(&self, event: &SignedEvent) -> Result<(), ProofBreak> {
        let log = event.event().log();
        let key = self.offices.get(event.keyid()).filter(|key| {
            key.office == log.office
                && key.public.keyid() == event.keyid()
                && key.honoured(&log.feed, event.link().position)
        });
        let key = key.ok_or(ProofBreak::Key)?;
        event.verify(&key.public).map_err(|_| ProofBreak::Signature)
    }

    /// The name of the gateway.
    fn gateway_signed(&self, receipt: Receipt) -> Result<String, ProofBreak> {
        let keyid = receipt.keyid();
        let gateway = self
            .gateways
            .iter()
            .find(|gateway| gateway.public_key.keyid() == keyid);
        let gateway = gateway.ok_or(ProofBreak::Key)?;
        let mut registry = Registry::empty(Hash::of(b""));
        registry
            .apply(&RegistryEvent::GatewayAdded(gateway.clone()))
            .map_err(|_| ProofBreak::Key)?;
        match receipt.verified(&registry) {
            Ok(_) => Ok(gateway.name.clone()),
            Err(ReceiptFault::KeyUnknown(_)) => Err(ProofBreak::Key),
            Err(
                ReceiptFault::Signature | ReceiptFault::OtherEvent | ReceiptFault::Unreadable(_),
            ) => Err(ProofBreak::Signature),
        }
    }
}

#[cfg(test)]
mod tests;
