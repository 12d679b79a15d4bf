//! What a reader finds in the logs of others. Texts alone.

use super::{Call, Effect, Help, Severity};
use crate::text::unread;

pub(super) const GAP: Help = Help {
    code: "gap",
    severity: Severity::Warning,
    effect: Effect::Holds,
    meaning: unread(
        "Positions of a log are missing here, and have been for a moment; the text names them and since when. What stands behind them in their log is \
         kept, and delivered once they have come.",
        "ទីតាំងខ្លះរបស់កំណត់ហេតុខ្វះនៅទីនេះ អត្ថបទប្រាប់ទីតាំង និងតាំងពីពេលណា អ្វីដែលនៅក្រោយវាត្រូវបានរក្សាទុក ហើយនឹងប្រគល់ពេលវាមកដល់",
    ),
    to_do: unread(
        "Nothing for an hour: whoever has them is asked again and again. After that ask the office whether its agent runs; `/gaps` shows what is open.",
        "មិនចាំបាច់ធ្វើអ្វីទេក្នុងមួយម៉ោង៖ អ្នកដែលមានវាត្រូវបានសួរម្តងហើយម្តងទៀត ក្រោយមក សូមសួរការិយាល័យនោះថាភ្នាក់ងាររបស់គេដំណើរការឬទេ `/gaps` បង្ហាញអ្វីដែលនៅខ្វះ",
    ),
    call: Call::OtherOffice,
};
pub(super) const GAP_DECLARED: Help = Help {
    code: "gap-declared",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "These positions of a log are declared lost: the bus does not have them, nor had the office whose log it is, nor any reader that was asked. The \
         log goes on behind them.",
        "ទីតាំងទាំងនេះត្រូវបានប្រកាសថាបាត់ កំណត់ហេតុបន្តពីក្រោយវា",
    ),
    to_do: unread(
        "Start the agents of readers that stand still, and put back what old copies of stores there are: whoever has the positions still brings them back.",
        "សូមចាប់ផ្តើមភ្នាក់ងាររបស់អ្នកអានដែលបានឈប់ ហើយដាក់ច្បាប់ចម្លងចាស់នៃឃ្លាំងដែលមានមកវិញ៖ អ្នកណាដែលមានទីតាំងទាំងនោះ នៅតែអាចយកមកវិញបាន",
    ),
    call: Call::OtherOffice,
};
pub(super) const GAP_REFILLED: Help = Help {
    code: "gap-refilled",
    severity: Severity::Info,
    effect: Effect::Tells,
    meaning: unread(
        "Positions that were declared lost came back, and arrive behind what followed them.",
        "ទីតាំងដែលបានប្រកាសថាបាត់ បានត្រឡប់មកវិញ",
    ),
    to_do: unread(
        "Whoever counts on the order of the log looks at these once more.",
        "អ្នកណាដែលពឹងលើលំដាប់នៃកំណត់ហេតុ សូមពិនិត្យវាម្តងទៀត",
    ),
    call: Call::Nobody,
};
pub(super) const BRANCH: Help = Help {
    code: "branch",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "At a reader: other content for a position that it holds; both are kept, the one that was complete first is delivered.",
        "មានខ្លឹមសារពីរសម្រាប់ទីតាំងមួយ ទាំងពីរត្រូវបានរក្សាទុក",
    ),
    to_do: unread(
        "Ask the office which history it goes on with; tell the operator; `export --branches` writes out what is not delivered.",
        "សូមសួរការិយាល័យថាវាបន្តជាមួយប្រវត្តិមួយណា សូមប្រាប់អ្នកប្រតិបត្តិ `export --branches` សរសេរអ្វីដែលមិនត្រូវបានប្រគល់",
    ),
    call: Call::OtherOffice,
};
pub(super) const CHAIN_BROKEN: Help = Help {
    code: "chain-broken",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "At a reader: content that does not follow what it holds; both are kept, the one that was complete first is delivered.",
        "ខ្លឹមសារនេះមិនបន្តពីអ្វីដែលមាននៅទីនេះទេ ទាំងពីរត្រូវបានរក្សាទុក",
    ),
    to_do: unread(
        "As for `branch`: ask the office which history it goes on with, and tell the operator.",
        "ដូច `branch`៖ សូមសួរការិយាល័យថាវាបន្តជាមួយប្រវត្តិមួយណា ហើយប្រាប់អ្នកប្រតិបត្តិ",
    ),
    call: Call::OtherOffice,
};
pub(super) const EVENT_NOT_BELIEVED: Help = Help {
    code: "event-not-believed",
    severity: Severity::Error,
    effect: Effect::Tells,
    meaning: unread(
        "At a reader: an event on the bus failed a check, and the text says which. It is delivered to nobody. Where it is well formed, it is kept aside, and \
         the log goes on behind it once an event that is believed names it; `not_believed` in `completeness` keeps naming its position.",
        "ព្រឹត្តិការណ៍មួយមិនអាចជឿបាន វាមិនត្រូវបានប្រគល់ឱ្យអ្នកណាឡើយ",
    ),
    to_do: unread(
        "Tell the office and the operator: `export` writes the log out, and `verify` names the line. What it said counts only when the office submits it again.",
        "សូមប្រាប់ការិយាល័យ និងអ្នកប្រតិបត្តិ៖ `export` សរសេរកំណត់ហេតុចេញ ហើយ `verify` ប្រាប់បន្ទាត់ អ្វីដែលវានិយាយរាប់បានតែពេលការិយាល័យដាក់ជូនម្តងទៀត",
    ),
    call: Call::OtherOffice,
};
pub(super) const LOG_RESUMED: Help = Help {
    code: "log-resumed",
    severity: Severity::Info,
    effect: Effect::Tells,
    meaning: unread(
        "At a reader: an office says that it did not remember these positions of its log.",
        "ការិយាល័យមួយប្រាប់ថាខ្លួនមិនបានចងចាំទីតាំងទាំងនេះទេ",
    ),
    to_do: unread(
        "Ask the office whether its store was restored; the events are its own by their signatures.",
        "សូមសួរការិយាល័យថាឃ្លាំងរបស់គេត្រូវបានស្តារឬទេ ព្រឹត្តិការណ៍ទាំងនោះជារបស់គេតាមហត្ថលេខា",
    ),
    call: Call::OtherOffice,
};
