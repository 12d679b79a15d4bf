//! What each problem is called, which HTTP status it has, and what it says to a person. A problem comes in, its texts go out.

use schemas::refusal::{Code, Hold, Refusal};

use super::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts {
    pub code: &'static str,
    pub status: u16,
    pub en: &'static str,
    pub km: &'static str,
}

const fn texts(status: u16, code: &'static str, en: &'static str, km: &'static str) -> Texts {
    Texts {
        code,
        status,
        en,
        km,
    }
}

/// Each problem's texts by their name, and the list of all, which cannot miss one.
macro_rules! problems {
    ($($problem:ident = $texts:expr;)+) => {
        $(const $problem: Texts = $texts;)+
        pub(super) const ALL: &[Texts] = &[$($problem,)+];
    };
}

problems! {
    FEED_UNNAMED = texts(
        422,
        "feed-unnamed",
        "nothing tells which feed this is for; give its type or dataschema, or submit to /feeds/<feed>/events",
        "គ្មានអ្វីប្រាប់ថានេះសម្រាប់ feed ណាទេ សូមបញ្ជាក់ type ឬ dataschema ឬដាក់ជូនតាម /feeds/<feed>/events",
    );
    CAUSATION_MISSING = texts(
        422,
        "causation-missing",
        "a correction or withdrawal names the event that it is about; give its id as causationid",
        "ការកែតម្រូវ ឬការដកចេញ ត្រូវប្រាប់ព្រឹត្តិការណ៍ដើម សូមដាក់ id របស់វាជា causationid",
    );
    ID_TAKEN = texts(
        409,
        "id-taken",
        "this id or idempotency key was accepted before with other content; use a new one, or send a correction",
        "id ឬ Idempotency-Key នេះបានប្រើរួចហើយជាមួយខ្លឹមសារផ្សេង សូមប្រើថ្មី ឬផ្ញើការកែតម្រូវ",
    );
    KEY_MALFORMED = texts(
        400,
        "idempotency-key-malformed",
        "Idempotency-Key must be 1 to 256 printable characters",
        "Idempotency-Key ត្រូវមាន ១ ដល់ ២៥៦ តួអក្សរដែលអាចបោះពុម្ពបាន",
    );
    BODY_TOO_LARGE = texts(
        413,
        "body-too-large",
        "the body is larger than one event may be; split it, or send smaller batches",
        "ទិន្នន័យដែលផ្ញើធំពេក សូមបំបែកវា ឬផ្ញើជាក្រុមតូចៗ",
    );
    BODY_INCOMPLETE = texts(
        400,
        "body-incomplete",
        "the body ended early or came too slowly; nothing was accepted, send it again",
        "ទិន្នន័យមកមិនគ្រប់ ឬយឺតពេក គ្មានអ្វីត្រូវបានទទួលទេ សូមផ្ញើម្តងទៀត",
    );
    MEDIA_TYPE_UNSUPPORTED = texts(
        415,
        "media-type-unsupported",
        "send application/cloudevents+json, application/cloudevents-batch+json, or JSON data with ce- headers",
        "សូមផ្ញើជា application/cloudevents+json, application/cloudevents-batch+json ឬទិន្នន័យ JSON ដែលមានក្បាល ce-",
    );
    CONTENT_ENCODING_UNSUPPORTED = texts(
        415,
        "content-encoding-unsupported",
        "the body is compressed; send it as it is, without Content-Encoding",
        "ទិន្នន័យត្រូវបានបង្រួម សូមផ្ញើវាដោយមិនបង្រួម គ្មាន Content-Encoding",
    );
    HEADER_UNREADABLE = texts(
        400,
        "header-unreadable",
        "a ce- header cannot be read; write its value in ASCII, and all else percent-encoded as UTF-8 (%E1%9E%80)",
        "អានក្បាល ce- មួយមិនបានទេ សូមសរសេរតម្លៃជា ASCII ហើយអក្សរផ្សេងជា UTF-8 តាមសញ្ញា % (%E1%9E%80)",
    );
    BATCH_EMPTY = texts(
        422,
        "batch-empty",
        "the batch holds no event",
        "ក្រុមនេះគ្មានព្រឹត្តិការណ៍ទេ",
    );
    BATCH_TOO_LONG = texts(
        413,
        "batch-too-long",
        "the batch holds more than 1,000 events; send several batches",
        "ក្រុមនេះមានព្រឹត្តិការណ៍លើសពី ១ ០០០ សូមផ្ញើជាច្រើនក្រុម",
    );
    BATCH_REFUSED = texts(
        422,
        "batch-refused",
        "nothing of the batch was accepted, because the events named here are at fault; mend them and send the batch again",
        "គ្មានព្រឹត្តិការណ៍ណាក្នុងក្រុមត្រូវបានទទួលទេ ព្រោះព្រឹត្តិការណ៍ដែលរាយឈ្មោះនៅទីនេះមានកំហុស សូមកែ ហើយផ្ញើម្តងទៀត",
    );
    DISK_FULL = texts(
        507,
        "disk-full",
        "the agent has no room for more; nothing that was accepted is lost, give it more disk or wait until the link drains what waits",
        "គ្មានកន្លែងទំនេរទៀតទេ អ្វីដែលបានទទួលរួចមិនបាត់ឡើយ សូមបន្ថែមទំហំថាស ឬរង់ចាំការបញ្ជូន",
    );
    STORE_UNAVAILABLE = texts(
        503,
        "store-unavailable",
        "the agent cannot write to its disk now; submit again in a while",
        "ភ្នាក់ងារមិនអាចសរសេរលើថាសបានឥឡូវនេះទេ សូមដាក់ជូនម្តងទៀតនៅពេលក្រោយ",
    );
    TOKEN_MISSING = texts(
        401,
        "token-missing",
        "send the token of the agent's http.token file as Authorization: Bearer <token>",
        "សូមផ្ញើ token ពីឯកសារ http.token របស់ភ្នាក់ងារ ជា Authorization: Bearer <token>",
    );
    TOKEN_WRONG = texts(
        401,
        "token-wrong",
        "the token is not this agent's; read it from the agent's http.token file",
        "token មិនត្រឹមត្រូវទេ សូមអានវាពីឯកសារ http.token របស់ភ្នាក់ងារ",
    );
    HOST_FOREIGN = texts(
        403,
        "host-foreign",
        "this agent does not answer under that Host; use its address, or add the name to http.names in agent.toml",
        "ភ្នាក់ងារនេះមិនឆ្លើយតាមឈ្មោះ Host នោះទេ សូមប្រើអាសយដ្ឋានរបស់វា ឬបន្ថែមឈ្មោះក្នុង http.names",
    );
    ORIGIN_FOREIGN = texts(
        403,
        "origin-foreign",
        "requests from web pages of another origin are not answered",
        "សំណើពីគេហទំព័រនៃប្រភពផ្សេងមិនត្រូវបានឆ្លើយទេ",
    );
    QUERY_MALFORMED = texts(
        400,
        "query-malformed",
        "a parameter of the query is not written as it must be",
        "ប៉ារ៉ាម៉ែត្រមួយសរសេរមិនត្រឹមត្រូវ",
    );
    PATH_MALFORMED = texts(
        400,
        "path-malformed",
        "the path holds bytes that are no UTF-8 behind its percent signs",
        "ផ្លូវមានបៃដែលមិនមែនជា UTF-8 ក្រោយសញ្ញា %",
    );
    LOG_NOT_FOUND = texts(
        404,
        "log-not-found",
        "the registry knows no office of this name, so there is no such log",
        "បញ្ជីមិនស្គាល់ការិយាល័យដែលមានឈ្មោះនេះទេ ដូច្នេះគ្មានកំណត់ហេតុនេះទេ",
    );
    FEED_NOT_FOUND = texts(
        404,
        "feed-not-found",
        "there is no feed of this name to read",
        "គ្មាន feed ដែលមានឈ្មោះនេះសម្រាប់អានទេ",
    );
    FEED_NOT_READABLE = texts(
        403,
        "feed-not-readable",
        "this office may not read this feed, so nothing of it arrives; ask the feed's owner",
        "ការិយាល័យនេះមិនមានសិទ្ធិអាន feed នេះទេ ដូច្នេះគ្មានអ្វីមកដល់ឡើយ សូមសួរម្ចាស់ feed",
    );
    STREAMS_TAKEN = texts(
        503,
        "streams-taken",
        "as many streams are open as this agent serves; close one that is not needed, or ask page by page",
        "ស្ទ្រីម (stream) បើកអស់ហើយ សូមបិទមួយដែលលែងត្រូវការ ឬសួរម្តងមួយទំព័រ",
    );
    EVENT_NOT_FOUND = texts(
        404,
        "event-not-found",
        "no event with this id was accepted here",
        "គ្មានព្រឹត្តិការណ៍ដែលមាន id នេះត្រូវបានទទួលនៅទីនេះទេ",
    );
    RECEIPT_NOT_YET = texts(
        409,
        "receipt-not-yet",
        "no receipt covers this event yet, so nothing can be proved; ask again when it is durable",
        "មិនទាន់មានបង្កាន់ដៃសម្រាប់ព្រឹត្តិការណ៍នេះទេ សូមសួរម្តងទៀតពេលវារក្សាទុកលើប្រព័ន្ធរួច",
    );
    EVENT_PRUNED = texts(
        410,
        "event-pruned",
        "this signed event is no longer kept here; the bus and its readers have it",
        "ព្រឹត្តិការណ៍ដែលបានចុះហត្ថលេខានេះមិនត្រូវបានរក្សាទុកនៅទីនេះទៀតទេ ប្រព័ន្ធ និងអ្នកអានរបស់វានៅមាន",
    );
    NUMBERING_ANEW = texts(
        410,
        "numbering-anew",
        "this arrival number is none of this inbox: its numbering has begun anew; begin at 0, and know again by source and id what comes a second time",
        "លេខនេះមិនមែនរបស់ប្រអប់នេះទេ ការរាប់លេខបានចាប់ផ្តើមឡើងវិញ សូមចាប់ផ្តើមពី 0 ហើយសម្គាល់អ្វីដែលមកម្តងទៀតតាម source និង id",
    );
    DELIVERY_NOT_FOUND = texts(
        404,
        "delivery-not-found",
        "nothing of this name is delivered to; spean-agent deliver lists what there is",
        "គ្មានគោលដៅប្រគល់ដែលមានឈ្មោះនេះទេ សូមមើល spean-agent deliver",
    );
    DELIVERY_NOT_DUE = texts(
        409,
        "delivery-not-due",
        "no log stands before this event; only the next event of a log can be skipped, and spean-agent deliver names those that are not taken",
        "គ្មានកំណត់ហេតុណាកំពុងរង់ចាំនៅមុខព្រឹត្តិការណ៍នេះទេ អាចរំលងបានតែព្រឹត្តិការណ៍បន្ទាប់ប៉ុណ្ណោះ សូមមើល spean-agent deliver",
    );
    DELIVERY_NOTHING_THERE = texts(
        404,
        "delivery-nothing-there",
        "nothing that was delivered there is meant by this; give an event's id, or arrival: and a number",
        "គ្មានអ្វីដែលបានប្រគល់រួចត្រូវនឹងនេះទេ សូមផ្តល់ id របស់ព្រឹត្តិការណ៍ ឬ arrival: និងលេខ",
    );
    DELIVERY_BUSY = texts(
        503,
        "delivery-busy",
        "the order was not carried out yet; look at spean-agent deliver whether it was, and give it again if not",
        "ការបញ្ជានេះមិនទាន់បានអនុវត្តទេ សូមពិនិត្យ spean-agent deliver ហើយបញ្ជាម្តងទៀតបើមិនទាន់",
    );
    PATH_NOT_FOUND = texts(
        404,
        "path-not-found",
        "there is nothing at this path; /openapi.json lists what there is",
        "គ្មានអ្វីនៅផ្លូវនេះទេ សូមមើល /openapi.json",
    );
    METHOD_NOT_ALLOWED = texts(
        405,
        "method-not-allowed",
        "this path does not take this method; /openapi.json lists what there is",
        "ផ្លូវនេះមិនទទួលវិធីនេះទេ សូមមើល /openapi.json",
    );

    HTTP_MALFORMED = texts(
        400,
        "http-malformed",
        "what was sent is no HTTP request: a request line, headers as name: value, and an empty line",
        "អ្វីដែលបានផ្ញើមិនមែនជាសំណើ HTTP ត្រឹមត្រូវទេ៖ បន្ទាត់សំណើ ក្បាល name: value និងបន្ទាត់ទទេ",
    );
    PATH_TOO_LONG = texts(
        414,
        "path-too-long",
        "the path and its query are longer than anything here",
        "ផ្លូវ និងប៉ារ៉ាម៉ែត្រវែងពេក",
    );
    HEADERS_TOO_LARGE = texts(
        431,
        "headers-too-large",
        "the headers are too many or too large; leave out what an event does not need",
        "ក្បាល (headers) ច្រើនពេក ឬធំពេក សូមដកអ្វីដែលមិនត្រូវការ",
    );
}

