//! Why a connection became no session: an error of the handshake, or a wait that ended, comes in; a cause with a code goes out.

use std::io;
use std::time::Duration;

use rustls::{CertificateError, Error};

use crate::coded::coded;

coded! {
    /// The codes never change their meaning.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Cause {
        NoFirstFlight = "no-first-flight",
        NotTls = "not-tls",
        NoHandshake = "no-handshake-in-time",
        PlaceNeeded = "place-needed",
        TooMuch = "stranger-too-large",
        Gone = "stranger-gone",
        Disbelieved = "gateway-disbelieved",
        TlsFailed = "tls-failed",
        NoCertificate = "certificate-missing",
        CertificateIssuer = "certificate-issuer-unknown",
        CertificateExpired = "certificate-expired",
        CertificateNotYet = "certificate-not-yet-valid",
        CertificatePurpose = "certificate-purpose",
        CertificateRevoked = "certificate-revoked",
        CertificateInvalid = "certificate-invalid",
    }
}

impl Cause {
    /// What happened, for whoever reads the audit.
    pub const fn meaning(self) -> &'static str {
        match self {
            Cause::NoFirstFlight => "no ClientHello in 2 s, or in 3.5 s behind INFO",
            Cause::NotTls => "what came was no TLS",
            Cause::NoHandshake => "no certificate within 10 s of the ClientHello",
            Cause::PlaceNeeded => {
                "all places of strangers were taken, and this one was the oldest of the network that had most of them"
            }
            Cause::TooMuch => {
                "over 4 KiB were sent without a whole ClientHello, or over 12 KiB behind it without a whole certificate"
            }
            Cause::Gone => "the peer left",
            Cause::Disbelieved => {
                "the peer does not take the gateway's certificate: another CA, or its clock is wrong"
            }
            Cause::TlsFailed => "TLS could not agree",
            Cause::NoCertificate => "no certificate was shown",
            Cause::CertificateIssuer => "the certificate is of another CA",
            Cause::CertificateExpired => "the certificate has ended: it must be renewed",
            Cause::CertificateNotYet => "the certificate has not begun: look at the clocks",
            Cause::CertificatePurpose => "the certificate is not for clients",
            Cause::CertificateRevoked => "the certificate was revoked",
            Cause::CertificateInvalid => "the certificate cannot be read or is none for this",
        }
    }
}

/// A connection that became no session.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("no ClientHello in {0:?}")]
    NoFirstFlight(Duration),
    #[error("no handshake in {0:?}")]
    NoHandshake(Duration),
    #[error("the place was needed for somebody else")]
    PlaceNeeded,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What the guard of a stranger's socket says.
#[derive(Debug, thiserror::Error)]
#[error("a peer without identity sent too much")]
pub struct TooMuch;

impl Failure {
    pub fn cause(&self) -> Cause {
        match self {
            Failure::NoFirstFlight(_) => Cause::NoFirstFlight,
            Failure::NoHandshake(_) => Cause::NoHandshake,
            Failure::PlaceNeeded => Cause::PlaceNeeded,
            Failure::Io(error) => of_io(error),
        }
    }
}

fn of_io(error: &io::Error) -> Cause {
    let inner = error.get_ref();
    if inner.is_some_and(|inner| inner.is::<TooMuch>()) {
        return Cause::TooMuch;
    }
    match inner.and_then(|inner| inner.downcast_ref::<Error>()) {
        None => Cause::Gone,
        Some(Error::NoCertificatesPresented) => Cause::NoCertificate,
        Some(Error::InvalidCertificate(why)) => of_certificate(why),
        // The peer does not take the gateway's certificate.
        Some(Error::AlertReceived(_)) => Cause::Disbelieved,
        Some(Error::InvalidMessage(_)) => Cause::NotTls,
        Some(_) => Cause::TlsFailed,
    }
}

fn of_certificate(why: &CertificateError) -> Cause {
    match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            Cause::CertificateIssuer
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Cause::CertificateExpired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Cause::CertificateNotYet
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            Cause::CertificatePurpose
        }
        CertificateError::Revoked => Cause::CertificateRevoked,
        _ => Cause::CertificateInvalid,
    }
}
