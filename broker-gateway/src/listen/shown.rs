//! What a stranger's certificate calls itself, where it is not believed: the verifier notes its serial number for the connection whose
//! handshake it is in. Never a name: what nobody has vouched for is not written down as an office's.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

tokio::task_local! {
    static SHOWN: RefCell<Option<String>>;
}

/// What came of a handshake, and the serial of the certificate that was not believed in it.
pub async fn noting<T>(handshake: impl Future<Output = T>) -> (T, Option<String>) {
    let noted = SHOWN.scope(RefCell::new(None), async {
        let made = handshake.await;
        (made, SHOWN.with(RefCell::take))
    });
    noted.await
}

/// A certificate's serial number as tools print it: bytes in hexadecimal, at most 20 (RFC 5280 §4.1.2.2).
pub fn serial(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let bytes = certificate.raw_serial();
    let written: Vec<String> = bytes
        .iter()
        .take(20)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(written.join(":"))
}

/// Verifies as another does, and notes what that one does not believe.
#[derive(Debug)]
pub struct Noting(pub Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Noting {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.verify_client_cert(end_entity, intermediates, now);
        verified.inspect_err(|_| {
            // Outside of a connection there is nobody to note it for.
            let _ = SHOWN.try_with(|shown| *shown.borrow_mut() = serial(end_entity));
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.0.requires_raw_public_keys()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SerialNumber};

    use super::*;

    #[test]
    fn a_serial_number_is_written_as_tools_print_it() {
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&[0x0a, 0x1b, 0x2c]));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        assert_eq!(serial(certificate.der()).as_deref(), Some("0a:1b:2c"));
        assert_eq!(serial(&CertificateDer::from_slice(b"none")), None);
    }
}
