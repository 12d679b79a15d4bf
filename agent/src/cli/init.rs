//! `init`: a bundle comes in, an agent's folder that can run goes out. Nothing is overwritten, and no key is readable by others.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use schemas::registry_log::RegistryLog;

use super::terminal::say;
use crate::settings::{Folder, Settings, Token};

/// The files of a bundle, secret ones marked. Private keys that the office made itself are in the folder already.
const FILES: [(&str, bool); 7] = [
    ("ca.pem", false),
    ("office.pem", false),
    ("office.key", true),
    ("signing.pk8", true),
    ("authority.pub", false),
    ("registry.ndjson", false),
    ("agent.toml", false),
];

pub fn run(bundle: &Path, folder: Folder) -> anyhow::Result<ExitCode> {
    let dir = folder.path();
    ensure!(
        bundle.join("agent.toml").exists(),
        "{} is no bundle: it has no agent.toml",
        bundle.display()
    );
    if let Some((name, _)) = FILES.iter().find(|(name, _)| is_in_both(name, bundle, dir)) {
        bail!(
            "{} is there already: nothing is overwritten",
            dir.join(name).display()
        );
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for (name, secret) in FILES {
        copy(bundle, dir, name, secret)?;
    }
    fs::File::open(dir)
        .and_then(|dir| dir.sync_all())
        .with_context(|| format!("cannot sync {}", dir.display()))?;
    let settings = Settings::load(folder)?;
    let known = check(&settings)?;
    Token::read_or_make(&settings.folder.http_token())?;
    let office = &settings.office;
    let dir = settings.folder.path().display();
    say(&format!(
        "{dir} is the agent's folder of {office}.\nThe registry is the authority's ({known} entries), and knows the office and its key.\n\
         Next: spean-agent run --dir {dir}"
    ))
}

fn is_in_both(name: &str, bundle: &Path, dir: &Path) -> bool {
    bundle.join(name).exists() && dir.join(name).exists()
}

fn copy(bundle: &Path, dir: &Path, name: &str, secret: bool) -> anyhow::Result<()> {
    let from = bundle.join(name);
    let bytes = match fs::read(&from) {
        Ok(bytes) => bytes,
        // What is missing in both places is named with all other mistakes of the folder.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", from.display())),
    };
    let to = dir.join(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    let written = options.open(&to).and_then(|mut file| {
        std::io::Write::write_all(&mut file, &bytes)?;
        file.sync_all()
    });
    written.with_context(|| format!("cannot write {}", to.display()))
}

/// The registry is the authority's, and this office's key is in it.
fn check(settings: &Settings) -> anyhow::Result<u64> {
    let folder = &settings.folder;
    let path = folder.registry();
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let log = RegistryLog::load(&text, folder.authority()?)
        .with_context(|| format!("{} is not this authority's", path.display()))?;
    let registry = log.registry();
    let office = &settings.office;
    ensure!(
        registry.office(office).is_some(),
        "the registry does not know {office}"
    );
    let keyid = folder.signing_key()?.keyid().to_owned();
    let known = registry
        .key(&keyid)
        .is_some_and(|key| key.office == *office);
    ensure!(known, "the registry knows no key {keyid} of {office}");
    Ok(registry.position())
}
