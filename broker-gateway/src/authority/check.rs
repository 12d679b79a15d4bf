//! `check`: a gateway's folder comes in, everything that is wrong with it goes out, at once: its settings, certificates, keys and
//! registry, and the nats-server that it names. Nothing is changed.

mod certificates;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nkeys::KeyPair;
use schemas::registry::{Beside, Registry};
use schemas::registry_log::RegistryLog;
use schemas::signing::PublicKey;
use serde::Serialize;

use super::broker::{GATEWAY_SUBSCRIBE, ROUTES_CA};
use super::folder;
use super::table::Table;
use crate::commit::Notary;
use crate::counts::Uncounted;
use crate::policy;
use crate::settings::{FILE_NAME, GatewayToml, Settings};
use crate::streams::{self, StreamState};
use crate::upstream::jetstream::{Ear, JetStream, Source};
use crate::upstream::raw::Broker;

/// One thing that is not as it must be, or that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub level: Level,
    pub at: String,
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The gateway does not work, or not as it must.
    Mistake,
    /// It will not work for long.
    Warning,
    /// It could not be checked from here.
    Note,
}

/// Everything that was found, worst first.
#[derive(Debug, Default, Serialize)]
pub struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, level: Level, at: impl ToString, what: impl ToString) {
        self.0.push(Finding {
            level,
            at: at.to_string(),
            what: what.to_string(),
        });
    }

    fn mistake(&mut self, at: impl ToString, what: impl ToString) {
        self.add(Level::Mistake, at, what);
    }

    pub fn any_mistake(&self) -> bool {
        self.0.iter().any(|finding| finding.level == Level::Mistake)
    }

    /// For a person to read.
    pub fn table(&self) -> String {
        if self.0.is_empty() {
            return "everything is as it must be".to_owned();
        }
        let mut table = Table::new(&["", "where", "what"]);
        for Finding { level, at, what } in &self.0 {
            let level = match level {
                Level::Mistake => "mistake",
                Level::Warning => "warning",
                Level::Note => "note",
            };
            table.row([level, at, what]);
        }
        table.to_string()
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Looks at everything, whatever else is wrong.
pub async fn check(folder: &Path) -> Findings {
    let mut findings = Findings::default();
    let file = folder.join(FILE_NAME);
    let raw = folder::read_text(&file).and_then(|text| Ok(toml::from_str::<GatewayToml>(&text)?));
    match raw {
        Ok(raw) => check_folder(raw, folder, &mut findings).await,
        Err(error) => findings.mistake(file.display(), format!("{error:#}")),
    }
    findings.0.sort_by_key(|finding| finding.level);
    findings
}

async fn check_folder(raw: GatewayToml, folder: &Path, findings: &mut Findings) {
    let path = |within: &PathBuf| folder.join(within);
    let registry = registry(&raw, folder, findings);
    certificates::check(&raw, folder, findings);
    let named = [
        &raw.tls.key,
        &raw.signing_key,
        &raw.nats.key,
        &raw.nats.nkey,
    ];
    let mut secrets: Vec<PathBuf> = named.into_iter().map(path).collect();
    secrets.extend(secrets_within(folder));
    secrets.sort();
    secrets.dedup();
    for secret in secrets {
        private(&secret, findings);
    }
    if folder.join("authority").is_dir() {
        let what = "the authority's keys lie beside the gateway's: but for a trial keep them on another machine (docs/operating.md)";
        findings.add(Level::Note, folder.join("authority").display(), what);
    }
    let seed = folder::read_text(&path(&raw.nats.nkey)).unwrap_or_default();
    if let Err(why) = KeyPair::from_seed(seed.trim()) {
        findings.mistake("nats.nkey", format!("is no nkey seed: {why}"));
    }
    configurations(folder, findings);
    match Settings::check(raw, folder) {
        Ok(settings) => {
            notary(&settings, registry.as_ref(), findings);
            broker(&settings, registry.as_ref(), findings).await;
        }
        Err(fault) => {
            for mistake in fault.0 {
                findings.mistake(FILE_NAME, mistake);
            }
            findings.add(
                Level::Note,
                "nats-server",
                "was not asked: the settings come first",
            );
        }
    }
}

fn registry(raw: &GatewayToml, folder: &Path, findings: &mut Findings) -> Option<Registry> {
    let file = folder.join(&raw.registry);
    let key = PublicKey::try_from(raw.authority_key.clone()).ok()?;
    let text = folder::read_text(&file).ok()?;
    match RegistryLog::load(&text, key) {
        Ok(log) => {
            if let Some(outgrown) = log.registry().outgrown() {
                findings.mistake(file.display(), outgrown);
            }
            for keyid in log.registry().no_keys() {
                let what =
                    format!("what is registered as the key {keyid} is none: enrol a new one");
                findings.add(Level::Warning, file.display(), what);
            }
            Some(log.registry().clone())
        }
        Err(fault) => {
            findings.mistake(file.display(), fault);
            None
        }
    }
}

/// A receipt is worth as much as the registry knows of the key that signed it.
fn notary(settings: &Settings, registry: Option<&Registry>, findings: &mut Findings) {
    match Notary::read(settings) {
        Ok(notary) => {
            if registry.is_some_and(|registry| !notary.is_known_to(registry)) {
                let what = format!(
                    "is unknown to the registry (keyid {}): no office believes its receipts; the authority must add it",
                    notary.keyid()
                );
                findings.mistake("signing_key", what);
            }
        }
        Err(fault) => findings.mistake("signing_key", fault),
    }
}

/// Every file of keys and passwords that `init` makes, and the folders that they lie in: also what this gateway does not use itself.
fn secrets_within(folder: &Path) -> Vec<PathBuf> {
    let mut secrets = Vec::new();
    for within in ["authority", "gateway", "nats"].map(|name| folder.join(name)) {
        let files = fs::read_dir(&within).into_iter().flatten().flatten();
        let files = files.map(|file| file.path());
        secrets.extend(files.filter(|file| is_secret(file)));
        secrets.extend(within.is_dir().then_some(within));
    }
    secrets
}

/// A cluster's configurations hold the password of its routes.
fn is_secret(path: &Path) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    end.is_some_and(|end| ["key", "pk8", "nk", "conf"].contains(&end))
}

