//! `submit`: a file comes in, its events are accepted by the running agent, and what was accepted goes out; or every mistake.
//! What kind of file it is, its first character and its name tell; a file that is submitted twice is accepted once.

mod sheet;

use std::borrow::Cow;
use std::fs::File;
use std::io::{Cursor, Read};
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

/// What is read whole: standard input, because a spreadsheet is gone through twice, and JSON.
const WHOLE_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub async fn run(args: SubmitArgs, folder: Folder) -> anyhow::Result<ExitCode> {
    let input = Input::of(&args.file)?;
    let kind = input.kind()?;
    let agent = Agent::of(folder)?;
    if kind == Kind::Spreadsheet {
        let feed = args.feed.clone();
        let feed = feed.context("which feed is the spreadsheet for? give it with --feed")?;
        return sheet::run(&agent, &input, &feed, &args).await;
    }
    let text = input.read()?;
    let accepted = match kind {
        Kind::Batch => batch(&agent, &text, args.feed.as_ref()).await?,
        Kind::Event => vec![event(&agent, &text, args.feed.as_ref()).await?],
        Kind::Data | Kind::Spreadsheet => {
            let feed = args.feed.as_ref();
            let feed = feed.context("which feed is the data for? give it with --feed")?;
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

/// A file that can be opened twice.
enum Input {
    File(PathBuf),
    Stdin(Vec<u8>),
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Spreadsheet,
    /// One CloudEvent.
    Event,
    /// A list of CloudEvents.
    Batch,
    /// An object that is no CloudEvent.
    Data,
}

impl Input {
    fn of(path: &Path) -> anyhow::Result<Input> {
        if path.as_os_str() != "-" {
            return Ok(Input::File(path.to_owned()));
        }
        let bytes = whole(std::io::stdin()).context("cannot read standard input")?;
        Ok(Input::Stdin(bytes))
    }

    /// All of it, for what cannot be read row by row.
    fn read(&self) -> anyhow::Result<Vec<u8>> {
        whole(self.open()?)
    }

    fn open(&self) -> anyhow::Result<Box<dyn Read>> {
        match self {
            Input::File(path) => {
                let file = File::open(path);
                Ok(Box::new(file.with_context(|| {
                    format!("cannot open {}", path.display())
                })?))
            }
            Input::Stdin(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
        }
    }

    /// Where the bad rows of this input go.
    fn bad_rows(&self) -> PathBuf {
        match self {
            Input::File(path) => {
                let mut name = path.clone().into_os_string();
                name.push(".bad.csv");
                name.into()
            }
            Input::Stdin(_) => "stdin.bad.csv".into(),
        }
    }

    fn kind(&self) -> anyhow::Result<Kind> {
        let mut start = Vec::new();
        self.open()?.take(4096).read_to_end(&mut start)?;
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
        match start.trim_ascii_start().first() {
            Some(b'[') => Ok(Kind::Batch),
            Some(b'{') => {
                let value: Value = serde_json::from_slice(&self.read()?).unwrap_or_default();
                let event = value.get("specversion").is_some();
                Ok(if event { Kind::Event } else { Kind::Data })
            }
            Some(b'P') if start.starts_with(b"PK\x03\x04") => {
                bail!("this is a workbook; save the sheet as CSV UTF-8 and submit that")
            }
            Some(_) => Ok(Kind::Spreadsheet),
            None => bail!("the file is empty"),
        }
    }
}

/// Within the bound.
fn whole(from: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(WHOLE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= WHOLE_BYTES_MAX,
        "it is larger than {WHOLE_BYTES_MAX} bytes; split it"
    );
    Ok(bytes)
}

async fn event(agent: &Agent, text: &[u8], feed: Option<&FeedName>) -> anyhow::Result<Accepted> {
    let headers = [
        ("content-type", "application/cloudevents+json"),
        ("idempotency-key", &key_of(text)),
    ];
    accepted(&agent.post(&path(feed), &headers, text.to_vec()).await?)
}

async fn data(agent: &Agent, text: &[u8], feed: &FeedName) -> anyhow::Result<Accepted> {
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", &key_of(text)),
    ];
    accepted(
        &agent
            .post(&path(Some(feed)), &headers, text.to_vec())
            .await?,
    )
}

/// A batch of any length, in pieces that the agent takes.
async fn batch(
    agent: &Agent,
    text: &[u8],
    feed: Option<&FeedName>,
) -> anyhow::Result<Vec<Accepted>> {
    let events: Vec<&RawValue> =
        serde_json::from_slice(text).context("the file is no JSON list")?;
    ensure!(!events.is_empty(), "the list is empty");
    let mut batches = Batches::new(agent, feed);
    for event in events {
        batches.add(&with_id(event.get())).await?;
    }
    batches.finish().await
}

/// Collects events into batches that the agent takes, and sends each when it is full.
struct Batches<'a> {
    agent: &'a Agent,
    path: String,
    body: String,
    count: usize,
    accepted: Vec<Accepted>,
}

/// Events of one batch: enough that they share one sync of the disk.
const BATCH_EVENTS: usize = 500;
/// Bytes of one batch: within what the agent reads.
const BATCH_BYTES: usize = 900_000;

impl<'a> Batches<'a> {
    fn new(agent: &'a Agent, feed: Option<&FeedName>) -> Batches<'a> {
        Batches {
            agent,
            path: path(feed),
            body: String::new(),
            count: 0,
            accepted: Vec::new(),
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
        let before = self.accepted.len();
        let answer = answer.with_context(|| {
            format!(
                "{before} events were accepted before; submit the file again, they are recognised"
            )
        })?;
        let batch: AcceptedBatch =
            serde_json::from_str(&answer).context("the agent's answer is no batch's")?;
        self.accepted.extend(batch.events);
        Ok(())
    }

    async fn finish(mut self) -> anyhow::Result<Vec<Accepted>> {
        self.send().await?;
        Ok(self.accepted)
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

    fn kind(text: &[u8]) -> anyhow::Result<Kind> {
        Input::Stdin(text.to_vec()).kind()
    }

    #[test]
    fn a_file_is_known_by_how_it_begins() {
        let is =
            |text: &str, expected: Kind| assert_eq!(kind(text.as_bytes()).expect(text), expected);
        is("period,admin1_code\n", Kind::Spreadsheet);
        is("\u{feff}period;admin1_code\n", Kind::Spreadsheet);
        is(" [{}]", Kind::Batch);
        is(r#"{"specversion":"1.0"}"#, Kind::Event);
        is(r#"{"bulletin":"7"}"#, Kind::Data);
        is("{", Kind::Data);
        assert!(kind(b"").is_err());
        let workbook = kind(b"PK\x03\x04").expect_err("a workbook").to_string();
        assert_eq!(
            workbook,
            "this is a workbook; save the sheet as CSV UTF-8 and submit that"
        );
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
