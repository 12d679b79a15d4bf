//! The plan, done by async-nats.

mod consumers;

use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::Stream;
use async_nats::{Client, ConnectOptions, Event, HeaderMap};
use futures_util::TryStreamExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{FEED, PLAN_PATIENCE, Plan, READER, Told};

const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What an outcome is, where it is not that the client did it.
type Outcome = Result<&'static str, String>;

/// A connection, and what the client was told of it.
struct Office {
    client: Client,
    js: jetstream::Context,
    heard: Arc<Mutex<Vec<Event>>>,
}

struct Play {
    plan: Plan,
    tell: mpsc::Sender<Told>,
}

pub async fn play(plan: Plan, tell: mpsc::Sender<Told>) {
    let play = Play { plan, tell };
    play.say("version", version()).await;
    let connecting = connect(
        &play.plan.url,
        play.plan.client.office().0,
        &play.plan.office_bundle,
    );
    let office = connecting.await;
    play.say("connect", office.as_ref().map_or("failed", |_| "works"))
        .await;
    let reader = connect(&play.plan.url, READER, &play.plan.reader_bundle).await;
    let (Ok(office), Ok(reader)) = (office, reader) else {
        return;
    };
    play.publishing(&office).await;
    play.refused(&office).await;
    play.streams(&office, &reader).await;
    play.reading(&reader).await;
    play.consumers(&office, &reader).await;
    play.stopping(&office).await;
    play.row("drain", async { shown(office.client.drain().await) })
        .await;
}

/// As the lock file has it.
fn version() -> &'static str {
    let lock = include_str!("../../../../Cargo.lock");
    let named = lock.split_once("name = \"async-nats\"\nversion = \"");
    let version = named.and_then(|(_, rest)| rest.split('"').next());
    version.unwrap_or_default()
}

async fn connect(url: &str, office: &str, bundle: &std::path::Path) -> Result<Office, String> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let events = heard.clone();
    let options = ConnectOptions::new()
        .add_root_certificates(bundle.join("ca.pem"))
        .add_client_certificate(bundle.join("office.pem"), bundle.join("office.key"))
        .custom_inbox_prefix(format!("_INBOX.{}", office.replace('/', ".")))
        .reconnect_delay_callback(|_| Duration::from_millis(200))
        .event_callback(move |event| {
            events.lock().expect("nobody panics with it").push(event);
            async {}
        });
    let client = options
        .connect(url)
        .await
        .map_err(|error| error.to_string())?;
    let js = jetstream::new(client.clone());
    Ok(Office { client, js, heard })
}

/// The client's own error, by JetStream's number where it has one.
fn shown<T, E: Debug>(done: Result<T, E>) -> Outcome {
    match done {
        Ok(_) => Ok("works"),
        Err(error) => {
            let error = format!("{error:?}");
            let number = error
                .split("ErrorCode(")
                .nth(1)
                .and_then(|rest| rest.split(')').next());
            match number {
                Some(number) => Err(format!("refused {number}")),
                None if error.contains("NoResponders") => Err("no responders".to_owned()),
                // The client's own word for it.
                None => Err(error
                    .replace("Error { kind: ", "")
                    .replace(", source: None }", "")),
            }
        }
    }
}

fn is(right: bool, what: impl Debug) -> Outcome {
    right.then_some("works").ok_or_else(|| format!("{what:?}"))
}