/// A private key that others can read is nobody's.
fn private(path: &Path, findings: &mut Findings) {
    let open = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if open {
        let mode = if path.is_dir() { "700" } else { "600" };
        let what = format!("is open to others on this machine: chmod {mode}");
        findings.mistake(path.display(), what);
    }
}

/// nats-server tells nobody how often it syncs, and whom its routes believe; where its configuration lies in the folder, it can be read.
fn configurations(folder: &Path, findings: &mut Findings) {
    let configurations: Vec<PathBuf> = fs::read_dir(folder.join("nats"))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    let is_configuration = |path: &&PathBuf| path.extension().is_some_and(|end| end == "conf");
    let mut seen = false;
    for path in configurations.iter().filter(is_configuration) {
        seen = true;
        let text = folder::read_text(path).unwrap_or_default();
        let says = |line: &str| line.trim().starts_with("sync_interval: always");
        if !text.lines().any(says) {
            let why = "does not say sync_interval: always; acknowledged events can be lost when the power fails";
            findings.mistake(path.display(), why);
        }
        let routes_ca = format!("{ROUTES_CA}.pem");
        if text.contains("\ncluster {") && !text.contains(&routes_ca) {
            let why = "its routes believe the gateways' CA, so a gateway's certificate can join as a server; until the authority is made anew, close the routes' port to all machines but the servers";
            findings.mistake(path.display(), why);
        }
    }
    if !seen {
        let what = "its configuration cannot be seen from here; see that it says sync_interval: always, and gives routes a CA of their own";
        findings.add(Level::Note, "nats-server", what);
    }
}

async fn broker(settings: &Settings, registry: Option<&Registry>, findings: &mut Findings) {
    let at = "nats-server";
    let broker = match Broker::new(&settings.nats) {
        Ok(broker) => broker,
        Err(fault) => return findings.mistake(at, fault),
    };
    let jetstream = match JetStream::connect(&broker).await {
        Ok(jetstream) => jetstream,
        Err(fault) => return findings.mistake(at, fault),
    };
    for subject in GATEWAY_SUBSCRIBE {
        let ear = Ear {
            subject: (*subject).to_owned(),
            hear: Box::new(|_, _| ()),
        };
        if let Err(fault) = Source::open(&broker, Some(ear)).await {
            findings.mistake(at, fault);
        }
    }
    let Some(registry) = registry else { return };
    match streams::compare(&jetstream, registry).await {
        Ok(reports) => {
            for report in reports {
                stream(&report, findings);
            }
        }
        Err(fault) => findings.mistake(at, fault),
    }
    for feed in registry.feeds().map(|feed| &feed.name) {
        match super::twice::look(&jetstream, feed).await {
            Ok(found) => found.into_iter().for_each(|twice| {
                let level = match twice.readable {
                    true => Level::Warning,
                    false => Level::Mistake,
                };
                findings.add(level, format!("stream {feed}"), &twice);
            }),
            // A stream that is missing is named above.
            Err(Uncounted::Api(_)) => {}
            Err(fault) => findings.mistake(at, fault),
        }
        let judged_by = super::twice::judged_by(&jetstream, feed).await;
        if let Ok(Some(head)) = judged_by
            && registry.beside(head) == Beside::Newer
        {
            let words = policy::behind_words(head, registry.position());
            findings.mistake(format!("stream {feed}"), words);
        }
    }
}

fn stream(report: &streams::StreamReport, findings: &mut Findings) {
    let at = format!("stream {}", report.stream);
    match &report.state {
        StreamState::Right | StreamState::Created => {}
        StreamState::Missing => findings.mistake(at, "is missing; run spean-gateway streams"),
        StreamState::Different { differences } => {
            for difference in differences {
                let streams::Difference { setting, is, must } = difference;
                findings.mistake(&at, format!("{setting} is {is} and must be {must}"));
            }
        }
    }
}
