//! A spreadsheet is gone through twice: first every row is checked and every bad one named, then the good ones are submitted.
//! Memory does not grow with the file. The checks are the agent's own; the agent makes them again.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::event::Draft;
use schemas::registry::Registry;
use schemas::subject::{FeedName, LogName};
use serde_json::{Value, json};

use super::super::client::Agent;
use super::super::terminal::{NAMED_MAX, bar, say};
use super::super::{SubmitArgs, verify};
use super::{Batches, Input};
use crate::submit::{BadRow, BadRows, Desk, Entries, Entry, Form, Sheet, now};

/// A spreadsheet, and what it is checked against.
struct Spreadsheet<'a> {
    input: &'a Input,
    form: Form,
    log: LogName,
    registry: Registry,
}

/// What the first going-through has found.
#[derive(Default)]
struct Checked {
    events: u64,
    bad: u64,
    /// The first ones, for the answer.
    named: Vec<Value>,
    /// Where they were written.
    kept: Option<PathBuf>,
}

/// Files of the bad rows of one sheet that may lie beside it.
const BAD_FILES_MAX: u32 = 100;

pub async fn run(
    agent: &Agent,
    input: &Input,
    feed: &FeedName,
    args: &SubmitArgs,
) -> anyhow::Result<ExitCode> {
    let form = Form::of(feed, args.data_set.clone());
    let sheet = Spreadsheet {
        input,
        form: form.with_context(|| format!("no form of spreadsheet is known for {feed}"))?,
        log: LogName {
            feed: feed.clone(),
            office: agent.settings.office.clone(),
        },
        registry: verify::By::of(&agent.settings.folder).registry()?,
    };
    let wanted = args.skip_bad.then(|| input.bad_rows());
    let checked = sheet.check(wanted.as_deref())?;
    if checked.bad > 0 && !args.skip_bad {
        let bad = checked.bad;
        if args.json {
            say(&json!({"accepted": [], "bad_rows": bad, "bad": checked.named}).to_string())?;
        }
        eprintln!(
            "nothing was submitted: {bad} bad rows; mend them, or submit the others with --skip-bad"
        );
        return Ok(ExitCode::FAILURE);
    }
    let accepted = sheet.submit(agent, checked.events).await?;
    let bad = checked.bad;
    if args.json {
        return say(
            &json!({"accepted": accepted, "bad_rows": bad, "bad": checked.named}).to_string(),
        );
    }
    let again = accepted.iter().filter(|event| event.again).count();
    let new = accepted.len() - again;
    let (before, before_km) = match again {
        0 => Default::default(),
        again => (
            format!(", {again} accepted before"),
            format!("\n  ព្រឹត្តិការណ៍ {again} បានទទួលពីមុនរួចហើយ"),
        ),
    };
    let left = match checked.kept {
        Some(path) => format!("; {bad} bad rows are in {}", path.display()),
        None => String::new(),
    };
    say(&format!(
        "{new} events accepted on {feed}{before}{left}{before_km}"
    ))
}

impl Spreadsheet<'_> {
    fn entries(&self) -> anyhow::Result<Entries> {
        let sheet = Sheet::open(self.input.open()?)?;
        Ok(self.form.clone().read(sheet, &self.log)?)
    }

    fn valid(&self, entry: Entry) -> Result<Draft, Vec<BadRow>> {
        let desk = Desk {
            registry: &self.registry,
            office: &self.log.office,
            now: now(),
        };
        match desk.submit(entry.draft.clone(), Some(&self.log.feed)) {
            Ok(_) => Ok(entry.draft),
            Err(problem) => Err(entry.blame(&problem)),
        }
    }

    fn next(&self, entry: Result<Entry, BadRow>) -> Result<Draft, Vec<BadRow>> {
        entry
            .map_err(|bad| vec![bad])
            .and_then(|entry| self.valid(entry))
    }

    /// Names the bad rows on standard error, the first of them, and keeps all where they are to be kept.
    fn check(&self, wanted: Option<&Path>) -> anyhow::Result<Checked> {
        let mut checked = Checked::default();
        let mut file: Option<(PathBuf, BadRows<File>)> = None;
        for entry in self.entries()? {
            let Err(rows) = self.next(entry) else {
                checked.events += 1;
                continue;
            };
            for row in rows {
                checked.name(&row);
                if let Some(wanted) = wanted {
                    let (path, to) = match &mut file {
                        Some(file) => file,
                        None => file.insert(create(wanted, &row)?),
                    };
                    to.write(&row)
                        .with_context(|| format!("cannot write {}", path.display()))?;
                }
            }
        }
        if let Some((path, file)) = file {
            file.finish()
                .with_context(|| format!("cannot write {}", path.display()))?;
            checked.kept = Some(path);
        }
        if checked.bad > NAMED_MAX as u64 {
            eprintln!("... and {} more bad rows", checked.bad - NAMED_MAX as u64);
        }
        Ok(checked)
    }

    async fn submit(&self, agent: &Agent, events: u64) -> anyhow::Result<Vec<super::Accepted>> {
        let bar = bar(events, self.log.feed.as_str());
        let mut batches = Batches::new(agent, Some(&self.log.feed));
        for entry in self.entries()? {
            if let Ok(draft) = self.next(entry) {
                batches.add(&structured(&draft)).await?;
                bar.set_position(batches.accepted.len() as u64);
            }
        }
        let accepted = batches.finish().await;
        bar.finish_and_clear();
        accepted
    }
}

/// A file that was not there, under the first name that is free. Nothing is written over, nor through a link: a name that leads
/// somewhere is taken.
fn create(wanted: &Path, row: &BadRow) -> anyhow::Result<(PathBuf, BadRows<File>)> {
    let mut path = wanted.to_owned();
    for number in 2..=BAD_FILES_MAX {
        match File::create_new(&path) {
            Ok(file) => return Ok((path, BadRows::begin(file, row.line.heading())?)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                path = wanted.with_extension(format!("{number}.csv"));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot make {}", path.display()));
            }
        }
    }
    bail!(
        "{} files of bad rows are there already, the first is {}; remove those that are mended\n  \
         មានឯកសារជួរខុសច្រើនពេកហើយ សូមលុបអ្វីដែលបានកែរួច",
        BAD_FILES_MAX - 1,
        wanted.display()
    )
}

impl Checked {
    fn name(&mut self, row: &BadRow) {
        self.bad += 1;
        if self.bad > NAMED_MAX as u64 {
            return;
        }
        for wrong in &row.wrong {
            let line = row.line.number;
            let at = match wrong.at.as_str() {
                "" => format!("line {line}"),
                column => format!("line {line}, {column}"),
            };
            eprintln!("{at}: {}\n    {}", wrong.en, wrong.km);
            self.named
                .push(json!({"line": line, "column": wrong.at, "en": wrong.en, "km": wrong.km}));
        }
    }
}

/// A draft as it is posted: what it says of itself, and its data byte for byte.
fn structured(draft: &Draft) -> String {
    let mut event = String::from(r#"{"specversion":"1.0""#);
    let attributes = [
        ("id", &draft.id),
        ("source", &draft.source),
        ("subject", &draft.subject),
    ];
    for (name, value) in attributes {
        if let Some(value) = value {
            event.push_str(&format!(r#","{name}":{}"#, Value::from(value.as_str())));
        }
    }
    match std::str::from_utf8(&draft.data) {
        Ok(data) => event.push_str(&format!(r#","data":{data}}}"#)),
        Err(_) => event.push_str(&format!(
            r#","data_base64":"{}"}}"#,
            STANDARD.encode(&draft.data)
        )),
    }
    event
}
