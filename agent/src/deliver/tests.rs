//! Deliveries from a real inbox into a real file, and to a real HTTP server whose answers the test chooses.

use std::path::Path;
use std::sync::{Mutex, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use schemas::chain::Head;
use schemas::envelope::structured;
use schemas::event::{Classification, Core, Event, Hash, Timestamp};
use schemas::signing::{SignedEvent, SigningKey};
use tempfile::TempDir;

use super::delivered::BusName;
use super::webhook::tests::{Application, LEFT_ALONE};
use super::*;
use crate::inbox::tests::WHO;
use crate::receive::VerifiedEvent;

mod declared;
mod leave;

const DEADLINE: Duration = Duration::from_secs(20);

struct Desk {
    targets: Targets,
    folder: TempDir,
    inbox: Inbox,
    delivered: Mutex<Weak<Delivered>>,
    key: SigningKey,
}

fn log(office: &str) -> LogName {
    let source = format!("urn:spean:maff:{office}:market-prices");
    LogName::from_source(&source).expect("a source")
}

fn feed() -> FeedName {
    "market-prices".parse().expect("a feed")
}

impl Desk {
    fn new() -> Desk {
        let folder = TempDir::new().expect("a folder");
        Desk {
            targets: Targets::default(),
            inbox: Inbox::open(folder.path(), &WHO).expect("opens").0,
            delivered: Mutex::default(),
            key: SigningKey::generate().expect("a key").0,
            folder,
        }
    }

    /// Events of one office's log arrive.
    async fn arrive(&self, office: &str, positions: std::ops::RangeInclusive<u64>) {
        let log = log(office);
        let mut head = Head::empty(genesis());
        let mut run = Vec::new();
        for position in 1..=*positions.end() {
            let signed =
                SignedEvent::sign(event(&log, position), head.next().expect("room"), &self.key);
            head = Head::of(&signed);
            run.push(VerifiedEvent::new(signed));
        }
        let new = run.split_off(usize::try_from(positions.start() - 1).expect("small"));
        self.inbox.keep(&feed(), new, None).await.expect("keeps");
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("prices.ndjson")
    }

    fn from(&self) -> From {
        let bus = BusName {
            authority: "a test's".into(),
            genesis: genesis(),
        };
        // Two targets have one memory of what was delivered; when both have ended, it is opened again.
        let mut living = self.delivered.lock().expect("no panic");
        let delivered = living.upgrade().unwrap_or_else(|| {
            let opened = Delivered::open(self.folder.path(), &bus, &WHO);
            Arc::new(opened.expect("opens").0)
        });
        *living = Arc::downgrade(&delivered);
        From {
            inbox: self.inbox.clone(),
            delivered,
            targets: self.targets.clone(),
            believes: Arc::new(|_| true),
        }
    }

    /// Delivers until the returned token is cancelled and the task has ended.
    fn start(
        &self,
        to: DeliverTo,
    ) -> (
        CancellationToken,
        tokio::task::JoinHandle<Result<(), Outage>>,
    ) {
        let stop = CancellationToken::new();
        let target = Deliver {
            name: name(),
            feed: feed(),
            to,
            waits: Waits::USUAL,
        };
        let running = run(vec![target], self.from(), stop.clone());
        (stop, tokio::spawn(running))
    }

    fn listed(&self) -> Vec<Target> {
        self.targets.list().expect("the stores work")
    }

    fn alarms(&self) -> Vec<String> {
        let all = self.inbox.alarms().list().into_iter();
        all.map(|alarm| alarm.code).collect()
    }
}

fn name() -> TargetName {
    "desk".parse().expect("a name")
}

fn genesis() -> Hash {
    Hash::of(b"genesis")
}

/// The data names log and position; ids of `takeo` and `siem-reap` differ.
fn event(log: &LogName, position: u64) -> Event {
    let core = Core {
        id: format!("{}-{position}", log.office.place()),
        event_type: "kh.gov.maff.market-price.submitted.v1".into(),
        subject: Some("KH17/ខែកក្កដា".into()),
        time: Timestamp::from_unix_seconds(1_790_000_000).expect("a time"),
        data_content_type: "application/json".into(),
        data_schema: "https://spean.gov.kh/contracts/market-prices/1.0".into(),
        causation_id: None,
        data_classification: Classification::Internal,
        data: Bytes::from(format!(r#"{{"price": 1.10, "n":{position}}}"#)),
    };
    let recorded = Timestamp::from_unix_seconds(1_790_000_001).expect("a time");
    Event::new(log.clone(), core, recorded).expect("well formed")
}

/// An application that is not asked for leave.
fn webhook(application: &Application) -> DeliverTo {
    DeliverTo::Webhook {
        url: application.url(),
        leave: None,
    }
}

fn ids(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let ids = text.lines().map(|line| {
        let event = structured::decode(line.as_bytes());
        event.map_or("torn".into(), |event| event.id().to_owned())
    });
    ids.collect()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_file_gets_every_event_once_although_the_agent_is_killed_before_the_mark() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=3).await;
    let (stop, running) = desk.start(DeliverTo::File(desk.path()));
    until("three lines", || ids(&desk.path()).len() == 3).await;
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
    // Written, torn, and nothing marked.
    std::fs::remove_dir_all(desk.folder.path().join("2/marks")).expect("it was there");
    *desk.delivered.lock().expect("no panic") = Weak::new();
    let mut torn = std::fs::read(desk.path()).expect("reads");
    torn.extend_from_slice(br#"{"specversion":"1."#);
    std::fs::write(desk.path(), torn).expect("writes");
    desk.arrive("takeo", 4..=4).await;
    let (stop, running) = desk.start(DeliverTo::File(desk.path()));
    until("the fourth line", || {
        ids(&desk.path()).last().is_some_and(|id| id == "takeo-4")
    })
    .await;
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
    assert_eq!(
        ids(&desk.path()),
        ["takeo-1", "takeo-2", "takeo-3", "takeo-4"]
    );
}

#[tokio::test]
async fn a_webhook_gets_the_signed_bytes_and_every_attribute() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=1).await;
    let mut application = Application::start(|_| 204).await;
    let (stop, running) = desk.start(webhook(&application));
    let posted = application.next().await;
    assert_eq!(posted.body, r#"{"price": 1.10, "n":1}"#);
    assert_eq!(posted.header("content-type"), "application/json");
    assert_eq!(posted.header("ce-specversion"), "1.0");
    assert_eq!(posted.header("ce-sequence"), "00000000000000000001");
    assert!(posted.header("ce-subject").starts_with("KH17/%E1%9E%81"));
    assert!(!posted.header("ce-dssematerial").is_empty());
    assert_eq!(posted.header("ce-datacontenttype"), "");
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}

#[tokio::test]
async fn a_webhook_that_fails_is_tried_again_and_each_log_keeps_its_order() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=2).await;
    desk.arrive("siem-reap", 1..=2).await;
    // Takeo's first is not taken the first two times; the third time it is.
    let mut application = Application::start(|seen| match seen {
        ("takeo-1", 0..=1) => 422,
        ("siem-reap-2", 0) => 503,
        _ => 200,
    })
    .await;
    let (stop, running) = desk.start(webhook(&application));
    let mut taken: Vec<String> = Vec::new();
    while taken.len() < 4 {
        let posted = application.next().await;
        if posted.status == 200 {
            taken.push(posted.id().to_owned());
        }
    }
    let of = |office: &str| -> Vec<String> {
        let own = taken.iter().filter(|id| id.starts_with(office));
        own.cloned().collect()
    };
    assert_eq!(of("takeo"), ["takeo-1", "takeo-2"]);
    assert_eq!(of("siem-reap"), ["siem-reap-1", "siem-reap-2"]);
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}

