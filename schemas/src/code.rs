//! A code as somebody told it: words from the wire or from a store come in, and what this program knows of them goes out. A code of a newer
//! program is no fault: it is carried on as it came, and shown without advice.

use serde::{Serialize, Serializer};

use crate::alarm::{Alarm, Call, Severity};
use crate::refusal::{Code, HOLDS, REFUSALS};
use crate::text::{Text, unread};

/// Why something waits, or what somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeName {
    /// The agent's own, or a gateway's.
    Alarm(Alarm),
    /// A refusal's or a hold's, as gateways answer them.
    Answer(Code),
    /// None that this program knows.
    Newer(String),
}

/// What a person is told beside a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Advice {
    pub severity: Severity,
    pub meaning: Text,
    pub what_to_do: Text,
    pub call: Call,
}

impl CodeName {
    /// The code of that name.
    pub fn read(name: &str) -> CodeName {
        if let Some(alarm) = Alarm::named(name) {
            return CodeName::Alarm(alarm);
        }
        let mut answers = REFUSALS.iter().chain(HOLDS);
        match answers.find(|code| code.name == name) {
            Some(code) => CodeName::Answer(*code),
            None => CodeName::Newer(name.to_owned()),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            CodeName::Alarm(alarm) => alarm.code(),
            CodeName::Answer(code) => code.name,
            CodeName::Newer(name) => name,
        }
    }

    /// None where this program does not know the code.
    pub fn advice(&self) -> Option<Advice> {
        match self {
            CodeName::Alarm(alarm) => Some(Advice::of_alarm(*alarm)),
            CodeName::Answer(code) => Some(Advice::of_answer(code)),
            CodeName::Newer(_) => None,
        }
    }
}

impl Advice {
    pub const fn of_alarm(alarm: Alarm) -> Advice {
        let help = alarm.help();
        Advice {
            severity: help.severity,
            meaning: help.meaning,
            what_to_do: help.to_do,
            call: help.call,
        }
    }

    pub fn of_answer(code: &Code) -> Advice {
        let is_refusal = REFUSALS.iter().any(|refusal| refusal.number == code.number);
        Advice {
            severity: code.severity,
            meaning: Text {
                en: code.en,
                km: code.km,
            },
            what_to_do: match is_refusal {
                true => MEND,
                false => while_held(code.call),
            },
            call: code.call,
        }
    }
}

const MEND: Text = unread(
    "Mend what is named, and submit it again; until then it lies in the tray (`spean-agent tray`), and what stands behind it goes on.",
    "សូមកែអ្វីដែលបានរាយឈ្មោះ ហើយដាក់ជូនម្តងទៀត មុនពេលនោះ វានៅក្នុងបញ្ជីបដិសេធ (`spean-agent tray`) ហើយអ្វីដែលនៅក្រោយវានៅបន្ត",
);

/// A hold ends by itself once its reason is gone; what is to be done is to tell who can end that.
const fn while_held(call: Call) -> Text {
    match call {
        Call::Nobody => unread(
            "Nothing: what waits is kept, and is asked for again by itself.",
            "មិនចាំបាច់ធ្វើអ្វីទេ៖ អ្វីដែលរង់ចាំត្រូវបានរក្សាទុក ហើយនឹងសួរម្តងទៀតដោយខ្លួនឯង",
        ),
        Call::Technician => unread(
            "Mend at this machine what it says; what waits is kept, and goes on by itself.",
            "សូមកែអ្វីដែលវាប្រាប់ នៅម៉ាស៊ីននេះ អ្វីដែលរង់ចាំត្រូវបានរក្សាទុក ហើយនឹងបន្តដោយខ្លួនឯង",
        ),
        Call::Operator => unread(
            "If it lasts, tell the operator this code; what waits is kept, and goes on by itself.",
            "បើវានៅយូរ សូមប្រាប់អ្នកប្រតិបត្តិលេខកូដនេះ អ្វីដែលរង់ចាំត្រូវបានរក្សាទុក ហើយនឹងបន្តដោយខ្លួនឯង",
        ),
        Call::Authority => unread(
            "Tell the authority this code; what waits is kept, and goes on by itself once the authority has said so.",
            "សូមប្រាប់អាជ្ញាធរលេខកូដនេះ អ្វីដែលរង់ចាំត្រូវបានរក្សាទុក ហើយនឹងបន្តដោយខ្លួនឯងពេលអាជ្ញាធរបានកំណត់",
        ),
        Call::OtherOffice | Call::Application => unread(
            "Ask the office that the text names, or the feed's owner; what waits is kept, and goes on by itself.",
            "សូមសួរការិយាល័យដែលអត្ថបទរាយឈ្មោះ ឬម្ចាស់ feed អ្វីដែលរង់ចាំត្រូវបានរក្សាទុក ហើយនឹងបន្តដោយខ្លួនឯង",
        ),
    }
}

impl From<Alarm> for CodeName {
    fn from(alarm: Alarm) -> CodeName {
        CodeName::Alarm(alarm)
    }
}

impl From<Code> for CodeName {
    fn from(code: Code) -> CodeName {
        CodeName::Answer(code)
    }
}

impl PartialEq<Alarm> for CodeName {
    fn eq(&self, alarm: &Alarm) -> bool {
        matches!(self, CodeName::Alarm(own) if own == alarm)
    }
}

impl PartialEq<str> for CodeName {
    fn eq(&self, name: &str) -> bool {
        self.as_str() == name
    }
}

impl PartialEq<&str> for CodeName {
    fn eq(&self, name: &&str) -> bool {
        self.as_str() == *name
    }
}

impl std::fmt::Display for CodeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for CodeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::{Hold, Refusal};

    #[test]
    fn a_code_is_read_as_what_this_program_knows_of_it() {
        assert_eq!(
            CodeName::read("log-damaged"),
            CodeName::Alarm(Alarm::LogDamaged)
        );
        assert_eq!(
            CodeName::read("bus-full"),
            CodeName::from(Hold::BusFull.code()),
            "a gateway's hold"
        );
        let refused = CodeName::Answer(Refusal::TooLarge.code());
        assert_eq!(CodeName::read("too-large"), refused);
    }

    #[test]
    fn a_code_of_a_newer_program_is_carried_on_as_it_came() {
        let newer = CodeName::read("moon-in-the-way");
        assert_eq!(newer.as_str(), "moon-in-the-way");
        assert_eq!(
            serde_json::to_string(&newer).expect("json"),
            r#""moon-in-the-way""#
        );
        assert_eq!(newer.advice(), None);
    }

    #[test]
    fn no_alarm_has_the_code_of_an_answer() {
        for code in REFUSALS.iter().chain(HOLDS) {
            assert_eq!(Alarm::named(code.name), None, "{}", code.name);
        }
    }

    #[test]
    fn a_refusal_is_mended_and_a_hold_is_told_to_who_can_end_it() {
        let refused = CodeName::read("row-not-yours").advice().expect("known");
        assert_eq!(refused.what_to_do, MEND);
        let held = CodeName::read("office-closed").advice().expect("known");
        assert_eq!(held.call, Call::Authority);
        assert!(held.what_to_do.en.starts_with("Tell the authority"));
        assert_eq!(held.severity, Severity::Critical);
    }
}
