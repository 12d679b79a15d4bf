//! How far an event of this office has come: what the outbox knows of it comes in, a stage with its word and its shape goes out. Never a
//! colour alone.

use maud::{Markup, PreEscaped, html};

use crate::desk::words::{Lang, sent as words};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// In line; the code of what holds it up, where something does.
    Waiting {
        held: Option<String>,
    },
    /// On the bus; so many of its readers have it.
    Durable {
        have: usize,
        all: usize,
    },
    Confirmed,
    Refused,
    Lost,
}

impl Stage {
    /// Of a position, by what the readers of its log have said.
    pub fn settled(position: u64, readers: &[crate::outbox::Reader]) -> Stage {
        let told: Vec<bool> = readers
            .iter()
            .filter(|reader| !reader.ahead)
            .map(|reader| reader.complete >= position)
            .collect();
        let have = told.iter().filter(|has| **has).count();
        match have == told.len() && have > 0 {
            true => Stage::Confirmed,
            false => Stage::Durable {
                have,
                all: told.len(),
            },
        }
    }

    pub fn word(&self, lang: Lang) -> String {
        match self {
            Stage::Waiting { held: None } => words::waits(lang),
            Stage::Waiting { held: Some(_) } => words::held(lang),
            Stage::Durable { .. } => words::durable(lang),
            Stage::Confirmed => words::confirmed(lang),
            Stage::Refused => words::refused(lang),
            Stage::Lost => words::lost(lang),
        }
    }

    /// Its look, by which the style knows it.
    fn look(&self) -> &'static str {
        match self {
            Stage::Waiting { held: None } => "waits",
            Stage::Waiting { held: Some(_) } => "held",
            Stage::Durable { .. } => "durable",
            Stage::Confirmed => "confirmed",
            Stage::Refused | Stage::Lost => "refused",
        }
    }

    /// The word behind its shape.
    pub fn mark(&self, lang: Lang) -> Markup {
        html! {
            span class={ "mark " (self.look()) } { (self.shape()) (self.word(lang)) }
        }
    }

    /// An empty ring, two bars, half a disc, a whole one with a tick, a cross.
    fn shape(&self) -> Markup {
        let inside = match self.look() {
            "waits" => r#"<circle cx="8" cy="8" r="6" fill="none" stroke-width="2"/>"#,
            "held" => r#"<path d="M4 3h3v10H4zM9 3h3v10H9z" stroke="none"/>"#,
            "durable" => {
                r#"<circle cx="8" cy="8" r="6" fill="none" stroke-width="2"/><path d="M8 2a6 6 0 0 1 0 12z" stroke="none"/>"#
            }
            "confirmed" => {
                r##"<circle cx="8" cy="8" r="7" stroke="none"/><path d="M4.500 8l2.500 2.500 4.500-5" fill="none" stroke="#fff" stroke-width="2"/>"##
            }
            _ => r#"<path d="M3 3l10 10M13 3L3 13" fill="none" stroke-width="3"/>"#,
        };
        PreEscaped(format!(
            r#"<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">{inside}</svg>"#
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Reader;

    fn reader(place: &str, complete: u64, ahead: bool) -> Reader {
        Reader {
            office: place.parse().expect("an office"),
            complete,
            at: String::new(),
            ahead,
        }
    }

    #[test]
    fn an_event_is_confirmed_when_every_reader_that_is_believed_has_it() {
        let readers = [
            reader("moh/hq", 9, false),
            reader("mef/hq", 4, false),
            reader("mop/hq", 99, true),
        ];
        assert_eq!(Stage::settled(4, &readers), Stage::Confirmed);
        assert_eq!(
            Stage::settled(5, &readers),
            Stage::Durable { have: 1, all: 2 }
        );
        assert_eq!(Stage::settled(1, &[]), Stage::Durable { have: 0, all: 0 });
    }
}
