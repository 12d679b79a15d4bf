//! The people of the office: `spean-agent people` writes them, the desk reads them. A name and a PIN come in, who it is goes out. A PIN is
//! never kept, only its Argon2id digest.

use std::path::PathBuf;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use super::files;
use crate::desk::dates::latin_digits;
use crate::desk::limits::{NAME_CHARS_MAX, PEOPLE_MAX, PIN_DIGITS};
use crate::store::Outage;

/// KiB of memory and passes for each PIN: some tens of milliseconds on an old PC, and little beside the agent's own memory.
const MEMORY_KIB: u32 = 8 * 1024;
const PASSES: u32 = 3;
const SALT_BYTES: usize = 16;

/// What a person may do at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything, changes nothing
    Reader,
    /// Hands in, and sends again what was refused
    Clerk,
    /// All of that, drops for good, and sees the journal
    Chief,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub name: String,
    pub role: Role,
    /// Argon2id, as a PHC string.
    pin: String,
    pub since_ms: u64,
}

/// Why somebody cannot be one of the people.
#[derive(Debug, thiserror::Error)]
pub enum Mistake {
    #[error(
        "a name has 1 to {NAME_CHARS_MAX} letters in one line\n  ឈ្មោះត្រូវមាន ១ ដល់ {NAME_CHARS_MAX} តួអក្សរ ក្នុងមួយបន្ទាត់"
    )]
    Name,
    #[error(
        "a PIN has {} to {} digits, not all the same and not in a row\n  លេខសម្ងាត់ត្រូវមាន {} ដល់ {} ខ្ទង់ មិនដូចគ្នាទាំងអស់ ហើយមិនរៀងគ្នាទេ",
        PIN_DIGITS.start(), PIN_DIGITS.end(), PIN_DIGITS.start(), PIN_DIGITS.end()
    )]
    Pin,
    #[error("an office has at most {PEOPLE_MAX} people\n  ការិយាល័យមួយមានមនុស្សយ៉ាងច្រើន {PEOPLE_MAX}")]
    TooMany,
    #[error("there is nobody of this name: {0}\n  គ្មានអ្នកណាឈ្មោះនេះទេ")]
    Nobody(String),
    #[error("the PIN cannot be kept: {0}")]
    Hashing(String),
    #[error(transparent)]
    Outage(#[from] Outage),
}

pub struct People {
    path: PathBuf,
}

impl People {
    pub fn new(path: PathBuf) -> People {
        People { path }
    }

    /// # Errors
    /// The file cannot be read: then nobody gets in by it.
    pub fn all(&self) -> Result<Vec<Person>, Outage> {
        files::read(&self.path)
    }

    pub fn find(&self, name: &str) -> Result<Option<Person>, Outage> {
        Ok(self.all()?.into_iter().find(|person| person.name == name))
    }

    /// Adds a person, or gives one a new role and PIN.
    ///
    /// # Errors
    /// [`Mistake`].
    pub fn add(&self, name: &str, role: Role, pin: &str, now_ms: u64) -> Result<(), Mistake> {
        let name = name.trim();
        let chars = name.chars().count();
        if !(1..=NAME_CHARS_MAX).contains(&chars) || name.chars().any(char::is_control) {
            return Err(Mistake::Name);
        }
        let pin = hashed(&checked(pin)?)?;
        let mut all = self.all()?;
        all.retain(|person| person.name != name);
        if all.len() >= PEOPLE_MAX {
            return Err(Mistake::TooMany);
        }
        all.push(Person {
            name: name.to_owned(),
            role,
            pin,
            since_ms: now_ms,
        });
        Ok(files::write(&self.path, &all)?)
    }

    /// # Errors
    /// [`Mistake`].
    pub fn remove(&self, name: &str) -> Result<(), Mistake> {
        let mut all = self.all()?;
        let before = all.len();
        all.retain(|person| person.name != name.trim());
        if all.len() == before {
            return Err(Mistake::Nobody(name.to_owned()));
        }
        Ok(files::write(&self.path, &all)?)
    }
}

impl Person {
    /// Takes its time, and memory: call it where blocking is allowed.
    pub fn has_pin(&self, pin: &str) -> bool {
        let pin = latin_digits(pin.trim());
        let known = PasswordHash::new(&self.pin);
        known.is_ok_and(|known| hasher().verify_password(pin.as_bytes(), &known).is_ok())
    }
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hashed(pin: &str) -> Result<String, Mistake> {
    let mut salt = [0; SALT_BYTES];
    let random = SystemRandom::new().fill(&mut salt);
    random.map_err(|_| Mistake::Hashing("the system gives no random bytes".to_owned()))?;
    let failed = |error: argon2::password_hash::Error| Mistake::Hashing(error.to_string());
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    let digest = hasher().hash_password(pin.as_bytes(), &salt);
    Ok(digest.map_err(failed)?.to_string())
}

/// A PIN in Latin digits. What everybody tries first is none.
fn checked(pin: &str) -> Result<String, Mistake> {
    let pin = latin_digits(pin.trim());
    let digits: Vec<u8> = pin.bytes().collect();
    let right = PIN_DIGITS.contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let step = |by: i16| {
        let mut pairs = digits.windows(2);
        pairs.all(|pair| matches!(pair, [a, b] if i16::from(*b) - i16::from(*a) == by))
    };
    match right && ![0, 1, -1].into_iter().any(step) {
        true => Ok(pin),
        false => Err(Mistake::Pin),
    }
}
