//! `status`: what the running agent says of itself comes in, tables for people or its JSON go out.

use std::process::ExitCode;

use anyhow::Context as _;
use comfy_table::CellAlignment;
use schemas::text::Language;
use serde_json::Value;

use super::advice::Advised;
use super::client::Agent;
use super::terminal::{ago, bytes, say, table};
use crate::store::alarms::now_ms;

pub async fn run(
    agent: &Agent,
    language: Option<Language>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let text = agent.get("/status").await?;
    if json {
        return say(&text);
    }
    let status: Value = serde_json::from_str(&text).context("the agent's answer is no JSON")?;
    say(&told(&status, language, now_ms()))
}

/// The account for people.
fn told(status: &Value, language: Option<Language>, now: u64) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let link = &status["link"];
    let mut lines = vec![format!(
        "{}  registry {}",
        text(&status["office"]),
        status["registry"]
    )];
    lines.push(match link["state"].as_str() {
        Some("connected") => format!(
            "link up: {} since {}",
            text(&link["gateway"]),
            text(&link["since"])
        ),
        Some("down") => format!(
            "link DOWN since {}: {}",
            text(&link["since"]),
            text(&link["why"])
        ),
        Some(_) | None => "link: connecting".to_owned(),
    });
    let shown = |of| language.is_none_or(|chosen| chosen == of);
    let khmer = link["why_km"].as_str().filter(|_| shown(Language::Km));
    lines.extend(khmer.map(|km| format!("  {km}")));
    for (name, of) in [("en", Language::En), ("km", Language::Km)] {
        let certificate = status["certificate"][name].as_str().filter(|_| shown(of));
        lines.extend(certificate.map(str::to_owned));
    }
    let outbox = &status["outbox"];
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let (used, budget) = (
        number(&outbox["disk_bytes"]),
        number(&outbox["disk_budget_bytes"]),
    );
    let received_bytes = number(&status["inbox_disk_bytes"]);
    lines.push(format!(
        "disk: {} of {} for what is sent, {} for what arrived",
        bytes(used),
        bytes(budget),
        bytes(received_bytes)
    ));
    if outbox["stopped"] == true {
        lines.push("THE DISK FAILED: nothing is accepted".to_owned());
    }
    let mut advised = Advised::of(status, language);
    lines.extend([String::new(), sent(outbox, now)]);
    lines.extend(held(outbox, &mut advised));
    lines.extend(confirmed(outbox));
    lines.extend([String::new(), received(&status["inbox"])]);
    lines.extend(held_up(&status["reading"], &mut advised));
    lines.extend(delivered(&status["deliveries"], now));
    lines.extend(alarms(&status["alarms"], now, &mut advised));
    lines.join("\n")
}

/// What holds each feed up, and what to do.
fn held(outbox: &Value, advised: &mut Advised) -> Vec<String> {
    let mut lines = Vec::new();
    for feed in outbox["feeds"].as_array().into_iter().flatten() {
        let held = &feed["held"];
        let Some(code) = held["code"].as_str() else {
            continue;
        };
        let name = feed["feed"].as_str().unwrap_or_default();
        let text = held["text"].as_str().unwrap_or_default();
        lines.push(format!("{name} HELD {}: {text}", graded(code, advised)));
        lines.extend(advised.lines(code));
    }
    lines
}

fn alarms(alarms: &Value, now: u64, advised: &mut Advised) -> Vec<String> {
    let alarms = alarms.as_array().map_or(&[][..], Vec::as_slice);
    let mut lines = Vec::new();
    for alarm in alarms.iter().take(super::terminal::NAMED_MAX) {
        let code = alarm["code"].as_str().unwrap_or_default();
        let text = alarm["text"].as_str().unwrap_or_default();
        let when = ago(alarm["at_ms"].as_u64().unwrap_or_default(), now);
        lines.push(format!(
            "ALARM {} ({when} ago): {text}",
            graded(code, advised)
        ));
        lines.extend(advised.lines(code));
    }
    lines
}

/// A code with how urgent it is, where anybody knows.
fn graded(code: &str, advised: &Advised) -> String {
    match advised.severity(code) {
        Some(severity) => format!("{code} [{severity}]"),
        None => code.to_owned(),
    }
}

fn sent(outbox: &Value, now: u64) -> String {
    let mut table = table(&[
        "feed sent",
        "durable",
        "waiting",
        "oldest",
        "refused",
        "held",
    ]);
    for feed in outbox["feeds"].as_array().into_iter().flatten() {
        let oldest = feed["oldest_waiting_ms"].as_u64().map(|at| ago(at, now));
        let held = feed["held"]["code"].as_str().unwrap_or("-");
        table.add_row([
            feed["feed"].as_str().unwrap_or_default().to_owned(),
            feed["settled"].to_string(),
            feed["waiting"].to_string(),
            oldest.unwrap_or_else(|| "-".into()),
            feed["refused"].to_string(),
            held.to_owned(),
        ]);
    }
    match table.is_empty() {
        true => "Nothing was submitted yet.".to_owned(),
        false => aligned(table, &[1, 2, 3, 4]),
    }
}

