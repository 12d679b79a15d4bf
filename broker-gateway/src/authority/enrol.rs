//! `enrol`: an office's name comes in, the registry says who it is and which key is its own, and its bundle goes out.
//! With a certificate request and a public key from the office its private keys are never here. The registry is changed
//! under its lock, in one step, after everything that can fail has been done.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use schemas::registry::{KeyRecord, Office, Registry, RegistryEvent, Serial, Standing};
use schemas::signing::{Fingerprint, PublicKey, SigningKey};
use schemas::subject::OfficeId;

use super::certificates::Ca;
use super::folder::{self, Folder};
use super::init::now;
use super::issued::Issued;
use crate::settings::GatewayToml;

/// An office to be enrolled.
#[derive(Debug)]
pub struct Enrol {
    pub office: OfficeId,
    pub out: PathBuf,
    pub authority: PathBuf,
    /// What is said of an office whose name does not say it.
    pub named: Named,
    /// A certificate request and a file with the public signing key: both from the office.
    pub from_office: Option<(PathBuf, PathBuf)>,
    /// host:port under which the office reaches gateways; as the gateway listens, if none are named.
    pub gateways: Vec<String>,
}

/// What the operator says of an office; the rest follows from its name.
#[derive(Debug, Default)]
pub struct Named {
    pub title: Option<String>,
    pub title_km: Option<String>,
    pub standing: Option<Standing>,
    /// In any code: 17, KH17, KH-17.
    pub province: Option<String>,
    pub node: Option<String>,
}

/// What was said of an office, and what it was given.
#[derive(Debug)]
pub struct Enrolled {
    /// The kinds of what was added to the registry.
    pub said: Vec<&'static str>,
    pub certificate: Serial,
    /// Of the authority's key: the office has to hear it by another way than its bundle.
    pub authority: Fingerprint,
}

/// What an office gets besides what everybody may know.
struct Credentials {
    certificate: String,
    certificate_key: Option<String>,
    signing_document: Option<Vec<u8>>,
    public: PublicKey,
}

impl Enrol {
    /// Enrols it.
    ///
    /// # Errors
    /// The registry and the folder for the bundle stay as they were, but for files that were written before a disk failed.
    pub fn run(&self) -> anyhow::Result<Enrolled> {
        let folder = Folder::new(&self.authority);
        let key = SigningKey::from_pkcs8(&folder::read(&folder.signing_key())?)
            .with_context(|| format!("{} is no key", folder.signing_key().display()))?;
        let lock = folder.lock_registry()?;
        let (mut text, mut log) = folder::read_registry(&folder.registry(), *key.public())?;
        let said = self.office_events(log.registry())?;
        let credentials = self.credentials(&folder)?;
        let mut events: Vec<RegistryEvent> = said.into_iter().collect();
        events.extend(key_event(log.registry(), &self.office, credentials.public)?);
        let now = now()?;
        for event in &events {
            text.push_str(&log.append(event, &key, now)?);
            text.push('\n');
        }
        self.write_bundle(&folder, &credentials, &text)?;
        let issued = Issued::of(&credentials.certificate)?;
        issued.note(&folder)?;
        folder::replace(&folder.registry(), text.as_bytes(), &lock)?;
        Ok(Enrolled {
            said: events.iter().map(RegistryEvent::kind).collect(),
            certificate: issued.serial,
            authority: key.public().fingerprint(),
        })
    }

    /// For the operator to read: what was said to the registry, and where the bundle lies.
    pub fn outcome(&self, enrolled: &Enrolled) -> String {
        let added = match &enrolled.said[..] {
            [] => "nothing new".to_owned(),
            said => said.join(", "),
        };
        let secret = match self.from_office {
            Some(_) => "it holds no private key: those are the office's",
            None => "it holds the office's private keys: carry it there, and delete it here",
        };
        format!(
            "enrolled {} (registry: {added}; certificate {})\nthe bundle is {}; {secret}\n\
             the authority's fingerprint is {authority}: tell it to the office by telephone or on paper, for `spean-agent init` asks for it\n\
             លេខសម្គាល់អាជ្ញាធរ៖ {authority} សូមប្រាប់ការិយាល័យតាមទូរស័ព្ទ ឬលើក្រដាស",
            self.office,
            enrolled.certificate,
            self.out.display(),
            authority = enrolled.authority,
        )
    }

    /// What is to be said of the office, if the registry does not say it yet.
    fn office_events(&self, registry: &Registry) -> anyhow::Result<Option<RegistryEvent>> {
        let usual = match registry.office(&self.office) {
            Some(known) => Some(known.clone()),
            None => registry.usual_office(&self.office),
        };
        let office = self.named.applied(&self.office, usual, registry)?;
        // What is said anew of a closed office opens it again.
        let known =
            registry.office(&self.office) == Some(&office) && !registry.is_closed(&self.office);
        Ok((!known).then_some(RegistryEvent::OfficeAdded(office)))
    }

    fn credentials(&self, folder: &Folder) -> anyhow::Result<Credentials> {
        let ca = Ca::read(
            &folder::read_text(&folder.ca())?,
            &folder::read_text(&folder.ca_key())?,
        )?;
        let Some((request, public)) = &self.from_office else {
            let (key, document) = SigningKey::generate()?;
            let pair = ca.office(&self.office)?;
            return Ok(Credentials {
                certificate: pair.certificate,
                certificate_key: Some(pair.key),
                signing_document: Some(document),
                public: *key.public(),
            });
        };
        let text = folder::read_text(public)?;
        let public = PublicKey::try_from(text)
            .map_err(|fault| anyhow::anyhow!("{} {fault}", public.display()))?;
        Ok(Credentials {
            certificate: ca.office_by_request(&self.office, &folder::read_text(request)?)?,
            certificate_key: None,
            signing_document: None,
            public,
        })
    }

