//! `verify`: a file of signed events and a registry come in; what they prove, the lines that are not authentic, or the first line that is no
//! part of a log, goes out. Everything is checked on this machine alone: the registry by the authority's key, each event's digests, its
//! signature by the key that the registry honours at its position, and its link to the event before.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use schemas::chain::Head;
use schemas::envelope::{format, structured};
use schemas::event::{Hash, Position};
use schemas::limits::{BATCH_SIGNATURES_MAX, FAULTS_NAMED_MAX};
use schemas::registry::Registry;
use schemas::registry_log::RegistryLog;
use schemas::signing::{Claim, PublicKey, SignedEvent, verify_all};
use schemas::subject::LogName;
use serde_json::{Value, json};

use super::proof;
use super::terminal::say;
use crate::settings::Folder;

/// A proof of an event of 1 MB, with 100,000 events between it and its receipt.
const PROOF_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What is verified by: files that were named, or else those of the agent's folder.
pub struct By<'a> {
    pub folder: &'a Folder,
    pub registry: Option<PathBuf>,
    pub authority: Option<PathBuf>,
}

impl By<'_> {
    /// By what lies in the agent's folder.
    pub fn of(folder: &Folder) -> By<'_> {
        By {
            folder,
            registry: None,
            authority: None,
        }
    }

    fn authority(&self) -> anyhow::Result<PublicKey> {
        let Some(path) = &self.authority else {
            return Ok(self.folder.authority()?);
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        PublicKey::try_from(text).with_context(|| format!("{} is no key", path.display()))
    }

    pub fn registry(&self) -> anyhow::Result<Registry> {
        let authority = self.authority()?;
        let path = match &self.registry {
            Some(path) => path.clone(),
            None => self.folder.registry(),
        };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        // A running agent may be writing its last line.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let log = RegistryLog::load(whole, authority)
            .with_context(|| format!("{} is not this authority's", path.display()))?;
        Ok(log.registry().clone())
    }
}

