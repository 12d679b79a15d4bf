//! nats-server as a real process.
//! In: the configuration that `spean-gateway init` wrote. Out: a server that accepts connections. Never: another version than 2.15.1 unnoticed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::netns;
use crate::programs::Process;

pub struct NatsServer {
    configuration: PathBuf,
    address: SocketAddr,
    process: Option<Process>,
    disk: Option<SmallDisk>,
}

/// A disk of its own, as large as it is said, which nobody sees but who is run on it.
struct SmallDisk {
    holder: Process,
    folder: PathBuf,
}

impl NatsServer {
    pub async fn start(configuration: &Path, address: SocketAddr) -> NatsServer {
        let mut server = NatsServer {
            configuration: configuration.to_owned(),
            address,
            process: None,
            disk: None,
        };
        server.resume().await;
        server
    }

    /// On a disk of so many mebibytes; None where this machine lets nobody have mounts of his own.
    pub async fn start_on_a_small_disk(
        (configuration, folder): (&Path, PathBuf),
        address: SocketAddr,
        mebibytes: u32,
    ) -> Option<NatsServer> {
        if let Err(why) = netns::permitted(&["--mount"], "mount -t tmpfs tmpfs /mnt") {
            eprintln!("left out: {why}");
            return None;
        }
        let path = folder.display();
        let mount =
            format!("mount -t tmpfs -o size={mebibytes}m tmpfs '{path}' && exec sleep 3600");
        let arguments = ["--mount", "sh", "-c", &mount];
        let log = configuration.with_extension("disk.log");
        let mut holder = Process::start(Path::new("unshare"), &arguments, &log);
        let id = holder.id();
        let mounts = || async move {
            let mounts = std::fs::read_to_string(format!("/proc/{id}/mounts")).ok()?;
            mounts.contains("/nats/data tmpfs").then_some(())
        };
        holder.tells(mounts).await;
        let mut server = NatsServer {
            configuration: configuration.to_owned(),
            address,
            process: None,
            disk: Some(SmallDisk { holder, folder }),
        };
        server.resume().await;
        Some(server)
    }

    /// Gives the small disk so many mebibytes.
    pub fn give_room(&self, mebibytes: u32) {
        let disk = self.disk.as_ref().expect("it has a disk of its own");
        let mount = format!("--mount=/proc/{}/ns/mnt", disk.holder.id());
        let size = format!("remount,size={mebibytes}m");
        let remounted = std::process::Command::new("nsenter")
            .args([&mount, "mount", "-o", &size])
            .arg(&disk.folder)
            .status();
        assert!(remounted.is_ok_and(|status| status.success()), "no room");
    }

    /// Starts it again after `kill`, on the same port and store.
    pub async fn resume(&mut self) {
        let log = self.configuration.with_extension("log");
        let configuration = self.configuration.to_string_lossy();
        let binary = binary();
        let program = binary.to_string_lossy();
        let mount = self.disk.as_ref().map(|disk| {
            let id = disk.holder.id();
            format!("--mount=/proc/{id}/ns/mnt")
        });
        let mut arguments = vec!["--config", &*configuration];
        let (runs, under) = match &mount {
            Some(mount) => (Path::new("nsenter"), vec![&**mount, &*program]),
            None => (&*binary, Vec::new()),
        };
        arguments.splice(0..0, under);
        self.process = Some(Process::serving(runs, &arguments, &log, self.address).await);
    }

    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// It holds its connections, and answers nobody.
    pub fn freeze(&self) {
        let process = self.process.as_ref().expect("the server runs");
        process.signal("STOP");
    }

    /// It writes down what it knows, and ends.
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop().await;
        }
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