impl Office {
    async fn hears(&self, wanted: impl Fn(&Event) -> bool) {
        while !self
            .heard
            .lock()
            .expect("nobody panics with it")
            .iter()
            .any(&wanted)
        {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn is_told(&self, words: &[&str]) -> Outcome {
        self.hears(|event| {
            let said = event.to_string();
            words.iter().all(|word| said.contains(word))
        })
        .await;
        Ok("told")
    }

    async fn stream(&self) -> Result<Stream, String> {
        let stream = self.js.get_stream(FEED).await;
        stream.map_err(|error| error.to_string())
    }
}

impl Play {
    async fn say(&self, row: &str, outcome: &str) {
        let told = Told::Row(row.to_owned(), outcome.to_owned());
        // Nobody takes it where the test has failed already.
        let _ = self.tell.send(told).await;
    }

    async fn row(&self, row: &str, doing: impl Future<Output = Outcome>) {
        self.row_within(PATIENCE, row, doing).await;
    }

    async fn row_within(
        &self,
        patience: Duration,
        row: &str,
        doing: impl Future<Output = Outcome>,
    ) {
        match timeout(patience, doing).await {
            Ok(Ok(outcome)) => self.say(row, outcome).await,
            Ok(Err(outcome)) => self.say(row, &outcome).await,
            Err(_) => self.say(row, "timeout").await,
        }
    }

    async fn publish(
        &self,
        office: &Office,
        subject: &str,
        letter: Option<u32>,
    ) -> Result<bool, jetstream::context::PublishError> {
        let (lines, data) = self.plan.letter(letter.unwrap_or(1));
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().filter(|_| letter.is_some()) {
            headers.insert(name.as_str(), value.as_str());
        }
        let subject = subject.to_owned();
        let published = match letter {
            Some(_) => {
                office
                    .js
                    .publish_with_headers(subject, headers, data.into())
                    .await?
            }
            None => office.js.publish(subject, data.into()).await?,
        };
        Ok(published.await?.duplicate)
    }

    async fn publishing(&self, office: &Office) {
        let log = self.plan.log.as_str();
        for (row, letter, again) in [
            ("publish a signed event", 1, false),
            ("publish it again", 1, true),
            ("publish the next one", 2, false),
        ] {
            let stored = async {
                match self.publish(office, log, Some(letter)).await {
                    Ok(duplicate) => is(duplicate == again, duplicate),
                    Err(error) => shown(Err::<(), _>(error)),
                }
            };
            self.row(row, stored).await;
        }
        let others = format!("spean.log.{FEED}.moh.hq");
        for (row, subject, letter) in [
            ("publish out of order", log, Some(4)),
            ("publish without headers", log, None),
            ("publish to another's log", &others, None),
            ("publish to foo through JetStream", "foo", None),
        ] {
            let refused = async { shown(self.publish(office, subject, letter).await) };
            self.row(row, refused).await;
        }
    }

    async fn refused(&self, office: &Office) {
        let Office { client, heard, .. } = office;
        let told = async {
            client
                .publish("foo", "hi".into())
                .await
                .map_err(|error| error.to_string())?;
            office
                .is_told(&["Permissions Violation for Publish", "\"foo\""])
                .await
        };
        self.row("publish to foo", told).await;
        let asked = async { shown(client.request("foo", "hi".into()).await) };
        self.row("request foo", asked).await;
        heard.lock().expect("nobody panics with it").clear();
        let listened = async {
            let _subscriber = client
                .subscribe("foo")
                .await
                .map_err(|error| error.to_string())?;
            office
                .is_told(&["Permissions Violation for Subscription", "\"foo\""])
                .await
        };
        self.row("subscribe to foo", listened).await;
        let queued = async {
            let inbox = client.new_inbox();
            let _subscriber = client
                .queue_subscribe(inbox.clone(), "q".to_owned())
                .await
                .map_err(|error| error.to_string())?;
            office.is_told(&[&inbox, "using queue \"q\""]).await
        };
        self.row("subscribe with a queue group", queued).await;
        let asked = async { shown(client.request("spean.registry", "".into()).await) };
        self.row("request the registry", asked).await;
    }

    async fn streams(&self, office: &Office, reader: &Office) {
        let js = &office.js;
        self.row("account info", async { shown(js.query_account().await) })
            .await;
        let info = async {
            let own = office.stream().await?.cached_info().state.messages;
            let whole = reader.stream().await?.cached_info().state.messages;
            is(own == 2 && whole >= 2, (own, whole))
        };
        self.row("stream info", info).await;
        let named = async { shown(js.stream_by_subject(self.plan.log.clone()).await) };
        self.row("stream name by subject", named).await;
        let listed = async {
            let all: Result<Vec<_>, _> = js.streams().try_collect().await;
            let names = all.map(|all| all.into_iter().map(|info| info.config.name));
            let names: Vec<String> = names.map_err(|error| error.to_string())?.collect();
            is(names.iter().any(|name| name == FEED), names)
        };
        self.row("stream list", listed).await;
        let info = |name| async move { shown(js.get_stream(name).await.map(drop)) };
        self.row("stream info, unknown stream", info("ORDERS"))
            .await;
        self.row("stream info, feed not the office's", info("labour-returns"))
            .await;
        let made = async {
            let config = jetstream::stream::Config {
                name: "ORDERS".to_owned(),
                subjects: vec!["orders.*".to_owned()],
                ..Default::default()
            };
            shown(js.get_or_create_stream(config).await.map(drop))
        };
        self.row("stream create", made).await;
        let purged = async { shown(office.stream().await?.purge().await) };
        self.row("stream purge", purged).await;
        self.row("stream delete", async {
            shown(js.delete_stream(FEED).await)
        })
        .await;
        // Built without buckets.
        self.say("bucket bind", "-").await;
        self.say("bucket create", "-").await;
    }

    async fn stopping(&self, office: &Office) {
        let stops = async {
            let _ = self.tell.send(Told::Ready).await;
            office.hears(|event| *event == Event::LameDuckMode).await;
            Ok("works")
        };
        self.row_within(PLAN_PATIENCE, "gateway stops", stops).await;
        let back = async {
            office.hears(|event| *event == Event::Disconnected).await;
            loop {
                match self.publish(office, &self.plan.log, Some(3)).await {
                    Ok(duplicate) => return is(!duplicate, duplicate),
                    Err(_not_yet) => tokio::time::sleep(LOOK_AGAIN).await,
                }
            }
        };
        self.row("gateway is back", back).await;
    }
}
