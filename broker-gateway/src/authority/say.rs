//! What the authority is about to say: words come in, or lines that it signed elsewhere; what they change for whom goes out first, and
//! then, if that is wanted, a registry that is longer by them. Nothing is said in part, and no position is ever signed twice.

mod words;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use schemas::registry::Registry;
use schemas::registry_log;
use schemas::signing::{PublicKey, SigningKey};
use serde::Serialize;

use super::changes::Changes;
use super::folder::{self, Folder, RegistryLock};
use super::init::now;
use super::issued::Issued;
use crate::settings::Settings;

pub use self::words::{After, Words, rule_name};

/// Lines that stand behind a registry already, but not yet in its file.
#[derive(Debug)]
pub struct Saying {
    registry: PathBuf,
    lock: RegistryLock,
    known: String,
    further: String,
    report: Report,
}

/// What is said, and what it changes.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The registry's position behind it.
    pub registry: u64,
    pub said: bool,
    /// The kinds of the words, in their order.
    pub words: Vec<&'static str>,
    /// What of it is not understood here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgrown: Option<String>,
    pub changes: Changes,
}

/// In the place of a word's kind.
const NOT_UNDERSTOOD: &str = "what this version does not understand";

impl Saying {
    /// Signs words with the authority's key.
    ///
    /// # Errors
    /// They contradict the registry, or the folder holds no authority.
    pub fn prepare(folder: &Path, words: &Words) -> anyhow::Result<Saying> {
        let folder = Folder::new(folder);
        let key = SigningKey::from_pkcs8(&folder::read(&folder.signing_key())?)
            .with_context(|| format!("{} is no key", folder.signing_key().display()))?;
        let lock = folder.lock_registry()?;
        let (known, mut log) = folder::read_registry(&folder.registry(), *key.public())?;
        let before = log.registry().clone();
        let said = words.events(&before)?;
        let (now, mut further) = (now()?, String::new());
        for said in &said {
            further.push_str(&log.append(said, &key, now)?);
            further.push('\n');
        }
        let report = report(&folder, &before, log.registry(), &further)?;
        Ok(Saying {
            registry: folder.registry(),
            lock,
            known,
            further,
            report,
        })
    }

    /// Takes the lines of a file that was signed elsewhere, as far as they are news to a gateway's folder.
    ///
    /// # Errors
    /// They are not the authority's, or do not follow what is known here.
    pub fn carried(folder: &Path, file: &Path) -> anyhow::Result<Saying> {
        let settings = Settings::read(folder)?;
        // Several gateways of one machine may read one registry.
        let beside = settings.registry.parent().unwrap_or(folder);
        let lock = Folder::new(beside).lock_registry()?;
        let (known, mut log) = folder::read_registry(&settings.registry, settings.authority_key)?;
        let before = log.registry().clone();
        let text = folder::read_text(file)?;
        let further = further(&known, &text, &settings.authority_key)
            .with_context(|| format!("cannot take {}", file.display()))?;
        log.extend(further)
            .with_context(|| format!("cannot take {}", file.display()))?;
        let report = report(&Folder::new(folder), &before, log.registry(), further)?;
        Ok(Saying {
            further: further.to_owned(),
            registry: settings.registry,
            lock,
            known,
            report,
        })
    }

    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Puts it into the registry, and its lines besides into a file that can be carried to gateways.
    ///
    /// # Errors
    /// The registry stays as it was; or it is said, and the file could not be written.
    pub fn say(mut self, out: Option<&Path>) -> anyhow::Result<Report> {
        if let Some(out) = out {
            ensure!(
                !out.exists(),
                "{} is there already: name another file",
                out.display()
            );
        }
        let text = [self.known.as_str(), &self.further].concat();
        folder::replace(&self.registry, text.as_bytes(), &self.lock)?;
        if let Some(out) = out {
            folder::write(out, &self.further).with_context(|| {
                let registry = self.registry.display();
                format!("it is said here; carry {registry} itself to the gateways instead")
            })?;
        }
        self.report.said = true;
        Ok(self.report)
    }
}

impl Report {
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// For a person to read, before anything is said.
    pub fn table(&self) -> String {
        match self.is_empty() {
            true => format!(
                "nothing to say: the registry (position {}) says it already",
                self.registry
            ),
            false => format!(
                "to be said: {} (registry position {})\n{}{}",
                self.words.join(", "),
                self.registry,
                self.outgrown
                    .as_ref()
                    .map_or(String::new(), |told| format!("{told}\n")),
                self.changes.table()
            ),
        }
    }
}

fn report(
    folder: &Folder,
    before: &Registry,
    after: &Registry,
    lines: &str,
) -> anyhow::Result<Report> {
    let said = lines
        .lines()
        .map(|line| registry_log::said(line.as_bytes()));
    // They are the authority's, and in their place: the registry took them.
    let words = said.map(|said| said.map_or(NOT_UNDERSTOOD, |said| said.kind()));
    Ok(Report {
        registry: after.position(),
        said: false,
        words: words.collect(),
        outgrown: after.outgrown().map(ToString::to_string),
        changes: Changes::between(before, after, &Issued::all(folder)?),
    })
}

/// What of the carried lines lies behind those that are known here.
fn further<'t>(known: &str, carried: &'t str, authority: &PublicKey) -> anyhow::Result<&'t str> {
    let first = carried.lines().next().context("it holds no line")?;
    let event = registry_log::verified(first.as_bytes(), authority)
        .context("its first line is not the authority's")?;
    let position = event.link().position;
    let lines = known.lines().count();
    let begin = usize::try_from(position.number().saturating_sub(1))?;
    ensure!(
        begin <= lines,
        "it begins at position {position}, and the registry here ends at {lines}: carry the lines between, too, or the whole registry"
    );
    let before: usize = known.split_inclusive('\n').take(begin).map(str::len).sum();
    let overlap = known.get(before..).unwrap_or_default();
    match carried.strip_prefix(overlap) {
        Some(further) => Ok(further),
        None if overlap.starts_with(carried) => Ok(""),
        None => bail!(
            "its lines from position {position} are others than those here: the authority's key signed two histories; compare both files before you use either"
        ),
    }
}

#[cfg(test)]
mod tests;
