//! Why a connection became no session: an error of the handshake, or a wait that ended, comes in; a cause with a code goes out.

use std::io;
use std::time::Duration;

use rustls::{CertificateError, Error};

/// The codes never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    NoFirstFlight,
    NotTls,
    NoHandshake,
    PlaceNeeded,
    TooMuch,
    Gone,
    Disbelieved,
    TlsFailed,
    NoCertificate,
    CertificateIssuer,
    CertificateExpired,
    CertificateNotYet,
    CertificatePurpose,
    CertificateRevoked,
    CertificateInvalid,
}

impl Cause {
    pub fn code(self) -> &'static str {
        match self {
            Cause::NoFirstFlight => "no-first-flight",
            Cause::NotTls => "not-tls",
            Cause::NoHandshake => "no-handshake-in-time",
            Cause::PlaceNeeded => "place-needed",
            Cause::TooMuch => "stranger-too-large",
            Cause::Gone => "stranger-gone",
            Cause::Disbelieved => "gateway-disbelieved",
            Cause::TlsFailed => "tls-failed",
            Cause::NoCertificate => "certificate-missing",
            Cause::CertificateIssuer => "certificate-issuer-unknown",
            Cause::CertificateExpired => "certificate-expired",
            Cause::CertificateNotYet => "certificate-not-yet-valid",
            Cause::CertificatePurpose => "certificate-purpose",
            Cause::CertificateRevoked => "certificate-revoked",
            Cause::CertificateInvalid => "certificate-invalid",
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
