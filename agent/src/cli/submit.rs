//! `submit`: a file comes in, its events are accepted by the running agent, and what was accepted goes out; or every mistake.
//! What kind of file it is, its first character and its name tell; a file that is submitted twice is accepted once.

mod sheet;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use schemas::event::Hash;
use schemas::subject::FeedName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::SubmitArgs;
use super::client::Agent;
use super::terminal::say;
use crate::settings::Folder;
use crate::submit::sheet::{
    FILE_BYTES_MAX, Table, is_workbook, table_of_export, table_of_workbook, text as sheet_text,
};
use crate::words;

pub async fn run(args: SubmitArgs, folder: Folder) -> anyhow::Result<ExitCode> {
    let input = Input::of(&args.file)?;
    let content = input.content()?;
    let agent = Agent::of(folder)?;
    let feed = args.feed.as_ref();
    let accepted = match content {
        Content::Table(table) => {
            let feed = feed.with_context(words::feed_wanted)?;
            return sheet::run(&agent, &input, table, feed, &args).await;
        }
        Content::Batch(text) => batch(&agent, &text, feed).await?,
        Content::Lines(lines) => events(&agent, lines.iter().map(String::as_str), feed).await?,
        Content::Event(text) => vec![event(&agent, &text, feed).await?],
        Content::Data(text) => {
            let feed = feed.with_context(words::feed_wanted)?;
            vec![data(&agent, &text, feed).await?]
        }
    };
    tell(&accepted, args.json)
}

/// An event that the agent has accepted.
#[derive(Debug, Serialize, Deserialize)]
struct Accepted {
    id: String,
    state: String,
    feed: FeedName,
    /// It was accepted before, with the same content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
}

#[derive(Deserialize)]
struct AcceptedBatch {
    events: Vec<Accepted>,
}

fn tell(accepted: &[Accepted], json: bool) -> anyhow::Result<ExitCode> {
    if json {
        return say(&serde_json::json!({ "accepted": accepted }).to_string());
    }
    let lines = accepted.iter().map(|event| match event.again {
        false => format!("accepted on {}: {}", event.feed, event.id),
        true => format!(
            "accepted before on {}: {}\n  បានទទួលពីមុនរួចហើយ",
            event.feed, event.id
        ),
    });
    say(&lines.collect::<Vec<_>>().join("\n"))
}

/// A file that was read.
struct Input {
    /// None for standard input.
    path: Option<PathBuf>,
    bytes: Vec<u8>,
}

/// What a file holds, by its first character.
#[derive(Debug)]
enum Content {
    Table(Table),
    /// One CloudEvent.
    Event(String),
    /// A list of CloudEvents.
    Batch(String),
    /// CloudEvents, one a line, as `tail`, `export` and deliveries to files write them.
    Lines(Vec<String>),
    /// An object that is no CloudEvent.
    Data(String),
}

impl Input {
    fn of(path: &Path) -> anyhow::Result<Input> {
        if path.as_os_str() == "-" {
            let bytes = whole(std::io::stdin()).context("cannot read standard input")?;
            return Ok(Input { path: None, bytes });
        }
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let bytes = whole(file).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Input {
            path: Some(path.to_owned()),
            bytes,
        })
    }

    /// Where the bad rows of this input go.
    fn bad_rows(&self) -> PathBuf {
        let path = self.path.clone().unwrap_or_else(|| "stdin".into());
        let mut name = path.into_os_string();
        name.push(".bad.csv");
        name.into()
    }

    fn content(&self) -> anyhow::Result<Content> {
        if is_workbook(&self.bytes) {
            return Ok(Content::Table(table_of_workbook(&self.bytes)?));
        }
        let text = sheet_text(&self.bytes);
        match text.trim_start().chars().next() {
            Some('[') => Ok(Content::Batch(text)),
            Some('{') => object(text),
            Some(_) => Ok(Content::Table(Table::of_csv(&self.bytes)?)),
            None => bail!(words::file_empty()),
        }
    }
}

