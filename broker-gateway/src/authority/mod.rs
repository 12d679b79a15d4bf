//! The operator's commands: a folder comes in; keys, certificates, the registry's events, streams and words for people go out.
//! Nothing here runs while events pass: `serve` only reads what was made here.

mod broker;
mod certificates;
mod check;
mod enrol;
mod explain;
mod folder;
mod init;
pub mod streams;
mod table;

pub use self::check::{Finding, Findings, Level, check};
pub use self::enrol::{Enrol, Named};
pub use self::explain::{Explanation, explain, registry};
pub use self::folder::Folder;
pub use self::init::Init;
pub use self::table::Table;
