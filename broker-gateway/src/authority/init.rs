//! `init`: names and addresses come in, a new authority goes out: its keys and CAs, the registry's first words, and what a
//! gateway and nats-server need. Every key is made here and now; nothing that exists is overwritten.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use ring::rand::{SecureRandom as _, SystemRandom};
use schemas::event::Timestamp;
use schemas::registry::{self, GatewayRecord, RegistryEvent};
use schemas::registry_log::RegistryLog;
use schemas::signing::{Fingerprint, PublicKey, SigningKey};
use time::OffsetDateTime;

use super::broker::{self, Broker};
use super::certificates::{Ca, Pair};
use super::folder::{self, Folder};
use crate::settings::ServerAddress;

/// What a new authority is told.
#[derive(Debug)]
pub struct Init {
    pub folder: PathBuf,
    /// host:port on which the gateway meets offices.
    pub listen: String,
    /// The names under which offices reach the gateway; the first is its own.
    pub names: Vec<String>,
    pub nats: Vec<ServerAddress>,
    /// Where nats-server keeps its streams; the folder's own `nats/data`, if nothing is said.
    pub data_dir: Option<PathBuf>,
}

impl Init {
    /// Makes it all, and says by what the new authority is known.
    ///
    /// # Errors
    /// The folder is not empty, or cannot be written.
    pub fn run(&self) -> anyhow::Result<Fingerprint> {
        ensure!(!self.names.is_empty(), "a gateway needs a name");
        ensure!(!self.nats.is_empty(), "a gateway needs a nats-server");
        folder::make_empty(&self.folder)?;
        for private in ["authority", "gateway", "nats"] {
            folder::make_private(&self.folder.join(private))?;
        }
        let folder = Folder::new(&self.folder.canonicalize()?);
        let signing_key = self.gateway_key(&folder)?;
        let authority = self.authority(&folder, signing_key)?;
        self.offices_ca(&folder)?;
        self.nats_side(&folder)?;
        folder::write(
            &folder.file("gateway.toml"),
            self.gateway_toml(&String::from(*authority.public())),
        )?;
        Ok(authority.public().fingerprint())
    }

    /// For the operator to read, and to copy.
    pub fn next_steps(&self, fingerprint: Fingerprint) -> String {
        let folder = self.folder.display();
        let servers = (0..self.nats.len()).map(|index| {
            let name = broker::file_name(index, self.nats.len());
            format!("  nats-server --config {folder}/nats/{name}\n")
        });
        format!(
            "made an authority in {folder}; keep {folder}/authority to yourself\nits fingerprint is {fingerprint}\n\nnext:\n{}  \
             spean-gateway streams {folder}\n  \
             spean-gateway enrol moh/siem-reap --dir {folder} --out bundles/moh-siem-reap\n  \
             spean-gateway serve {folder}",
            servers.collect::<String>()
        )
    }

    /// The key with which the gateway signs receipts.
    fn gateway_key(&self, folder: &Folder) -> anyhow::Result<PublicKey> {
        let (key, document) = SigningKey::generate()?;
        folder::write_secret(&folder.file("gateway/signing.pk8"), document)?;
        Ok(*key.public())
    }

    /// The authority's key and the registry's first words, which it signs; the gateway is among them.
    fn authority(&self, folder: &Folder, gateway: PublicKey) -> anyhow::Result<SigningKey> {
        let (key, document) = SigningKey::generate()?;
        folder::write_secret(&folder.signing_key(), document)?;
        let now = now()?;
        let mut log = RegistryLog::begin(*key.public());
        let mut lines = String::new();
        let gateway = RegistryEvent::GatewayAdded(GatewayRecord {
            name: self.names[0].clone(),
            public_key: gateway.into(),
        });
        for said in registry::seed().into_iter().chain([gateway]) {
            lines.push_str(&log.append(&said, &key, now)?);
            lines.push('\n');
        }
        folder::write(&folder.registry(), lines)?;
        Ok(key)
    }

    /// The CA of offices, and the gateway's certificate, by which they know it.
    fn offices_ca(&self, folder: &Folder) -> anyhow::Result<()> {
        let (ca, pair) = Ca::make("spean offices")?;
        folder::write(&folder.ca(), &pair.certificate)?;
        folder::write_secret(&folder.ca_key(), &pair.key)?;
        folder::write(&folder.file("gateway/offices-ca.pem"), &pair.certificate)?;
        let mut hosts = self.names.clone();
        hosts.push("127.0.0.1".to_owned());
        hosts.dedup();
        let gateway = ca.server(&self.names[0], &hosts)?;
        write_pair(folder, "gateway/gateway", &gateway)
    }

    /// The CA behind which nats-server stands, the nkeys that it knows, and its configuration.
    fn nats_side(&self, folder: &Folder) -> anyhow::Result<()> {
        let (ca, pair) = Ca::make("spean nats-server")?;
        folder::write(&folder.file("nats/ca.pem"), &pair.certificate)?;
        folder::write_secret(&folder.file("authority/nats-ca.key"), &pair.key)?;
        folder::write(&folder.file("gateway/nats-ca.pem"), &pair.certificate)?;
        let hosts: Vec<String> = self.nats.iter().map(|server| server.host.clone()).collect();
        write_pair(folder, "nats/server", &ca.server("nats-server", &hosts)?)?;
        write_pair(folder, "gateway/nats-client", &ca.client(&self.names[0])?)?;
        let gateway = nkey(&folder.file("gateway/gateway.nk"))?;
        let operator = nkey(&folder.operator_nkey())?;
        let route_password = self.routes(folder, &hosts)?;
        let data_dir = match &self.data_dir {
            Some(named) => std::path::absolute(named)?,
            None => folder.file("nats/data"),
        };
        folder::make_private(&data_dir)?;
        let broker = Broker {
            servers: &self.nats,
            folder: &folder.file("nats"),
            data_dir: &data_dir,
            gateway: &gateway,
            operator: &operator,
            route_password: &route_password,
        };
        for index in 0..self.nats.len() {
            let name = broker::file_name(index, self.nats.len());
            let path = folder.file("nats").join(name);
            folder::write_secret(&path, broker::configuration(&broker, index))?;
        }
        Ok(())
    }

