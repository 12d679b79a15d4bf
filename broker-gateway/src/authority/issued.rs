//! The certificates that this authority has given: each new one comes in as a line, whose a serial number is goes out. A revocation
//! names a serial, and the certificate itself is with the office.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::Context as _;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use schemas::event::Timestamp;
use schemas::registry::{Registry, Serial};
use schemas::subject::OfficeId;
use serde::{Deserialize, Serialize};
use x509_parser::parse_x509_certificate;

use super::folder::{self, Folder};
use super::table::Table;
use crate::peer::Peer;

/// One certificate of an office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    pub serial: Serial,
    pub office: OfficeId,
    /// The last moment of its validity (RFC 3339).
    pub until: String,
}

impl Issued {
    /// What a certificate in PEM says of itself.
    ///
    /// # Errors
    /// It names no office.
    pub fn of(pem: &str) -> anyhow::Result<Issued> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).context("it is no PEM")?;
        let peer = Peer::from_certificate(&der)?;
        let (_, read) = parse_x509_certificate(&der).context("it is no certificate")?;
        let until = read.validity().not_after.timestamp();
        let until = Timestamp::from_unix_seconds(until).context("it ends in no year")?;
        Ok(Issued {
            serial: peer.serial().clone(),
            office: peer.office().clone(),
            until: until.to_string(),
        })
    }

    /// Writes down what was given, behind what was given before.
    ///
    /// # Errors
    /// The disk's.
    pub fn note(&self, folder: &Folder) -> anyhow::Result<()> {
        let path = folder.issued();
        let line = format!("{}\n", serde_json::to_string(self)?);
        let mut options = OpenOptions::new();
        let opened = options.create(true).append(true).mode(0o600).open(&path);
        opened
            .and_then(|mut file| {
                file.write_all(line.as_bytes())?;
                file.sync_data()
            })
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// All of them, the oldest first; none where the folder is a gateway's alone.
    ///
    /// # Errors
    /// A line is none.
    pub fn all(folder: &Folder) -> anyhow::Result<Vec<Issued>> {
        let path = folder.issued();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = folder::read_text(&path)?;
        text.lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .with_context(|| format!("{} holds a line that is none", path.display()))
    }
}

/// A certificate, and whether it still opens anything.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct CertificateLine {
    #[serde(flatten)]
    pub issued: Issued,
    pub revoked: bool,
}

/// Those of one office, or all.
pub fn certificates(
    issued: Vec<Issued>,
    registry: &Registry,
    of: Option<&OfficeId>,
) -> Vec<CertificateLine> {
    let theirs = |issued: &Issued| of.is_none_or(|office| issued.office == *office);
    let line = |issued: Issued| CertificateLine {
        revoked: registry.is_revoked(&issued.serial),
        issued,
    };
    issued.into_iter().filter(theirs).map(line).collect()
}

/// For a person to read.
pub fn certificates_table(lines: &[CertificateLine]) -> String {
    let mut table = Table::new(&["certificate", "office", "until", "state"]);
    for CertificateLine { issued, revoked } in lines {
        let state = if *revoked { "revoked" } else { "good" };
        let (serial, office) = (issued.serial.to_string(), issued.office.to_string());
        table.row([&*serial, &office, &issued.until, state]);
    }
    table.to_string()
}