#[tokio::test]
async fn a_webhook_that_is_gone_gets_nothing_more_and_an_alarm_is_raised() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=3).await;
    let mut application = Application::start(|_| 410).await;
    let (stop, running) = desk.start(webhook(&application));
    assert_eq!(application.next().await.id(), "takeo-1");
    until("the alarm", || {
        desk.alarms().contains(&"webhook-retired".to_owned())
    })
    .await;
    assert!(application.is_quiet());
    let target = &desk.listed()[0];
    assert_eq!((target.state, target.waiting), (TargetState::Retired, 3));
    assert_eq!(target.answer.as_deref(), Some("410 Gone"));
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}

#[tokio::test]
async fn how_it_goes_with_an_application_is_told_without_the_secrets_of_its_address() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=3).await;
    let application = Application::start(|_| 204).await;
    let url = application.url().replace("http://", "http://me:secret@") + "?key=secret";
    let (stop, running) = desk.start(DeliverTo::Webhook { url, leave: None });
    until("all of it", || {
        let all = desk.listed();
        let done = all.first().is_some_and(|target| target.waiting == 0);
        done && all[0].answer.is_some()
    })
    .await;
    let target = desk.listed().remove(0);
    assert_eq!(
        (target.to, target.state),
        (application.url(), TargetState::Delivering)
    );
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
    desk.arrive("kampot", 1..=1).await;
    let nobody = DeliverTo::Webhook {
        url: "http://me:secret@127.0.0.1:1/?key=secret".into(),
        leave: None,
    };
    let (stop, running) = desk.start(nobody);
    until("the cause", || {
        let all = desk.listed();
        let answers = all.iter().filter_map(|target| target.answer.as_deref());
        let told = answers.filter(|answer| answer.contains("Connection refused"));
        told.count() == 1
    })
    .await;
    let all = format!("{:?}", desk.listed());
    assert!(!all.contains("secret"), "{all}");
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}

