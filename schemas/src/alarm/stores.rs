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
pub(super) const JOURNAL_DAMAGED: Help = Help {
    code: "journal-damaged",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "Bytes of the journal, where accepted events are written first, are not what was written; the text says where. What else is there was read.",
        "ទិន្នន័យក្នុង journal ជាកន្លែងដែលព្រឹត្តិការណ៍ត្រូវបានសរសេរមុនគេ មិនដូចអ្វីដែលបានសរសេរទេ អត្ថបទប្រាប់កន្លែង អ្វីផ្សេងទៀតត្រូវបានអាន",
    ),
    to_do: unread(
        "See to the disk before it loses more. If `accepted-events-lost` stands beside it, submit those events again; else nothing is lost.",
        "សូមពិនិត្យថាស មុនពេលវាបាត់ច្រើនជាងនេះ បើមាន `accepted-events-lost` នៅជាមួយ សូមដាក់ជូនព្រឹត្តិការណ៍ទាំងនោះម្តងទៀត បើគ្មានទេ គ្មានអ្វីបាត់ទេ",
    ),
    call: Call::Technician,
};
pub(super) const JOURNAL_CUT: Help = Help {
    code: "journal-cut",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "The journal ends before a place up to which it was read once: its end was cut off, or an older copy was put in its place.",
        "journal ចប់មុនកន្លែងដែលធ្លាប់បានអានរួច៖ ចុងរបស់វាត្រូវបានកាត់ ឬច្បាប់ចម្លងចាស់ត្រូវបានដាក់ជំនួស",
    ),
    to_do: unread(
        "If a copy was put back, put the newest one there. See to the disk; what `accepted-events-lost` names is to be submitted again.",
        "បើមានការដាក់ច្បាប់ចម្លងមកវិញ សូមដាក់ច្បាប់ថ្មីបំផុត សូមពិនិត្យថាស អ្វីដែល `accepted-events-lost` រាយឈ្មោះ ត្រូវដាក់ជូនម្តងទៀត",
    ),
    call: Call::Technician,
};
pub(super) const JOURNAL_SEGMENT_MISSING: Help = Help {
    code: "journal-segment-missing",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "A file of the journal is not there, although those before and behind it are.",
        "ឯកសារមួយរបស់ journal បានបាត់ ទោះបីឯកសារមុន និងក្រោយវានៅមាន",
    ),
    to_do: unread(
        "Put the file back into `store/outbox/journal`, if somebody moved it, and start the agent again; what `accepted-events-lost` names is to be submitted again.",
        "សូមដាក់ឯកសារនោះមកវិញក្នុង `store/outbox/journal` បើមានអ្នកផ្លាស់វា ហើយចាប់ផ្តើមភ្នាក់ងារឡើងវិញ អ្វីដែល `accepted-events-lost` រាយឈ្មោះ ត្រូវដាក់ជូនម្តងទៀត",
    ),
    call: Call::Technician,
};
pub(super) const INDEX_DAMAGED: Help = Help {
    code: "index-damaged",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "An index of the store could not be read; a new one was begun, and the old one is kept beside it. What is lacking comes back from the journal and from the bus.",
        "លិបិក្រម (index) របស់ឃ្លាំងមិនអាចអានបាន មួយថ្មីត្រូវបានចាប់ផ្តើម ហើយមួយចាស់ត្រូវបានរក្សាទុកនៅក្បែរ អ្វីដែលខ្វះនឹងត្រឡប់មកវិញពី journal និងពីប្រព័ន្ធ",
    ),
    to_do: unread(
        "Leave the agent running until it has read all again (`status`). See to the disk; the old index may be deleted when all is there.",
        "សូមទុកឱ្យភ្នាក់ងារដំណើរការរហូតដល់វាអានទាំងអស់ម្តងទៀត (`status`) សូមពិនិត្យថាស លិបិក្រមចាស់អាចលុបបានពេលទាំងអស់មានវិញ",
    ),
    call: Call::Technician,
};
pub(super) const INDEX_MISSING: Help = Help {
    code: "index-missing",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "An index of the store was there once and is not any more; a new one was begun. What is lacking comes back from the journal and from the bus.",
        "លិបិក្រម (index) របស់ឃ្លាំងធ្លាប់មាន តែលែងមាន មួយថ្មីត្រូវបានចាប់ផ្តើម អ្វីដែលខ្វះនឹងត្រឡប់មកវិញពី journal និងពីប្រព័ន្ធ",
    ),
    to_do: unread(
        "Find out who deleted or moved it, and put it back before the next start if you can; else leave the agent running until it has read all again.",
        "សូមរកមើលថាអ្នកណាបានលុប ឬផ្លាស់វា ហើយដាក់មកវិញមុនការចាប់ផ្តើមបន្ទាប់បើអាច បើមិនអាចទេ សូមទុកឱ្យភ្នាក់ងារដំណើរការរហូតដល់វាអានទាំងអស់ម្តងទៀត",
    ),
    call: Call::Technician,
};
pub(super) const INDEX_BEHIND: Help = Help {
    code: "index-behind",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "The outbox's index is an older copy: the journal no longer reaches back to it. What was sent since comes back from the bus.",
        "លិបិក្រមរបស់ outbox ជាច្បាប់ចម្លងចាស់៖ journal លែងទៅដល់វាទៀត អ្វីដែលបានផ្ញើតាំងពីពេលនោះនឹងត្រឡប់មកវិញពីប្រព័ន្ធ",
    ),
    to_do: unread(
        "If a backup was put back, put back all of the `store` folder and not a part of it. Else see to the disk; the agent goes on by itself.",
        "បើមានការដាក់ច្បាប់បម្រុងមកវិញ សូមដាក់ថត `store` ទាំងមូល មិនមែនមួយផ្នែកទេ បើមិនដូច្នេះទេ សូមពិនិត្យថាស ភ្នាក់ងារនឹងបន្តដោយខ្លួនឯង",
    ),
    call: Call::Technician,
};
pub(super) const INDEX_REBUILT: Help = Help {
    code: "index-rebuilt",
    severity: Severity::Info,
    effect: Effect::Tells,
    meaning: unread(
        "The outbox's index was made again from the journal: every event that waits is in line. The own log comes back from the bus.",
        "លិបិក្រមរបស់ outbox ត្រូវបានបង្កើតឡើងវិញពី journal៖ ព្រឹត្តិការណ៍ដែលរង់ចាំទាំងអស់នៅក្នុងជួរ កំណត់ហេតុរបស់ខ្លួននឹងត្រឡប់មកវិញពីប្រព័ន្ធ",
    ),
    to_do: unread(
        "Nothing: `index-damaged` or `index-missing` beside it says why.",
        "មិនចាំបាច់ធ្វើអ្វីទេ៖ `index-damaged` ឬ `index-missing` នៅក្បែរវាប្រាប់មូលហេតុ",
    ),
    call: Call::Nobody,
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