/// How far each reader has come; nothing where nobody has confirmed anything.
fn confirmed(outbox: &Value) -> Vec<String> {
    let mut table = table(&["feed sent", "reader", "complete to", "of", "said at"]);
    for feed in outbox["feeds"].as_array().into_iter().flatten() {
        for reader in feed["readers"].as_array().into_iter().flatten() {
            table.add_row([
                feed["feed"].as_str().unwrap_or_default().to_owned(),
                reader["office"].as_str().unwrap_or_default().to_owned(),
                match reader["ahead"] == true {
                    true => format!("AHEAD: {}", reader["complete"]),
                    false => reader["complete"].to_string(),
                },
                feed["settled"].to_string(),
                reader["at"].as_str().unwrap_or_default().to_owned(),
            ]);
        }
    }
    match table.is_empty() {
        true => Vec::new(),
        false => vec![String::new(), aligned(table, &[2, 3])],
    }
}

fn received(inbox: &Value) -> String {
    let mut table = table(&[
        "feed received",
        "office",
        "complete to",
        "known to",
        "missing",
        "parked",
    ]);
    for feed in inbox.as_array().into_iter().flatten() {
        let name = feed["feed"].as_str().unwrap_or_default();
        for log in feed["logs"].as_array().into_iter().flatten() {
            table.add_row([
                name.to_owned(),
                log["office"].as_str().unwrap_or_default().to_owned(),
                log["complete"].to_string(),
                log["known"].to_string(),
                lacking(log),
                log["parked_events"].to_string(),
            ]);
        }
    }
    match table.is_empty() {
        true => "Nothing has arrived yet.".to_owned(),
        false => aligned(table, &[2, 3, 5]),
    }
}

/// What is missing, what is not here because its office declared it lost, and what is here and not believed.
fn lacking(log: &Value) -> String {
    let mut all = missing(&log["missing"]);
    for (what, ranges) in [
        ("declared lost", &log["declared"]),
        ("not believed", &log["not_believed"]),
    ] {
        if ranges.as_array().is_some_and(|ranges| !ranges.is_empty()) {
            all = format!("{all}; {what}: {}", missing(ranges));
        }
    }
    all
}

/// What is not read now, and why.
fn held_up(reading: &Value, advised: &mut Advised) -> Vec<String> {
    let mut lines = Vec::new();
    for (feed, holds) in reading.as_object().into_iter().flatten() {
        if let Some(why) = holds["feed"].as_str() {
            lines.push(format!("{feed} is not read now: {why}"));
        }
        for (office, code) in holds["logs"].as_object().into_iter().flatten() {
            let code = code.as_str().unwrap_or_default();
            lines.push(format!(
                "{feed} of {office} waits: {}",
                graded(code, advised)
            ));
            lines.extend(advised.lines(code));
        }
    }
    lines
}

/// How it goes with each application, and what it does not take; nothing where nothing is delivered.
pub(super) fn delivered(deliveries: &Value, now: u64) -> Vec<String> {
    let mut table = table(&[
        "delivered to",
        "feed",
        "up to",
        "waiting",
        "state",
        "for",
        "answer",
    ]);
    let mut stuck = Vec::new();
    for target in deliveries.as_array().into_iter().flatten() {
        let text = |name: &str| target[name].as_str().unwrap_or("-").to_owned();
        let since = target["since_ms"].as_u64().unwrap_or(now);
        table.add_row([
            text("name"),
            text("feed"),
            target["delivered"].to_string(),
            target["waiting"].to_string(),
            text("state"),
            ago(since, now),
            text("answer"),
        ]);
        stuck.extend(not_taken(target, now));
    }
    match table.is_empty() {
        true => Vec::new(),
        false => {
            let mut lines = vec![String::new(), aligned(table, &[2, 3])];
            lines.append(&mut stuck);
            lines
        }
    }
}

/// The events that a target does not take, each with what can be done.
fn not_taken(target: &Value, now: u64) -> Vec<String> {
    let name = target["name"].as_str().unwrap_or_default();
    let mut lines = Vec::new();
    let stuck = target["stuck"].as_array().map_or(&[][..], Vec::as_slice);
    for event in stuck.iter().take(super::terminal::NAMED_MAX) {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let since = ago(event["since_ms"].as_u64().unwrap_or(now), now);
        let (id, source, answer) = (text("id"), text("source"), text("answer"));
        let skip = format!("spean-agent deliver skip {id} --to {name} --why \"...\"");
        lines.push(format!(
            "{name} waits before {id} of {source} (position {}), tried {} times in {since}: {answer}",
            event["position"], event["tries"]
        ));
        lines.push(format!("  mend it at the application, or: {skip}"));
        lines.push(format!("  សូមកែនៅកម្មវិធីទទួល ឬរំលងវា៖ {skip}"));
    }
    let all = target["stuck_logs"].as_u64().unwrap_or_default();
    let named = stuck.len() as u64;
    if all > named {
        lines.push(format!("{name} waits in {} more logs", all - named));
    }
    lines
}

