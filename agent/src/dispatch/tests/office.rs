//! An office with a real outbox on disk, which can be copied and put back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use schemas::envelope::nats;
use schemas::event::{Classification, Core, Event, Hash, Position, Timestamp};
use schemas::subject::{FeedName, LogName};

use super::bus::Wire;
use crate::dispatch::sending::Sending;
use crate::outbox::{Outbox, Submission};

const BUDGET: u64 = 64 * 1024 * 1024;

pub struct Agent {
    pub folder: PathBuf,
    outbox: Option<Outbox>,
    pub session: Option<(Wire, Sending<Wire>)>,
}

pub fn log() -> LogName {
    LogName {
        feed: feed(),
        office: "maff/siem-reap".parse().unwrap(),
    }
}

pub fn feed() -> FeedName {
    "market-prices".parse().unwrap()
}

pub fn event(id: &str) -> Event {
    let core = Core {
        id: id.into(),
        event_type: "kh.gov.maff.market-price.submitted.v1".into(),
        subject: None,
        time: Timestamp::from_unix_seconds(1_790_000_000).unwrap(),
        data_content_type: "application/json".into(),
        data_schema: "https://spean.gov.kh/contracts/market-prices/1.0".into(),
        causation_id: None,
        data_classification: Classification::Internal,
        data: Bytes::from(format!(r#"{{"price":"{id}"}}"#)),
    };
    Event::new(
        log(),
        core,
        Timestamp::from_unix_seconds(1_790_000_001).unwrap(),
    )
    .unwrap()
}

pub fn submission(id: &str) -> Submission {
    let event = event(id);
    Submission {
        feed: feed(),
        id: id.into(),
        key: None,
        content: Hash::of(id.as_bytes()),
        data: Hash::of(event.data()),
        bytes: nats::stored_unsigned(&event),
    }
}

impl Agent {
    pub fn open(folder: PathBuf) -> Agent {
        let outbox = Outbox::open(&folder, BUDGET).expect("the store opens").0;
        Agent {
            folder,
            outbox: Some(outbox),
            session: None,
        }
    }

    pub fn outbox(&self) -> &Outbox {
        self.outbox.as_ref().expect("the store is open")
    }

    pub async fn waiting(&self) -> BTreeSet<String> {
        let waiting = self.outbox().waiting(&feed(), 0, 1_000).await.unwrap();
        waiting.into_iter().map(|waiting| waiting.id).collect()
    }

    pub fn own(&self) -> BTreeSet<String> {
        let last = self.outbox().last_settled(&feed()).unwrap();
        let positions = 1..=last.map_or(0, |last| last.position.number());
        let own = positions.filter_map(|position| {
            let position = Position::new(position)?;
            let bytes = self.outbox().own(&feed(), position).unwrap()?;
            Some(nats::read_stored(&bytes).unwrap().id().to_owned())
        });
        own.collect()
    }

    /// Closes the store; nothing may hold it any more.
    pub async fn close(&mut self) {
        self.session = None;
        let outbox = self.outbox.take().expect("the store is open");
        outbox.checkpoint().await.unwrap();
        drop(outbox);
    }

    pub fn reopen(&mut self) {
        self.outbox = Some(Outbox::open(&self.folder, BUDGET).unwrap().0);
    }

    /// Everything settled is past its horizon, and pruned.
    pub async fn prune(&mut self) {
        self.close().await;
        let opened = Outbox::open_keeping(&self.folder, BUDGET, Duration::ZERO);
        let outbox = self.outbox.insert(opened.unwrap().0);
        outbox.tidy().await.unwrap();
        assert_eq!(self.own(), BTreeSet::new());
    }

    pub fn copied(&self) -> PathBuf {
        self.folder.with_extension("copy")
    }
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).ok();
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
