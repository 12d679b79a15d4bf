//! gateway.toml comes in as text, checked settings go out, or every mistake at once. Secrets are named by path and never stand
//! in the file; relative paths start at the file's own folder. No setting turns a check off.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use schemas::receipt::is_gateway_name;
use schemas::signing::PublicKey;
use serde::{Deserialize, Serialize};

/// The file's name within the gateway's folder.
pub const FILE_NAME: &str = "gateway.toml";

/// The file as it is written. `init` writes one, `Settings::read` reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayToml {
    /// The gateway's name: in its INFO, and in the stamp on what it stored.
    pub name: String,
    pub listen: String,
    pub registry: PathBuf,
    /// The key that signs the registry, in base64.
    pub authority_key: String,
    pub audit: PathBuf,
    /// The private key with which the gateway signs receipts, in PKCS#8.
    pub signing_key: PathBuf,
    #[serde(default = "sessions_max_usual")]
    pub sessions_max: usize,
    /// Whether frames are spoken with offices that offer to: off where something in between does not bear them.
    #[serde(default = "frames_usual")]
    pub frames: bool,
    #[serde(default)]
    pub heal: HealToml,
    pub tls: TlsToml,
    pub nats: NatsToml,
}

/// How often the streams are looked at for losses.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealToml {
    /// Heads and counts.
    pub check_interval_s: u64,
    /// Every message.
    pub full_read_interval_s: u64,
}

impl Default for HealToml {
    /// What is lost is named within ten minutes where heads and counts show it, within a day where they do not.
    fn default() -> HealToml {
        HealToml {
            check_interval_s: 10 * 60,
            full_read_interval_s: 24 * 60 * 60,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsToml {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The authority's CA, which signed the offices' certificates.
    pub offices_ca: PathBuf,
    /// Lets clients in that cannot speak TLS 1.3.
    #[serde(default)]
    pub tls12: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsToml {
    /// host:port of each nats-server of the cluster; its certificate names the host.
    pub servers: Vec<String>,
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The file that holds the gateways' nkey seed.
    pub nkey: PathBuf,
}

/// Memory for 4,000 sessions at 150 KiB each is 600 MB: what a small server has.
fn sessions_max_usual() -> usize {
    4_000
}

/// They are spoken, and are a twentieth of the bytes.
fn frames_usual() -> bool {
    true
}

/// Checked settings.
#[derive(Debug, Clone)]
pub struct Settings {
    pub name: String,
    pub listen: SocketAddr,
    pub registry: PathBuf,
    pub authority_key: PublicKey,
    pub audit: PathBuf,
    pub signing_key: PathBuf,
    pub sessions_max: usize,
    pub frames: bool,
    pub heal: HealSettings,
    pub tls: TlsSettings,
    pub nats: NatsSettings,
}

/// How often the streams are looked at for losses.
#[derive(Debug, Clone, Copy)]
pub struct HealSettings {
    pub check_interval: Duration,
    pub full_read_interval: Duration,
}

/// How offices are met.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub offices_ca: PathBuf,
    pub tls12: bool,
}

/// How nats-server is reached.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    pub servers: Vec<ServerAddress>,
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub nkey: PathBuf,
}

/// Where a nats-server listens, and the name that its certificate must bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// One mistake in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsMistake {
    #[error("cannot read {path}: {why}")]
    Unreadable { path: PathBuf, why: String },
    #[error("{path} is not as it must be: {why}")]
    Malformed { path: PathBuf, why: String },
    #[error("{key}: {why}")]
    Value { key: &'static str, why: String },
}

/// All mistakes in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub struct SettingsFault(pub Vec<SettingsMistake>);

fn list(mistakes: &[SettingsMistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Settings {
    /// Reads `gateway.toml` in the gateway's folder.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read(folder: &Path) -> Result<Settings, SettingsFault> {
        let path = folder.join(FILE_NAME);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            SettingsFault(vec![SettingsMistake::Unreadable {
                path: path.clone(),
                why: error.to_string(),
            }])
        })?;
        let raw = toml::from_str(&text).map_err(|error| {
            SettingsFault(vec![SettingsMistake::Malformed {
                path,
                why: error.to_string(),
            }])
        })?;
        Settings::check(raw, folder)
    }

    /// # Errors
    /// Every mistake in it.
    pub fn check(raw: GatewayToml, folder: &Path) -> Result<Settings, SettingsFault> {
        let mut mistakes = Mistakes(Vec::new());
        mistakes.own("folder", folder);
        mistakes.own("folder", &folder.join(FILE_NAME));
        let name = mistakes.name("name", raw.name);
        let listen = mistakes.parsed(
            "listen",
            &raw.listen,
            "must be an address such as 0.0.0.0:4443",
        );
        let authority_key = mistakes.key("authority_key", raw.authority_key);
        if raw.sessions_max == 0 {
            mistakes.value("sessions_max", "must be at least 1");
        }
        if raw.heal.check_interval_s == 0 {
            mistakes.value("heal.check_interval_s", "must be at least 1");
        }
        let heal = HealSettings {
            check_interval: Duration::from_secs(raw.heal.check_interval_s),
            full_read_interval: Duration::from_secs(raw.heal.full_read_interval_s),
        };
        let mut file = |key, path: &Path| mistakes.file(key, &folder.join(path));
        let tls = TlsSettings {
            certificate: file("tls.certificate", &raw.tls.certificate),
            key: file("tls.key", &raw.tls.key),
            offices_ca: file("tls.offices_ca", &raw.tls.offices_ca),
            tls12: raw.tls.tls12,
        };
        let registry = file("registry", &raw.registry);
        let signing_key = file("signing_key", &raw.signing_key);
        let (ca, certificate) = (
            file("nats.ca", &raw.nats.ca),
            file("nats.certificate", &raw.nats.certificate),
        );
        let (key, nkey) = (
            file("nats.key", &raw.nats.key),
            file("nats.nkey", &raw.nats.nkey),
        );
        let nats = NatsSettings {
            servers: mistakes.servers(&raw.nats.servers),
            ca,
            certificate,
            key,
            nkey,
        };
        let audit = folder.join(raw.audit);
        if let Some(folder) = audit.parent() {
            mistakes.own("audit", folder);
        }
        match (listen, authority_key) {
            (Some(listen), Some(authority_key)) if mistakes.0.is_empty() => Ok(Settings {
                name,
                listen,
                registry,
                authority_key,
                audit,
                signing_key,
                sessions_max: raw.sessions_max,
                frames: raw.frames,
                heal,
                tls,
                nats,
            }),
            _ => Err(SettingsFault(mistakes.0)),
        }
    }
}

struct Mistakes(Vec<SettingsMistake>);

impl Mistakes {
    fn value(&mut self, key: &'static str, why: impl Into<String>) {
        let why = why.into();
        self.0.push(SettingsMistake::Value { key, why });
    }

