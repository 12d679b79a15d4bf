//! Paths of certificates and keys come in, TLS configurations go out: the one side that offices meet, the other that meets the
//! broker. Ring only; no session is ever resumed, because resumption would pass by revocation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nkeys::KeyPair;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::listen::shown::Noting;
use crate::settings::{NatsSettings, TlsSettings};

/// Why files make no TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    #[error("cannot read a PEM file at {path}: {source}")]
    Pem {
        path: PathBuf,
        source: rustls_pki_types::pem::Error,
    },
    #[error("there is no certificate in {0}")]
    NoCertificate(PathBuf),
    #[error("cannot use the certificates and key at {path}: {source}")]
    Rustls {
        path: PathBuf,
        source: rustls::Error,
    },
    #[error("cannot verify clients by {path}: {source}")]
    Verifier {
        path: PathBuf,
        source: VerifierBuilderError,
    },
    #[error("there is no nkey user seed in {0}")]
    Nkey(PathBuf),
}

/// What offices meet: they must show a certificate of the offices' CA.
///
/// # Errors
/// `TlsFault`.
pub fn server_config(settings: &TlsSettings) -> Result<ServerConfig, TlsFault> {
    let at = |path: &Path| path.to_owned();
    let verifier = WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots(&settings.offices_ca)?),
        provider(),
    )
    .build()
    .map_err(|source| TlsFault::Verifier {
        path: at(&settings.offices_ca),
        source,
    })?;
    let versions: &[_] = match settings.tls12 {
        true => &[&TLS13, &TLS12],
        false => &[&TLS13],
    };
    let fault = |source| TlsFault::Rustls {
        path: at(&settings.certificate),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .map_err(fault)?
        .with_client_cert_verifier(Arc::new(Noting(verifier)))
        .with_single_cert(certificates(&settings.certificate)?, key(&settings.key)?)
        .map_err(fault)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// How the gateway meets the broker.
///
/// # Errors
/// `TlsFault`.
pub fn client_config(settings: &NatsSettings) -> Result<ClientConfig, TlsFault> {
    let fault = |source| TlsFault::Rustls {
        path: settings.certificate.clone(),
        source,
    };
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(fault)?
        .with_root_certificates(roots(&settings.ca)?)
        .with_client_auth_cert(certificates(&settings.certificate)?, key(&settings.key)?)
        .map_err(fault)
}

/// The gateways' nkey, of which the file holds the seed.
///
/// # Errors
/// `TlsFault::Nkey`, which never shows the file's text.
pub fn nkey(path: &Path) -> Result<KeyPair, TlsFault> {
    let none = || TlsFault::Nkey(path.to_owned());
    let text = std::fs::read_to_string(path).map_err(|_| none())?;
    let seed = text
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("SU"));
    KeyPair::from_seed(seed.ok_or_else(none)?).map_err(|_| none())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn roots(path: &Path) -> Result<RootCertStore, TlsFault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|source| TlsFault::Rustls {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let all: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| pem(path, source))?;
    if all.is_empty() {
        return Err(TlsFault::NoCertificate(path.to_owned()));
    }
    Ok(all)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsFault> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| pem(path, source))
}

fn pem(path: &Path, source: rustls_pki_types::pem::Error) -> TlsFault {
    TlsFault::Pem {
        path: path.to_owned(),
        source,
    }
}