    fn write_bundle(
        &self,
        folder: &Folder,
        credentials: &Credentials,
        registry: &str,
    ) -> anyhow::Result<()> {
        let authority = SigningKey::from_pkcs8(&folder::read(&folder.signing_key())?)?;
        let settings = self.agent_toml(folder, authority.public().fingerprint())?;
        folder::make_empty(&self.out)?;
        let file = |name: &str| self.out.join(name);
        folder::write(&file("ca.pem"), folder::read(&folder.ca())?)?;
        folder::write(&file("office.pem"), &credentials.certificate)?;
        if let Some(key) = &credentials.certificate_key {
            folder::write_secret(&file("office.key"), key)?;
        }
        if let Some(document) = &credentials.signing_document {
            folder::write_secret(&file("signing.pk8"), document)?;
        }
        folder::write(&file("authority.pub"), format!("{}\n", authority.public()))?;
        folder::write(&file("registry.ndjson"), registry)?;
        folder::write(&file("agent.toml"), settings)
    }

    fn agent_toml(&self, folder: &Folder, authority: Fingerprint) -> anyhow::Result<String> {
        let path = folder.file(crate::settings::FILE_NAME);
        let gateway: GatewayToml = toml::from_str(&folder::read_text(&path)?)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let gateways = match &self.gateways[..] {
            [] => vec![reachable(&gateway)],
            named => named.to_vec(),
        };
        Ok(format!(
            r#"# The agent of {office}. `spean-agent init` puts it, with the keys beside it, into the office's folder.
# Its authority is {authority}; whether that is so, the authority itself says by another way.
office = "{office}"
# host:port of each gateway; if one does not answer, the next is tried.
gateways = {gateways:?}
# The name in the gateways' certificate.
gateway_name = {name:?}

# Where the office's own programs submit and read. Others can reach it only with tls_cert and tls_key.
[http]
listen = "127.0.0.1:7070"

# Frames in place of NATS, a twentieth of the bytes: [link] packed = "on", with a gateway that speaks them.

[store]
dir = "store"
# When outbox and inbox hold this much, submissions are refused loudly; nothing is dropped.
disk_budget_bytes = 4294967296

# What arrives on a feed can be delivered, in order per log, to a webhook (CloudEvents over HTTP) or a file:
# [[deliver]]
# name = "prices-desk"          (what was delivered is remembered by this name: another application gets another one)
# feed = "price-bulletin"
# webhook = "http://127.0.0.1:8080/events"
# With an origin the webhook is asked for leave before anything is sent to it, and for so many deliveries a minute:
# origin = "spean.moh.gov.kh"
# rate_per_minute = 120
"#,
            office = self.office,
            name = gateway.name,
        ))
    }
}

/// Where a gateway is reached: as it listens, or under its name where it listens on every address.
fn reachable(gateway: &GatewayToml) -> String {
    match gateway.listen.rsplit_once(':') {
        Some(("0.0.0.0" | "[::]", port)) => format!("{}:{port}", gateway.name),
        Some(_) | None => gateway.listen.clone(),
    }
}

/// The office's key, if the registry does not know it yet.
fn key_event(
    registry: &Registry,
    office: &OfficeId,
    public: PublicKey,
) -> anyhow::Result<Option<RegistryEvent>> {
    let keyid = public.keyid();
    match registry.key(&keyid) {
        Some(key) if key.office == *office => Ok(None),
        Some(key) => bail!(
            "this signing key is {}'s; an office needs its own",
            key.office
        ),
        None => Ok(Some(RegistryEvent::KeyAdded(KeyRecord {
            office: office.clone(),
            keyid,
            public_key: public.into(),
            honoured: Default::default(),
        }))),
    }
}

impl Named {
    /// The office as it is known or usual, with what is said of it in place.
    fn applied(
        &self,
        id: &OfficeId,
        usual: Option<Office>,
        registry: &Registry,
    ) -> anyhow::Result<Office> {
        let mut office = match (usual, &self.title, self.standing) {
            (Some(office), _, _) => office,
            (None, Some(title), Some(standing)) => Office {
                id: id.clone(),
                title_en: title.clone(),
                title_km: title.clone(),
                standing,
                province: None,
                node: None,
                agents: None,
            },
            (None, _, _) => {
                ensure!(
                    registry.ministry(id.ministry()).is_some(),
                    "the registry knows no ministry {:?}",
                    id.ministry()
                );
                bail!(
                    "{id} is neither hq nor named as a province: say --title, and --standing headquarters or provincial (then --province, too)"
                )
            }
        };
        if let Some(title) = &self.title {
            office.title_en.clone_from(title);
        }
        if let Some(title) = &self.title_km {
            office.title_km.clone_from(title);
        }
        if let Some(standing) = self.standing {
            office.standing = standing;
        }
        if let Some(code) = &self.province {
            office.province = Some(province(registry, code)?);
        }
        if let Some(node) = &self.node {
            office.node = Some(node.clone());
        }
        Ok(office)
    }
}

fn province(registry: &Registry, code: &str) -> anyhow::Result<String> {
    let known = registry.provinces().find(|province| {
        [
            &province.code,
            &province.pcode,
            &province.iso,
            &province.place,
        ]
        .into_iter()
        .any(|known| known == code)
    });
    let province = known.with_context(|| format!("{code:?} is no province: write 17 or KH17"))?;
    Ok(province.code.clone())
}

#[cfg(test)]
mod tests;