/// One object, or one a line.
fn object(text: String) -> anyhow::Result<Content> {
    if let Ok(value) = serde_json::from_str::<Value>(&text) {
        return Ok(match table_of_export(&value) {
            Some(table) => Content::Table(table),
            None if value.get("specversion").is_some() => Content::Event(text),
            None => Content::Data(text),
        });
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let objects: Option<Vec<Value>> = lines
        .clone()
        .map(|line| serde_json::from_str(line).ok())
        .collect();
    match objects {
        // What is wrong with it, the agent says.
        None => Ok(Content::Data(text)),
        Some(objects) => {
            let events = objects
                .iter()
                .all(|object| object.get("specversion").is_some());
            ensure!(events, words::lines_no_events());
            Ok(Content::Lines(lines.map(str::to_owned).collect()))
        }
    }
}

/// Within the bound.
fn whole(from: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= FILE_BYTES_MAX,
        words::file_too_large(FILE_BYTES_MAX)
    );
    Ok(bytes)
}

async fn event(agent: &Agent, text: &str, feed: Option<&FeedName>) -> anyhow::Result<Accepted> {
    let headers = [
        ("content-type", "application/cloudevents+json"),
        ("idempotency-key", &key_of(text.as_bytes())),
    ];
    accepted(&agent.post(&path(feed), &headers, text.to_owned()).await?)
}

async fn data(agent: &Agent, text: &str, feed: &FeedName) -> anyhow::Result<Accepted> {
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", &key_of(text.as_bytes())),
    ];
    accepted(
        &agent
            .post(&path(Some(feed)), &headers, text.to_owned())
            .await?,
    )
}

/// A batch of any length, in pieces that the agent takes.
async fn batch(
    agent: &Agent,
    text: &str,
    feed: Option<&FeedName>,
) -> anyhow::Result<Vec<Accepted>> {
    let list: Vec<&RawValue> = serde_json::from_str(text).context("the file is no JSON list")?;
    events(agent, list.into_iter().map(RawValue::get), feed).await
}

async fn events<'t>(
    agent: &Agent,
    events: impl Iterator<Item = &'t str>,
    feed: Option<&FeedName>,
) -> anyhow::Result<Vec<Accepted>> {
    let mut batches = Batches::accepting(agent, feed);
    for event in events {
        batches.add(&with_id(event)).await?;
    }
    let accepted = batches.finish().await?;
    ensure!(!accepted.is_empty(), words::list_empty());
    Ok(accepted)
}

/// Collects events into batches that the agent takes, and sends each when it is full.
struct Batches<'a, A> {
    agent: &'a Agent,
    path: String,
    body: String,
    count: usize,
    /// What the agent's answer says of each event.
    answer: fn(&str) -> anyhow::Result<Vec<A>>,
    answers: Vec<A>,
}

/// Events of one batch: enough that they share one sync of the disk.
const BATCH_EVENTS: usize = 500;
/// Bytes of one batch: within what the agent reads.
const BATCH_BYTES: usize = 900_000;

impl<'a> Batches<'a, Accepted> {
    fn accepting(agent: &'a Agent, feed: Option<&FeedName>) -> Batches<'a, Accepted> {
        Batches::new(agent, path(feed), |answer| {
            let batch: AcceptedBatch = serde_json::from_str(answer)?;
            Ok(batch.events)
        })
    }
}

impl<'a, A> Batches<'a, A> {
    fn new(
        agent: &'a Agent,
        path: String,
        answer: fn(&str) -> anyhow::Result<Vec<A>>,
    ) -> Batches<'a, A> {
        Batches {
            agent,
            path,
            body: String::new(),
            count: 0,
            answer,
            answers: Vec::new(),
        }
    }

    async fn add(&mut self, event: &str) -> anyhow::Result<()> {
        if self.count == BATCH_EVENTS || self.body.len() + event.len() > BATCH_BYTES {
            self.send().await?;
        }
        self.body.push(if self.count == 0 { '[' } else { ',' });
        self.body.push_str(event);
        self.count += 1;
        Ok(())
    }

