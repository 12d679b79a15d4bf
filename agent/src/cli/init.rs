//! `init`: a bundle comes in, an agent's folder that can run goes out. Nothing is overwritten, and no key is readable by others.

use std::fs;
use std::io::{ErrorKind, IsTerminal as _, stdin};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail, ensure};
use schemas::registry_log::RegistryLog;
use schemas::signing::{Fingerprint, PublicKey};

use super::terminal::say;
use crate::private;
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

/// `told` is what the office was told of its authority by another way than the bundle.
pub fn run(bundle: &Path, folder: Folder, told: Option<Fingerprint>) -> anyhow::Result<ExitCode> {
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
    let fingerprint = authority(bundle)?;
    believe(fingerprint, told)?;
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    private::closed(dir)?;
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
        "{dir} is the agent's folder of {office}.\nIts authority is {fingerprint}: the registry is signed by it ({known} entries), and knows the office and its key.\n\
         Next: spean-agent run --dir {dir}"
    ))
}

/// Whose bundle it is, by the key that lies in it.
fn authority(bundle: &Path) -> anyhow::Result<Fingerprint> {
    let path = bundle.join("authority.pub");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let key = PublicKey::try_from(text.trim().to_owned())
        .map_err(|fault| anyhow!("{} {fault}", path.display()))?;
    Ok(key.fingerprint())
}

/// A bundle says of itself whatever its maker wants; who it is has to come by another way.
fn believe(found: Fingerprint, told: Option<Fingerprint>) -> anyhow::Result<()> {
    match told {
        Some(told) if told == found => Ok(()),
        Some(told) => bail!(
            "this bundle is of the authority {found}, and yours is {told}: do not use it, and tell the authority\n\
             កញ្ចប់នេះមិនមែនរបស់អាជ្ញាធររបស់អ្នកទេ កុំប្រើវា ហើយសូមជូនដំណឹងអាជ្ញាធរ"
        ),
        None if !stdin().is_terminal() => bail!(
            "say whose bundle this must be: --authority FINGERPRINT, as the authority told the office by telephone or on paper (`spean-gateway enrol` shows it there)\n\
             សូមបញ្ជាក់ --authority តាមលេខសម្គាល់ដែលអាជ្ញាធរបានប្រាប់តាមទូរស័ព្ទ ឬលើក្រដាស"
        ),
        None => {
            eprint!(
                "This bundle is of the authority\n  {found}\nIs that, to the last character, what the authority told you by telephone or on paper?\n\
                 តើនេះជាលេខសម្គាល់ដែលអាជ្ញាធរបានប្រាប់អ្នកតាមទូរស័ព្ទ ឬលើក្រដាសឬទេ?\n\
                 Type yes / សូមវាយ yes: "
            );
            let mut answer = String::new();
            stdin().read_line(&mut answer)?;
            ensure!(
                answer.trim().eq_ignore_ascii_case("yes"),
                "nothing was made: ask the authority for its fingerprint"
            );
            Ok(())
        }
    }
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
