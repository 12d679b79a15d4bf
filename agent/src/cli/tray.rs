//! `tray`: what was refused is shown, put back in line, or dropped by a person's word.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use super::TrayAction;
use super::client::Agent;
use super::terminal::{ago, say, table};
use crate::store::alarms::now_ms;

pub async fn run(
    agent: &Agent,
    action: Option<TrayAction>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let text = match &action {
        None => agent.get("/tray").await?,
        Some(TrayAction::Release { feed, number }) => {
            agent
                .post(&format!("/tray/{feed}/{number}"), &[], "")
                .await?
        }
        Some(TrayAction::Drop { feed, number }) => {
            agent.delete(&format!("/tray/{feed}/{number}")).await?
        }
    };
    if json {
        return say(&text);
    }
    let told: Value = serde_json::from_str(&text).context("the agent's answer is no JSON")?;
    let id = told["id"].as_str().unwrap_or_default();
    match action {
        None => say(&shown(&told)),
        Some(TrayAction::Release { .. }) => say(&format!("{id} is in line again")),
        Some(TrayAction::Drop { .. }) => say(&format!("{id} is gone")),
    }
}

fn shown(tray: &Value) -> String {
    let entries = tray["refused"].as_array().map_or(&[][..], Vec::as_slice);
    if entries.is_empty() {
        return "Nothing was refused.".to_owned();
    }
    let mut table = table(&["feed", "number", "id", "refused", "why"]);
    let now = now_ms();
    for entry in entries {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let at = entry["at_ms"].as_u64().unwrap_or_default();
        table.add_row([
            text("feed"),
            entry["number"].to_string(),
            text("id"),
            format!("{} ago", ago(at, now)),
            why(&entry["refusal"]),
        ]);
    }
    table.trim_fmt()
}

/// The gateway's words: a sentence, or its code with its English text and what is wrong.
fn why(refusal: &Value) -> String {
    let part = |value: &Value| value.as_str().map(str::to_owned);
    let parts = [part(&refusal["code"]), part(&refusal["en"])];
    let details = refusal["details"].as_array().into_iter().flatten();
    let details = details.map(|detail| {
        let text = |name: &str| detail[name].as_str().unwrap_or_default();
        Some(format!("{}: {}", text("at"), text("en")))
    });
    let all: Vec<String> = parts.into_iter().chain(details).flatten().collect();
    match refusal {
        Value::String(sentence) => sentence.clone(),
        _ => all.join("; "),
    }
}