#[tokio::test]
async fn a_webhook_that_asks_to_be_left_alone_is_left_alone_for_as_long_as_it_says() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=1).await;
    desk.arrive("siem-reap", 1..=1).await;
    let answers = |seen: (&str, u32)| match seen {
        ("takeo-1", 0) => 429,
        _ => 204,
    };
    let mut application = Application::start(answers).await;
    let (stop, running) = desk.start(webhook(&application));
    let first = application.next().await;
    assert_eq!((first.id(), first.status), ("takeo-1", 429));
    // Those of other logs are for the same application, which can take none of them.
    let again = application.next().await;
    assert_eq!((again.id(), again.status), ("takeo-1", 204));
    assert!(again.at - first.at >= LEFT_ALONE);
    assert_eq!(application.next().await.id(), "siem-reap-1");
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}

#[tokio::test]
async fn an_event_that_a_webhook_does_not_understand_holds_its_own_log_alone() {
    let desk = Desk::new();
    desk.arrive("takeo", 1..=2).await;
    desk.arrive("siem-reap", 1..=1).await;
    let answers = |seen: (&str, u32)| match seen {
        ("takeo-1", 0..=1) => 415,
        _ => 204,
    };
    let mut application = Application::start(answers).await;
    let (stop, running) = desk.start(webhook(&application));
    let mut seen = Vec::new();
    while seen.last().is_none_or(|(id, _)| id != "takeo-2") {
        let posted = application.next().await;
        seen.push((posted.id().to_owned(), posted.status));
    }
    let of_takeo: Vec<u16> = seen
        .iter()
        .filter(|(id, _)| id == "takeo-1")
        .map(|(_, status)| *status)
        .collect();
    assert_eq!(of_takeo, [415, 415, 204]);
    // The other log's event did not wait for the form to be understood.
    assert_eq!(seen[1], ("siem-reap-1".to_owned(), 204));
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}
