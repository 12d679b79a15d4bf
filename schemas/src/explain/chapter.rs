//! The chapters of the codes, and the words that stand on every page. Texts alone.

use serde::Serialize;

use crate::alarm::{Call, Effect, Room, Severity};
use crate::text::{Text, unread};

/// In the order in which `docs/codes.md` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chapter {
    Refused,
    Held,
    Receipts,
    OwnLog,
    Readers,
    Deliveries,
    Stores,
    Openings,
    Http,
    Breaches,
    Sessions,
    Certificates,
    Strangers,
}

impl Chapter {
    pub const ALL: [Chapter; 13] = [
        Chapter::Refused,
        Chapter::Held,
        Chapter::Receipts,
        Chapter::OwnLog,
        Chapter::Readers,
        Chapter::Deliveries,
        Chapter::Stores,
        Chapter::Openings,
        Chapter::Http,
        Chapter::Breaches,
        Chapter::Sessions,
        Chapter::Certificates,
        Chapter::Strangers,
    ];

    pub(super) const fn of(room: Room) -> Chapter {
        match room {
            Room::Receipts => Chapter::Receipts,
            Room::OwnLog => Chapter::OwnLog,
            Room::Readers => Chapter::Readers,
            Room::Deliveries => Chapter::Deliveries,
            Room::Stores => Chapter::Stores,
            Room::Openings => Chapter::Openings,
        }
    }

    /// Whether its codes have a number that a NATS client sees.
    pub(super) const fn has_err_code(self) -> bool {
        matches!(self, Chapter::Refused | Chapter::Held)
    }

    pub const fn title(self) -> Text {
        match self {
            Chapter::Refused => unread(
                "Refused: final, the event's own bytes are at fault",
                "បដិសេធ៖ ជាចុងក្រោយ ព្រឹត្តិការណ៍ខ្លួនឯងមានកំហុស",
            ),
            Chapter::Held => unread(
                "Held: not now, nothing passes and nothing is lost",
                "ផ្អាក៖ មិនទាន់ឥឡូវទេ គ្មានអ្វីឆ្លងកាត់ ហើយគ្មានអ្វីបាត់",
            ),
            Chapter::Receipts => unread(
                "The bus, its gateways and the registry, as an office sees them",
                "ប្រព័ន្ធ ច្រក និងបញ្ជី ដូចការិយាល័យមើលឃើញ",
            ),
            Chapter::OwnLog => unread(
                "The office's own log, and what the bus has of it",
                "កំណត់ហេតុរបស់ការិយាល័យខ្លួន និងអ្វីដែលប្រព័ន្ធមាន",
            ),
            Chapter::Readers => unread(
                "What a reader finds in the logs of others",
                "អ្វីដែលអ្នកអានរកឃើញក្នុងកំណត់ហេតុរបស់អ្នកដទៃ",
            ),
            Chapter::Deliveries => unread(
                "What is delivered to applications",
                "អ្វីដែលត្រូវបានប្រគល់ដល់កម្មវិធីទទួល",
            ),
            Chapter::Stores => unread(
                "What is found amiss in the agent's stores",
                "អ្វីដែលរកឃើញថាខុសក្នុងឃ្លាំងរបស់ភ្នាក់ងារ",
            ),
            Chapter::Openings => unread(
                "A store that does not open, or is another than before",
                "ឃ្លាំងដែលមិនបើក ឬខុសពីមុន",
            ),
            Chapter::Http => unread(
                "Problems of the agent's own HTTP interface",
                "បញ្ហានៃចំណុចប្រទាក់ HTTP របស់ភ្នាក់ងារ",
            ),
            Chapter::Breaches => unread("Breaches of the NATS protocol", "ការបំពានពិធីការ NATS"),
            Chapter::Sessions => unread("Other ends of a session", "ការបញ្ចប់ផ្សេងទៀតនៃការតភ្ជាប់"),
            Chapter::Certificates => unread(
                "Certificates that name no office",
                "វិញ្ញាបនបត្រដែលមិនរាយឈ្មោះការិយាល័យ",
            ),
            Chapter::Strangers => {
                unread("Connections that became no session", "ការតភ្ជាប់ដែលមិនបានសម្រេច")
            }
        }
    }
}

/// Stands before what is to be done.
pub const WHAT_TO_DO: Text = unread("What to do", "ត្រូវធ្វើអ្វី");
pub const WHOM_TO_CALL: Text = unread("Whom to call", "ទាក់ទងអ្នកណា");

impl Severity {
    pub const fn text(self) -> Text {
        match self {
            Severity::Info => unread("info", "ព័ត៌មាន"),
            Severity::Warning => unread("warning", "ព្រមាន"),
            Severity::Error => unread("error", "កំហុស"),
            Severity::Critical => unread("critical", "ធ្ងន់ធ្ងរ"),
        }
    }
}

impl Effect {
    pub const fn text(self) -> Text {
        match self {
            Effect::Tells => unread("nothing waits for it", "គ្មានអ្វីរង់ចាំវាទេ"),
            Effect::Holds => unread(
                "what it is about waits, and is kept",
                "អ្វីដែលពាក់ព័ន្ធកំពុងរង់ចាំ ហើយត្រូវបានរក្សាទុក",
            ),
            Effect::Ends => unread(
                "the program does not start, and has changed nothing",
                "កម្មវិធីមិនចាប់ផ្តើមទេ ហើយមិនបានផ្លាស់ប្តូរអ្វីឡើយ",
            ),
        }
    }
}

impl Call {
    pub const fn text(self) -> Text {
        match self {
            Call::Nobody => unread("nobody", "មិនចាំបាច់ទេ"),
            Call::Technician => unread("whoever looks after this machine", "អ្នកថែទាំម៉ាស៊ីននេះ"),
            Call::Operator => unread(
                "the operator of gateway and nats-server",
                "អ្នកប្រតិបត្តិច្រក និង nats-server",
            ),
            Call::Authority => unread("the authority", "អាជ្ញាធរ"),
            Call::OtherOffice => unread("the office that the text names", "ការិយាល័យដែលអត្ថបទរាយឈ្មោះ"),
            Call::Application => unread("whoever looks after the application", "អ្នកថែទាំកម្មវិធីទទួល"),
        }
    }
}
