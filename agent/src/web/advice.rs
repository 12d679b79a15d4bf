//! What a person is told beside a code: what was said of events and of the agent comes in, how urgent it is and what to do goes in beside
//! it. Nothing that was said is changed.

use std::collections::BTreeMap;

use schemas::code::{Advice, CodeName};
use serde_json::{Value, json};

/// Advice by code, each once however often the code stands in an answer.
#[derive(Debug, Default)]
pub struct Advices(BTreeMap<String, Advice>);

impl Advices {
    /// Says beside a code how urgent it is, and keeps the rest for the end. A code of a newer program is left as it is.
    pub fn severity(&mut self, told: &mut Value) {
        let code = told["code"].as_str().map(CodeName::read);
        if let Some(advice) = code.and_then(|code| self.keep(&code)) {
            told["severity"] = json!(advice.severity);
        }
    }

    /// Keeps what is to be said of a code.
    pub fn keep(&mut self, code: &CodeName) -> Option<Advice> {
        let advice = code.advice()?;
        self.0.insert(code.to_string(), advice);
        Some(advice)
    }

    /// By code: what it means, what to do, whom to call.
    pub fn told(self) -> Value {
        json!(self.0)
    }
}

/// What holds an event up, with all that is to be said of it.
pub fn with_advice(held: impl serde::Serialize) -> Value {
    let mut held = json!(held);
    let code = held["code"].as_str().map(CodeName::read);
    let advice = json!(code.and_then(|code| code.advice()));
    for (name, value) in advice.as_object().into_iter().flatten() {
        held[name] = value.clone();
    }
    held
}
