//! Every credential that the project makes, tried at every listener of a cluster and its gateway: who gets in where is a table.
//! In: the authority's folder of three servers, an office's bundle. Out: the pairs that are let in. Never: a pair that is not named.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls_pki_types::ServerName;
use tests::deadline::{eventually, within};
use tests::gateway::{Authority, Gateway};
use tests::nats::NatsServer;
use tests::ports;
use tests::programs::{self, GATEWAY};
use tests::raw::{Credentials, certificates};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const CERTIFICATES: [&str; 6] = [
    "office",
    "gateway",
    "gateway-server",
    "server",
    "route",
    "none",
];
const USERS: [&str; 4] = ["gateway-nkey", "operator-nkey", "route-password", "nobody"];
const LISTENERS: [&str; 3] = ["offices", "clients", "routes"];
/// At the offices' listener nobody is asked for more than a certificate.
const LET_IN: [[&str; 3]; 7] = [
    ["offices", "office", "gateway-nkey"],
    ["offices", "office", "operator-nkey"],
    ["offices", "office", "route-password"],
    ["offices", "office", "nobody"],
    ["clients", "gateway", "gateway-nkey"],
    ["clients", "gateway", "operator-nkey"],
    ["routes", "route", "route-password"],
];

struct Cluster {
    _gateway: Gateway,
    _servers: Vec<NatsServer>,
    authority: Authority,
    bundle: PathBuf,
    _folder: tempfile::TempDir,
}

/// Three servers, each on an address of its own, for their routes' ports are the same.
async fn cluster() -> Cluster {
    let folder = tempfile::TempDir::with_prefix("spean-").expect("a temporary folder can be made");
    let [.., high, low] = std::process::id().to_be_bytes();
    let server = |number| {
        let address = Ipv4Addr::new(127, high.max(1), low, number);
        SocketAddr::from((address, ports::free().port()))
    };
    let servers = [server(1), server(2), server(3)];
    let path = folder.path().join("authority");
    let authority = Authority::init_cluster(&path, ports::free(), &servers);
    let bundle = authority.enrol("moh/siem-reap", folder.path());
    let mut running = Vec::new();
    for (index, address) in servers.into_iter().enumerate() {
        let name = format!("nats/nats-server-{}.conf", index + 1);
        running.push(NatsServer::start(&path.join(name), address).await);
    }
    let arg = authority.arg();
    eventually("the cluster to have a leader", || async {
        let made = programs::output(GATEWAY, &["streams", &arg]);
        made.status.success().then_some(())
    })
    .await;
    let gateway = Gateway::start(&authority).await;
    Cluster {
        _gateway: gateway,
        _servers: running,
        authority,
        bundle,
        _folder: folder,
    }
}

impl Cluster {
    fn file(&self, name: &str) -> PathBuf {
        self.authority.folder().join(name)
    }

    /// A certificate, and belief in every CA of the project: what fails, fails at the other side.
    fn credentials(&self, name: &str) -> Credentials {
        let cas = ["authority/ca.pem", "nats/ca.pem", "nats/routes-ca.pem"];
        let trusted = cas.iter().flat_map(|ca| certificates(&self.file(ca)));
        let trusted = trusted.collect();
        let stem = match name {
            "office" => self.bundle.join("office"),
            "gateway" => self.file("gateway/nats-client"),
            "gateway-server" => self.file("gateway/gateway"),
            "none" => {
                return Credentials {
                    trusted,
                    shown: None,
                };
            }
            other => self.file(&format!("nats/{other}")),
        };
        let with = |end: &str| stem.with_extension(end);
        Credentials::of_files(&with("pem"), &with("key"), trusted)
    }

    fn listener(&self, name: &str) -> SocketAddr {
        match name {
            "offices" => self.authority.gateway,
            "clients" => self.authority.nats,
            _ => SocketAddr::from((self.authority.nats.ip(), 6222)),
        }
    }

