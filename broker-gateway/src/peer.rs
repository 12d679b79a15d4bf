//! A verified client certificate comes in, the office that it names and its serial number go out. Only the one SPIFFE URI SAN counts: never the
//! subject's CN, never a name that the client claims in CONNECT. Whether the registry knows the office is asked elsewhere.

use std::fmt;

use rustls_pki_types::CertificateDer;
use schemas::registry::Serial;
use schemas::subject::{OFFICE_URI, OfficeId};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::coded::coded;

/// An office that has shown its certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Peer {
    office: OfficeId,
    serial: Serial,
}

impl Peer {
    /// Reads the office from a certificate whose chain and validity TLS has already verified.
    ///
    /// # Errors
    /// `PeerFault`, which is told to the client before the connection ends.
    pub fn from_certificate(certificate: &CertificateDer<'_>) -> Result<Peer, PeerFault> {
        let (rest, certificate) =
            X509Certificate::from_der(certificate).map_err(|_| PeerFault::Certificate)?;
        if !rest.is_empty() {
            return Err(PeerFault::Certificate);
        }
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| PeerFault::Certificate)?
            .ok_or(PeerFault::NoUri)?;
        let mut uris = names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some(*uri),
                _ => None,
            });
        match (uris.next(), uris.next()) {
            (None, _) => Err(PeerFault::NoUri),
            (Some(_), Some(_)) => Err(PeerFault::SeveralUris),
            (Some(uri), None) => Ok(Peer {
                office: office(uri)?,
                serial: Serial::of(certificate.raw_serial()),
            }),
        }
    }

    #[cfg(test)]
    pub fn new(office: OfficeId) -> Peer {
        let serial = Serial::of(&[1]);
        Peer { office, serial }
    }

    pub fn office(&self) -> &OfficeId {
        &self.office
    }

    /// Of the certificate that was shown: by it a certificate is revoked.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// Whether a subject lies in the office's own inbox, the only place to which anything is sent back.
    pub fn owns_inbox(&self, subject: &str) -> bool {
        subject
            .strip_prefix("_INBOX.")
            .and_then(|rest| rest.strip_prefix(self.office.ministry()))
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_prefix(self.office.place()))
            .is_some_and(|rest| rest.starts_with('.') && rest.len() > 1)
    }

    /// What the names of the office's consumers begin with. Neither part can hold an underscore.
    pub fn consumer_prefix(&self) -> String {
        format!("{}_{}_", self.office.ministry(), self.office.place())
    }
}

fn office(uri: &str) -> Result<OfficeId, PeerFault> {
    let office = uri.strip_prefix(OFFICE_URI).ok_or(PeerFault::BadUri)?;
    office.parse().map_err(|_| PeerFault::BadUri)
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.office.fmt(f)
    }
}

coded! {
    /// Why a certificate names no office. The codes never change their meaning.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
    pub enum PeerFault {
        #[error("the certificate cannot be read")]
        Certificate = "certificate-unreadable",
        #[error("the certificate names no office: it needs one URI, {OFFICE_URI}<ministry>/<place>")]
        NoUri = "certificate-without-office",
        #[error("the certificate names several URIs: it needs exactly one")]
        SeveralUris = "certificate-with-several-uris",
        #[error("the certificate's URI is not {OFFICE_URI}<ministry>/<place>")]
        BadUri = "certificate-uri-malformed",
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(names: &[SanType]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.to_vec();
        params.distinguished_name.push(
            rcgen::DnType::CommonName,
            "spiffe://spean.gov.kh/office/mef/hq",
        );
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        certificate.der().clone()
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().expect("ASCII"))
    }

    #[test]
    fn the_one_uri_names_the_office() {
        let names = [
            SanType::DnsName("moh.gov.kh".try_into().expect("ASCII")),
            uri("spiffe://spean.gov.kh/office/moh/siem-reap"),
        ];
        let peer = Peer::from_certificate(&certificate(&names)).expect("an office");
        assert_eq!(peer.office().to_string(), "moh/siem-reap");
        assert_eq!(peer.consumer_prefix(), "moh_siem-reap_");
    }

    #[test]
    fn anything_but_one_well_formed_uri_names_nobody() {
        let good = uri("spiffe://spean.gov.kh/office/moh/siem-reap");
        let cases = [
            (vec![], PeerFault::NoUri),
            (vec![good.clone(), good.clone()], PeerFault::SeveralUris),
            (
                vec![good, uri("https://example.com/")],
                PeerFault::SeveralUris,
            ),
            (
                vec![uri("spiffe://spean.gov.kh/office/moh")],
                PeerFault::BadUri,
            ),
            (
                vec![uri("spiffe://spean.gov.kh/office/moh/siem-reap/x")],
                PeerFault::BadUri,
            ),
            (
                vec![uri("spiffe://spean.gov.kh/office/MoH/hq")],
                PeerFault::BadUri,
            ),
            (
                vec![uri("spiffe://spean.gov.kh/office/moh/*")],
                PeerFault::BadUri,
            ),
            (
                vec![uri("SPIFFE://spean.gov.kh/office/moh/hq")],
                PeerFault::BadUri,
            ),
            (
                vec![uri("spiffe://evil.example/office/moh/hq")],
                PeerFault::BadUri,
            ),
        ];
        for (names, fault) in cases {
            assert_eq!(Peer::from_certificate(&certificate(&names)), Err(fault));
        }
        assert_eq!(
            Peer::from_certificate(&CertificateDer::from(vec![0x30, 0])),
            Err(PeerFault::Certificate)
        );
    }

    #[test]
    fn an_inbox_belongs_to_one_office_alone() {
        let peer = Peer::new("moh/hq".parse().expect("an office"));
        assert!(peer.owns_inbox("_INBOX.moh.hq.x"));
        assert!(peer.owns_inbox("_INBOX.moh.hq.>"));
        for foreign in [
            "_INBOX.moh.hq",
            "_INBOX.moh.hq.",
            "_INBOX.moh.hqx.1",
            "_INBOX.moh.*.x",
            "_INBOX.mohx.hq.1",
            "_INBOX.>",
            "_inbox.moh.hq.x",
            "x._INBOX.moh.hq.x",
        ] {
            assert!(!peer.owns_inbox(foreign), "{foreign}");
        }
    }
}
