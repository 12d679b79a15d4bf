//! spean-gateway as a real process, and the authority's folder that it serves.
//! In: an authority's folder. Out: a gateway that accepts offices on its own port. Never: a certificate or key made by the harness.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemas::envelope::structured;
use schemas::event::{Classification, Core, Event, Timestamp};
use schemas::registry::RegistryEvent;
use schemas::registry_log::RegistryLog;
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::LogName;

use crate::programs::{self, GATEWAY, Process};

/// What `spean-gateway init` made.
pub struct Authority {
    folder: PathBuf,
    pub gateway: SocketAddr,
    pub nats: SocketAddr,
}

impl Authority {
    pub fn init(folder: &Path, gateway: SocketAddr, nats: SocketAddr) -> Authority {
        Authority::init_cluster(folder, gateway, &[nats])
    }

    /// For several nats-servers; the first one is who is asked what the bus holds.
    pub fn init_cluster(folder: &Path, gateway: SocketAddr, nats: &[SocketAddr]) -> Authority {
        let authority = Authority {
            folder: folder.to_owned(),
            gateway,
            nats: nats[0],
        };
        let (arg, listen) = (authority.arg(), gateway.to_string());
        let servers: Vec<String> = nats.iter().map(ToString::to_string).collect();
        let mut arguments = vec!["init", &arg, "--listen", &listen];
        arguments.extend(servers.iter().flat_map(|server| ["--nats", server]));
        programs::run(GATEWAY, &arguments);
        authority
    }

    /// The folder of a second gateway, with the same keys and the same registry.
    pub fn twin(&self, folder: &Path, gateway: SocketAddr) -> Authority {
        let settings = std::fs::read_to_string(self.folder.join("gateway.toml"));
        let settings = settings.expect("an authority has settings");
        let own = self.folder.display();
        let elsewhere = settings
            .replace(&self.gateway.to_string(), &gateway.to_string())
            .replace("\"gateway/", &format!("\"{own}/gateway/"))
            .replace("\"registry.", &format!("\"{own}/registry."));
        std::fs::create_dir(folder).expect("a folder can be made");
        std::fs::write(folder.join("gateway.toml"), elsewhere).expect("it can be written");
        Authority {
            folder: folder.to_owned(),
            gateway,
            nats: self.nats,
        }
    }

    /// From now on this one reads a registry of its own, as it is at this moment; `catch_up` brings it the present one.
    pub fn with_its_own_registry(self) -> Authority {
        let settings = self.folder.join("gateway.toml");
        let text = std::fs::read_to_string(&settings).expect("a twin has settings");
        let named = text
            .lines()
            .find_map(|line| line.strip_prefix("registry = "));
        let named = named.expect("they name the registry").trim().to_owned();
        let text = text.replace(&named, "\"registry.ndjson\"");
        std::fs::write(&settings, text).expect("it can be written");
        self.catch_up(Path::new(named.trim_matches('"')));
        self
    }

