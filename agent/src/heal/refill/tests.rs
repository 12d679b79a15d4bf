//! Requests over a session whose gateway says of everything that it was there already.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use futures_util::stream::{self, StreamExt as _};
use schemas::chain::Head;
use schemas::heal::Ranges;
use schemas::limits::POSITION_MAX;
use schemas::signing::{SignedEvent, SigningKey};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::dispatch::tests::{Notary, event, genesis, log};
use crate::inbox::Inbox;
use crate::link::{Deliveries, Delivery, Link, Message, Outage, Wire};
use crate::outbox::Settled;
use crate::outbox::tests::open;
use crate::settings;

/// Where it was published, and the way back.
struct Gateway {
    asked: Mutex<Vec<String>>,
    answers: mpsc::UnboundedSender<Delivery>,
    hears: Mutex<Option<mpsc::UnboundedReceiver<Delivery>>>,
}

impl Gateway {
    fn new() -> Arc<Gateway> {
        let (answers, hears) = mpsc::unbounded_channel();
        Arc::new(Gateway {
            asked: Mutex::default(),
            answers,
            hears: Mutex::new(Some(hears)),
        })
    }
}

impl Wire for Gateway {
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), Outage>> {
        self.asked.lock().expect("whole").push(message.subject);
        if let Some(subject) = message.reply {
            let answer = Delivery {
                subject,
                reply: None,
                headers: Bytes::new(),
                payload: r#"{"stream":"x","seq":1,"duplicate":true}"#.into(),
                status: None,
                description: String::new(),
            };
            self.answers.send(answer).expect("somebody hears");
        }
        Box::pin(ready(Ok(())))
    }

    fn subscribe(&self, _subject: String) -> BoxFuture<'_, Result<Deliveries, Outage>> {
        let hears = self.hears.lock().expect("whole").take().expect("once");
        let next = |mut hears: mpsc::UnboundedReceiver<Delivery>| async {
            hears.recv().await.map(|delivery| (delivery, hears))
        };
        Box::pin(ready(Ok(stream::unfold(hears, next).boxed())))
    }

    fn bytes_in(&self) -> u64 {
        0
    }
}

/// An office with nine events in its own log.
async fn office(folder: &TempDir) -> Heal {
    office_with(folder, 9).await
}

async fn office_with(folder: &TempDir, count: u64) -> Heal {
    let (key, _) = SigningKey::generate().expect("a key");
    let mut head = Head::empty(genesis());
    let mut settled = Vec::new();
    for number in 1..=count {
        let link = head.next().expect("room");
        let signed = SignedEvent::sign(event(&format!("event-{number}")), link, &key);
        head = Head::of(&signed);
        settled.push(Settled::of(&signed));
    }
    let (outbox, _) = open(&folder.path().join("outbox"));
    outbox.settle(&log().feed, settled).await.expect("settles");
    let (inbox, _) = Inbox::open(folder.path(), &crate::inbox::tests::WHO).expect("opens");
    let (_no_sessions, sessions) = watch::channel(None);
    let (_fixed, registry) = watch::channel(Notary::new().registry);
    Heal {
        office: log().office,
        key: Arc::new(key),
        outbox,
        inbox,
        link: Link::of(sessions),
        registry,
        settings: settings::Heal {
            check_interval: Duration::from_secs(600),
            reader_wait: Duration::ZERO,
            gap_wait: Duration::from_secs(600),
            resend_horizon: Duration::from_secs(600),
        },
        gaps: Default::default(),
        own_holes: Default::default(),
        nudge: Default::default(),
    }
}

/// Where events were sent because of a request.
async fn asked(heal: &Heal, log: LogName, missing: Ranges) -> Vec<String> {
    let gateway = Gateway::new();
    let (inbox, time) = ("_INBOX.maff.siem-reap.x".into(), Duration::from_secs(1));
    let session = Session::open(gateway.clone(), inbox, time, CancellationToken::new());
    let session = session.await.expect("it is open");
    let request = HealRequest { log, missing };
    let refill = Refill::new(heal.clone(), session, request).run();
    let done = tokio::time::timeout(Duration::from_secs(20), refill).await;
    done.expect("it comes back").expect("nothing is in its way");
    gateway.asked.lock().expect("whole").clone()
}

#[tokio::test]
async fn a_request_for_everything_costs_what_is_held_of_it() {
    let folder = TempDir::new().expect("a folder");
    let heal = office(&folder).await;
    let all = Ranges::one(1..=POSITION_MAX);
    let subject = |number: u64| format!("{}.{number}", log().subject());
    let own: Vec<String> = (1..=9).map(subject).collect();
    assert_eq!(asked(&heal, log(), all.clone()).await, own);
    let some = Ranges::try_from(vec![(3, 4), (8, POSITION_MAX)]).expect("ranges");
    assert_eq!(asked(&heal, log(), some).await, [3, 4, 8, 9].map(subject));
    let other = LogName {
        office: "maff/takeo".parse().expect("an office"),
        ..log()
    };
    assert_eq!(asked(&heal, other, all).await, [""; 0]);
}

#[tokio::test]
async fn a_request_for_what_is_there_ends_soon() {
    let folder = TempDir::new().expect("a folder");
    let heal = office_with(&folder, 300).await;
    let sent = asked(&heal, log(), Ranges::one(1..=300)).await.len() as u64;
    let most = IN_VAIN_MAX + REFILLS_AT_FIRST as u64;
    assert!((IN_VAIN_MAX..most).contains(&sent), "{sent} were sent");
}

#[tokio::test]
async fn what_is_looked_for_in_the_own_log_is_looked_for_among_what_is_there() {
    let folder = TempDir::new().expect("a folder");
    let heal = office(&folder).await;
    let position = |number| Position::new(number).expect("a position");
    let within = |first, last| {
        let range = (position(first), position(last));
        let found = heal.outbox.own_within(&log().feed, range);
        let found = found.expect("reads").into_iter();
        found.map(Position::number).collect::<Vec<u64>>()
    };
    assert_eq!(within(1, POSITION_MAX), (1..=9).collect::<Vec<u64>>());
    assert_eq!(within(4, 6), [4, 5, 6]);
    assert_eq!(within(9, 9), [9]);
    assert_eq!(within(10, POSITION_MAX), [0; 0]);
}
