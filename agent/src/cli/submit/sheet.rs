//! A spreadsheet: its table comes in; each row that cannot be submitted is named, the others are submitted by the running agent, and
//! an account of all rows goes out. Checked twice: here, and by the agent, which alone knows what was submitted before.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::event::Draft;
use schemas::subject::FeedName;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::client::Agent;
use super::super::terminal::{NAMED_MAX, bar, line};
use super::super::{SubmitArgs, verify};
use super::{Accepted, Batches, Input};
use crate::submit::sheet::{BadRow, Entry, Notes, Reader, Reading, Row, Table, Wrong, letter};
use crate::submit::{Desk, now};
use crate::words::{self, Words};

/// Files of the bad rows of one sheet that may lie beside it.
const BAD_FILES_MAX: u32 = 100;
/// The exit status where a part was submitted, and bad rows were left.
const A_PART: u8 = 3;

pub async fn run(
    agent: &Agent,
    input: &Input,
    table: Table,
    feed: &FeedName,
    args: &SubmitArgs,
) -> anyhow::Result<ExitCode> {
    let registry = verify::By::of(&agent.settings.folder).registry()?;
    let desk = Desk {
        registry: &registry,
        office: &agent.settings.office,
        now: now(),
    };
    let mut reader = Reader::of(desk, feed)?;
    if let Some(data_set) = &args.data_set {
        reader = reader.unless_said("/dataSet", data_set.clone());
    }
    let mut reading = reader.read(table)?;
    meant(agent, feed, &reader, &mut reading, args).await?;
    let named = name(&reading);
    if !reading.bad.is_empty() && !args.skip_bad {
        told(&reading, &[], feed, named, None, args.json)?;
        eprintln!("{}", words::nothing_submitted(reading.bad.len()));
        return Ok(ExitCode::FAILURE);
    }
    let kept = keep(&reading, &input.bad_rows())?;
    let accepted = submit(agent, feed, &reading.entries).await?;
    told(&reading, &accepted, feed, named, kept.as_deref(), args.json)?;
    Ok(match (reading.bad.is_empty(), accepted.is_empty()) {
        (true, false) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(A_PART),
        (_, true) => {
            eprintln!("{}", words::nothing_left());
            ExitCode::FAILURE
        }
    })
}

#[derive(Deserialize)]
struct Foretold {
    state: State,
}

/// What would become of an event.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    New,
    Again,
    Taken,
}

#[derive(Deserialize)]
struct ForetoldBatch {
    checked: Vec<Foretold>,
}

/// Finds what was submitted before with other values, and makes it what the office says that it is: a correction, or bad rows.
async fn meant(
    agent: &Agent,
    feed: &FeedName,
    reader: &Reader<'_>,
    reading: &mut Reading,
    args: &SubmitArgs,
) -> anyhow::Result<()> {
    if let Some(corrected) = &args.corrects {
        let count = reading.entries.len();
        let [entry] = reading.entries.as_mut_slice() else {
            let is_refused = !reading.bad.is_empty() && !args.skip_bad;
            ensure!(is_refused, words::corrects_one(count));
            return Ok(());
        };
        reader.correct(entry, corrected);
        return Ok(());
    }
    let mut batches = Batches::new(
        agent,
        format!("/feeds/{feed}/events?check=only"),
        |answer| {
            let answer: ForetoldBatch = serde_json::from_str(answer)?;
            Ok(answer.checked)
        },
    );
    for entry in &reading.entries {
        batches.add(&structured(&entry.draft)).await?;
    }
    let states = batches.finish().await?;
    let mut entries = Vec::with_capacity(reading.entries.len());
    for (mut entry, foretold) in std::mem::take(&mut reading.entries).into_iter().zip(states) {
        let id = entry.draft.id.clone().unwrap_or_default();
        match (foretold.state, args.correction) {
            (State::New | State::Again, _) => entries.push(entry),
            (State::Taken, true) => {
                reader.correct(&mut entry, &id);
                entries.push(entry);
            }
            (State::Taken, false) => reading
                .bad
                .extend(entry.refused(&words::submitted_before(&id))),
        }
    }
    reading.entries = entries;
    reading.bad.sort_by_key(|bad| bad.row.number);
    Ok(())
}

/// Names the first bad rows on standard error, and for programs.
fn name(reading: &Reading) -> Vec<Value> {
    let mut named = Vec::new();
    for BadRow { row, wrong, .. } in reading.bad.iter().take(NAMED_MAX) {
        for wrong in wrong {
            let (at, words) = (place(row, wrong), wrong.told());
            eprintln!("{}: {}\n    {}: {}", at.en, words.en, at.km, words.km);
            let (index, column) = wrong.column.clone().unzip();
            named.push(json!({
                "line": row.number, "column": column.unwrap_or_default(), "letter": index.map(letter),
                "read": wrong.read, "en": wrong.words.en, "km": wrong.words.km,
            }));
        }
    }
    if reading.bad.len() > NAMED_MAX {
        eprintln!("{}", words::more_bad(reading.bad.len() - NAMED_MAX));
    }
    named
}

fn place(row: &Row, wrong: &Wrong) -> Words {
    match &wrong.column {
        Some((index, name)) => words::place(row.number, &letter(*index), &words::shown(name)),
        None if row.last > row.number => words::place_rows(row.number, row.last),
        None => words::place_row(row.number),
    }
}