/// Ranges as people write them: `4, 7-9`.
fn missing(ranges: &Value) -> String {
    let range = |range: &Value| match (&range[0], &range[1]) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    let all: Vec<String> = ranges.as_array().into_iter().flatten().map(range).collect();
    if all.is_empty() {
        "-".to_owned()
    } else {
        all.join(", ")
    }
}

fn aligned(mut table: comfy_table::Table, right: &[usize]) -> String {
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_agent_says_that_there_is_nothing_yet() {
        let status = json!({"office": "moh/hq", "registry": 1, "link": {"state": "connecting"}, "outbox": {}, "inbox": []});
        let expected = "moh/hq  registry 1\nlink: connecting\n\
            disk: 0 bytes of 0 bytes for what is sent, 0 bytes for what arrived\n\n\
            Nothing was submitted yet.\n\nNothing has arrived yet.";
        assert_eq!(told(&status, None, 0), expected);
    }

    #[test]
    fn the_status_says_what_waits_is_refused_held_and_missing() {
        let status = json!({
            "office": "maff/hq", "registry": 230,
            "link": {"state": "down", "since": "2026-10-02T03:00:00Z", "why": "no route", "why_km": "កែនាឡិកា"},
            "certificate": {"ends": "2026-10-05T00:00:00Z", "days_left": 2, "en": "the certificate ends", "km": "វិញ្ញាបនបត្រនឹងផុតកំណត់"},
            "inbox_disk_bytes": 1024,
            "deliveries": [{"name": "desk", "feed": "market-prices", "to": "http://127.0.0.1:1/e", "state": "retired", "since_ms": 0,
                "delivered": 7, "waiting": 12, "answer": "410 Gone"}],
            "outbox": {
                "disk_bytes": 2_621_440, "disk_budget_bytes": 4_294_967_296_u64, "stopped": false,
                "feeds": [{"feed": "price-bulletin", "settled": 12, "waiting": 3, "oldest_waiting_ms": 1000, "refused": 1,
                    "held": {"code": "bus-full", "text": "no room", "since_ms": 1}}],
            },
            "inbox": [{"feed": "market-prices", "logs": [
                {"office": "maff/kampot", "complete": 3, "known": 9, "missing": [[4, 4], [7, 9]], "parked_events": 2}]}],
            "alarms": [
                {"at_ms": 1000, "code": "moon-in-the-way", "text": "as a newer agent says it", "severity": "warning"},
                {"at_ms": 1000, "code": "bus-full", "text": "told once"},
            ],
            "codes": {"moon-in-the-way": {
                "severity": "warning", "meaning": {"en": "the moon", "km": "ព្រះចន្ទ"}, "what_to_do": {"en": "wait", "km": "រង់ចាំ"}}},
        });
        let expected = "\
maff/hq  registry 230
link DOWN since 2026-10-02T03:00:00Z: no route
  កែនាឡិកា
the certificate ends
វិញ្ញាបនបត្រនឹងផុតកំណត់
disk: 2.5 MiB of 4.0 GiB for what is sent, 1.0 KiB for what arrived

 FEED SENT       DURABLE  WAITING  OLDEST  REFUSED  HELD
 price-bulletin       12        3    59 s        1  bus-full
price-bulletin HELD bus-full [error]: no room
  What to do: If it lasts, tell the operator this code; what waits is kept, and goes on by itself.
  ប្រព័ន្ធគ្មានកន្លែងទំនេរសម្រាប់ feed នេះទេ ព្រឹត្តិការណ៍ត្រូវបានរក្សាទុក
  ត្រូវធ្វើអ្វី: បើវានៅយូរ សូមប្រាប់អ្នកប្រតិបត្តិលេខកូដនេះ អ្វីដែលរង់ចាំត្រូវបានរក្សាទុក ហើយនឹងបន្តដោយខ្លួនឯង

 FEED RECEIVED  OFFICE       COMPLETE TO  KNOWN TO  MISSING  PARKED
 market-prices  maff/kampot            3         9  4, 7-9        2

 DELIVERED TO  FEED           UP TO  WAITING  STATE    FOR   ANSWER
 desk          market-prices      7       12  retired  60 s  410 Gone
ALARM moon-in-the-way [warning] (59 s ago): as a newer agent says it
  What to do: wait
  ព្រះចន្ទ
  ត្រូវធ្វើអ្វី: រង់ចាំ
ALARM bus-full [error] (59 s ago): told once";
        assert_eq!(told(&status, None, 60_000), expected);
        let khmer = |c: char| ('\u{1780}'..='\u{17ff}').contains(&c);
        let lines = |language| told(&status, Some(language), 60_000);
        let english = expected.lines().filter(|line| !line.contains(khmer));
        assert_eq!(lines(Language::En), english.collect::<Vec<_>>().join("\n"));
        let said_in_english = ["  What to do: ", "the certificate ends"];
        let in_khmer = expected
            .lines()
            .filter(|line| !said_in_english.iter().any(|said| line.starts_with(said)));
        assert_eq!(lines(Language::Km), in_khmer.collect::<Vec<_>>().join("\n"));
    }
}
