//! The whole bus: an authority, nats-server, a gateway and the offices that a test asks for.
//! In: the names of offices. Out: a running bus. Never: anything left behind when it is dropped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::gateway::{Authority, Gateway};
use crate::letter::{self, Key};
use crate::nats::NatsServer;
use crate::office::Office;
use crate::ports;
use crate::raw::{Credentials, RawClient};

pub struct Bus {
    // Processes stand before the folder that they write into: fields drop in order.
    pub gateway: Gateway,
    pub nats: NatsServer,
    pub authority: Authority,
    bundles: BTreeMap<String, PathBuf>,
    folder: TempDir,
}

impl Bus {
    /// A bus whose named offices are enrolled, none of them running yet.
    pub async fn start(offices: &[&str]) -> Bus {
        let (authority, bundles, folder) = Bus::prepare(offices);
        let nats = NatsServer::start(&authority.nats_configuration(), authority.nats).await;
        Bus::on(nats, (authority, bundles), folder).await
    }

    /// One whose nats-server has a disk of so many mebibytes; None where this machine lets nobody have mounts of his own.
    pub async fn start_on_a_small_disk(offices: &[&str], mebibytes: u32) -> Option<Bus> {
        let (authority, bundles, folder) = Bus::prepare(offices);
        let (configuration, data) = (authority.nats_configuration(), authority.nats_data());
        let places = (&*configuration, data);
        let nats = NatsServer::start_on_a_small_disk(places, authority.nats, mebibytes).await?;
        Some(Bus::on(nats, (authority, bundles), folder).await)
    }

    fn prepare(offices: &[&str]) -> (Authority, BTreeMap<String, PathBuf>, TempDir) {
        let folder = TempDir::with_prefix("spean-").expect("a temporary folder can be made");
        let authority = Authority::init(
            &folder.path().join("authority"),
            ports::free(),
            ports::free(),
        );
        let enrolled = offices
            .iter()
            .map(|office| ((*office).to_owned(), authority.enrol(office, folder.path())));
        let bundles = enrolled.collect();
        (authority, bundles, folder)
    }

    async fn on(
        nats: NatsServer,
        (authority, bundles): (Authority, BTreeMap<String, PathBuf>),
        folder: TempDir,
    ) -> Bus {
        authority.create_streams();
        let gateway = Gateway::start(&authority).await;
        Bus {
            gateway,
            nats,
            authority,
            bundles,
            folder,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder that `spean-gateway enrol` made for the office.
    pub fn bundle(&self, office: &str) -> &Path {
        self.bundles
            .get(office)
            .unwrap_or_else(|| panic!("{office} was not named at the start"))
    }

    /// Starts the office's agent behind a line of its own.
    pub async fn office(&self, office: &str) -> Office {
        let folder = self
            .folder
            .path()
            .join(format!("agent-{}", office.replace('/', "-")));
        Office::start(office, self.bundle(office), &folder, self.gateway.address()).await
    }

    /// Like `office`, with further lines at the end of its settings.
    pub async fn office_with(&self, office: &str, settings: &str) -> Office {
        let folder = self
            .folder
            .path()
            .join(format!("agent-{}", office.replace('/', "-")));
        let bundle = self.bundle(office);
        Office::start_with(office, bundle, &folder, self.gateway.address(), settings).await
    }

    /// A client that says anything, under the office's certificate.
    pub async fn raw(&self, office: &str) -> RawClient {
        RawClient::connect(self.gateway.address(), &self.credentials(office)).await
    }

    pub fn credentials(&self, office: &str) -> Credentials {
        Credentials::of_bundle(self.bundle(office))
    }

    pub fn key(&self, office: &str) -> Key {
        Key::of_bundle(self.bundle(office))
    }

    pub fn genesis(&self) -> String {
        letter::genesis(&self.authority.registry())
    }
}
