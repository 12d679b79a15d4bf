//! Settings: the agent's folder comes in, checked settings go out, or every mistake at once.
//! Secrets stand in files of their own; an unknown key is a mistake; no setting turns a check off.

mod deliver;
mod heal;
mod link;
mod reader;
mod token;

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemas::signing::{PublicKey, SigningKey};
use schemas::subject::OfficeId;
use toml::Table;

pub use self::deliver::{AskLeave, Deliver, DeliverTo, Origin, TargetName, Waits};
pub use self::heal::Heal;
pub use self::link::Link;
pub use self::reader::Mistake;
use self::reader::Reader;
pub use self::token::Token;

/// Address of the local HTTP interface where none is set.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7070);
/// Room for the two stores where none is set: some years of one office's reports, and a small part of a small disk.
const DISK_BUDGET_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Below this the stores have no room to work in.
const DISK_BUDGET_BYTES_MIN: u64 = 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub folder: Folder,
    pub office: OfficeId,
    /// `host:port` of each gateway, in the order in which they are tried.
    pub gateways: Vec<String>,
    /// The name that a gateway's certificate must carry.
    pub gateway_name: String,
    pub http: Http,
    pub store: Store,
    pub deliver: Vec<Deliver>,
    pub heal: Heal,
    pub link: Link,
}

/// The agent's folder, as `init` makes it from a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(PathBuf);

/// Where the local HTTP interface listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    pub listen: Option<SocketAddr>,
    pub socket: Option<PathBuf>,
    /// Certificate and key, both PEM; without them `listen` is loopback.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Further names under which the office's PCs reach this agent.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    pub dir: PathBuf,
    pub disk_budget_bytes: u64,
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use agent.toml:")?;
        self.0.iter().try_for_each(|m| write!(f, "\n  {m}"))
    }
}

impl Folder {
    pub fn new(dir: impl Into<PathBuf>) -> Folder {
        Folder(dir.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn settings(&self) -> PathBuf {
        self.0.join("agent.toml")
    }

    /// The certificate authority of the bus.
    pub fn ca(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    pub fn certificate(&self) -> PathBuf {
        self.0.join("office.pem")
    }

    pub fn certificate_key(&self) -> PathBuf {
        self.0.join("office.key")
    }

    fn signing(&self) -> PathBuf {
        self.0.join("signing.pk8")
    }

    pub fn authority_file(&self) -> PathBuf {
        self.0.join("authority.pub")
    }

    pub fn registry(&self) -> PathBuf {
        self.0.join("registry.ndjson")
    }

    /// Where the running agent writes the address that it listens on.
    pub fn http_address(&self) -> PathBuf {
        self.0.join("http.addr")
    }

    pub fn http_token(&self) -> PathBuf {
        self.0.join("http.token")
    }

    /// The office's signing key.
    ///
    /// # Errors
    /// The file cannot be read, is open to others, or holds no key.
    pub fn signing_key(&self) -> Result<SigningKey, Mistake> {
        let at = || self.signing().display().to_string();
        closed_to_others(&self.signing())?;
        let document = read(&self.signing())?;
        SigningKey::from_pkcs8(&document).map_err(|why| mistake(at(), why))
    }

    /// The key by which the registry is believed.
    ///
    /// # Errors
    /// The file cannot be read, or holds no key.
    pub fn authority(&self) -> Result<PublicKey, Mistake> {
        let at = || self.authority_file().display().to_string();
        let text = String::from_utf8(read(&self.authority_file())?)
            .map_err(|_| mistake(at(), "is no text"))?;
        PublicKey::try_from(text).map_err(|why| mistake(at(), why))
    }
}

fn mistake(at: impl fmt::Display, what: impl fmt::Display) -> Mistake {
    Mistake {
        at: at.to_string(),
        what: what.to_string(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Mistake> {
    fs::read(path).map_err(|error| mistake(path.display(), format!("cannot be read: {error}")))
}

/// A private key that everybody on the machine can read is nobody's signature.
fn closed_to_others(path: &Path) -> Result<(), Mistake> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
        if open {
            let what = "is open to others on this machine: chmod 600";
            return Err(mistake(path.display(), what));
        }
    }
    Ok(())
}

impl Settings {
    /// Reads `agent.toml` in the folder, and looks at the files that it stands on.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn load(folder: Folder) -> Result<Settings, Mistakes> {
        let alone = |mistake| Mistakes(vec![mistake]);
        let text = read(&folder.settings()).map_err(alone)?;
        let text = String::from_utf8(text)
            .map_err(|_| alone(mistake(folder.settings().display(), "is not UTF-8")))?;
        let mut mistakes = folder.mistakes();
        match Settings::parse(&text, folder) {
            Ok(settings) if mistakes.is_empty() => Ok(settings),
            Ok(_) => Err(Mistakes(mistakes)),
            Err(Mistakes(mut all)) => {
                all.append(&mut mistakes);
                Err(Mistakes(all))
            }
        }
    }

    /// Reads the text of `agent.toml`; relative paths are the folder's.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn parse(text: &str, folder: Folder) -> Result<Settings, Mistakes> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().map_or(0, |span| span.start);
            let line = text[..before].lines().count().max(1);
            Mistakes(vec![mistake(format!("line {line}"), error.message())])
        })?;
        let mut mistakes = Vec::new();
        let mut reader = Reader::new(table, &mut mistakes);
        let settings = checked(&mut reader, folder);
        reader.finish();
        match settings {
            Some(settings) if mistakes.is_empty() => Ok(settings),
            Some(_) | None => Err(Mistakes(mistakes)),
        }
    }
}

