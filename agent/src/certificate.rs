//! The office's certificate: its file comes in; whose it is and until when goes out, and who has to know of that in time.
//! Nothing is decided by it but whether this folder is the office's that its settings name.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use schemas::event::Timestamp;
use schemas::subject::{OFFICE_URI, OfficeId};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::settings::{Folder, Mistake};
use crate::submit::now;

/// A certificate that ends sooner is told of: the authority has to make the next, and somebody to bring it.
const ENDS_SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often it is looked at: a renewed one is seen soon, and a log of a year is not full of it.
const LOOK: Duration = Duration::from_secs(24 * 60 * 60);

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub office: OfficeId,
    pub begins: Timestamp,
    pub ends: Timestamp,
}

/// How long the certificate is still good, as it is told over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub ends: String,
    pub days_left: i64,
    /// What is to be done, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub km: Option<String>,
}

impl Certificate {
    /// # Errors
    /// The file cannot be read, or its first certificate names no office.
    pub fn read(path: &Path) -> Result<Certificate, Mistake> {
        let mistake = |what: &str| Mistake {
            at: path.display().to_string(),
            what: what.to_owned(),
        };
        let pem = fs::read(path).map_err(|error| mistake(&format!("cannot be read: {error}")))?;
        let der = CertificateDer::from_pem_slice(&pem)
            .map_err(|error| mistake(&format!("is no certificate: {error}")))?;
        let (_, parsed) = X509Certificate::from_der(&der)
            .map_err(|error| mistake(&format!("is no certificate: {error}")))?;
        let office = office(&parsed).ok_or_else(|| mistake("is no office's certificate"))?;
        let time = |seconds: i64| Timestamp::from_unix_seconds(seconds);
        let validity = parsed.validity();
        let begins = time(validity.not_before.timestamp());
        let ends = time(validity.not_after.timestamp());
        let (Some(begins), Some(ends)) = (begins, ends) else {
            return Err(mistake("is valid at no time that can be written"));
        };
        Ok(Certificate {
            office,
            begins,
            ends,
        })
    }

    pub fn report(&self, now: Timestamp) -> Report {
        let seconds_left = self.ends.unix_seconds() - now.unix_seconds();
        let days_left = seconds_left.div_euclid(24 * 60 * 60);
        let ends = self.ends.to_string();
        let soon = i64::try_from(ENDS_SOON.as_secs()).is_ok_and(|soon| seconds_left < soon);
        let (en, km) = match (seconds_left < 0, soon) {
            (true, _) => (
                format!(
                    "the office's certificate ended on {ends}: the gateway takes nothing until a new one is here (docs/certificates.md)"
                ),
                format!("វិញ្ញាបនបត្ររបស់ការិយាល័យបានផុតកំណត់នៅ {ends}៖ មិនអាចបញ្ជូនបានទេ រហូតដល់មានវិញ្ញាបនបត្រថ្មី"),
            ),
            (false, true) => (
                format!(
                    "the office's certificate ends on {ends}, in {days_left} days: ask the authority for a new one (docs/certificates.md)"
                ),
                format!(
                    "វិញ្ញាបនបត្ររបស់ការិយាល័យនឹងផុតកំណត់នៅ {ends} ក្នុងរយៈពេល {days_left} ថ្ងៃ៖ សូមសុំវិញ្ញាបនបត្រថ្មីពីអាជ្ញាធរ"
                ),
            ),
            (false, false) => {
                return Report {
                    ends,
                    days_left,
                    en: None,
                    km: None,
                };
            }
        };
        Report {
            ends,
            days_left,
            en: Some(en),
            km: Some(km),
        }
    }
}

fn office(certificate: &X509Certificate<'_>) -> Option<OfficeId> {
    let names = certificate.subject_alternative_name().ok()??;
    let mut offices = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => uri.strip_prefix(OFFICE_URI)?.parse().ok(),
            _ => None,
        });
    offices.next()
}

/// The settings' office is the certificate's. A copied folder, or a name that somebody typed, would connect and never get anything
/// through.
///
/// # Errors
/// Whose the folder is instead.
pub fn check(folder: &Folder, office: &OfficeId) -> Result<(), Mistake> {
    let certificate = Certificate::read(&folder.certificate())?;
    match certificate.office == *office {
        true => Ok(()),
        false => Err(another(folder, office, "office.pem", &certificate.office)),
    }
}

/// What is said where one file of a folder is another office's.
pub fn another(folder: &Folder, office: &OfficeId, file: &str, whose: &OfficeId) -> Mistake {
    Mistake {
        at: folder.settings().display().to_string(),
        what: format!(
            "says that this is the folder of {office}, but {file} is {whose}'s: write office = \"{whose}\", or make a folder from \
             {office}'s own bundle (spean-agent init)\n  ថតនេះជារបស់ការិយាល័យ {whose} មិនមែនរបស់ {office} ទេ សូមកែ office ក្នុង agent.toml"
        ),
    }
}

/// Says in the log, once a day, that the certificate ends soon, or cannot be read, until the shutdown.
pub async fn watch(folder: Folder, shutdown: CancellationToken) {
    loop {
        match Certificate::read(&folder.certificate()) {
            Ok(certificate) => {
                if let Some(text) = certificate.report(now()).en {
                    tracing::warn!("{text}");
                }
            }
            Err(mistake) => tracing::warn!("{mistake}"),
        }
        let waited = shutdown.run_until_cancelled(tokio::time::sleep(LOOK));
        if waited.await.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds).expect("a time")
    }

    #[test]
    fn a_certificate_that_ends_is_told_of_thirty_days_before() {
        let day = 24 * 60 * 60;
        let certificate = Certificate {
            office: "moh/siem-reap".parse().expect("an office"),
            begins: at(0),
            ends: at(400 * day),
        };
        let told = |days: i64| certificate.report(at(days * day));
        assert_eq!((told(0).days_left, told(0).en), (400, None));
        assert_eq!(told(370).en, None);
        let soon = told(371);
        assert_eq!(soon.days_left, 29);
        assert!(soon.en.is_some_and(|en| en.contains("in 29 days")));
        assert!(soon.km.is_some());
        let over = certificate.report(at(400 * day + 1));
        assert_eq!(over.days_left, -1);
        assert!(over.en.is_some_and(|en| en.contains("ended on 1971-02-05")));
    }
}
