//! An office's agent that reads: its real inbox, the file of what was delivered, and the real rooms that receive, confirm, heal and deliver.
//! In: what the run does with it. Out: what it holds, and what its application got. Never: a decision.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::confirm::Confirm;
use agent::deliver;
use agent::deliver::delivered::{BusName, Delivered};
use agent::heal::gaps::Gaps;
use agent::heal::{Heal, OwnHoles};
use agent::inbox::Inbox;
use agent::receive::{Holds, Receive};
use agent::settings::{Deliver, DeliverTo, TargetName, Waits};
use agent::store::log::{Identity, Room};
use schemas::event::Hash;
use schemas::subject::OfficeId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::bus::Bus;
use crate::ground::{Person, feed, ground};
use crate::office::HEAL;
use crate::store::Folder;
use crate::uplink::Uplink;

/// A write into the application's file ends within that, or hangs.
const WRITE_TIME: Duration = Duration::from_secs(10);

pub struct Reader {
    person: Person,
    pub uplink: Uplink,
    folder: Folder,
    /// Into which the agent delivers; the application's own, which no fault here touches.
    application: PathBuf,
    genesis: Hash,
    running: Running,
}

/// One life of the process.
struct Running {
    inbox: Inbox,
    delivered: Arc<Delivered>,
    gaps: Gaps,
}

/// Each reader has a folder of its own, which no other one ever gets.
fn who() -> Identity {
    Identity::of("a reader", b"the model", Room::Inbox)
}

impl Running {
    fn start(folder: &Path, genesis: Hash) -> Running {
        let inbox = Inbox::open(folder, &who());
        let bus = BusName {
            authority: "the model".into(),
            genesis,
        };
        let delivered = Delivered::open(folder, &bus, &who());
        Running {
            inbox: inbox.expect("the inbox opens").0,
            delivered: Arc::new(delivered.expect("the file opens").0),
            gaps: Gaps::default(),
        }
    }
}

impl Reader {
    pub fn new(person: Person, genesis: Hash, path: &Path) -> Reader {
        let folder = Folder::new(path.to_owned());
        std::fs::create_dir_all(folder.path()).expect("a folder");
        Reader {
            uplink: Uplink::new(person.peer.clone()),
            running: Running::start(&folder.path(), genesis),
            application: path.with_extension("ndjson"),
            folder,
            genesis,
            person,
        }
    }

    pub fn id(&self) -> &OfficeId {
        &self.person.office
    }

    pub fn inbox(&self) -> &Inbox {
        &self.running.inbox
    }

    /// The application's file. A write that was under way when the rooms were dropped goes on to its end: its process was not killed.
    pub fn application(&self) -> &Path {
        let name = self.application.file_name().unwrap_or_default();
        let taken = format!(".{}.writing", name.to_string_lossy());
        let taken = self.application.with_file_name(taken);
        let deadline = Instant::now() + WRITE_TIME;
        while taken.exists() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        &self.application
    }

    fn live_again(&mut self) {
        self.uplink.cut(false);
        self.running = Running::start(&self.folder.path(), self.genesis);
    }

    pub fn kill(&mut self) {
        self.application();
        self.folder.kill();
        self.live_again();
    }

    pub fn copy(&self, number: usize) {
        self.folder.copy(number);
    }

    /// The inbox goes back; what was delivered is a file of its own beside it.
    pub fn restore(&mut self, number: usize) {
        let delivered = self.delivered();
        if self.folder.restore(number) {
            self.keep(&delivered);
            self.live_again();
        }
    }

    pub fn empty(&mut self) {
        let delivered = self.delivered();
        self.folder.empty();
        std::fs::create_dir_all(self.folder.path()).expect("a folder");
        self.keep(&delivered);
        self.live_again();
    }

    fn deliveries(&self) -> PathBuf {
        agent::store::folder(&self.folder.path(), Room::Marks)
    }

    fn delivered(&self) -> tempfile::TempDir {
        let aside = tempfile::TempDir::new().expect("a folder");
        tests::folder::copy(&self.deliveries(), aside.path());
        aside
    }

    fn keep(&self, delivered: &tempfile::TempDir) {
        tests::folder::copy(delivered.path(), &self.deliveries());
    }

    /// All rooms, until they are dropped.
    pub fn rooms(&self, bus: &Bus) -> impl Future<Output = ()> + use<> {
        let Running {
            inbox,
            delivered,
            gaps,
        } = &self.running;
        let stop = CancellationToken::new();
        let from = deliver::From {
            inbox: inbox.clone(),
            delivered: delivered.clone(),
            targets: deliver::Targets::default(),
            believes: Arc::new(|_| true),
        };
        let to = DeliverTo::File(self.application.clone());
        let target = Deliver {
            name: TargetName::usual(&feed(), &to),
            feed: feed(),
            to,
            waits: Waits::USUAL,
        };
        let deliver = deliver::run(vec![target], from, stop.clone());
        let receive = Receive {
            office: self.person.office.clone(),
            inbox: inbox.clone(),
            link: self.uplink.link(),
            registry: bus.registry(),
            registry_wanted: Arc::new(Notify::new()),
            holds: Holds::default(),
        };
        let confirm = Confirm {
            office: self.person.office.clone(),
            key: self.person.key.clone(),
            inbox: inbox.clone(),
            outbox: ground().idle_outbox(),
            link: self.uplink.link(),
            registry: bus.registry(),
        };
        let heal = Heal {
            office: self.person.office.clone(),
            key: self.person.key.clone(),
            outbox: ground().idle_outbox(),
            inbox: inbox.clone(),
            link: self.uplink.link(),
            registry: bus.registry(),
            settings: HEAL,
            gaps: gaps.clone(),
            own_holes: OwnHoles::default(),
            nudge: Arc::new(Notify::new()),
        };
        async move {
            let (delivered, received, told, healed) = tokio::join!(
                deliver,
                receive.read(feed(), stop.clone()),
                confirm.tell(stop.clone()),
                heal.run(stop.clone()),
            );
            let all = delivered.and(received).and(told).and(healed);
            all.expect("the stores work");
        }
    }
}
