//! What is delivered to applications. Texts alone.

use super::{Call, Effect, Help, Severity};
use crate::text::unread;

pub(super) const DELIVERY_WAITS: Help = Help {
    code: "delivery-waits",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "An application has not taken an event, or anything at all, for a minute (`told_after_s`); the text names the event and the answer. What stands behind it in its \
         log waits, other logs go on.",
        "កម្មវិធីទទួលមិនទទួលយកព្រឹត្តិការណ៍នេះទេ អ្វីដែលនៅពីក្រោយវាក្នុងកំណត់ហេតុកំពុងរង់ចាំ",
    ),
    to_do: unread(
        "Mend the application; or `spean-agent deliver skip`.",
        "សូមកែកម្មវិធីទទួល ឬ `spean-agent deliver skip`",
    ),
    call: Call::Application,
};
pub(super) const DELIVERY_SLOW: Help = Help {
    code: "delivery-slow",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "An application gave no answer in time; it may have the event, and gets it once more, with twice the time and after a rest.",
        "កម្មវិធីទទួលមិនបានឆ្លើយទាន់ពេលទេ វានឹងទទួលព្រឹត្តិការណ៍នេះម្តងទៀត",
    ),
    to_do: unread(
        "Let it answer before it works on an event.",
        "សូមឱ្យវាឆ្លើយមុនពេលវាដំណើរការព្រឹត្តិការណ៍",
    ),
    call: Call::Application,
};
pub(super) const DELIVERY_FILE_FAILED: Help = Help {
    code: "delivery-file-failed",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "A file cannot be written: its disk is full, its folder is not there, or somebody made another file in its place; what arrives waits.",
        "មិនអាចសរសេរឯកសារបានទេ៖ ថាសពេញ គ្មានថត ឬមានឯកសារផ្សេងនៅទីនោះ អ្វីដែលមកដល់កំពុងរង់ចាំ",
    ),
    to_do: unread(
        "Give it room, make the folder, or move the other file away; it goes on by itself.",
        "សូមបន្ថែមកន្លែងទំនេរ បង្កើតថត ឬផ្លាស់ឯកសារផ្សេងនោះចេញ វានឹងបន្តដោយខ្លួនឯង",
    ),
    call: Call::Technician,
};
pub(super) const DELIVERED_BRANCH: Help = Help {
    code: "delivered-branch",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "At these positions other events were delivered than the bus has there now; what it has is delivered, too.",
        "នៅទីតាំងទាំងនេះ ព្រឹត្តិការណ៍ផ្សេងត្រូវបានប្រគល់រួចហើយ អ្វីដែលប្រព័ន្ធមានឥឡូវនេះក៏ត្រូវបានប្រគល់ដែរ",
    ),
    to_do: unread(
        "Ask the office which history it goes on with: bus and stores were put back, and what the application has at these positions may be on no bus any more.",
        "សូមសួរការិយាល័យថាវាបន្តជាមួយប្រវត្តិមួយណា៖ ប្រព័ន្ធ និងឃ្លាំងត្រូវបានដាក់ត្រឡប់ក្រោយ ហើយអ្វីដែលកម្មវិធីមាននៅទីតាំងទាំងនេះ អាចលែងមានលើប្រព័ន្ធណាទៀត",
    ),
    call: Call::OtherOffice,
};
pub(super) const DELIVERED_DAMAGED: Help = Help {
    code: "delivered-damaged",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "What says how far was delivered was missing, cut or damaged; the text says whether anything is delivered again.",
        "អ្វីដែលកត់ត្រាថាបានប្រគល់ដល់ណា ត្រូវបានខូច ឬបាត់",
    ),
    to_do: unread(
        "Nothing, if it says so; look after the disk. Else the application knows by `source` and `id`.",
        "មិនចាំបាច់ធ្វើអ្វីទេ បើវាប្រាប់ដូច្នេះ សូមពិនិត្យថាស បើមិនដូច្នេះទេ កម្មវិធីសម្គាល់តាម `source` និង `id`",
    ),
    call: Call::Technician,
};
pub(super) const DELIVERY_BEGINS: Help = Help {
    code: "delivery-begins",
    severity: Severity::Info,
    effect: Effect::Tells,
    meaning: unread(
        "Nothing is remembered of a target, so it gets all that is kept here from the beginning.",
        "គ្មានអ្វីកត់ត្រាអំពីគោលដៅនេះទេ វានឹងទទួលទាំងអស់ពីដើម",
    ),
    to_do: unread(
        "Nothing for a new one. Else its name was changed, or `store/2/marks` is lost.",
        "មិនចាំបាច់ធ្វើអ្វីទេសម្រាប់គោលដៅថ្មី បើមិនដូច្នេះទេ ឈ្មោះរបស់វាត្រូវបានប្តូរ ឬ `store/2/marks` បានបាត់",
    ),
    call: Call::Nobody,
};
pub(super) const DELIVERED_OTHER_BUS: Help = Help {
    code: "delivered-other-bus",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "What was delivered until now is of another authority's bus, such as one for training; all of this one is delivered.",
        "អ្វីដែលបានប្រគល់មកដល់ពេលនេះ ជារបស់ប្រព័ន្ធផ្សេង",
    ),
    to_do: unread(
        "Nothing, if the authority was meant to change.",
        "មិនចាំបាច់ធ្វើអ្វីទេ បើអាជ្ញាធរត្រូវបានប្តូរដោយចេតនា",
    ),
    call: Call::Technician,
};
pub(super) const DELIVERED_FILE_FOREIGN: Help = Help {
    code: "delivered-file-foreign",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "Lines in a delivered file are of another bus; they count for nothing, and this bus's events are written behind them.",
        "មានបន្ទាត់ក្នុងឯកសារដែលជារបស់ប្រព័ន្ធផ្សេង វាមិនត្រូវបានរាប់ទេ",
    ),
    to_do: unread(
        "Move the file away, so that the application does not read a training bus's lines as live ones.",
        "សូមផ្លាស់ឯកសារនោះចេញ ដើម្បីកុំឱ្យកម្មវិធីអានបន្ទាត់របស់ប្រព័ន្ធហ្វឹកហាត់ថាជារបស់ពិត",
    ),
    call: Call::Technician,
};
pub(super) const DELIVERED_UNDECIDED: Help = Help {
    code: "delivered-undecided",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "It cannot be told whether what has arrived was delivered; its log waits until it has come as far as it was delivered once.",
        "មិនអាចដឹងថាអ្វីដែលមកដល់ត្រូវបានប្រគល់រួចឬនៅ កំណត់ហេតុនេះកំពុងរង់ចាំ",
    ),
    to_do: unread(
        "Wait for the inbox to be read again; or `spean-agent deliver again`.",
        "សូមរង់ចាំប្រអប់ទទួលត្រូវបានអានម្តងទៀត ឬ `spean-agent deliver again`",
    ),
    call: Call::Technician,
};
pub(super) const WEBHOOK_RETIRED: Help = Help {
    code: "webhook-retired",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "An application answered 410: nothing more is sent to it until the agent starts again.",
        "កម្មវិធីទទួលឆ្លើយថា 410 គ្មានអ្វីត្រូវបានផ្ញើទៅវាទៀតទេ រហូតដល់ភ្នាក់ងារចាប់ផ្តើមឡើងវិញ",
    ),
    to_do: unread(
        "Take the table out of `agent.toml`, or mend the application and start the agent again.",
        "សូមដកតារាងនោះចេញពី `agent.toml` ឬកែកម្មវិធីទទួល ហើយចាប់ផ្តើមភ្នាក់ងារឡើងវិញ",
    ),
    call: Call::Application,
};