    async fn send(&mut self) -> anyhow::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        self.body.push(']');
        self.count = 0;
        let body = std::mem::take(&mut self.body);
        let headers = [("content-type", "application/cloudevents-batch+json")];
        let answer = self.agent.post(&self.path, &headers, body).await;
        let before = self.answers.len();
        let answer = answer.with_context(|| {
            format!(
                "{before} events were accepted before; submit the file again, they are recognised"
            )
        })?;
        let answers = (self.answer)(&answer).context("the agent's answer is no batch's")?;
        self.answers.extend(answers);
        Ok(())
    }

    async fn finish(mut self) -> anyhow::Result<Vec<A>> {
        self.send().await?;
        Ok(self.answers)
    }
}

fn path(feed: Option<&FeedName>) -> String {
    match feed {
        Some(feed) => format!("/feeds/{feed}/events"),
        None => "/events".to_owned(),
    }
}

/// An event of a batch that has no id gets one from its content.
fn with_id(event: &str) -> Cow<'_, str> {
    let value: Value = serde_json::from_str(event).unwrap_or_default();
    match (&value, event.trim_start().strip_prefix('{')) {
        (Value::Object(members), Some(rest))
            if !members.is_empty() && !members.contains_key("id") =>
        {
            format!(r#"{{"id":"{}",{rest}"#, key_of(event.as_bytes())).into()
        }
        (_, _) => event.into(),
    }
}

/// What has no id is known by its content.
fn key_of(text: &[u8]) -> String {
    format!("file-{}", Hash::of(text))
}

fn accepted(answer: &str) -> anyhow::Result<Accepted> {
    serde_json::from_str(answer).context("the agent's answer names no event")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(bytes: &[u8]) -> anyhow::Result<Content> {
        let bytes = bytes.to_vec();
        Input { path: None, bytes }.content()
    }

    #[test]
    fn a_file_is_known_by_how_it_begins_with_and_without_a_mark() {
        for mark in ["", "\u{feff}"] {
            let content = |text: &str| content(format!("{mark}{text}").as_bytes()).expect(text);
            assert!(matches!(content("period,admin1_code\n"), Content::Table(_)));
            assert!(matches!(content(" [{}]"), Content::Batch(_)));
            assert!(matches!(
                content(r#"{"specversion":"1.0"}"#),
                Content::Event(_)
            ));
            assert!(matches!(content(r#"{"bulletin":"7"}"#), Content::Data(_)));
            assert!(matches!(content("{"), Content::Data(_)));
            let export = r#"{"dataValues":[{"dataElement":"A","period":"2026Q1"}]}"#;
            assert!(matches!(content(export), Content::Table(_)));
            let own = r#"{"period":"2026Q1","dataValues":[{"dataElement":"A"}]}"#;
            assert!(matches!(content(own), Content::Data(_)));
            let lines = "{\"specversion\":\"1.0\"}\r\n\n{\"specversion\":\"1.0\"}\n";
            assert!(matches!(content(lines), Content::Lines(lines) if lines.len() == 2));
        }
        assert!(content(b"").is_err());
        assert!(
            content(b"PK\x03\x04").is_err(),
            "a workbook that is cut off"
        );
        let data = content(b"{\"a\":1}\n{\"a\":2}\n").expect_err("no events");
        assert!(data.to_string().contains("no CloudEvents"), "{data}");
    }

    #[test]
    fn an_event_without_an_id_gets_one_from_its_content_and_an_own_id_stays() {
        let own = r#"{"id":"a","x":1.10}"#;
        assert_eq!(with_id(own), own);
        let bare = with_id(r#"{"x":1.10}"#);
        assert_eq!(bare, with_id(r#"{"x":1.10}"#));
        assert_ne!(bare, with_id(r#"{"x":1.1}"#));
        assert!(
            bare.starts_with(r#"{"id":"file-"#) && bare.ends_with(r#","x":1.10}"#),
            "{bare}"
        );
    }
}
