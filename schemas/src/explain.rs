//! `explain`: codes come in with what they mean, pages and lists for people (or JSON for programs) go out. Each program adds what it
//! alone knows to what both know; nothing is read but the codes themselves.

mod chapter;
mod near;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use crate::alarm::{Alarm, Call, Effect, Severity};
use crate::code::Advice;
use crate::refusal::{Code, HOLDS, REFUSALS};
use crate::text::{Language, Text};

pub use self::chapter::{Chapter, WHAT_TO_DO, WHOM_TO_CALL};
use self::near::distance;

/// What is to be said of one code. Where two chapters have the code, it has a page in each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    pub code: &'static str,
    pub chapter: Chapter,
    /// JetStream's `err_code`, or the HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    pub severity: Severity,
    pub effect: Effect,
    pub en: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub km: Option<&'static str>,
    /// None where the meaning says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<Text>,
    pub call: Call,
}

/// What `explain` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes(Vec<Page>);

/// Codes that are named where one is meant that is none.
const NEAR_MAX: usize = 5;
/// Characters that may be wrong in a long one.
const FAR_MAX: usize = 8;

impl Codes {
    /// What both programs know: refusals, holds, alarms, and why a store does not open.
    pub fn shared() -> Codes {
        let refused = REFUSALS
            .iter()
            .map(|code| Page::of_answer(code, Chapter::Refused));
        let held = HOLDS
            .iter()
            .map(|code| Page::of_answer(code, Chapter::Held));
        let alarms = Alarm::ALL.iter().map(|alarm| Page::of_alarm(*alarm));
        Codes(refused.chain(held).chain(alarms).collect())
    }

    /// The same, and what one program adds.
    #[must_use]
    pub fn with(mut self, pages: impl IntoIterator<Item = Page>) -> Codes {
        self.0.extend(pages);
        self
    }

    pub fn pages(&self) -> &[Page] {
        &self.0
    }

    /// The pages of a code, by its name or by its number on the wire.
    pub fn find(&self, asked: &str) -> Vec<&Page> {
        let number = asked.parse().ok();
        let pages = self.0.iter();
        pages
            .filter(|page| {
                page.code == asked
                    || (number.is_some() && page.number == number && page.chapter.has_err_code())
            })
            .collect()
    }

    /// Codes that may be meant, the nearest first.
    pub fn near(&self, asked: &str) -> Vec<&'static str> {
        let codes: BTreeSet<&str> = self.0.iter().map(|page| page.code).collect();
        let far = asked.chars().count().div_euclid(3).clamp(2, FAR_MAX);
        let mut near: Vec<(usize, &str)> = codes
            .into_iter()
            .filter_map(|code| {
                let away = match asked.len() > 2 && code.contains(asked) {
                    true => 0,
                    false => distance(code, asked),
                };
                (away <= far).then_some((away, code))
            })
            .collect();
        near.sort_unstable();
        near.into_iter()
            .take(NEAR_MAX)
            .map(|(_, code)| code)
            .collect()
    }

    /// Why a code has no page, with those that may be meant.
    pub fn unknown(&self, asked: &str, program: &str) -> String {
        let near = self.near(asked);
        let near = match near.is_empty() {
            true => String::new(),
            false => format!("\n  near it: {}", near.join(", ")),
        };
        format!("no code is called {asked:?}{near}\n  {program} explain lists them all")
    }
}

impl Page {
    fn of_answer(code: &Code, chapter: Chapter) -> Page {
        let advice = Advice::of_answer(code);
        Page {
            code: code.name,
            chapter,
            number: Some(code.number),
            severity: code.severity,
            effect: match chapter == Chapter::Held {
                true => Effect::Holds,
                false => Effect::Tells,
            },
            en: sentence(code.en),
            km: Some(code.km),
            what_to_do: Some(advice.what_to_do),
            call: code.call,
        }
    }

    fn of_alarm(alarm: Alarm) -> Page {
        let help = alarm.help();
        Page {
            code: help.code,
            chapter: Chapter::of(alarm.room()),
            number: None,
            severity: help.severity,
            effect: help.effect,
            en: help.meaning.en.to_owned(),
            km: Some(help.meaning.km),
            what_to_do: Some(help.to_do),
            call: help.call,
        }
    }

    /// One that says itself what to do, and that only one side of a connection ever sees.
    pub fn plain(code: &'static str, chapter: Chapter, en: &str) -> Page {
        Page {
            code,
            chapter,
            number: None,
            severity: Severity::Warning,
            effect: Effect::Tells,
            en: sentence(en),
            km: None,
            what_to_do: None,
            call: Call::Nobody,
        }
    }

    /// For a person; in both languages where none was chosen.
    pub fn told(&self, language: Option<Language>) -> String {
        match language {
            Some(language) => self.told_in(language),
            None => format!(
                "{}\n{}",
                self.told_in(Language::En),
                self.told_in(Language::Km)
            ),
        }
    }

    fn told_in(&self, language: Language) -> String {
        let number = self.number.map(|number| format!(" ({number})"));
        let mut told = format!(
            "{}{}  {}: {}\n  {}\n\n  {}\n",
            self.code,
            number.unwrap_or_default(),
            self.severity.text().of(language),
            self.effect.text().of(language),
            self.chapter.title().of(language),
            self.meaning(language)
        );
        let mut add = |name: Text, text: &str| {
            // Writing to a string cannot fail.
            let _written = write!(told, "\n  {}: {text}\n", name.of(language));
        };
        if let Some(what_to_do) = self.what_to_do {
            add(WHAT_TO_DO, what_to_do.of(language));
        }
        if self.call != Call::Nobody {
            add(WHOM_TO_CALL, self.call.text().of(language));
        }
        told
    }

    /// What it means; in English where there is no Khmer.
    pub fn meaning(&self, language: Language) -> &str {
        match (language, self.km) {
            (Language::Km, Some(km)) => km,
            (Language::Km, None) | (Language::En, _) => &self.en,
        }
    }

    /// A line of the list: code, severity, and the first sentence of what it means.
    pub fn row(&self, language: Language) -> [String; 3] {
        let meaning = self.meaning(language);
        let first = meaning.split(';').next().unwrap_or(meaning);
        let first = first.split(". ").next().unwrap_or(first);
        [
            self.code.to_owned(),
            self.severity.text().of(language).to_owned(),
            first.trim_end_matches('.').to_owned(),
        ]
    }
}

/// As a sentence of its own.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    let mut sentence: String = first.into_iter().chain(chars).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests;
