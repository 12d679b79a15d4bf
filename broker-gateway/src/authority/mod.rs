//! The operator's commands: a folder comes in; keys, certificates, the registry's events, streams and words for people go out.
//! Nothing here runs while events pass: `serve` only reads what was made here.

mod broker;
mod certificates;
mod changes;
mod check;
mod enrol;
mod folder;
mod init;
mod issued;
mod rights;
mod say;
pub mod streams;
mod table;
mod twice;

pub use self::check::{Finding, Findings, Level, check};
pub use self::enrol::{Enrol, Enrolled, Named};
pub use self::folder::Folder;
pub use self::init::Init;
pub use self::issued::{CertificateLine, Issued, certificates, certificates_table};
pub use self::rights::{Rights, registry, rights};
pub use self::say::{After, Report, Saying, Words, rule_name};
pub use self::table::Table;