impl Folder {
    fn mistakes(&self) -> Vec<Mistake> {
        let read = [
            self.ca(),
            self.certificate(),
            self.certificate_key(),
            self.registry(),
        ];
        let unreadable = read.iter().filter_map(|path| {
            let error = fs::File::open(path).err()?;
            Some(mistake(
                path.display(),
                format!("cannot be opened: {error}"),
            ))
        });
        let closed = closed_to_others(&self.certificate_key()).err();
        let keys = [self.signing_key().err(), self.authority().err(), closed];
        unreadable.chain(keys.into_iter().flatten()).collect()
    }
}

fn checked(top: &mut Reader<'_>, folder: Folder) -> Option<Settings> {
    let office = top.parsed("office");
    if office.is_none() {
        top.missing("office", "such as \"moh/siem-reap\"");
    }
    let gateways = gateways(top);
    let gateway_name = top.text("gateway_name").filter(|name| !name.is_empty());
    if gateway_name.is_none() {
        top.missing("gateway_name", "the name in the gateway's certificate");
    }
    let http = top.table("http", |http| http_settings(http, &folder));
    let store = top.table("store", |store| store_settings(store, &folder));
    let heal = top.table("heal", Heal::read);
    let link = top.table("link", Link::read);
    let deliver = top.tables("deliver", |deliver| deliver::read(deliver, &folder));
    deliver::check_names(top, &deliver);
    Some(Settings {
        office: office?,
        gateways,
        gateway_name: gateway_name?,
        http,
        store,
        deliver: deliver.into_iter().flatten().collect(),
        heal,
        link,
        folder,
    })
}

fn gateways(top: &mut Reader<'_>) -> Vec<String> {
    let all = top.texts("gateways").unwrap_or_default();
    if all.is_empty() {
        top.missing("gateways", "at least one, as \"host:port\"");
    }
    for gateway in &all {
        let port = gateway
            .rsplit_once(':')
            .map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(1..))) {
            top.mistake("gateways", format!("{gateway:?} is no host:port"));
        }
    }
    all
}

fn http_settings(http: &mut Reader<'_>, folder: &Folder) -> Http {
    let listen: Option<SocketAddr> = http.parsed("listen");
    let socket = http.text("socket").map(|path| folder.0.join(path));
    let pair = [http.text("tls_cert"), http.text("tls_key")];
    let tls = match pair.map(|path| path.map(|path| folder.0.join(path))) {
        [Some(cert), Some(key)] => Some((cert, key)),
        [None, None] => None,
        [Some(_), None] | [None, Some(_)] => {
            http.mistake("tls_cert", "tls_cert and tls_key come together");
            None
        }
    };
    let listen = match listen {
        None if socket.is_none() => Some(LISTEN),
        other => other,
    };
    if listen.is_some_and(|address| !address.ip().is_loopback()) && tls.is_none() {
        http.mistake(
            "listen",
            "an address that others can reach needs tls_cert and tls_key",
        );
    }
    if cfg!(not(unix)) && socket.is_some() {
        http.mistake("socket", "this system has no Unix sockets");
    }
    Http {
        listen,
        socket,
        tls,
        names: http.texts("names").unwrap_or_default(),
    }
}

fn store_settings(store: &mut Reader<'_>, folder: &Folder) -> Store {
    let dir = store.text("dir").unwrap_or_else(|| "store".into());
    let budget = store
        .number("disk_budget_bytes")
        .unwrap_or(DISK_BUDGET_BYTES);
    if budget < DISK_BUDGET_BYTES_MIN {
        let least = format!("must be at least {DISK_BUDGET_BYTES_MIN}");
        store.mistake("disk_budget_bytes", least);
    }
    Store {
        dir: folder.0.join(dir),
        disk_budget_bytes: budget,
    }
}

#[cfg(test)]
mod tests;
