//! The gateway's certificates come in, what a peer would refuse them for goes out: they are judged by the very verifiers that
//! offices and nats-server use.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use x509_parser::parse_x509_certificate;

use super::{Findings, Level};
use crate::settings::GatewayToml;

/// Days before its end at which a certificate is spoken of.
const WARNING_DAYS: i64 = 30;

pub(super) fn check(raw: &GatewayToml, folder: &Path, findings: &mut Findings) {
    let offices = Side {
        at: "tls",
        ca: &folder.join(&raw.tls.offices_ca),
        certificate: &folder.join(&raw.tls.certificate),
        key: &folder.join(&raw.tls.key),
    };
    if let Err(why) = offices.check(Meets::Offices(&raw.name), findings) {
        findings.mistake(offices.at, why);
    }
    let nats = Side {
        at: "nats",
        ca: &folder.join(&raw.nats.ca),
        certificate: &folder.join(&raw.nats.certificate),
        key: &folder.join(&raw.nats.key),
    };
    if let Err(why) = nats.check(Meets::NatsServer, findings) {
        findings.mistake(nats.at, why);
    }
}

/// Whom a certificate is shown to.
enum Meets<'a> {
    Offices(&'a str),
    NatsServer,
}

/// A certificate with its key, and the CA that it hangs on.
struct Side<'a> {
    at: &'static str,
    ca: &'a Path,
    certificate: &'a Path,
    key: &'a Path,
}

impl Side<'_> {
    fn check(&self, meets: Meets<'_>, findings: &mut Findings) -> Result<(), String> {
        let chain = certificates(self.certificate)?;
        let (leaf, rest) = chain
            .split_first()
            .ok_or_else(|| format!("{} holds no certificate", self.certificate.display()))?;
        self.lasts(leaf, findings);
        let mut roots = RootCertStore::empty();
        for ca in certificates(self.ca)? {
            self.lasts(&ca, findings);
            roots
                .add(ca)
                .map_err(|why| format!("{}: {why}", self.ca.display()))?;
        }
        let bad = |why: rustls::Error| format!("{}: {why}", self.certificate.display());
        let provider = Arc::new(default_provider());
        let roots = Arc::new(roots);
        match meets {
            Meets::Offices(name) => {
                let name = ServerName::try_from(name.to_owned())
                    .map_err(|why| format!("{name:?} is no host name: {why}"))?;
                WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
                    .build()
                    .map_err(|why| why.to_string())?
                    .verify_server_cert(leaf, rest, &name, &[], UnixTime::now())
                    .map_err(bad)?;
            }
            Meets::NatsServer => {
                WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
                    .build()
                    .map_err(|why| why.to_string())?
                    .verify_client_cert(leaf, rest, UnixTime::now())
                    .map_err(bad)?;
            }
        }
        let key = PrivateKeyDer::from_pem_file(self.key)
            .map_err(|why| format!("{}: {why}", self.key.display()))?;
        CertifiedKey::from_der(chain, key, &provider)
            .map_err(|why| format!("{} and its key: {why}", self.certificate.display()))?;
        Ok(())
    }

    fn lasts(&self, certificate: &CertificateDer<'_>, findings: &mut Findings) {
        let Ok((_, read)) = parse_x509_certificate(certificate) else {
            return;
        };
        let end = read.validity().not_after.to_datetime();
        let left = (end - OffsetDateTime::now_utc()).whole_days();
        if (0..WARNING_DAYS).contains(&left) {
            let what = format!("the certificate of {} ends in {left} days", read.subject());
            findings.add(Level::Warning, self.at, what);
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|why| format!("{}: {why}", path.display()))
}
