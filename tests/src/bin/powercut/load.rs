//! What an office's programs do all day: several submit, one pages by arrival number, one is called by webhook.
//! In: an agent's address. Out: lines of the ledger. Never: a line for what was not answered; a time-out is not a no.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tests::office::Office;
use tests::webhook::{self, Answer, Posted};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::ledger::{Entry, Ledger, now_ns};

pub const FEED: &str = "labour-returns";

/// How to reach one agent while it lives.
#[derive(Clone)]
pub struct Door {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Door {
    pub fn of(office: &Office) -> Result<Door> {
        Ok(Door {
            http: reqwest::Client::builder().no_proxy().build()?,
            url: office.url(),
            token: office.token().to_owned(),
        })
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let request = self.http.get(format!("{}{path}", self.url));
        let answer = request.bearer_auth(&self.token).send().await?;
        let text = answer.error_for_status()?.text().await?;
        Ok(serde_json::from_str(&text)?)
    }

    /// True for 202; an error for anything that may or may not have happened.
    async fn submit(&self, body: String) -> Result<()> {
        let request = self.http.post(format!("{}/events", self.url));
        let request = request
            .bearer_auth(&self.token)
            .header("content-type", "application/cloudevents+json");
        let answer = request.body(body).send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        ensure!(status == 202, "the agent answered {status}: {text}");
        Ok(())
    }
}

/// Submits one event after the other and goes on where it was after a restart.
pub struct Submitter {
    pub name: usize,
    pub next: u64,
    pub ledger: Ledger,
    /// Counts what all submitters had answered.
    pub accepted: Arc<AtomicU64>,
}

impl Submitter {
    /// Submits up to `last`; ends early when the agent does not answer. What was under way is submitted again later.
    pub async fn submit_up_to(&mut self, door: &Door, last: u64) -> Result<()> {
        while self.next <= last {
            let (id, data) = (self.id(), data(self.name, self.next));
            door.submit(event(&id, &data)).await?;
            let at_ns = now_ns();
            self.ledger.note(&[Entry::Accepted {
                at_ns,
                id,
                submitter: self.name,
                number: self.next,
                data,
            }])?;
            self.accepted.fetch_add(1, Ordering::Relaxed);
            self.next += 1;
        }
        Ok(())
    }

    fn id(&self) -> String {
        format!("cut-{}-{:05}", self.name, self.next)
    }
}

/// A figure as an office would send it; one in nine is a large one. White space is part of the data's bytes.
pub fn data(submitter: usize, number: u64) -> String {
    let room = match (number + submitter as u64) % 9 {
        0 => 60_000,
        _ => 1_000,
    };
    let pad = " ".repeat(room);
    format!(
        r#"{{"ref_area":"KH17","indicator":"EAR_DAILY_NB","sex":"_T","disability":"_T","time":"2026-07",{pad}"obs_value":"38000","note_source":"figure {number} of submitter {submitter}"}}"#
    )
}

pub fn event(id: &str, data: &str) -> String {
    let head = json!({
        "specversion": "1.0",
        "id": id,
        "type": "kh.gov.mlvt.labour-return.submitted.v1",
        "subject": "KH17/2026-07",
        "datacontenttype": "application/json",
    });
    let mut text = head.to_string();
    text.pop();
    format!(r#"{text},"data":{data}}}"#)
}

/// Pages through the feed as an application would, and remembers what it was shown.
pub struct Pager {
    pub after: u64,
    pub ledger: Ledger,
}

impl Pager {
    /// Reads what is new; returns how many events that were.
    pub async fn read_on(&mut self, door: &Door) -> Result<usize> {
        let path = format!("/feeds/{FEED}/events?after={}&limit=100", self.after);
        let page = door.get(&path).await?;
        let at_ns = now_ns();
        let next = page["next"].as_u64().context("a page says what is next")?;
        let events = page["events"].as_array().context("a page has events")?;
        let first = next + 1 - events.len() as u64;
        let shown: Result<Vec<Entry>> = (first..)
            .zip(events)
            .map(|(arrival, event)| {
                let source = event["source"].as_str().context("an event has a source")?;
                let position = event["sequence"]
                    .as_str()
                    .and_then(|text| text.parse().ok());
                Ok(Entry::Shown {
                    at_ns,
                    arrival,
                    source: source.into(),
                    position: position.context("an event has a position")?,
                })
            })
            .collect();
        let shown = shown?;
        if !shown.is_empty() {
            self.ledger.note(&shown)?;
            self.after = next;
        }
        Ok(shown.len())
    }
}

/// An application's webhook. It takes everything, and tells the ledger before it says so.
pub struct Webhook {
    pub url: String,
    pub posted: Arc<AtomicU64>,
    _serving: AbortOnDropHandle<()>,
}

impl Webhook {
    pub async fn begin(ledger: Ledger) -> Result<Webhook> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/events", listener.local_addr()?);
        let posted = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&posted);
        let take = move |delivery: Posted| {
            let taken = take(&delivery, &ledger);
            counter.fetch_add(u64::from(taken.is_ok()), Ordering::Relaxed);
            std::future::ready(taken)
        };
        Ok(Webhook {
            url,
            posted,
            _serving: webhook::serve(listener, take),
        })
    }
}

fn take(delivery: &Posted, ledger: &Ledger) -> Result<Answer> {
    let text = |name: &str| delivery.headers.get(name).cloned().unwrap_or_default();
    ledger.note(&[Entry::Posted {
        at_ns: now_ns(),
        source: text("ce-source"),
        position: text("ce-sequence").parse()?,
    }])?;
    Ok(Answer::Taken)
}