fn shared(status: u16, code: Code) -> Texts {
    texts(status, code.name, code.en, code.km)
}

impl Problem {
    /// Every problem with its texts; a new one is found missing by this match.
    pub(super) fn texts(&self) -> Texts {
        match self {
            Problem::Refused(refusal) => shared(refusal_status(refusal), refusal.code()),
            Problem::Held(hold) => shared(hold_status(hold), hold.code()),
            Problem::FeedUnnamed => FEED_UNNAMED,
            Problem::CausationMissing => CAUSATION_MISSING,
            Problem::IdTaken { .. } => ID_TAKEN,
            Problem::KeyMalformed => KEY_MALFORMED,
            Problem::BodyTooLarge => BODY_TOO_LARGE,
            Problem::BodyIncomplete => BODY_INCOMPLETE,
            Problem::MediaTypeUnsupported => MEDIA_TYPE_UNSUPPORTED,
            Problem::ContentEncodingUnsupported => CONTENT_ENCODING_UNSUPPORTED,
            Problem::HeaderUnreadable { .. } => HEADER_UNREADABLE,
            Problem::BatchEmpty => BATCH_EMPTY,
            Problem::BatchTooLong => BATCH_TOO_LONG,
            Problem::BatchRefused(_) => BATCH_REFUSED,
            Problem::DiskFull(_) => DISK_FULL,
            Problem::StoreUnavailable => STORE_UNAVAILABLE,
            Problem::TokenMissing => TOKEN_MISSING,
            Problem::TokenWrong => TOKEN_WRONG,
            Problem::HostForeign => HOST_FOREIGN,
            Problem::OriginForeign => ORIGIN_FOREIGN,
            Problem::QueryMalformed { .. } => QUERY_MALFORMED,
            Problem::PathMalformed => PATH_MALFORMED,
            Problem::EventNotFound => EVENT_NOT_FOUND,
            Problem::LogNotFound => LOG_NOT_FOUND,
            Problem::FeedNotFound { .. } => FEED_NOT_FOUND,
            Problem::FeedNotReadable { .. } => FEED_NOT_READABLE,
            Problem::StreamsTaken => STREAMS_TAKEN,
            Problem::ReceiptNotYet => RECEIPT_NOT_YET,
            Problem::EventPruned => EVENT_PRUNED,
            Problem::NumberingAnew => NUMBERING_ANEW,
            Problem::DeliveryNotFound => DELIVERY_NOT_FOUND,
            Problem::DeliveryNotDue => DELIVERY_NOT_DUE,
            Problem::DeliveryNothingThere => DELIVERY_NOTHING_THERE,
            Problem::DeliveryBusy => DELIVERY_BUSY,
            Problem::PathNotFound => PATH_NOT_FOUND,
            Problem::MethodNotAllowed => METHOD_NOT_ALLOWED,
            Problem::HttpMalformed => HTTP_MALFORMED,
            Problem::PathTooLong => PATH_TOO_LONG,
            Problem::HeadersTooLarge => HEADERS_TOO_LARGE,
        }
    }
}

