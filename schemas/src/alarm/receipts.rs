//! The bus, its gateways and the registry: what an office is told of them. Texts alone.

use super::{Call, Effect, Help, Severity};
use crate::text::unread;

pub(super) const RECEIPT_MISSING: Help = Help {
    code: "receipt-missing",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "The gateway says that an event is stored, and gives no receipt.",
        "ច្រកមិនផ្តល់បង្កាន់ដៃទេ",
    ),
    to_do: unread(
        "The operator: bring the gateway to this version. Nothing is lost meanwhile; it is asked again within a minute.",
        "អ្នកប្រតិបត្តិ៖ សូមដំឡើងច្រកឱ្យដល់ជំនាន់នេះ គ្មានអ្វីបាត់ទេ វានឹងសួរម្តងទៀតក្នុងមួយនាទី",
    ),
    call: Call::Operator,
};
pub(super) const RECEIPT_INVALID: Help = Help {
    code: "receipt-invalid",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "The receipt is not written as one is, is for another event, or is not signed by a gateway of the registry.",
        "បង្កាន់ដៃមិនត្រឹមត្រូវ ឬច្រកមិនមានក្នុងបញ្ជីទេ",
    ),
    to_do: unread(
        "The operator: `spean-gateway check`; the authority adds the gateway's key.",
        "អ្នកប្រតិបត្តិ៖ សូមដំណើរការ `spean-gateway check` ហើយអាជ្ញាធរបន្ថែមសោរបស់ច្រក",
    ),
    call: Call::Operator,
};
pub(super) const READER_ON_A_BRANCH: Help = Help {
    code: "reader-on-a-branch",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "A reader confirms another event at a position than the office has there.",
        "អ្នកអានមានព្រឹត្តិការណ៍ផ្សេងនៅទីតាំងនេះ",
    ),
    to_do: unread(
        "Compare both logs (`export`); both are kept.",
        "សូមប្រៀបធៀបកំណត់ហេតុទាំងពីរ (`export`) ទាំងពីរត្រូវបានរក្សាទុក",
    ),
    call: Call::OtherOffice,
};
pub(super) const READER_AHEAD: Help = Help {
    code: "reader-ahead",
    severity: Severity::Critical,
    effect: Effect::Tells,
    meaning: unread(
        "A reader confirms a position that the office's log does not have; told once, and its word confirms nothing.",
        "អ្នកអានបញ្ជាក់ទីតាំងដែលកំណត់ហេតុមិនទាន់មាន",
    ),
    to_do: unread(
        "Tell the authority: the reader's key, or this office's, is in other hands; or this store is an older copy, and `own-events-taken-back` follows.",
        "សូមប្រាប់អាជ្ញាធរ៖ សោរបស់អ្នកអាន ឬរបស់ការិយាល័យនេះ នៅក្នុងដៃអ្នកផ្សេង ឬឃ្លាំងនេះជាច្បាប់ចម្លងចាស់ ហើយ `own-events-taken-back` នឹងមកតាមក្រោយ",
    ),
    call: Call::Authority,
};
pub(super) const CONFIRMATION_NOT_TAKEN: Help = Help {
    code: "confirmation-not-taken",
    severity: Severity::Warning,
    effect: Effect::Holds,
    meaning: unread(
        "The gateway did not take this office's confirmation of what it holds; it is confirmed again with the next session.",
        "ច្រកមិនបានទទួលការបញ្ជាក់របស់ការិយាល័យនេះអំពីអ្វីដែលខ្លួនមានទេ វានឹងបញ្ជាក់ម្តងទៀតនៅការតភ្ជាប់បន្ទាប់",
    ),
    to_do: unread(
        "Nothing, if it ends by itself; if it lasts for hours, tell the operator what the text says. Reading and sending go on.",
        "មិនចាំបាច់ធ្វើអ្វីទេ បើវាចប់ដោយខ្លួនឯង បើវានៅរាប់ម៉ោង សូមប្រាប់អ្នកប្រតិបត្តិ ការអាន និងការផ្ញើនៅបន្ត",
    ),
    call: Call::Operator,
};
pub(super) const CLOCKS_APART: Help = Help {
    code: "clocks-apart",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "A receipt's stamp and this machine's clock differ by more than five minutes; what was sent is settled all the same.",
        "ត្រាពេលវេលារបស់បង្កាន់ដៃ និងនាឡិកាម៉ាស៊ីននេះខុសគ្នាលើសពីប្រាំនាទី",
    ),
    to_do: unread(
        "Set this machine's clock; if it is right, tell the operator: a receipt that is stamped a day before its event proves nothing.",
        "សូមកែនាឡិកាម៉ាស៊ីននេះ បើវាត្រឹមត្រូវហើយ សូមប្រាប់អ្នកប្រតិបត្តិ៖ បង្កាន់ដៃដែលមានត្រាពេលវេលាមុនព្រឹត្តិការណ៍មួយថ្ងៃ មិនបញ្ជាក់អ្វីទេ",
    ),
    call: Call::Technician,
};
pub(super) const ANSWER_UNREADABLE: Help = Help {
    code: "answer-unreadable",
    severity: Severity::Error,
    effect: Effect::Holds,
    meaning: unread(
        "The gateway answered in a form that this program cannot read; what waits is kept, and it is asked again.",
        "ច្រកបានឆ្លើយក្នុងទម្រង់ដែលកម្មវិធីនេះមិនអាចអានបាន អ្វីដែលរង់ចាំត្រូវបានរក្សាទុក ហើយវានឹងសួរម្តងទៀត",
    ),
    to_do: unread(
        "Tell the operator which versions agent and gateway are of; the text says what came.",
        "សូមប្រាប់អ្នកប្រតិបត្តិអំពីជំនាន់របស់ភ្នាក់ងារ និងច្រក អត្ថបទប្រាប់ថាអ្វីបានមកដល់",
    ),
    call: Call::Operator,
};
pub(super) const CONSUMER_LOST: Help = Help {
    code: "consumer-lost",
    severity: Severity::Warning,
    effect: Effect::Holds,
    meaning: unread(
        "The bus has forgotten the consumer by which a feed was read, as it does when nats-server starts again; another one is made in a moment.",
        "ប្រព័ន្ធបានភ្លេចឧបករណ៍អាន (consumer) របស់ feed នេះ ដូចពេល nats-server ចាប់ផ្តើមឡើងវិញ មួយថ្មីនឹងត្រូវបានបង្កើតភ្លាមៗ",
    ),
    to_do: unread(
        "Nothing: reading goes on where it stood. If it comes every few minutes, tell the operator.",
        "មិនចាំបាច់ធ្វើអ្វីទេ៖ ការអាននឹងបន្តពីកន្លែងដដែល បើវាកើតឡើងរៀងរាល់ពីរបីនាទី សូមប្រាប់អ្នកប្រតិបត្តិ",
    ),
    call: Call::Nobody,
};
pub(super) const STREAM_WENT_BACK: Help = Help {
    code: "stream-went-back",
    severity: Severity::Warning,
    effect: Effect::Tells,
    meaning: unread(
        "A feed's stream does not have what this office has read there: it was put back to an older copy, or begun anew. Its logs are compared, \
         and what is lacking there is brought back.",
        "ស្ទ្រីម (stream) របស់ feed នេះលែងមានអ្វីដែលការិយាល័យនេះបានអានរួច៖ វាត្រូវបានដាក់ត្រឡប់ទៅច្បាប់ចម្លងចាស់ ឬចាប់ផ្តើមថ្មី កំណត់ហេតុត្រូវបានប្រៀបធៀប ហើយអ្វីដែលខ្វះនឹងត្រូវយកមកវិញ",
    ),
    to_do: unread(
        "Leave the agent running: it brings back what it has. Tell the operator, who finds out what happened to nats-server's files.",
        "សូមទុកឱ្យភ្នាក់ងារដំណើរការ៖ វានឹងយកអ្វីដែលវាមានមកវិញ សូមប្រាប់អ្នកប្រតិបត្តិឱ្យរកមើលថាមានអ្វីកើតឡើងចំពោះឯកសាររបស់ nats-server",
    ),
    call: Call::Operator,
};
pub(super) const FEED_BEHIND: Help = Help {
    code: "feed-behind",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "The bus says that a feed's stream ends before what somebody named ten seconds earlier or more: this office, a reader, a gateway; the text \
         says who said what. Told once for each until the bus has as much again; at the gateway a warning in its log and a line of its audit.",
        "ប្រព័ន្ធនិយាយថាស្ទ្រីម (stream) ចប់មុនអ្វីដែលអ្នកផ្សេងបានឃើញរួច",
    ),
    to_do: unread(
        "The operator: find out whether nats-server's store was put back to an older copy, or this gateway talks to another nats-server; what was lost \
         comes back by itself from offices and readers. If one reader alone names more than all others, ask that office.",
        "អ្នកប្រតិបត្តិ៖ សូមរកមើលថាឃ្លាំងរបស់ nats-server ត្រូវបានដាក់ត្រឡប់ទៅច្បាប់ចម្លងចាស់ ឬច្រកនេះនិយាយជាមួយ nats-server ផ្សេង អ្វីដែលបាត់នឹងត្រឡប់មកវិញដោយខ្លួនឯងពីការិយាល័យ និងអ្នកអាន បើមានតែអ្នកអានម្នាក់ដែលនិយាយលើសគេ សូមសួរការិយាល័យនោះ",
    ),
    call: Call::Operator,
};
pub(super) const POSITIONS_TWICE: Help = Help {
    code: "positions-twice",
    severity: Severity::Info,
    effect: Effect::Tells,
    meaning: unread(
        "At the gateway (`check`, its log): the bus has some positions of a log more than once.",
        "ទីតាំងខ្លះរបស់កំណត់ហេតុមានច្រើនជាងម្តងលើប្រព័ន្ធ",
    ),
    to_do: unread(
        "Nothing: it costs room and nothing else; `spean-gateway scrub` names them.",
        "មិនចាំបាច់ធ្វើអ្វីទេ៖ វាស៊ីតែកន្លែងទំនេរ `spean-gateway scrub` រាយឈ្មោះវា",
    ),
    call: Call::Nobody,
};
pub(super) const REGISTRY_BEHIND: Help = Help {
    code: "registry-behind",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "The gateway works by an older registry than this office has had, or gives it fewer lines than others work by; at the gateway an error in its \
         log, and a mistake for `check`. Gateway or agent do not start by a registry that is older than one they have worked by.",
        "ច្រកប្រើបញ្ជីចាស់ជាងបញ្ជីដែលការិយាល័យនេះមាន ឬមិនផ្តល់បន្ទាត់ថ្មី",
    ),
    to_do: unread(
        "The operator: put back the newest `registry.ndjson` (any office or gateway may have it). If going back is meant, remove `registry.seen`: the \
         gateway's beside its audit, the agent's in its `store` folder.",
        "អ្នកប្រតិបត្តិ៖ សូមដាក់ `registry.ndjson` ថ្មីបំផុតមកវិញ (ការិយាល័យ ឬច្រកណាមួយអាចមានវា) បើចង់ត្រឡប់ក្រោយមែន សូមលុប `registry.seen`៖ របស់ច្រកនៅក្បែរ audit របស់ភ្នាក់ងារនៅក្នុងថត `store`",
    ),
    call: Call::Operator,
};
pub(super) const REGISTRY_OUTGROWN: Help = Help {
    code: "registry-outgrown",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "The registry says something that this program does not understand: it is older than the registry. The lines behind that count; what it gives \
         is not known here. At the gateway an error in its log, and a mistake for `check`.",
        "បញ្ជីមានពាក្យថ្មីដែលកម្មវិធីនេះមិនយល់ ត្រូវធ្វើបច្ចុប្បន្នភាពកម្មវិធី",
    ),
    to_do: unread(
        "Update the program that says so: the agent its office, the gateway its operator.",
        "សូមធ្វើបច្ចុប្បន្នភាពកម្មវិធីដែលប្រាប់ដូច្នេះ៖ ភ្នាក់ងារដោយការិយាល័យ ច្រកដោយអ្នកប្រតិបត្តិ",
    ),
    call: Call::Technician,
};
pub(super) const REGISTRY_FORKED: Help = Help {
    code: "registry-forked",
    severity: Severity::Critical,
    effect: Effect::Tells,
    meaning: unread(
        "There are two registries: another line stands at a position that is known here. At the start nothing is begun.",
        "មានបញ្ជីពីរផ្សេងគ្នា នៅទីតាំងតែមួយ",
    ),
    to_do: unread(
        "The authority: find out which copy is the one that it went on with.",
        "អាជ្ញាធរ៖ សូមរកមើលថាច្បាប់មួយណាដែលខ្លួនបានបន្ត",
    ),
    call: Call::Authority,
};
