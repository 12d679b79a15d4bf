//! The office's certificate and the authority's come in as files, the client's TLS options go out. Only this authority is
//! believed; the system's store never is.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use async_nats::ConnectOptions;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use schemas::packed::ALPN;

use super::LinkSettings;

#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    #[error("cannot read {0}: {1}")]
    Pem(String, rustls_pki_types::pem::Error),
    #[error("cannot use the office's certificate: {0}")]
    Tls(#[from] rustls::Error),
    #[error("cannot use ca.pem: {0}")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
    #[error("gateway_name {0:?} is no host name")]
    Name(String),
}

/// The files are read again at each connection, so that a renewed certificate needs no restart.
///
/// # Errors
/// A file that cannot be read or is no certificate.
pub fn options(settings: &LinkSettings, host: &str) -> Result<ConnectOptions, TlsFault> {
    let options = ConnectOptions::new().require_tls(true).tls_first();
    let loopback = host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if loopback || host.eq_ignore_ascii_case(&settings.gateway_name) {
        return Ok(options
            .add_root_certificates(settings.ca.clone())
            .add_client_certificate(settings.certificate.clone(), settings.key.clone()));
    }
    Ok(options.tls_client_config(named(settings)?))
}

/// For a session that speaks frames, if the gateway does. Whatever name is dialled, the certificate must carry the one of the settings.
///
/// # Errors
/// As [`options`].
pub fn packed(settings: &LinkSettings) -> Result<ClientConfig, TlsFault> {
    let mut config = named(settings)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The name that a gateway's certificate must carry.
///
/// # Errors
/// It is no host name.
pub fn server_name(settings: &LinkSettings) -> Result<ServerName<'static>, TlsFault> {
    ServerName::try_from(settings.gateway_name.clone())
        .map_err(|_| TlsFault::Name(settings.gateway_name.clone()))
}

/// Where a gateway is dialled by another name than its certificate's: the library checks the name that it dials, and has
/// no setting for another.
fn named(settings: &LinkSettings) -> Result<ClientConfig, TlsFault> {
    let name = server_name(settings)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&settings.ca)? {
        roots.add(certificate)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner =
        WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone()).build()?;
    let key = PrivateKeyDer::from_pem_file(&settings.key)
        .map_err(|error| TlsFault::Pem(settings.key.display().to_string(), error))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Named { inner, name }))
        .with_client_auth_cert(certificates(&settings.certificate)?, key)?;
    Ok(config)
}

fn certificates(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let fault = |error| TlsFault::Pem(path.display().to_string(), error);
    CertificateDer::pem_file_iter(path)
        .map_err(fault)?
        .collect::<Result<_, _>>()
        .map_err(fault)
}

/// The usual verification, under the name that the settings give instead of the one that was dialled.
#[derive(Debug)]
struct Named {
    inner: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner
            .verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// What TLS found wrong with the gateway's certificate. An I/O error shows what it carries only to those who ask.
pub fn certificate_fault<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        let carried = error.downcast_ref::<std::io::Error>();
        let carried = carried.and_then(|error| error.get_ref());
        let tls = error
            .downcast_ref::<rustls::Error>()
            .or_else(|| carried?.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(fault)) = tls {
            return Some(fault);
        }
        next = error.source();
    }
    None
}

/// The library makes its own configurations with the process's provider.
pub fn install_provider() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker, with the same provider.
        let _same = rustls::crypto::ring::default_provider().install_default();
    }
}
