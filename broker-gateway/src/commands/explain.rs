//! A code comes in, its page goes out; without one, the list of all.

use std::process::ExitCode;

use broker_gateway::authority::Table;
use broker_gateway::explain;
use schemas::text::Language;

use super::{as_json, say};

/// The status of a mistake in the arguments, as everywhere on the command line.
const NO_SUCH_CODE: u8 = 2;

pub fn run(code: Option<&str>, lang: Option<Language>, json: bool) -> anyhow::Result<ExitCode> {
    let codes = explain::codes();
    let language = Language::chosen(lang, |name| std::env::var(name).ok());
    let Some(code) = code else {
        return match json {
            true => say(&as_json(&codes.pages())?),
            false => {
                let mut table = Table::new(&["code", "severity", "what it says"]);
                for page in codes.pages() {
                    let row = page.row(language.unwrap_or(Language::En));
                    table.row(row.iter().map(String::as_str));
                }
                say(&table.to_string())
            }
        };
    };
    let pages = codes.find(code);
    if pages.is_empty() {
        eprintln!("spean-gateway: {}", codes.unknown(code, "spean-gateway"));
        return Ok(ExitCode::from(NO_SUCH_CODE));
    }
    match json {
        true => say(&as_json(&pages)?),
        false => {
            let told: Vec<String> = pages.iter().map(|page| page.told(language)).collect();
            say(&told.join("\n"))
        }
    }
}
