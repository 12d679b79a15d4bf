//! `deliver`: how it goes with each application is shown; an event is skipped, or what was delivered is delivered again, by a person's word.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::DeliverAction;
use super::client::Agent;
use super::status::delivered;
use super::terminal::{ago, say};
use crate::store::alarms::now_ms;

pub async fn run(
    agent: &Agent,
    action: Option<DeliverAction>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let text = agent.get("/deliveries").await?;
    let all: Value = serde_json::from_str(&text).context("the agent's answer is no JSON")?;
    let all = &all["deliveries"];
    let (target, order, said) = match action {
        None | Some(DeliverAction::List) if json => return say(&text),
        None | Some(DeliverAction::List) => return say(&shown(all, now_ms())),
        Some(DeliverAction::Skip { event, said }) => {
            let target = match &said.to {
                Some(target) => target.clone(),
                None => one_that_waits_for(all, &event)?,
            };
            (target, format!("skip?event={}", quoted(&event)), said)
        }
        Some(DeliverAction::Again { from, said }) => {
            let target = match &said.to {
                Some(target) => target.clone(),
                None => the_only_one(all)?,
            };
            (target, format!("again?from={}", quoted(&from)), said)
        }
    };
    let by = said.by.or_else(user).unwrap_or_else(|| "unknown".into());
    let path = format!(
        "/deliveries/{}/{order}&by={}&why={}",
        quoted(&target),
        quoted(&by),
        quoted(&said.why)
    );
    let done = agent.post(&path, &[], "").await?;
    if json {
        return say(&done);
    }
    let done: Value = serde_json::from_str(&done).context("the agent's answer is no JSON")?;
    say(&told(&done))
}

fn quoted(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn user() -> Option<String> {
    let named = |name| std::env::var(name).ok().filter(|user| !user.is_empty());
    named("SUDO_USER")
        .or_else(|| named("USER"))
        .or_else(|| named("LOGNAME"))
}

fn names(all: &Value) -> Vec<&str> {
    let all = all.as_array().map_or(&[][..], Vec::as_slice);
    all.iter()
        .filter_map(|target| target["name"].as_str())
        .collect()
}

/// The target that does not take an event.
fn one_that_waits_for(all: &Value, event: &str) -> anyhow::Result<String> {
    let waits = |target: &&Value| {
        let stuck = target["stuck"].as_array().map_or(&[][..], Vec::as_slice);
        stuck.iter().any(|stuck| stuck["id"] == event)
    };
    let targets = all.as_array().map_or(&[][..], Vec::as_slice);
    let waiting: Vec<&str> = targets
        .iter()
        .filter(waits)
        .filter_map(|target| target["name"].as_str())
        .collect();
    match waiting[..] {
        [one] => Ok(one.to_owned()),
        [] => bail!(
            "no target waits before {event}; spean-agent deliver shows what is not taken\n  \
             គ្មានគោលដៅណាកំពុងរង់ចាំនៅមុខ {event} ទេ"
        ),
        _ => bail!(
            "{} wait before {event}; name one with --to",
            waiting.join(", ")
        ),
    }
}

fn the_only_one(all: &Value) -> anyhow::Result<String> {
    match names(all)[..] {
        [one] => Ok(one.to_owned()),
        [] => bail!("nothing is delivered here: agent.toml has no [[deliver]]"),
        _ => bail!("name one of {} with --to", names(all).join(", ")),
    }
}

fn told(done: &Value) -> String {
    let name = done["name"].as_str().unwrap_or_default();
    let logs = done["logs"].as_array().into_iter().flatten();
    let lines = logs.map(|log| {
        let source = log["source"].as_str().unwrap_or_default();
        format!("{name}: {source} goes on from position {}", log["next"])
    });
    let lines: Vec<String> = lines.collect();
    lines.join("\n")
}

/// Each target, what it does not take, and what people have said of it.
fn shown(all: &Value, now: u64) -> String {
    let mut lines = delivered(all, now);
    if lines.is_empty() {
        return "Nothing is delivered here.".to_owned();
    }
    lines.remove(0);
    for target in all.as_array().into_iter().flatten() {
        let name = target["name"].as_str().unwrap_or_default();
        for order in target["orders"].as_array().into_iter().flatten() {
            let text = |key: &str| order[key].as_str().unwrap_or_default();
            let what = match text("order") {
                "skip" => format!("{} of {} was skipped", text("id"), text("source")),
                _ => format!("from {} on it was delivered again", text("from")),
            };
            let when = ago(order["at_ms"].as_u64().unwrap_or_default(), now);
            let (by, why) = (text("by"), text("why"));
            lines.push(format!("{name}: {what} {when} ago by {by}: {why}"));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_list_says_what_is_not_taken_and_what_people_have_said() {
        let all = json!([{
            "name": "desk", "feed": "market-prices", "to": "http://127.0.0.1:1/e", "state": "waiting", "since_ms": 0,
            "delivered": 7, "waiting": 3, "answer": "taken", "stuck_logs": 1,
            "stuck": [{"source": "urn:spean:maff:takeo:market-prices", "position": 5, "id": "e-5", "tries": 3, "since_ms": 0,
                "answer": "the application answers 422 Unprocessable Entity"}],
            "orders": [
                {"at_ms": 0, "by": "dara", "why": "a test", "order": "skip", "source": "urn:spean:maff:kampot:market-prices", "id": "e-1"},
                {"at_ms": 0, "by": "dara", "why": "new disk", "order": "again", "from": "arrival:1", "logs": 2}],
        }]);
        let expected = "
 DELIVERED TO  FEED           UP TO  WAITING  STATE    FOR   ANSWER
 desk          market-prices      7        3  waiting  60 s  taken
desk waits before e-5 of urn:spean:maff:takeo:market-prices (position 5), tried 3 times in 60 s: the application answers 422 Unprocessable Entity
  mend it at the application, or: spean-agent deliver skip e-5 --to desk --why \"...\"
  សូមកែនៅកម្មវិធីទទួល ឬរំលងវា៖ spean-agent deliver skip e-5 --to desk --why \"...\"
desk: e-1 of urn:spean:maff:kampot:market-prices was skipped 60 s ago by dara: a test
desk: from arrival:1 on it was delivered again 60 s ago by dara: new disk";
        assert_eq!(format!("\n{}", shown(&all, 60_000)), expected);
    }

    #[test]
    fn a_target_that_is_not_named_is_the_one_that_is_meant() {
        let all = json!([{"name": "a", "stuck": [{"id": "e-1"}]}, {"name": "b", "stuck": [{"id": "e-1"}, {"id": "e-2"}]}]);
        assert_eq!(one_that_waits_for(&all, "e-2").expect("one"), "b");
        assert!(one_that_waits_for(&all, "e-1").is_err());
        assert!(one_that_waits_for(&all, "e-3").is_err());
        assert!(the_only_one(&all).is_err());
        assert_eq!(the_only_one(&json!([{"name": "a"}])).expect("one"), "a");
    }
}
