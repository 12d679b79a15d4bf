//! What the registry has ended: offices that are closed and certificates that are revoked come in, who may still enter goes out.
//! Nothing is taken out of the fold: what an office signed before stays checkable for ever.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Registry, RegistryFault, unknown};
use crate::subject::OfficeId;

/// The digits of the longest serial number that a certificate may have (RFC 5280 §4.1.2.2: 20 octets).
const SERIAL_DIGITS_MAX: usize = 40;

/// A certificate's serial number: lower-case hexadecimal, whole octets, none of zero in front.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(String);

/// Text that is no serial number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no serial number: write its hexadecimal digits, as `openssl x509 -noout -serial` shows them"
)]
pub struct NotASerial(String);

impl Serial {
    /// From the octets of the certificate.
    pub fn of(octets: &[u8]) -> Serial {
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        let digits = octets.get(zeros..).unwrap_or_default();
        match digits {
            [] => Serial("00".to_owned()),
            digits => Serial(digits.iter().map(|octet| format!("{octet:02x}")).collect()),
        }
    }
}

impl FromStr for Serial {
    type Err = NotASerial;

    /// In any case, with colons between the octets or without, as programs show it.
    fn from_str(text: &str) -> Result<Serial, NotASerial> {
        let none = || NotASerial(text.to_owned());
        let plain = text.trim().replace(':', "").to_ascii_lowercase();
        let even = match plain.len() % 2 {
            0 => plain,
            _ => format!("0{plain}"),
        };
        if even.is_empty() || even.len() > SERIAL_DIGITS_MAX + 2 {
            return Err(none());
        }
        let octets: Option<Vec<u8>> = even.as_bytes().chunks(2).map(octet).collect();
        let serial = Serial::of(&octets.ok_or_else(none)?);
        match serial.0.len() <= SERIAL_DIGITS_MAX {
            true => Ok(serial),
            false => Err(none()),
        }
    }
}

fn octet(pair: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    }
}

impl TryFrom<String> for Serial {
    type Error = NotASerial;

    /// In the registry a serial has one form.
    fn try_from(text: String) -> Result<Serial, NotASerial> {
        let serial: Serial = text.parse()?;
        match serial.0 == text {
            true => Ok(serial),
            false => Err(NotASerial(text)),
        }
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> String {
        serial.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Revoked {
    pub offices: BTreeSet<OfficeId>,
    pub certificates: BTreeSet<Serial>,
}

impl Registry {
    /// Whether an office that the registry knows was closed.
    pub fn is_closed(&self, office: &OfficeId) -> bool {
        self.revoked.offices.contains(office)
    }

    pub fn is_revoked(&self, serial: &Serial) -> bool {
        self.revoked.certificates.contains(serial)
    }

    pub fn revoked_certificates(&self) -> impl Iterator<Item = &Serial> {
        self.revoked.certificates.iter()
    }

    pub(super) fn close_office(&mut self, office: &OfficeId) -> Result<(), RegistryFault> {
        if self.office(office).is_none() {
            return Err(unknown("the closing", "office", &office.to_string()));
        }
        self.revoked.offices.insert(office.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_the_same_however_a_program_shows_it() {
        let serial = Serial::of(&[0, 0x4A, 0x0B, 0xC1]);
        assert_eq!(serial.to_string(), "4a0bc1");
        for shown in ["4A0BC1", "4a:0b:c1", "004a0bc1", " 4A:0B:C1\n"] {
            assert_eq!(shown.parse(), Ok(serial.clone()), "{shown}");
        }
        assert_eq!("7".parse(), Ok(Serial::of(&[7])));
        for none in ["", ":", "4g", "-1", "0x4a", &"4a".repeat(21)] {
            assert!(none.parse::<Serial>().is_err(), "{none}");
        }
    }

    #[test]
    fn the_registry_writes_a_serial_in_one_form() {
        let read = |text: &str| serde_json::from_str::<Serial>(&format!("{text:?}"));
        assert_eq!(read("4a0b").expect("the form"), Serial::of(&[0x4A, 0x0B]));
        for other in ["4A0B", "4a:0b", "004a0b", "a0b", ""] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