    /// What the servers of a cluster know each other by: a CA of their own, and a password. Returns the password.
    fn routes(&self, folder: &Folder, hosts: &[String]) -> anyhow::Result<String> {
        if self.nats.len() > 1 {
            let (ca, pair) = Ca::make("spean nats-server routes")?;
            let name = format!("nats/{}.pem", broker::ROUTES_CA);
            folder::write(&folder.file(&name), &pair.certificate)?;
            folder::write_secret(&folder.file("authority/routes-ca.key"), &pair.key)?;
            write_pair(folder, "nats/route", &ca.route("nats-server", hosts)?)?;
        }
        let mut bytes = [0; 24];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn gateway_toml(&self, authority_key: &str) -> String {
        let servers: Vec<String> = self
            .nats
            .iter()
            .map(|server| format!("{:?}", server.to_string()))
            .collect();
        format!(
            r#"# A spean gateway. Paths start at this file's folder. `spean-gateway check` names every mistake.

# In its INFO, and in the stamp on what it stored. Each gateway has its own.
name = {name:?}
# Where offices reach it.
listen = {listen:?}
# Who exists and who may do what, signed by the authority; looked at anew each second.
registry = "registry.ndjson"
authority_key = "{authority_key}"
# One JSON line for each decision.
audit = "audit.ndjson"
# Signs the receipts for what is stored; the registry knows its public half.
signing_key = "gateway/signing.pk8"

# Frames are spoken with offices that offer to; frames = false turns that off.

# What the bus has lost is looked for: [heal] check_interval_s = 600 (heads and counts), full_read_interval_s = 86400.

[tls]
certificate = "gateway/gateway.pem"
key = "gateway/gateway.key"
offices_ca = "gateway/offices-ca.pem"
# tls12 = true lets clients in that cannot speak TLS 1.3.

[nats]
servers = [{servers}]
ca = "gateway/nats-ca.pem"
certificate = "gateway/nats-client.pem"
key = "gateway/nats-client.key"
nkey = "gateway/gateway.nk"
"#,
            name = self.names[0],
            listen = self.listen,
            servers = servers.join(", "),
        )
    }
}

/// The present, in the whole seconds that are signed.
///
/// # Errors
/// The clock stands outside the years that can be written.
pub fn now() -> anyhow::Result<Timestamp> {
    Timestamp::from_time(OffsetDateTime::now_utc()).context("the clock is wrong")
}

fn write_pair(folder: &Folder, name: &str, pair: &Pair) -> anyhow::Result<()> {
    folder::write(&folder.file(&format!("{name}.pem")), &pair.certificate)?;
    folder::write_secret(&folder.file(&format!("{name}.key")), &pair.key)
}

/// Makes a user's nkey, keeps its seed, and gives its public part.
fn nkey(path: &Path) -> anyhow::Result<String> {
    let pair = KeyPair::new_user();
    let seed = pair.seed().context("cannot make an nkey")?;
    folder::write_secret(path, format!("{seed}\n"))?;
    Ok(pair.public_key())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::commit::Notary;
    use crate::settings::Settings;

    fn init(folder: &Path) -> Init {
        Init {
            folder: folder.to_owned(),
            listen: "127.0.0.1:4443".into(),
            names: vec!["localhost".into()],
            nats: vec![ServerAddress {
                host: "127.0.0.1".into(),
                port: 4222,
            }],
            data_dir: None,
        }
    }

    #[test]
    fn a_new_authority_has_settings_that_a_gateway_takes_and_a_registry_that_it_believes() {
        let folder = tempfile::tempdir().expect("a folder");
        init(folder.path()).run().expect("an authority");
        let settings = Settings::read(folder.path()).expect("good settings");
        let text = std::fs::read_to_string(&settings.registry).expect("a registry");
        let log = RegistryLog::load(&text, settings.authority_key).expect("signed");
        assert_eq!(log.registry().feeds().count(), 4);
        assert_eq!(log.registry().offices().count(), 0);
        let notary = Notary::read(&settings).expect("a key that signs receipts");
        assert!(notary.is_known_to(log.registry()));
    }

    #[test]
    fn no_secret_can_be_read_by_others() {
        let folder = tempfile::tempdir().expect("a folder");
        init(folder.path()).run().expect("an authority");
        for secret in [
            "authority/ca.key",
            "authority/nats-ca.key",
            "authority/signing.pk8",
            "authority/operator.nk",
            "gateway/gateway.key",
            "gateway/signing.pk8",
            "gateway/gateway.nk",
            "gateway/nats-client.key",
            "nats/server.key",
        ] {
            let file = std::fs::metadata(folder.path().join(secret)).expect(secret);
            assert_eq!(file.permissions().mode() & 0o077, 0, "{secret}");
        }
    }

    #[test]
    fn an_authority_is_not_made_over_another() {
        let folder = tempfile::tempdir().expect("a folder");
        init(folder.path()).run().expect("an authority");
        let key = std::fs::read(folder.path().join("authority/signing.pk8")).expect("a key");
        assert!(init(folder.path()).run().is_err());
        assert_eq!(
            std::fs::read(folder.path().join("authority/signing.pk8")).expect("a key"),
            key
        );
    }
}
