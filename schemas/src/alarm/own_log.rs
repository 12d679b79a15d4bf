//! The office's own log, and what the bus has of it. Texts alone.

use super::{Call, Effect, Help, Severity};
use crate::text::unread;

pub(super) const LOG_SHARED: Help = Help {
    code: "log-shared",
    severity: Severity::Critical,
    effect: Effect::Holds,
    meaning: unread(
        "Three times within an hour events of this office's log were on the bus that this store did not know: another machine has its identity. It \
         accepts, and sends nothing.",
        "ម៉ាស៊ីនផ្សេងមួយកំពុងប្រើអត្តសញ្ញាណរបស់ការិយាល័យនេះ ទទួលបន្ត តែមិនផ្ញើទេ",
    ),
    to_do: unread(
        "Stop the other agent and start this one again; or have the authority say `\"agents\": 2` of the office; or, if neither is yours, enrol a new key.",
        "សូមបញ្ឈប់ភ្នាក់ងារមួយទៀត ហើយចាប់ផ្តើមមួយនេះឡើងវិញ ឬឱ្យអាជ្ញាធរកំណត់ `\"agents\": 2` សម្រាប់ការិយាល័យ ឬបើមួយណាក៏មិនមែនរបស់អ្នក សូមចុះឈ្មោះសោថ្មី",
    ),
    call: Call::Authority,
};
pub(super) const LOG_FULL: Help = Help {
    code: "log-full",
    severity: Severity::Critical,
    effect: Effect::Holds,
    meaning: unread(
        "The own log stands at the last position that there is (9007199254740991), which only a mistaken declaration reaches. It accepts, and sends nothing.",
        "កំណត់ហេតុដល់ទីតាំងចុងក្រោយហើយ ទទួលបន្ត តែមិនផ្ញើទេ",
    ),
    to_do: unread(
        "The authority enrols the office under another name.",
        "អាជ្ញាធរចុះឈ្មោះការិយាល័យក្រោមឈ្មោះផ្សេង",
    ),
    call: Call::Authority,
};
pub(super) const HEAD_MOVES: Help = Help {
    code: "head-moves",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "The end of the own log on the bus was another one each time that it was read: somebody else writes this log. It accepts, and sends again in a while.",
        "ចុងកំណត់ហេតុរបស់ខ្លួនលើប្រព័ន្ធផ្លាស់ប្តូររាល់ពេលដែលអាន៖ អ្នកផ្សេងកំពុងសរសេរកំណត់ហេតុនេះ ទទួលបន្ត ហើយនឹងផ្ញើម្តងទៀតបន្តិចក្រោយមក",
    ),
    to_do: unread(
        "Look for a second agent with this office's folder, and stop it. If there is none, tell the authority: somebody has the key.",
        "សូមរកមើលភ្នាក់ងារទីពីរដែលប្រើថតរបស់ការិយាល័យនេះ ហើយបញ្ឈប់វា បើគ្មានទេ សូមប្រាប់អាជ្ញាធរ៖ អ្នកផ្សេងមានសោ",
    ),
    call: Call::Authority,
};
pub(super) const OWN_EVENTS_LOST: Help = Help {
    code: "own-events-lost",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "The bus has lost the end of the own log, and the store no longer has what comes next there; readers are asked for it, and after `gap_wait_s` it \
         is declared lost.",
        "ប្រព័ន្ធបានបាត់ចុងកំណត់ហេតុ ហើយឃ្លាំងនេះលែងមានវា កំពុងសួរអ្នកអាន",
    ),
    to_do: unread(
        "Nothing, or start the agents of readers that have it; new events are accepted, and sent behind it.",
        "មិនចាំបាច់ធ្វើអ្វីទេ ឬចាប់ផ្តើមភ្នាក់ងាររបស់អ្នកអានដែលមានវា ព្រឹត្តិការណ៍ថ្មីត្រូវបានទទួល ហើយផ្ញើបន្តពីក្រោយ",
    ),
    call: Call::OtherOffice,
};
pub(super) const OWN_EVENTS_TAKEN_BACK: Help = Help {
    code: "own-events-taken-back",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "Events of the own log were on the bus and not in this store.",
        "ព្រឹត្តិការណ៍របស់ខ្លួនត្រូវបានយកត្រឡប់ពីប្រព័ន្ធមកវិញ",
    ),
    to_do: unread(
        "Read them (`export`): after a restored or emptied store they are yours; otherwise somebody has the key.",
        "សូមអានវា (`export`)៖ បើឃ្លាំងត្រូវបានស្តារ ឬសម្អាត វាជារបស់អ្នក បើមិនដូច្នេះទេ អ្នកផ្សេងមានសោ",
    ),
    call: Call::Authority,
};
pub(super) const OWN_LOG_GAP: Help = Help {
    code: "own-log-gap",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "The bus lacks positions of the own log that it had before; those behind them are there. What this office or a reader still has is brought back.",
        "ប្រព័ន្ធខ្វះទីតាំងខ្លះរបស់កំណត់ហេតុខ្លួនដែលធ្លាប់មាន អ្វីដែលនៅក្រោយនៅមាន អ្វីដែលការិយាល័យនេះ ឬអ្នកអាននៅមាន នឹងត្រូវយកមកវិញ",
    ),
    to_do: unread(
        "Leave the agent running, and tell the operator: nats-server has lost what it had stored.",
        "សូមទុកឱ្យភ្នាក់ងារដំណើរការ ហើយប្រាប់អ្នកប្រតិបត្តិ៖ nats-server បានបាត់អ្វីដែលវាបានរក្សាទុក",
    ),
    call: Call::Operator,
};
pub(super) const OWN_LOG_UNREADABLE: Help = Help {
    code: "own-log-unreadable",
    severity: Severity::Critical,
    effect: Effect::Holds,
    meaning: unread(
        "What stands in the own log, on the bus or in this store, cannot be read or is not believed: it is not signed with a key of this office, or does \
         not follow what stands before it. It accepts, and sends nothing behind that.",
        "អ្វីដែលមានក្នុងកំណត់ហេតុរបស់ខ្លួន លើប្រព័ន្ធ ឬក្នុងឃ្លាំងនេះ មិនអាចអាន ឬមិនអាចជឿបាន៖ មិនបានចុះហត្ថលេខាដោយសោរបស់ការិយាល័យនេះ ឬមិនត្រូវនឹងអ្វីដែលនៅមុនវា ទទួលបន្ត តែមិនផ្ញើបន្តពីក្រោយវាទេ",
    ),
    to_do: unread(
        "Tell operator and authority at once, with the text: nats-server's files are damaged, or somebody writes into this log. `spean-gateway scrub` \
         names what does not fit.",
        "សូមប្រាប់អ្នកប្រតិបត្តិ និងអាជ្ញាធរភ្លាម ជាមួយអត្ថបទនេះ៖ ឯកសាររបស់ nats-server ខូច ឬអ្នកផ្សេងសរសេរក្នុងកំណត់ហេតុនេះ `spean-gateway scrub` រាយអ្វីដែលមិនត្រូវ",
    ),
    call: Call::Operator,
};
pub(super) const OWN_LOG_PRUNED: Help = Help {
    code: "own-log-pruned",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "The bus has other events of this office where those were that it has pruned here after the resend horizon; the log goes on from the bus.",
        "ប្រព័ន្ធមានព្រឹត្តិការណ៍ផ្សេង នៅកន្លែងព្រឹត្តិការណ៍ដែលត្រូវបានលុបចេញពីទីនេះរួចហើយ",
    ),
    to_do: unread(
        "Compare with a reader (`export`).",
        "សូមប្រៀបធៀបជាមួយអ្នកអានម្នាក់ (`export`)",
    ),
    call: Call::OtherOffice,
};
pub(super) const OWN_LOG_BRANCHED: Help = Help {
    code: "own-log-branched",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "Events of the own log no longer fit the log on the bus, or it takes them no longer; they wait again under their ids.",
        "ព្រឹត្តិការណ៍ទាំងនេះលែងត្រូវនឹងកំណត់ហេតុលើប្រព័ន្ធ ហើយរង់ចាំផ្ញើម្តងទៀត",
    ),
    to_do: unread(
        "Look into the tray for what was refused.",
        "សូមមើលអ្វីដែលត្រូវបានបដិសេធ (`spean-agent tray`)",
    ),
    call: Call::Technician,
};
pub(super) const FORK_AFTER_RECEIPT: Help = Help {
    code: "fork-after-receipt",
    severity: Severity::Critical,
    effect: Effect::Tells,
    meaning: unread(
        "Positions of this office's log had receipts, and the bus has other events there now; they are sent again behind, under their ids, and both are kept.",
        "ទីតាំងទាំងនេះមានបង្កាន់ដៃហើយ តែប្រព័ន្ធមានព្រឹត្តិការណ៍ផ្សេង ទាំងពីរត្រូវបានរក្សាទុក ហើយរបស់យើងត្រូវផ្ញើបន្តពីក្រោយ",
    ),
    to_do: unread(
        "Nothing to send again; tell the operator: broker and office were both put back to older copies. `branched` in `/status` keeps the positions, \
         `export --branches` writes the events out.",
        "មិនបាច់ផ្ញើម្តងទៀតទេ សូមប្រាប់អ្នកប្រតិបត្តិ៖ ប្រព័ន្ធ និងការិយាល័យត្រូវបានដាក់ត្រឡប់ទៅច្បាប់ចម្លងចាស់ទាំងពីរ `branched` ក្នុង `/status` រក្សាទុកទីតាំង `export --branches` សរសេរព្រឹត្តិការណ៍ចេញ",
    ),
    call: Call::Operator,
};
pub(super) const ID_ON_BUS_WITH_OTHER_DATA: Help = Help {
    code: "id-on-bus-with-other-data",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "An event waited here under an id that this office's log on the bus has with other data; it was not sent, and lies in the tray.",
        "ព្រឹត្តិការណ៍មួយរង់ចាំនៅទីនេះក្រោម id ដែលកំណត់ហេតុលើប្រព័ន្ធមានជាមួយទិន្នន័យផ្សេង វាមិនត្រូវបានផ្ញើទេ ហើយនៅក្នុងបញ្ជីបដិសេធ (tray)",
    ),
    to_do: unread(
        "Compare both (`spean-agent tray`, `export`): submit it again under a new id, as a correction where it is one, or drop it.",
        "សូមប្រៀបធៀបទាំងពីរ (`spean-agent tray`, `export`)៖ ដាក់ជូនម្តងទៀតដោយ id ថ្មី ជាការកែតម្រូវបើវាជាការកែតម្រូវ ឬលុបវាចោល",
    ),
    call: Call::Technician,
};
pub(super) const SETTLED_PRUNED_EARLY: Help = Help {
    code: "settled-pruned-early",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "The disk budget needed the room of signed events within the resend horizon.",
        "ទំហំថាសមិនគ្រប់ ព្រឹត្តិការណ៍ដែលបានផ្ញើរួចត្រូវបានលុបមុនកាលកំណត់",
    ),
    to_do: unread(
        "Give the agent more `disk_budget_bytes`; until then a loss on the bus is mended by readers alone.",
        "សូមបន្ថែម `disk_budget_bytes` ដល់ភ្នាក់ងារ មុនពេលនោះ ការបាត់លើប្រព័ន្ធអាចជួសជុលបានតែដោយអ្នកអានប៉ុណ្ណោះ",
    ),
    call: Call::Technician,
};