fn refusal_status(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::TooLarge => 413,
        Refusal::NotYourLog | Refusal::RowNotYours(_) => 403,
        Refusal::HeaderMalformed
        | Refusal::HeaderForbidden { .. }
        | Refusal::HeaderRepeated { .. }
        | Refusal::AttributeMissing { .. }
        | Refusal::AttributeInvalid(_)
        | Refusal::AttributeUnknown { .. }
        | Refusal::NotJson(_)
        | Refusal::RequestMalformed(_) => 400,
        Refusal::ContractViolated(_)
        | Refusal::TypeNotOfFeed
        | Refusal::SchemaNotOfFeed
        | Refusal::SourceMismatch
        | Refusal::Unsigned
        | Refusal::AttributesUnsigned
        | Refusal::MaterialMalformed
        | Refusal::MaterialNotCanonical
        | Refusal::DigestMismatch
        | Refusal::SignatureInvalid
        | Refusal::SignerMismatch
        | Refusal::KeyRetired { .. }
        | Refusal::SubjectForbidden
        | Refusal::RequestForbidden(_)
        | Refusal::ConfirmationMalformed
        | Refusal::TimeOutOfReach { .. }
        | Refusal::ConfirmationNotYours
        | Refusal::ConfirmationUnproved => 422,
    }
}

fn hold_status(hold: &Hold) -> u16 {
    match hold {
        Hold::FeedUnknown => 404,
        Hold::GrantUnknown | Hold::OfficeClosed | Hold::CertificateRevoked => 403,
        Hold::OfficeUnknown
        | Hold::KeyUnknown
        | Hold::ContractUnknown
        | Hold::PositionAhead { .. }
        | Hold::PositionTaken { .. }
        | Hold::ChainMismatch { .. }
        | Hold::PositionConfirmed { .. }
        | Hold::ClockWrong { .. }
        | Hold::PositionUnproved { .. }
        | Hold::LogUnreadable
        | Hold::LogFormatUnknown { .. }
        | Hold::BusUnavailable
        | Hold::BusFull
        | Hold::BusUnreadable { .. }
        | Hold::BusUnwritable { .. }
        | Hold::BoundReached { .. }
        | Hold::AskedTooOften
        | Hold::OfficeRoomUsed { .. }
        | Hold::OfficeOverBudget { .. } => 503,
    }
}