    pub fn catch_up(&self, registry: &Path) {
        std::fs::copy(registry, self.registry()).expect("a registry can be copied");
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn registry(&self) -> PathBuf {
        self.folder.join("registry.ndjson")
    }

    pub fn nats_configuration(&self) -> PathBuf {
        self.folder.join("nats/nats-server.conf")
    }

    /// Where nats-server keeps its streams.
    pub fn nats_data(&self) -> PathBuf {
        let text = std::fs::read_to_string(self.nats_configuration());
        let text = text.expect("nats-server has a configuration");
        let named = |line: &str| line.trim().strip_prefix("store_dir: ").map(str::to_owned);
        let folder = text.lines().find_map(named).expect("it names a folder");
        PathBuf::from(folder.trim_matches('"'))
    }

    pub fn create_streams(&self) {
        programs::run(GATEWAY, &["streams", &self.arg()]);
    }

    /// Enrols an office; its bundle lies in the folder that is returned.
    pub fn enrol(&self, office: &str, into: &Path) -> PathBuf {
        self.enrol_as(office, into, &[])
    }

    /// Enrols an office of which more has to be said than its name says.
    pub fn enrol_as(&self, office: &str, into: &Path, said: &[&str]) -> PathBuf {
        let bundle = into.join(office.replace('/', "-"));
        let (dir, out) = (self.arg(), bundle.to_string_lossy());
        let arguments = ["enrol", office, "--dir", &dir, "--out", &out];
        let all: Vec<&str> = arguments.iter().chain(said).copied().collect();
        programs::run(GATEWAY, &all);
        bundle
    }

    /// Says something more in the registry, signed with the authority's key; gateways read it from there.
    /// Returns how many lines it has then.
    pub fn say(&self, said: &RegistryEvent) -> u64 {
        let document = std::fs::read(self.folder.join("authority/signing.pk8"));
        let key = SigningKey::from_pkcs8(&document.expect("an authority has a signing key"))
            .expect("a signing key is PKCS#8");
        let text = std::fs::read_to_string(self.registry()).expect("an authority has a registry");
        let mut log = RegistryLog::load(&text, *key.public()).expect("the registry is its own");
        let now =
            Timestamp::from_time(time::OffsetDateTime::now_utc()).expect("it is this century");
        let line = log
            .append(said, &key, now)
            .expect("the registry can be told this");
        std::fs::write(self.registry(), format!("{text}{line}\n"))
            .expect("the registry can be written");
        log.registry().position()
    }

    /// Says in the registry what no version of today understands: a line of the authority's, in its place, with this data.
    /// Returns how many lines it has then.
    pub fn say_newer(&self, data: &str) -> u64 {
        let document = std::fs::read(self.folder.join("authority/signing.pk8"));
        let key = SigningKey::from_pkcs8(&document.expect("an authority has a signing key"))
            .expect("a signing key is PKCS#8");
        let text = std::fs::read_to_string(self.registry()).expect("an authority has a registry");
        let log = RegistryLog::load(&text, *key.public()).expect("the registry is its own");
        let now =
            Timestamp::from_time(time::OffsetDateTime::now_utc()).expect("it is this century");
        let link = log.head().next().expect("there is room");
        let core = Core {
            id: format!("registry-{}", link.position),
            event_type: "kh.gov.nida.registry.newer.v1".to_owned(),
            subject: None,
            time: now,
            data_content_type: "application/json".to_owned(),
            data_schema: "https://spean.gov.kh/contracts/registry/1.0".to_owned(),
            causation_id: None,
            data_classification: Classification::Internal,
            data: data.as_bytes().to_vec().into(),
        };
        let name = LogName::from_source("urn:spean:nida:hq:registry").expect("a log");
        let event = Event::new(name, core, now).expect("well formed");
        let line = structured::encode(&SignedEvent::sign(event, link, &key));
        std::fs::write(self.registry(), format!("{text}{line}\n"))
            .expect("the registry can be written");
        link.position.number()
    }

    /// What `spean-gateway check` finds.
    pub fn check(&self) -> String {
        let output = programs::output(GATEWAY, &["check", &self.arg()]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The audit's decisions so far, one JSON object each.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.join("audit.ndjson")).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    pub fn arg(&self) -> String {
        self.folder.to_string_lossy().into_owned()
    }
}

pub struct Gateway {
    authority: String,
    log: PathBuf,
    address: SocketAddr,
    process: Option<Process>,
}

impl Gateway {
    pub async fn start(authority: &Authority) -> Gateway {
        let log = authority.folder().join("gateway.log");
        let mut gateway = Gateway {
            authority: authority.arg(),
            log,
            address: authority.gateway,
            process: None,
        };
        gateway.resume().await;
        gateway
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the gateway runs").id()
    }

    /// Starts it after `kill` or `stop`.
    pub async fn resume(&mut self) {
        let (program, arguments) = (programs::path(GATEWAY), ["serve", &self.authority]);
        let process = Process::serving(&program, &arguments, &self.log, self.address).await;
        self.process = Some(process);
    }

    pub async fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
    }

    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop().await;
        }
    }

    /// SIGUSR2, as nats-server is asked to go; waits for the end.
    pub async fn leave(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal("USR2");
            process.ends().await;
        }
    }

    pub async fn restart(&mut self) {
        self.stop().await;
        self.resume().await;
    }
}
