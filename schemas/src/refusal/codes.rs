//! The codes: what each is called on the wire and what it says to a person, in English and Khmer.
//! A number or a name that was given once is never given to another meaning.

use super::Code;
use crate::alarm::{Call, Severity};

const fn code(number: u32, name: &'static str, en: &'static str, km: &'static str) -> Code {
    Code {
        number,
        name,
        severity: Severity::Error,
        call: Call::Nobody,
        en,
        km,
    }
}

const fn hold(
    number: u32,
    name: &'static str,
    (severity, call): (Severity, Call),
    en: &'static str,
    km: &'static str,
) -> Code {
    Code {
        severity,
        call,
        ..code(number, name, en, km)
    }
}

/// Each code by its name, and the list of all, which cannot miss one.
macro_rules! codes {
    ($(#[$about:meta])* $all:ident: $($code:ident = $what:expr;)+) => {
        $(pub(super) const $code: Code = $what;)+
        $(#[$about])*
        pub(super) const $all: &[Code] = &[$($code,)+];
    };
}

codes! {
    /// Refusals: 60,101 and on.
    REFUSALS:
    HEADER_MALFORMED = code(
        60101,
        "header-malformed",
        "the headers are no NATS header block of a CloudEvent in binary mode; write each as name: value, percent-encoded",
        "ក្បាល (headers) មិនត្រូវតាមទម្រង់ CloudEvents របៀប binary ទេ សូមសរសេរនីមួយៗជា name: value",
    );
    HEADER_FORBIDDEN = code(
        60102,
        "header-forbidden",
        "this header may not be sent by a client; send only the ce- headers of the event",
        "អ្នកផ្ញើមិនអាចផ្ញើក្បាលនេះបានទេ សូមផ្ញើតែក្បាល ce- របស់ព្រឹត្តិការណ៍",
    );
    HEADER_REPEATED = code(
        60103,
        "header-repeated",
        "a header is given twice; send each attribute once",
        "ក្បាលមួយមានពីរដង សូមផ្ញើគុណលក្ខណៈនីមួយៗតែម្តង",
    );
    ATTRIBUTE_MISSING = code(
        60104,
        "attribute-missing",
        "an attribute that every event needs is missing; add it and sign again",
        "ខ្វះគុណលក្ខណៈចាំបាច់មួយ សូមបន្ថែម ហើយចុះហត្ថលេខាម្តងទៀត",
    );
    ATTRIBUTE_INVALID = code(
        60105,
        "attribute-invalid",
        "an attribute is not written as it must be; mend what is named",
        "គុណលក្ខណៈមួយសរសេរមិនត្រឹមត្រូវ សូមកែអ្វីដែលបានរាយឈ្មោះ",
    );
    ATTRIBUTE_UNKNOWN = code(
        60106,
        "attribute-unknown",
        "the event carries an attribute that this bus does not know; leave it out",
        "ព្រឹត្តិការណ៍មានគុណលក្ខណៈដែលប្រព័ន្ធនេះមិនស្គាល់ សូមដកចេញ",
    );
    UNSIGNED = code(
        60107,
        "event-unsigned",
        "the event carries no dssematerial; sign it with the office's key, or submit it to the office's agent, which signs",
        "ព្រឹត្តិការណ៍គ្មានហត្ថលេខាទេ សូមចុះហត្ថលេខាដោយសោរបស់ការិយាល័យ ឬដាក់ជូនភ្នាក់ងារ (agent) របស់ការិយាល័យ",
    );
    ATTRIBUTES_UNSIGNED = code(
        60108,
        "attributes-unsigned",
        "not all extension attributes are covered by the signature; sign them all",
        "គុណលក្ខណៈបន្ថែមមិនទាន់ចុះហត្ថលេខាទាំងអស់ទេ សូមចុះហត្ថលេខាលើទាំងអស់",
    );
    MATERIAL_MALFORMED = code(
        60109,
        "material-malformed",
        "dssematerial is no DSSE envelope with one signature and this version's payload type; sign again",
        "dssematerial មិនមែនជាស្រោម DSSE ត្រឹមត្រូវទេ សូមចុះហត្ថលេខាម្តងទៀត",
    );
    MATERIAL_NOT_CANONICAL = code(
        60110,
        "material-not-canonical",
        "dssematerial says the right thing in another form; write members, base64 and attribute order as documented, without white space",
        "dssematerial ត្រឹមត្រូវតែទម្រង់ខុស សូមសរសេរតាមទម្រង់ដែលបានកំណត់ ដោយគ្មានដកឃ្លា",
    );
    DIGEST_MISMATCH = code(
        60111,
        "digest-mismatch",
        "the signature was made for other attributes or other data; the event was changed after signing",
        "ហត្ថលេខាធ្វើឡើងសម្រាប់ទិន្នន័យផ្សេង ព្រឹត្តិការណ៍ត្រូវបានកែក្រោយពេលចុះហត្ថលេខា",
    );
    SIGNATURE_INVALID = code(
        60112,
        "signature-invalid",
        "the signature is not this key's; check which key signs",
        "ហត្ថលេខាមិនមែនរបស់សោនេះទេ សូមពិនិត្យសោដែលប្រើ",
    );
    SIGNER_MISMATCH = code(
        60113,
        "signer-mismatch",
        "the key belongs to another office than the event's source",
        "សោនេះជារបស់ការិយាល័យផ្សេង មិនមែនជាប្រភពរបស់ព្រឹត្តិការណ៍ទេ",
    );
    KEY_RETIRED = code(
        60114,
        "key-retired",
        "the registry does not honour this key at this position; sign with the office's present key",
        "បញ្ជីមិនទទួលស្គាល់សោនេះនៅទីតាំងនេះទេ សូមចុះហត្ថលេខាដោយសោបច្ចុប្បន្ន",
    );
    SOURCE_MISMATCH = code(
        60115,
        "source-mismatch",
        "the event's source is not the log it was sent to",
        "ប្រភពរបស់ព្រឹត្តិការណ៍មិនត្រូវនឹងកំណត់ហេតុដែលបានផ្ញើទៅទេ",
    );
    NOT_YOUR_LOG = code(
        60116,
        "not-your-log",
        "the log belongs to another office; an office publishes only to its own logs",
        "កំណត់ហេតុនេះជារបស់ការិយាល័យផ្សេង ការិយាល័យបោះផ្សាយតែក្នុងកំណត់ហេតុរបស់ខ្លួន",
    );
    TOO_LARGE = code(
        60117,
        "too-large",
        "the event is too large: at most 1,000,000 bytes of data and 8 KiB of headers; split it",
        "ព្រឹត្តិការណ៍ធំពេក៖ ទិន្នន័យយ៉ាងច្រើន ១ ០០០ ០០០ បៃ សូមបំបែកវា",
    );
    NOT_JSON = code(
        60118,
        "not-json",
        "the data is not the JSON that its content type promises",
        "ទិន្នន័យមិនមែនជា JSON ត្រឹមត្រូវទេ",
    );
    CONTRACT_VIOLATED = code(
        60119,
        "contract-violated",
        "the data does not fit the feed's contract; mend the fields that are named",
        "ទិន្នន័យមិនត្រូវតាមកិច្ចសន្យារបស់ feed ទេ សូមកែវាលដែលបានរាយឈ្មោះ",
    );
    TYPE_NOT_OF_FEED = code(
        60120,
        "type-not-of-feed",
        "the event's type is none of this feed's",
        "ប្រភេទព្រឹត្តិការណ៍នេះមិនមែនរបស់ feed នេះទេ",
    );
    SCHEMA_NOT_OF_FEED = code(
        60121,
        "schema-not-of-feed",
        "dataschema is a contract of another feed or another type",
        "dataschema ជាកិច្ចសន្យារបស់ feed ឬប្រភេទផ្សេង",
    );
    ROW_NOT_YOURS = code(
        60122,
        "row-not-yours",
        "a provincial office may send only its own province's figures",
        "ការិយាល័យខេត្តអាចផ្ញើតែទិន្នន័យរបស់ខេត្តខ្លួនប៉ុណ្ណោះ",
    );
    // 60123 was said of refills before they were taken.
    SUBJECT_FORBIDDEN = code(
        60124,
        "subject-forbidden",
        "this subject is not open to offices; publish to your own logs and ask through JetStream's API",
        "ប្រធានបទ (subject) នេះមិនបើកសម្រាប់ការិយាល័យទេ",
    );
    REQUEST_MALFORMED = code(
        60125,
        "request-malformed",
        "the JetStream request is not written as this gateway reads it",
        "សំណើ JetStream សរសេរមិនត្រឹមត្រូវ",
    );
    REQUEST_FORBIDDEN = code(
        60126,
        "request-forbidden",
        "the JetStream request asks for what this office may not have",
        "សំណើ JetStream សុំអ្វីដែលការិយាល័យនេះគ្មានសិទ្ធិ",
    );
    TIME_OUT_OF_REACH = code(
        60130,
        "time-out-of-reach",
        "the event's time lies before 2000, or more than a day ahead of the clock here; write the time that is meant, or, where that one is right, set this clock",
        "ពេលវេលារបស់ព្រឹត្តិការណ៍មុនឆ្នាំ ២០០០ ឬលឿនជាងនាឡិកានៅទីនេះលើសពីមួយថ្ងៃ សូមសរសេរពេលវេលាត្រឹមត្រូវ ឬបើវាត្រឹមត្រូវហើយ សូមកែនាឡិកានេះ",
    );
    // Numbers below 60,141 are left to what events may do wrong.
    CONFIRMATION_MALFORMED = code(
        60141,
        "confirmation-malformed",
        "this is no confirmation: the reader, the log, a position, its hash, a time, and the reader's seal, as documented",
        "នេះមិនមែនជាការបញ្ជាក់ទេ៖ ត្រូវមានអ្នកអាន កំណត់ហេតុ ទីតាំង ហាស ពេលវេលា និងហត្ថលេខារបស់អ្នកអាន",
    );
    CONFIRMATION_NOT_YOURS = code(
        60142,
        "confirmation-not-yours",
        "a reader confirms in its own name, signed with its own key, and only what it may read",
        "អ្នកអានបញ្ជាក់តែក្នុងនាមខ្លួន ដោយសោរបស់ខ្លួន និងតែអ្វីដែលខ្លួនមានសិទ្ធិអាន",
    );
    CONFIRMATION_UNPROVED = code(
        60143,
        "confirmation-unproved",
        "what is confirmed is not shown to be the office's: a confirmation that is to bind anybody brings the office's signature at that position",
        "អ្វីដែលបានបញ្ជាក់មិនមានភស្តុតាងថាជារបស់ការិយាល័យទេ៖ ការបញ្ជាក់ត្រូវភ្ជាប់ហត្ថលេខារបស់ការិយាល័យនៅទីតាំងនោះ",
    );
}

codes! {
    /// Holds: 60,201 and on.
    HOLDS:
    FEED_UNKNOWN = hold(
        60201,
        "feed-unknown",
        (Severity::Error, Call::Authority),
        "the registry knows no such feed; ask the authority, and keep the event",
        "បញ្ជីមិនស្គាល់ feed នេះទេ សូមសួរអាជ្ញាធរ ហើយរក្សាទុកព្រឹត្តិការណ៍",
    );
    OFFICE_UNKNOWN = hold(
        60202,
        "office-unknown",
        (Severity::Error, Call::Authority),
        "the registry does not know this office; ask the authority to add it",
        "បញ្ជីមិនស្គាល់ការិយាល័យនេះទេ សូមស្នើអាជ្ញាធរឱ្យបន្ថែម",
    );
    GRANT_UNKNOWN = hold(
        60203,
        "grant-unknown",
        (Severity::Error, Call::OtherOffice),
        "no rule of the registry lets this office publish on this feed; ask the feed's owner",
        "គ្មានច្បាប់អនុញ្ញាតឱ្យការិយាល័យនេះបោះផ្សាយលើ feed នេះទេ សូមសួរម្ចាស់ feed",
    );
    KEY_UNKNOWN = hold(
        60204,
        "key-unknown",
        (Severity::Error, Call::Authority),
        "the registry does not know the signing key; ask the authority to add it",
        "បញ្ជីមិនស្គាល់សោចុះហត្ថលេខានេះទេ សូមស្នើអាជ្ញាធរឱ្យបន្ថែម",
    );
    CONTRACT_UNKNOWN = hold(
        60205,
        "contract-unknown",
        (Severity::Warning, Call::Authority),
        "the registry knows no such contract version; it may come with the next registry",
        "បញ្ជីមិនស្គាល់កំណែកិច្ចសន្យានេះទេ",
    );
    POSITION_AHEAD = hold(
        60206,
        "position-ahead",
        (Severity::Warning, Call::Nobody),
        "something before this position is missing; read the log's head and go on behind it",
        "មានអ្វីមួយមុនទីតាំងនេះបាត់ សូមអានចុងកំណត់ហេតុ ហើយបន្តពីក្រោយវា",
    );
    POSITION_TAKEN = hold(
        60207,
        "position-taken",
        (Severity::Warning, Call::Nobody),
        "another event stands at this position; read the log's head and go on behind it",
        "ទីតាំងនេះមានព្រឹត្តិការណ៍ផ្សេងរួចហើយ សូមអានចុងកំណត់ហេតុ ហើយបន្តពីក្រោយវា",
    );
    CHAIN_MISMATCH = hold(
        60208,
        "chain-mismatch",
        (Severity::Warning, Call::Nobody),
        "prevhash is not the hash of the log's head; read the head and sign again behind it",
        "prevhash មិនត្រូវនឹងចុងកំណត់ហេតុទេ សូមអានចុងកំណត់ហេតុ ហើយចុះហត្ថលេខាម្តងទៀត",
    );
    LOG_UNREADABLE = hold(
        60209,
        "log-unreadable",
        (Severity::Warning, Call::Operator),
        "the bus cannot read this log now; the event is kept and asked for again",
        "ប្រព័ន្ធមិនអាចអានកំណត់ហេតុនេះបានឥឡូវនេះទេ ព្រឹត្តិការណ៍ត្រូវបានរក្សាទុក",
    );
    BUS_UNAVAILABLE = hold(
        60210,
        "bus-unavailable",
        (Severity::Warning, Call::Operator),
        "the bus does not answer now; the event is kept and sent again",
        "ប្រព័ន្ធមិនឆ្លើយតបឥឡូវនេះទេ ព្រឹត្តិការណ៍ត្រូវបានរក្សាទុក ហើយនឹងផ្ញើម្តងទៀត",
    );
    BUS_FULL = hold(
        60211,
        "bus-full",
        (Severity::Error, Call::Operator),
        "the bus has no room for this feed; the operator must give it more, the event is kept",
        "ប្រព័ន្ធគ្មានកន្លែងទំនេរសម្រាប់ feed នេះទេ ព្រឹត្តិការណ៍ត្រូវបានរក្សាទុក",
    );
    POSITION_CONFIRMED = hold(
        60212,
        "position-confirmed",
        (Severity::Error, Call::OtherOffice),
        "the bus has lost what a reader has confirmed at or behind this position; it goes on when a reader has brought it back, or the gap is declared",
        "ប្រព័ន្ធបានបាត់អ្វីដែលអ្នកអានម្នាក់បានបញ្ជាក់នៅទីតាំងនេះ ឬក្រោយវា វានឹងបន្តពេលអ្នកអានយកវាមកវិញ ឬមានការប្រកាសថាបាត់",
    );
    CLOCK_WRONG = hold(
        60213,
        "clock-wrong",
        (Severity::Error, Call::Technician),
        "the office recorded the event before 2000, or more than a day ahead of the gateway's clock: one of the two clocks is wrong; set the office's, or tell the operator, and it goes on by itself",
        "ការិយាល័យបានកត់ត្រាព្រឹត្តិការណ៍មុនឆ្នាំ ២០០០ ឬលឿនជាងនាឡិកាច្រកលើសពីមួយថ្ងៃ នាឡិកាមួយក្នុងចំណោមពីរខុស សូមកែនាឡិការិយាល័យ ឬប្រាប់អ្នកប្រតិបត្តិ វានឹងបន្តដោយខ្លួនឯង",
    );
    POSITION_UNPROVED = hold(
        60214,
        "position-unproved",
        (Severity::Warning, Call::Technician),
        "nothing shows that there ever was an event at the last position that is declared lost; declare it with a gateway's receipt for it or for one behind it",
        "គ្មានអ្វីបង្ហាញថាធ្លាប់មានព្រឹត្តិការណ៍នៅទីតាំងចុងក្រោយដែលប្រកាសថាបាត់ទេ សូមប្រកាសជាមួយបង្កាន់ដៃរបស់ច្រក",
    );
    LOG_FORMAT_UNKNOWN = hold(
        60215,
        "log-format-unknown",
        (Severity::Error, Call::Technician),
        "the event is written in a newer log format than is read here: this program is older than the event, and is to be updated; the event is kept",
        "ព្រឹត្តិការណ៍សរសេរក្នុងទម្រង់កំណត់ហេតុថ្មីជាងអ្វីដែលកម្មវិធីនៅទីនេះអាចអាន សូមធ្វើបច្ចុប្បន្នភាពកម្មវិធី ព្រឹត្តិការណ៍ត្រូវបានរក្សាទុក",
    );
    BUS_UNREADABLE = hold(
        60216,
        "bus-unreadable",
        (Severity::Error, Call::Operator),
        "nats-server acknowledges what it cannot give back: its files are damaged; the operator restarts it, or takes a copy of its files that is whole; nothing is stored there until then, the event is kept",
        "nats-server បញ្ជាក់ថាបានរក្សាទុក តែមិនអាចអានវិញបានទេ៖ ឯកសាររបស់វាខូច អ្នកប្រតិបត្តិត្រូវចាប់ផ្តើមវាឡើងវិញ ព្រឹត្តិការណ៍ត្រូវបានរក្សាទុក",
    );
    BUS_UNWRITABLE = hold(
        60217,
        "bus-unwritable",
        (Severity::Error, Call::Operator),
        "nats-server answers and stores nothing: its disk was full or failed; the operator makes room there and restarts nats-server, the event is kept",
        "nats-server ឆ្លើយតប តែមិនរក្សាទុកអ្វីទេ៖ ថាសរបស់វាពេញ ឬខូច អ្នកប្រតិបត្តិត្រូវបន្ថែមទំហំ ហើយចាប់ផ្តើមវាឡើងវិញ ព្រឹត្តិការណ៍ត្រូវបានរក្សាទុក",
    );
    ASKED_TOO_OFTEN = hold(
        60231,
        "asked-too-often",
        (Severity::Info, Call::Nobody),
        "this is asked for more often than it can be of use; ask again in a minute",
        "សំណើនេះញឹកញាប់ពេក សូមសួរម្តងទៀតក្នុងមួយនាទី",
    );
    OFFICE_OVER_BUDGET = hold(
        60232,
        "office-over-budget",
        (Severity::Warning, Call::Nobody),
        "this office's sessions ask for more than one office's part; let what was asked be answered first, and ask again later",
        "ការិយាល័យនេះបានប្រើលើសចំណែករបស់ខ្លួន សូមរង់ចាំចម្លើយសិន ហើយសួរម្តងទៀតពេលក្រោយ",
    );
    BOUND_REACHED = hold(
        60233,
        "bound-reached",
        (Severity::Warning, Call::Technician),
        "this office has as many of these as one office may have; give back what is not used, or wait until what was left behind is forgotten",
        "ការិយាល័យនេះមានចំនួនអតិបរមារួចហើយ សូមលុបអ្វីដែលមិនប្រើ ឬរង់ចាំរហូតដល់អ្វីដែលទុកចោលត្រូវបានលុប",
    );
    OFFICE_ROOM_USED = hold(
        60234,
        "office-room-used",
        (Severity::Error, Call::Operator),
        "this office has filled its part of the room that the bus has for this feed; the operator must give the feed more room, the event is kept",
        "ការិយាល័យនេះបានប្រើអស់ចំណែករបស់ខ្លួនក្នុងកន្លែងទំនេរសម្រាប់ feed នេះ អ្នកប្រតិបត្តិត្រូវបន្ថែមទំហំ ព្រឹត្តិការណ៍ត្រូវបានរក្សាទុក",
    );
    OFFICE_CLOSED = hold(
        60241,
        "office-closed",
        (Severity::Critical, Call::Authority),
        "the authority has closed this office; nothing is sent or read, what waits is kept: ask the authority",
        "អាជ្ញាធរបានបិទការិយាល័យនេះ គ្មានអ្វីត្រូវបានផ្ញើ ឬអានទេ អ្វីដែលរង់ចាំត្រូវបានរក្សាទុក សូមសួរអាជ្ញាធរ",
    );
    CERTIFICATE_REVOKED = hold(
        60242,
        "certificate-revoked",
        (Severity::Critical, Call::Authority),
        "the authority has revoked this office's certificate; what waits is kept: ask the authority for a new one",
        "អាជ្ញាធរបានដកហូតវិញ្ញាបនបត្ររបស់ការិយាល័យនេះ អ្វីដែលរង់ចាំត្រូវបានរក្សាទុក សូមសុំវិញ្ញាបនបត្រថ្មីពីអាជ្ញាធរ",
    );
}
