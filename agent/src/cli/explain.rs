//! `explain`: a code comes in, its page goes out; without one, the list of all. No agent has to run.

use std::process::ExitCode;

use schemas::explain::Codes;
use schemas::text::Language;

use super::terminal::{complain, say, table};
use crate::submit::problem;

/// The status of a mistake in the arguments, as everywhere on the command line.
const NO_SUCH_CODE: u8 = 2;

/// The codes that an agent can tell.
pub fn codes() -> Codes {
    Codes::shared().with(problem::pages())
}

pub fn run(code: Option<&str>, language: Option<Language>, json: bool) -> anyhow::Result<ExitCode> {
    let codes = codes();
    let Some(code) = code else {
        return match json {
            true => say(&serde_json::to_string_pretty(codes.pages())?),
            false => {
                let mut table = table(&["code", "severity", "what it says"]);
                for page in codes.pages() {
                    table.add_row(page.row(language.unwrap_or(Language::En)));
                }
                say(&table.trim_fmt())
            }
        };
    };
    let pages = codes.find(code);
    if pages.is_empty() {
        complain(&codes.unknown(code, "spean-agent"));
        return Ok(ExitCode::from(NO_SUCH_CODE));
    }
    match json {
        true => say(&serde_json::to_string_pretty(&pages)?),
        false => {
            let told: Vec<String> = pages.iter().map(|page| page.told(language)).collect();
            say(&told.join("\n"))
        }
    }
}
