//! nats-server as a real process.
//! In: the configuration that `spean-gateway init` wrote. Out: a server that accepts connections. Never: another version than 2.15.1 unnoticed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::programs::Process;

pub struct NatsServer {
    configuration: PathBuf,
    address: SocketAddr,
    process: Option<Process>,
}

impl NatsServer {
    pub async fn start(configuration: &Path, address: SocketAddr) -> NatsServer {
        let mut server = NatsServer {
            configuration: configuration.to_owned(),
            address,
            process: None,
        };
        server.resume().await;
        server
    }

    /// Starts it again after `kill`, on the same port and store.
    pub async fn resume(&mut self) {
        let log = self.configuration.with_extension("log");
        let configuration = self.configuration.to_string_lossy();
        let arguments = ["--config", &*configuration];
        self.process = Some(Process::serving(&binary(), &arguments, &log, self.address).await);
    }

    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// It holds its connections, and answers nobody.
    pub fn freeze(&self) {
        let process = self.process.as_ref().expect("the server runs");
        process.signal("STOP");
    }

    pub async fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
    }
}

/// `NATS_SERVER` as the Makefile sets it, else what `make tools` fetched.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("NATS_SERVER") {
        return named.into();
    }
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/nats-server");
    assert!(
        fetched.exists(),
        "no nats-server: run `make tools` once, or set NATS_SERVER to one of version 2.15.1"
    );
    fetched
}
