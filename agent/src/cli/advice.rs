//! What a clerk is told of a code: a running agent's status comes in, lines in the chosen language go out. The agent may be newer than this
//! command: what it says of a code stands before what is known here.

use std::collections::BTreeSet;

use schemas::code::CodeName;
use schemas::explain::WHAT_TO_DO;
use schemas::text::Language;
use serde_json::Value;

/// Tells each code once, at the first place where it stands.
pub struct Advised<'a> {
    codes: &'a Value,
    language: Option<Language>,
    told: BTreeSet<String>,
}

impl<'a> Advised<'a> {
    pub fn of(status: &'a Value, language: Option<Language>) -> Advised<'a> {
        Advised {
            codes: &status["codes"],
            language,
            told: BTreeSet::new(),
        }
    }

    /// How urgent the code is, if anybody knows.
    pub fn severity(&self, code: &str) -> Option<String> {
        match self.codes[code]["severity"].as_str() {
            Some(severity) => Some(severity.to_owned()),
            None => CodeName::read(code)
                .advice()
                .map(|advice| advice.severity.text().en.to_owned()),
        }
    }

    /// What it means, in Khmer, and what to do, in the language that was chosen or in both.
    pub fn lines(&mut self, code: &str) -> Vec<String> {
        if !self.told.insert(code.to_owned()) {
            return Vec::new();
        }
        let advice = match &self.codes[code] {
            Value::Null => serde_json::json!(CodeName::read(code).advice()),
            told => told.clone(),
        };
        let text = |of: &str, language: &str| advice[of][language].as_str().map(str::to_owned);
        let mut lines = Vec::new();
        if self.language != Some(Language::Km) {
            let to_do = text("what_to_do", "en");
            lines.extend(to_do.map(|to_do| format!("  {}: {to_do}", WHAT_TO_DO.en)));
        }
        if self.language != Some(Language::En) {
            lines.extend(text("meaning", "km").map(|meaning| format!("  {meaning}")));
            let to_do = text("what_to_do", "km");
            lines.extend(to_do.map(|to_do| format!("  {}: {to_do}", WHAT_TO_DO.km)));
        }
        lines
    }
}