pub fn run(file: &Path, by: &By<'_>, json: bool) -> anyhow::Result<ExitCode> {
    let input: Box<dyn std::io::Read> = match file.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => {
            let opened = std::fs::File::open(file);
            Box::new(opened.with_context(|| format!("cannot open {}", file.display()))?)
        }
    };
    let mut input = BufReader::new(input);
    // Where there is no registry, a log cannot be meant.
    let no_registry = by.registry.is_none() && !by.folder.registry().exists();
    if no_registry || proof::is_proof(input.fill_buf()?) {
        let mut file = Vec::new();
        input.take(PROOF_BYTES_MAX).read_to_end(&mut file)?;
        return proof::verify(&file, &by.authority()?, json);
    }
    match proved(input, &by.registry()?) {
        Ok(judged) => {
            match json {
                true => say(&account(&judged).to_string())?,
                false => say(&words(&judged))?,
            };
            // A script goes by the status: what holds no event proves nothing.
            Ok(match judged.is_verified() {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        }
        Err(fault) => {
            let told =
                json!({"verified": false, "line": fault.line, "fault": fault.what.to_string()});
            match json {
                true => say(&told.to_string())?,
                false => say(&format!("NOT VERIFIED: {fault}"))?,
            };
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What the lines of one log prove.
#[derive(Debug)]
struct Proved {
    first: Position,
    head: Head,
    events: u64,
    /// It begins at position 1, behind this registry's genesis.
    from_genesis: bool,
    keys: BTreeMap<String, u64>,
}

#[derive(Debug, thiserror::Error)]
#[error("line {line} {what}")]
struct Fault {
    line: usize,
    what: LineFault,
}

#[derive(Debug, thiserror::Error)]
enum LineFault {
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    #[error("is no signed event, or was changed: {0}")]
    Envelope(schemas::refusal::Refusal),
    #[error("cannot be judged: {0}")]
    Newer(schemas::refusal::Hold),
    #[error("is signed with a key that the registry does not know: {0}")]
    KeyUnknown(String),
    #[error("is signed with a key of another office")]
    KeyOfAnother,
    #[error("is signed with a key that the registry does not honour at position {0}")]
    KeyRetired(Position),
    #[error("carries a signature that is not its key's")]
    Signature,
    #[error("does not follow position {0}: the chain is broken")]
    NotLinked(Position),
    #[error("is position 1 of another bus: it does not begin at this registry's genesis")]
    OtherGenesis,
}

/// What a file came to whose lines are logs.
#[derive(Debug, Default)]
struct Judged {
    logs: BTreeMap<LogName, Proved>,
    /// The lines whose signature is not their key's, of how many there are the first ones. They stand in their chain, and nobody has said
    /// what they say.
    unsigned: Vec<usize>,
    unsigned_count: usize,
    /// What is still to be verified, and in which line it stands.
    claims: Vec<Claim>,
    claimed: Vec<usize>,
}

fn proved(input: impl BufRead, registry: &Registry) -> Result<Judged, Fault> {
    let mut judged = Judged::default();
    for (index, line) in input.split(b'\n').enumerate() {
        let number = index + 1;
        let checked = line.map_err(LineFault::Unreadable).and_then(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            match line.is_empty() {
                true => Ok(()),
                false => judged.take(number, line, registry),
            }
        });
        checked.map_err(|what| Fault { line: number, what })?;
    }
    judged.verify();
    Ok(judged)
}

impl Judged {
    /// There is something, and all of it is authentic.
    fn is_verified(&self) -> bool {
        !self.logs.is_empty() && self.unsigned.is_empty()
    }

    fn take(&mut self, number: usize, line: &[u8], registry: &Registry) -> Result<(), LineFault> {
        let event =
            structured::decode(line).map_err(|refusal| match format::newer_in_json(line) {
                Some(hold) => LineFault::Newer(hold),
                None => LineFault::Envelope(refusal),
            })?;
        self.claims.push(event.claim(key_of(&event, registry)?));
        self.claimed.push(number);
        if self.claims.len() >= BATCH_SIGNATURES_MAX {
            self.verify();
        }
        self.link(&event, registry)
    }

    fn link(&mut self, event: &SignedEvent, registry: &Registry) -> Result<(), LineFault> {
        let log = event.event().log();
        let position = event.link().position;
        let begins = || Head::empty(registry.genesis()).is_followed_by(event.link());
        let proved = match self.logs.get_mut(log) {
            Some(proved) if proved.head.is_followed_by(event.link()) => proved,
            Some(proved) => {
                return Err(LineFault::NotLinked(
                    proved.head.position.unwrap_or(position),
                ));
            }
            None if position == Position::FIRST && !begins() => {
                return Err(LineFault::OtherGenesis);
            }
            None => self.logs.entry(log.clone()).or_insert(Proved {
                first: position,
                head: Head::empty(Hash::of(&[])),
                events: 0,
                from_genesis: position == Position::FIRST,
                keys: BTreeMap::new(),
            }),
        };
        proved.head = Head::of(event);
        proved.events += 1;
        *proved.keys.entry(event.keyid().to_owned()).or_default() += 1;
        Ok(())
    }

    fn verify(&mut self) {
        let verdicts = verify_all(&std::mem::take(&mut self.claims));
        let judged = self.claimed.drain(..).zip(verdicts);
        let bad = judged.filter_map(|(line, verdict)| verdict.is_err().then_some(line));
        for line in bad {
            self.unsigned_count += 1;
            if self.unsigned.len() < FAULTS_NAMED_MAX {
                self.unsigned.push(line);
            }
        }
    }
}

/// Whose signature counts where the event stands.
fn key_of<'r>(event: &SignedEvent, registry: &'r Registry) -> Result<&'r PublicKey, LineFault> {
    let keyid = event.keyid();
    let known = registry.key(keyid);
    let key = known.ok_or_else(|| LineFault::KeyUnknown(keyid.to_owned()))?;
    let log = event.event().log();
    let position = event.link().position;
    if key.office != log.office {
        return Err(LineFault::KeyOfAnother);
    }
    if !key.honoured(&log.feed, position) {
        return Err(LineFault::KeyRetired(position));
    }
    Ok(&key.public)
}

fn words(judged: &Judged) -> String {
    let Judged { logs, unsigned, .. } = judged;
    if logs.is_empty() {
        return "NOT VERIFIED: the file holds no event; nothing is proved.\n  គ្មានព្រឹត្តិការណ៍ក្នុងឯកសារទេ គ្មានអ្វីត្រូវបានបញ្ជាក់ឡើយ".to_owned();
    }
    let log = |(log, proved): (&LogName, &Proved)| {
        let begin = match proved.from_genesis {
            true => "from the registry's genesis on, none left out".to_owned(),
            false => format!(
                "none left out between; what lies before position {} is not in the file",
                proved.first
            ),
        };
        let signed = match unsigned.is_empty() {
            true => format!(
                "Every signature is good ({} by the registry's honour)",
                keys(proved.keys.len())
            ),
            false => "Every other line's signature is good".to_owned(),
        };
        format!(
            "{log}: {} events, positions {} to {}, {begin}.\n  {signed}; the last hash is {}.",
            proved.events,
            proved.first,
            proved.head.number(),
            proved.head.hash
        )
    };
    let mut told = match unsigned.is_empty() {
        true => vec!["VERIFIED".to_owned()],
        false => not_signed(judged),
    };
    told.extend(logs.iter().map(log));
    told.join("\n")
}

fn not_signed(judged: &Judged) -> Vec<String> {
    let bad = |line| format!("NOT VERIFIED: line {line} {}", LineFault::Signature);
    let mut told: Vec<String> = judged.unsigned.iter().map(bad).collect();
    let more = judged.unsigned_count - judged.unsigned.len();
    if more > 0 {
        told.push(format!("NOT VERIFIED: {more} lines more are as bad"));
    }
    told
}

fn keys(count: usize) -> String {
    match count {
        1 => "one key".to_owned(),
        count => format!("{count} keys"),
    }
}

fn account(judged: &Judged) -> Value {
    let logs = judged.logs.iter().map(|(log, proved)| {
        json!({
            "source": log.source(),
            "events": proved.events,
            "first": proved.first.number(),
            "last": proved.head.number(),
            "from_genesis": proved.from_genesis,
            "hash": proved.head.hash.to_string(),
            "keys": proved.keys,
        })
    });
    let logs = logs.collect::<Vec<_>>();
    match judged.unsigned.first() {
        None => json!({"verified": judged.is_verified(), "logs": logs}),
        Some(line) => json!({
            "verified": false,
            "line": line,
            "fault": LineFault::Signature.to_string(),
            "not_signed": judged.unsigned,
            "not_signed_count": judged.unsigned_count,
            "logs": logs,
        }),
    }
}

#[cfg(test)]
mod tests;