    /// What CONNECT says beside the certificate. A nonce is signed by nkeys alone.
    fn connect(&self, user: &str, nonce: &str) -> String {
        let signed = |seed: &str| {
            let seed = std::fs::read_to_string(self.file(seed)).expect("a seed");
            let pair = nkeys::KeyPair::from_seed(seed.trim()).expect("a seed");
            use base64::Engine as _;
            let signature = pair.sign(nonce.as_bytes()).expect("a user signs");
            let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature);
            format!(r#","nkey":"{}","sig":"{signature}""#, pair.public_key())
        };
        let said = match user {
            "gateway-nkey" => signed("gateway/gateway.nk"),
            "operator-nkey" => signed("authority/operator.nk"),
            "route-password" => format!(r#","user":"route","pass":"{}""#, self.password()),
            _ => String::new(),
        };
        format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"tls_required\":true,\"name\":\"stranger\",\"cluster\":\"spean\"{said}}}\r\nPING\r\n"
        )
    }

    fn password(&self) -> String {
        let text = std::fs::read_to_string(self.file("nats/nats-server-1.conf")).expect("one");
        let (_, behind) = text.split_once("password: \"").expect("routes have one");
        behind.split('"').next().expect("it ends").to_owned()
    }

    /// Whether PING is answered with PONG.
    async fn lets_in(&self, listener: &str, certificate: &str, user: &str) -> io::Result<bool> {
        let mut socket = TcpStream::connect(self.listener(listener)).await?;
        // A route begins with TLS, everybody else with INFO.
        let info = match listener {
            "routes" => String::new(),
            _ => line(&mut socket).await?,
        };
        let (_, behind) = info.split_once("\"nonce\":\"").unwrap_or_default();
        let nonce = behind.split('"').next().unwrap_or_default();
        let config = self.credentials(certificate).client_config();
        let host = match listener {
            "offices" => ServerName::try_from("localhost").expect("a name"),
            _ => ServerName::from(self.authority.nats.ip()),
        };
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(host, socket)
            .await?;
        stream
            .write_all(self.connect(user, nonce).as_bytes())
            .await?;
        loop {
            match line(&mut stream).await?.trim() {
                "PONG" => return Ok(true),
                "PING" => stream.write_all(b"PONG\r\n").await?,
                words if words.starts_with("-ERR") => return Ok(false),
                _ => {}
            }
        }
    }
}

async fn line(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

#[tokio::test]
async fn every_credential_opens_its_own_listener_and_no_other() {
    let cluster = cluster().await;
    let mut let_in = Vec::new();
    for listener in LISTENERS {
        for certificate in CERTIFICATES {
            for user in USERS {
                let what = format!("{certificate} as {user} at {listener}");
                let tried = cluster.lets_in(listener, certificate, user);
                // A handshake that is refused, or a connection that is closed, is no entry.
                if within(&what, tried).await.unwrap_or(false) {
                    let_in.push([listener, certificate, user]);
                }
            }
        }
    }
    assert_eq!(let_in, LET_IN);
}

#[tokio::test]
async fn a_cluster_whose_routes_believe_gateways_is_named() {
    let folder = tempfile::TempDir::with_prefix("spean-").expect("a temporary folder can be made");
    let path = folder.path().join("authority");
    let servers = [ports::free(), ports::free()];
    let authority = Authority::init_cluster(&path, ports::free(), &servers);
    let conf = path.join("nats/nats-server-1.conf");
    assert!(
        !authority.check().contains("routes"),
        "{}",
        authority.check()
    );
    weaken(&conf);
    assert!(
        authority.check().contains("routes"),
        "{}",
        authority.check()
    );
}

/// As clusters were made before.
fn weaken(conf: &Path) {
    let text = std::fs::read_to_string(conf).expect("a configuration");
    let weak = text.replace("routes-ca.pem", "ca.pem");
    assert_ne!(weak, text);
    std::fs::write(conf, weak).expect("written");
}