/// Writes the bad rows where no file is yet.
fn keep(reading: &Reading, wanted: &Path) -> anyhow::Result<Option<PathBuf>> {
    if reading.bad.is_empty() {
        return Ok(None);
    }
    let (path, file) = create(wanted)?;
    let write = || {
        let mut notes = Notes::begin(file, &reading.heading, reading.separator)?;
        for bad in &reading.bad {
            notes.write(bad)?;
        }
        notes.finish()
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Some(path))
}

/// A file that was not there, under the first name that is free. Nothing is written over, nor through a link: a name that leads
/// somewhere is taken.
fn create(wanted: &Path) -> anyhow::Result<(PathBuf, File)> {
    let mut path = wanted.to_owned();
    for number in 2..=BAD_FILES_MAX {
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                path = wanted.with_extension(format!("{number}.csv"));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot make {}", path.display()));
            }
        }
    }
    bail!(words::bad_files_many(
        BAD_FILES_MAX - 1,
        &wanted.display().to_string()
    ))
}

async fn submit(
    agent: &Agent,
    feed: &FeedName,
    entries: &[Entry],
) -> anyhow::Result<Vec<Accepted>> {
    let bar = bar(entries.len() as u64, feed.as_str());
    let mut batches = Batches::accepting(agent, Some(feed));
    for entry in entries {
        batches.add(&structured(&entry.draft)).await?;
        bar.set_position(batches.answers.len() as u64);
    }
    let accepted = batches.finish().await;
    bar.finish_and_clear();
    accepted
}

/// What became of all rows, for a program or for a person.
fn told(
    reading: &Reading,
    accepted: &[Accepted],
    feed: &FeedName,
    named: Vec<Value>,
    kept: Option<&Path>,
    as_json: bool,
) -> anyhow::Result<()> {
    let rows = |again: bool| {
        let of = reading.entries.iter().zip(accepted);
        of.filter(|(_, event)| event.again == again)
            .map(|(entry, _)| entry.rows.len())
            .sum::<usize>()
    };
    let (bad, skipped) = (reading.bad.len(), reading.skipped.len());
    if as_json {
        let skipped = reading.skipped.iter();
        let skipped: Vec<Value> = skipped
            .map(|skipped| json!({"line": skipped.row, "en": skipped.why.en, "km": skipped.why.km}))
            .collect();
        let told = json!({
            "accepted": accepted, "rows": reading.rows, "rows_submitted": rows(false), "rows_again": rows(true),
            "bad_rows": bad, "bad": named, "skipped": skipped,
        });
        line(&told.to_string())?;
        return Ok(());
    }
    let again = accepted.iter().filter(|event| event.again).count();
    let mut first = words::accepted(accepted.len() - again, feed.as_str());
    if again > 0 {
        first.append(words::accepted_before(again));
    }
    if let Some(kept) = kept {
        first.append(words::bad_kept(bad, &kept.display().to_string()));
    }
    let mut all = vec![first];
    all.push(words::account(
        reading.rows,
        rows(false),
        rows(true),
        bad,
        skipped,
    ));
    let good: usize = reading.entries.iter().map(|entry| entry.rows.len()).sum();
    let unsent = good - rows(false) - rows(true);
    if unsent > 0 {
        all.push(words::unsent(unsent));
    }
    all.extend(passed_over(reading));
    if !reading.stays.is_empty() {
        all.push(words::stays(&words::shown(&reading.stays.join(", "))));
    }
    all.extend(doubts(reading));
    for words in all {
        line(&words.to_string())?;
    }
    Ok(())
}

/// The rows that say nothing, by the reason.
fn passed_over(reading: &Reading) -> Vec<Words> {
    let mut reasons: Vec<(&Words, Vec<u64>)> = Vec::new();
    for skipped in &reading.skipped {
        match reasons.iter_mut().find(|(why, _)| **why == skipped.why) {
            Some((_, rows)) => rows.push(skipped.row),
            None => reasons.push((&skipped.why, vec![skipped.row])),
        }
    }
    let told = reasons.into_iter().take(NAMED_MAX).map(|(why, rows)| {
        let numbers: Vec<String> = rows.iter().take(NAMED_MAX).map(u64::to_string).collect();
        let more = if rows.len() > NAMED_MAX { ", ..." } else { "" };
        words::passed_over(&why.en, &why.km, &format!("{}{more}", numbers.join(", ")))
    });
    told.collect()
}

fn doubts(reading: &Reading) -> Vec<Words> {
    let mut told = Vec::new();
    if !reading.doubts.is_empty() {
        told.push(words::doubted(reading.doubts.len()));
    }
    for (row, doubt) in reading.doubts.iter().take(NAMED_MAX) {
        let place = words::place_row(*row);
        told.push(Words {
            km: format!("{}៖ {}", place.km, doubt.km),
            en: format!("{}: {}", place.en, doubt.en),
        });
    }
    told
}

/// A draft as it is posted: what it says of itself, and its data byte for byte.
fn structured(draft: &Draft) -> String {
    let mut event = String::from(r#"{"specversion":"1.0""#);
    let attributes = [
        ("id", &draft.id),
        ("source", &draft.source),
        ("type", &draft.event_type),
        ("subject", &draft.subject),
        ("causationid", &draft.causation_id),
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
