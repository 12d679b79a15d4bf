//! Why a store does not open or does not take any more. In: what the disk or a header said. Out: a sentence for whoever must act, in both
//! languages. Never: a repair.

use std::path::{Path, PathBuf};

/// The disk failed; it may return. Whoever gets this reopens the store before trying again:
/// after a failed sync nothing in memory says what the disk holds.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Outage {
    #[error("cannot {doing} {}: {reason}", path.display())]
    Disk {
        doing: &'static str,
        path: PathBuf,
        reason: String,
    },
    #[error("cannot {doing} the index: {reason}")]
    Index { doing: &'static str, reason: String },
    #[error("no space left on the disk")]
    Full,
    #[error("the store stopped after a failed write and must be reopened")]
    Stopped,
}

impl Outage {
    pub(crate) fn disk(doing: &'static str, path: &Path, error: &std::io::Error) -> Outage {
        Outage::Disk {
            doing,
            path: path.into(),
            reason: error.to_string(),
        }
    }

    pub(crate) fn index(doing: &'static str, error: &sled::Error) -> Outage {
        Outage::Index {
            doing,
            reason: error.to_string(),
        }
    }
}

/// A store that cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(
        "{} is in use: another spean-agent runs on it; stop that one, or give this one a folder of its own\n  \
         ថតនេះកំពុងប្រើដោយ spean-agent មួយទៀត សូមបញ្ឈប់មួយនោះ ឬឱ្យថតផ្សេងដល់មួយនេះ",
        .0.display()
    )]
    InUse(PathBuf),
    #[error(
        "{} was written by a newer spean-agent (format {found}, this one knows {known}); it is left as it is: install that version again, or move the \
         folder away\n  ថតនេះបានសរសេរដោយ spean-agent ជំនាន់ថ្មីជាង វាមិនត្រូវបានប៉ះពាល់ទេ សូមដំឡើងជំនាន់នោះវិញ ឬផ្លាស់ថតនេះចេញ",
        dir.display()
    )]
    Newer {
        dir: PathBuf,
        found: u32,
        known: u32,
    },
    #[error(
        "{} was written by an older spean-agent (format 1), and what this one took over or began stands beside it; it is left as it is: move one of the two away\n  \
         ថតនេះបានសរសេរដោយ spean-agent ជំនាន់ចាស់ជាង ហើយមានថតរបស់ជំនាន់នេះនៅជាមួយ វាមិនត្រូវបានប៉ះពាល់ទេ សូមផ្លាស់មួយក្នុងចំណោមពីរចេញ",
        .0.display()
    )]
    OfFormat1(PathBuf),
    #[error(
        "{} is of an older spean-agent (format 1) and is taken over into a new folder, for which {needed} bytes are needed and {free} are free; nothing was \
         touched: make room on the disk, and start again\n  \
         ថតនេះជារបស់ spean-agent ជំនាន់ចាស់ ហើយត្រូវចម្លងទៅទម្រង់ថ្មី ដែលត្រូវការ {needed} បៃ តែនៅសល់ {free} បៃ គ្មានអ្វីត្រូវបានប៉ះពាល់ទេ \
         សូមបង្កើនទំហំទំនេរលើថាស ហើយចាប់ផ្តើមម្តងទៀត",
        dir.display()
    )]
    NoRoom {
        dir: PathBuf,
        needed: u64,
        free: u64,
    },
    #[error(
        "{} is the store of another office; it is left as it is: give this office a folder of its own, or move that one back to its office\n  \
         ថតនេះជារបស់ការិយាល័យផ្សេង វាមិនត្រូវបានប៉ះពាល់ទេ សូមឱ្យការិយាល័យនេះមានថតផ្ទាល់ខ្លួន ឬប្រគល់ថតនោះទៅការិយាល័យវិញ",
        .0.display()
    )]
    OfAnotherOffice(PathBuf),
    #[error(
        "{} was written under another authority; it is left as it is: move the folder away, and submit again what waited in it\n  \
         ថតនេះបានសរសេរក្រោមអាជ្ញាធរផ្សេង វាមិនត្រូវបានប៉ះពាល់ទេ សូមផ្លាស់ថតនេះចេញ ហើយដាក់ជូនអ្វីដែលរង់ចាំម្តងទៀត",
        .0.display()
    )]
    OfAnotherAuthority(PathBuf),
    #[error(
        "{} does not belong in this place: it is of the {found}, or of another store; it is left as it is: put the file back where it was\n  \
         ឯកសារនេះមិនមែនជារបស់កន្លែងនេះទេ វាមិនត្រូវបានប៉ះពាល់ទេ សូមដាក់ឯកសារទៅកន្លែងដើមវិញ",
        path.display()
    )]
    InWrongPlace { path: PathBuf, found: &'static str },
    #[error(transparent)]
    Outage(#[from] Outage),
}

impl Fault {
    /// Stable, for people and programs; none for what the disk says.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Fault::InUse(_) => Some("store-in-use"),
            Fault::Newer { .. } => Some("store-newer"),
            Fault::OfFormat1(_) => Some("store-of-format-1"),
            Fault::NoRoom { .. } => Some("store-migration-room"),
            Fault::OfAnotherOffice(_) => Some("store-of-another-office"),
            Fault::OfAnotherAuthority(_) => Some("store-of-another-authority"),
            Fault::InWrongPlace { .. } => Some("store-in-wrong-place"),
            Fault::Outage(_) => None,
        }
    }

    /// The code stands before the sentence, for whoever looks it up.
    pub fn with_code(&self) -> String {
        match self.code() {
            Some(code) => format!("{code}: {self}"),
            None => self.to_string(),
        }
    }
}
