//! Why a store does not open, and what became of one since the note outside of it was written. Texts alone.

use super::{Call, Effect, Help, Severity};
use crate::text::unread;

pub(super) const STORE_IN_USE: Help = Help {
    code: "store-in-use",
    severity: Severity::Error,
    effect: Effect::Ends,
    meaning: unread(
        "Another spean-agent runs on this folder.",
        "ថតនេះកំពុងប្រើដោយ spean-agent មួយទៀត",
    ),
    to_do: unread(
        "Stop that one, or give this one a folder of its own.",
        "សូមបញ្ឈប់មួយនោះ ឬឱ្យថតផ្សេងដល់មួយនេះ",
    ),
    call: Call::Technician,
};
pub(super) const STORE_NEWER: Help = Help {
    code: "store-newer",
    severity: Severity::Error,
    effect: Effect::Ends,
    meaning: unread(
        "A newer spean-agent has written it.",
        "ថតនេះបានសរសេរដោយ spean-agent ជំនាន់ថ្មីជាង",
    ),
    to_do: unread(
        "Install that version again, or move the folder away.",
        "សូមដំឡើងជំនាន់នោះវិញ ឬផ្លាស់ថតនេះចេញ",
    ),
    call: Call::Technician,
};
pub(super) const STORE_OF_FORMAT_1: Help = Help {
    code: "store-of-format-1",
    severity: Severity::Error,
    effect: Effect::Ends,
    meaning: unread(
        "An older spean-agent has written it, before stores were logs, and what this one took over or began stands beside it in the folder `2`.",
        "ថតនេះបានសរសេរដោយ spean-agent ជំនាន់ចាស់ជាង ហើយមានថតរបស់ជំនាន់នេះនៅជាមួយក្នុងថត `2`",
    ),
    to_do: unread(
        "Both are left as they are. Move away the one that is not wanted: to take over the old one anew, move `2` and what has a name with `-format1` away.",
        "ទាំងពីរមិនត្រូវបានប៉ះពាល់ទេ សូមផ្លាស់មួយដែលមិនត្រូវការចេញ៖ ដើម្បីយកថតចាស់ម្តងទៀត សូមផ្លាស់ `2` និងអ្វីដែលមានឈ្មោះ `-format1` ចេញ",
    ),
    call: Call::Technician,
};
pub(super) const STORE_MIGRATION_ROOM: Help = Help {
    code: "store-migration-room",
    severity: Severity::Error,
    effect: Effect::Ends,
    meaning: unread(
        "An older spean-agent has written the store, and there is no room on the disk to write it anew as this one keeps it. The old one stays beside the new one.",
        "ឃ្លាំងនេះបានសរសេរដោយ spean-agent ជំនាន់ចាស់ជាង ហើយថាសគ្មានទំហំគ្រប់គ្រាន់ ដើម្បីសរសេរវាជាទម្រង់ថ្មីទេ ឃ្លាំងចាស់នៅដដែល",
    ),
    to_do: unread(
        "Nothing was touched. Make as much room as the text says, and start again.",
        "គ្មានអ្វីត្រូវបានប៉ះពាល់ទេ សូមបង្កើនទំហំទំនេរដូចអត្ថបទប្រាប់ ហើយចាប់ផ្តើមម្តងទៀត",
    ),
    call: Call::Technician,
};
pub(super) const STORE_OF_ANOTHER_OFFICE: Help = Help {
    code: "store-of-another-office",
    severity: Severity::Error,
    effect: Effect::Ends,
    meaning: unread("It is another office's.", "ថតនេះជារបស់ការិយាល័យផ្សេង"),
    to_do: unread(
        "Give this office a folder of its own, or give that one back.",
        "សូមឱ្យការិយាល័យនេះមានថតផ្ទាល់ខ្លួន ឬប្រគល់ថតនោះវិញ",
    ),
    call: Call::Technician,
};
pub(super) const STORE_OF_ANOTHER_AUTHORITY: Help = Help {
    code: "store-of-another-authority",
    severity: Severity::Error,
    effect: Effect::Ends,
    meaning: unread(
        "It was written under another authority (a training bus's, perhaps).",
        "ថតនេះបានសរសេរក្រោមអាជ្ញាធរផ្សេង",
    ),
    to_do: unread(
        "Move the folder away, and submit again what waited in it.",
        "សូមផ្លាស់ថតនេះចេញ ហើយដាក់ជូនអ្វីដែលរង់ចាំម្តងទៀត",
    ),
    call: Call::Technician,
};
pub(super) const STORE_IN_WRONG_PLACE: Help = Help {
    code: "store-in-wrong-place",
    severity: Severity::Error,
    effect: Effect::Ends,
    meaning: unread(
        "A file is of another room (outbox, inbox, marks) or of another store.",
        "ឯកសារនេះមិនមែនជារបស់កន្លែងនេះទេ",
    ),
    to_do: unread("Put it back where it was.", "សូមដាក់ឯកសារទៅកន្លែងដើមវិញ"),
    call: Call::Technician,
};
pub(super) const STORE_LOST: Help = Help {
    code: "store-lost",
    severity: Severity::Critical,
    effect: Effect::Tells,
    meaning: unread(
        "There was a store, and none is there; the text says what waited in it.",
        "ឃ្លាំងទិន្នន័យបានបាត់",
    ),
    to_do: unread(
        "Put the folder back, or submit again what is listed as lost.",
        "សូមដាក់ថតមកវិញ ឬដាក់ជូនអ្វីដែលរាយថាបាត់ម្តងទៀត",
    ),
    call: Call::Technician,
};
pub(super) const STORE_SWAPPED: Help = Help {
    code: "store-swapped",
    severity: Severity::Critical,
    effect: Effect::Tells,
    meaning: unread(
        "Another store lies in its place; what waited in the one before is listed as lost.",
        "ឃ្លាំងទិន្នន័យផ្សេងនៅកន្លែងរបស់វា",
    ),
    to_do: unread("Put the one before back.", "សូមដាក់មួយដើមមកវិញ"),
    call: Call::Technician,
};
pub(super) const STORE_OLDER: Help = Help {
    code: "store-older",
    severity: Severity::Critical,
    effect: Effect::Tells,
    meaning: unread(
        "A copy from earlier lies in its place; what was accepted since is listed as lost.",
        "ឃ្លាំងនេះជាច្បាប់ចម្លងចាស់ អ្វីដែលបានទទួលក្រោយមកត្រូវបានរាយថាបាត់",
    ),
    to_do: unread(
        "Put the newest copy there, or submit again what is listed as lost.",
        "សូមដាក់ច្បាប់ចម្លងថ្មីបំផុត ឬដាក់ជូនអ្វីដែលរាយថាបាត់ម្តងទៀត",
    ),
    call: Call::Technician,
};
pub(super) const STORE_BRANCHED: Help = Help {
    code: "store-branched",
    severity: Severity::Critical,
    effect: Effect::Tells,
    meaning: unread(
        "A copy that went on for itself lies in its place; what was accepted in the other one is listed as lost.",
        "ឃ្លាំងនេះជាច្បាប់ចម្លងដែលបានបន្តដោយខ្លួនឯង អ្វីដែលបានទទួលក្នុងមួយទៀតត្រូវបានរាយថាបាត់",
    ),
    to_do: unread(
        "Keep both. Run one of them only, and submit again what is listed as lost.",
        "សូមរក្សាទុកទាំងពីរ ដំណើរការតែមួយ ហើយដាក់ជូនអ្វីដែលរាយថាបាត់ម្តងទៀត",
    ),
    call: Call::Technician,
};
