//! What opening and reading the agent's stores finds amiss. Texts alone.

use super::{Call, Effect, Help, Severity};
use crate::text::unread;

pub(super) const ACCEPTED_EVENTS_LOST: Help = Help {
    code: "accepted-events-lost",
    severity: Severity::Critical,
    effect: Effect::Tells,
    meaning: unread(
        "The bytes of events that were accepted and not yet sent are gone from this disk; the text says how many, or which one. They were not sent, and will not be.",
        "ទិន្នន័យនៃព្រឹត្តិការណ៍ដែលបានទទួល តែមិនទាន់ផ្ញើ បានបាត់ពីថាសនេះ អត្ថបទប្រាប់ចំនួន ឬមួយណា វាមិនត្រូវបានផ្ញើ ហើយនឹងមិនត្រូវបានផ្ញើទេ",
    ),
    to_do: unread(
        "Submit them again: `GET /events/{id}` says `lost` of each, and the same id may be used. Then see to the disk, which lost what it had stored.",
        "សូមដាក់ជូនម្តងទៀត៖ `GET /events/{id}` ប្រាប់ `lost` សម្រាប់នីមួយៗ ហើយអាចប្រើ id ដដែល បន្ទាប់មក សូមពិនិត្យថាស ដែលបានបាត់អ្វីដែលវាបានរក្សាទុក",
    ),
    call: Call::Technician,
};
pub(super) const OUTBOX_UNREADABLE: Help = Help {
    code: "outbox-unreadable",
    severity: Severity::Critical,
    effect: Effect::Holds,
    meaning: unread(
        "An event that waits here cannot be read as it was accepted, and its feed waits behind it; the text names it.",
        "ព្រឹត្តិការណ៍មួយដែលរង់ចាំនៅទីនេះ មិនអាចអានបានដូចពេលទទួល ហើយ feed របស់វារង់ចាំនៅក្រោយវា អត្ថបទប្រាប់ឈ្មោះ",
    ),
    to_do: unread(
        "Keep a copy of the `store` folder, and tell whoever looks after the program: an older program may have been started on a newer one's store.",
        "សូមថតចម្លងថត `store` ទុក ហើយប្រាប់អ្នកថែទាំកម្មវិធី៖ ប្រហែលជាកម្មវិធីចាស់ត្រូវបានចាប់ផ្តើមលើឃ្លាំងរបស់កម្មវិធីថ្មី",
    ),
    call: Call::Technician,
};
pub(super) const LOG_DAMAGED: Help = Help {
    code: "log-damaged",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "Bytes of the outbox's log, where all that was accepted and signed is written, are not what was written; the text says where. They are left as they are, and what else is there was read.",
        "ផ្នែកមួយនៃកំណត់ហេតុប្រអប់ចេញ ជាកន្លែងដែលអ្វីៗដែលបានទទួល និងចុះហត្ថលេខាត្រូវបានសរសេរ មិនអាចអានបាន វាត្រូវបានទុកដដែល អត្ថបទប្រាប់កន្លែង",
    ),
    to_do: unread(
        "See to the disk before it loses more. If `accepted-events-lost` stands beside it, submit those events again; else nothing is lost.",
        "សូមពិនិត្យថាស មុនពេលវាបាត់ច្រើនជាងនេះ បើមាន `accepted-events-lost` នៅជាមួយ សូមដាក់ជូនព្រឹត្តិការណ៍ទាំងនោះម្តងទៀត បើមិនមានទេ គ្មានអ្វីបាត់ឡើយ",
    ),
    call: Call::Technician,
};
pub(super) const LOG_SEGMENT_MISSING: Help = Help {
    code: "log-segment-missing",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "A file of the outbox's log is not there, although those before and after it are.",
        "ឯកសារមួយនៃកំណត់ហេតុប្រអប់ចេញបានបាត់ ទោះបីឯកសារមុន និងក្រោយវានៅមាន",
    ),
    to_do: unread(
        "Put the file back into `store/2/outbox`, if somebody moved it, with the agent stopped; what `accepted-events-lost` names is to be submitted again.",
        "សូមដាក់ឯកសារនោះមកវិញក្នុង `store/2/outbox` បើមានអ្នកផ្លាស់វា ពេលភ្នាក់ងារបានបញ្ឈប់ អ្វីដែល `accepted-events-lost` រាយឈ្មោះ ត្រូវដាក់ជូនម្តងទៀត",
    ),
    call: Call::Technician,
};
pub(super) const SETTLED_EVENT_UNREAD: Help = Help {
    code: "settled-event-unread",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "The signed bytes of an event that is on the bus do not read here any more; the text names it.",
        "ទិន្នន័យដែលបានចុះហត្ថលេខា នៃព្រឹត្តិការណ៍ដែលបានផ្ញើរួច មិនអាចអានពីទីនេះបានទៀតទេ អត្ថបទប្រាប់ឈ្មោះវា",
    ),
    to_do: unread(
        "See to the disk; the bus and its readers have the event.",
        "សូមពិនិត្យថាស ប្រព័ន្ធ និងអ្នកអានរបស់វានៅមានព្រឹត្តិការណ៍នេះ",
    ),
    call: Call::Technician,
};
pub(super) const INBOX_DAMAGED: Help = Help {
    code: "inbox-damaged",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "Something in the inbox does not read, or a part of it is missing. All of it was set aside (the text says where) and is read from the bus again, under new arrival numbers. Nothing is delivered twice.",
        "មានអ្វីមួយក្នុងប្រអប់ទទួលអានមិនបាន ឬបាត់មួយផ្នែក វាត្រូវបានដាក់ឡែក (អត្ថបទប្រាប់កន្លែង) ហើយអានពីប្រព័ន្ធម្តងទៀត ក្រោមលេខមកដល់ថ្មី គ្មានអ្វីត្រូវបានប្រគល់ពីរដងទេ",
    ),
    to_do: unread(
        "See to the disk; remove what was set aside when nobody asks for it.",
        "សូមពិនិត្យថាស អាចលុបអ្វីដែលបានដាក់ឡែក ពេលគ្មានអ្នកសួររកវា",
    ),
    call: Call::Technician,
};
/// The HTTP interface answers with the same code.
pub(super) const DISK_FULL: Help = Help {
    code: "disk-full",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "The disk is full: nothing can be accepted or settled. What was accepted is kept.",
        "ថាសពេញហើយ៖ មិនអាចទទួល ឬបញ្ចប់អ្វីបានទេ អ្វីដែលបានទទួលត្រូវបានរក្សាទុក",
    ),
    to_do: unread(
        "Make room on the disk, or give the agent more of it (`disk_budget_bytes`); it goes on by itself.",
        "សូមបន្ថែមកន្លែងទំនេរលើថាស ឬឱ្យភ្នាក់ងារប្រើច្រើនជាងនេះ (`disk_budget_bytes`) វានឹងបន្តដោយខ្លួនឯង",
    ),
    call: Call::Technician,
};