    /// The name goes into headers and JSON, so it is plain.
    fn name(&mut self, key: &'static str, name: String) -> String {
        if !is_gateway_name(&name) {
            self.value(key, "must be 1 to 64 of a-z, A-Z, 0-9, -, . and _");
        }
        name
    }

    fn parsed(&mut self, key: &'static str, text: &str, must: &str) -> Option<SocketAddr> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.value(key, must);
        }
        parsed
    }

    fn key(&mut self, key: &'static str, text: String) -> Option<PublicKey> {
        PublicKey::try_from(text)
            .map_err(|fault| self.value(key, fault.to_string()))
            .ok()
    }

    fn file(&mut self, key: &'static str, path: &Path) -> PathBuf {
        if let Err(error) = std::fs::File::open(path) {
            self.value(key, format!("cannot open {}: {error}", path.display()));
        }
        for path in [Some(path), path.parent()].into_iter().flatten() {
            self.own(key, path);
        }
        path.to_owned()
    }

    /// Who can write a file, or the folder that it lies in, can put another in its place.
    fn own(&mut self, key: &'static str, path: &Path) {
        let mode = std::fs::metadata(path).map(|found| found.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o022 != 0) {
            let path = path.display();
            let why = format!("others can write {path}: chmod go-w {path}");
            let mistake = SettingsMistake::Value { key, why };
            if !self.0.contains(&mistake) {
                self.0.push(mistake);
            }
        }
    }

    fn servers(&mut self, servers: &[String]) -> Vec<ServerAddress> {
        if servers.is_empty() {
            self.value("nats.servers", "must name at least one nats-server");
        }
        let mut addresses = Vec::new();
        for server in servers {
            match server.parse() {
                Ok(address) => addresses.push(address),
                Err(why) => self.value("nats.servers", why),
            }
        }
        addresses
    }
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<ServerAddress, String> {
        server_address(text)
            .ok_or_else(|| format!("{text:?} must be host:port, such as localhost:4222"))
    }
}

fn server_address(text: &str) -> Option<ServerAddress> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let named = rustls_pki_types::ServerName::try_from(host.to_owned()).is_ok();
    Some(ServerAddress {
        host: named.then(|| host.to_owned())?,
        port: port.parse().ok().filter(|port| *port != 0)?,
    })
}

#[cfg(test)]
mod tests;
