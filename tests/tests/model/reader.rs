//! An office's agent that reads: its real inbox, the file of what was delivered, and the real rooms that receive, confirm, heal and deliver.
//! In: what the run does with it. Out: what it holds, and what its application got. Never: a decision.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::confirm::Confirm;
use agent::deliver;
use agent::heal::gaps::Gaps;
use agent::heal::{Heal, OwnHoles};
use agent::inbox::Inbox;
use agent::inbox::delivered::Delivered;
use agent::receive::{Holds, Receive};
use agent::settings::{Deliver, DeliverTo};
use schemas::subject::OfficeId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::bus::Bus;
use crate::ground::{Person, feed, ground};
use crate::office::HEAL;
use crate::store::Folder;
use crate::uplink::Uplink;

pub struct Reader {
    person: Person,
    pub uplink: Uplink,
    folder: Folder,
    /// Into which the agent delivers; the application's own, which no fault here touches.
    application: PathBuf,
    running: Running,
}

/// One life of the process.
struct Running {
    inbox: Inbox,
    delivered: Arc<Delivered>,
    gaps: Gaps,
}

impl Running {
    fn start(folder: &Path) -> Running {
        let inbox = Inbox::open(&folder.join("inbox"));
        let delivered = Delivered::open(&folder.join("delivered"));
        Running {
            inbox: inbox.expect("the inbox opens").0,
            delivered: Arc::new(delivered.expect("the file opens").0),
            gaps: Gaps::default(),
        }
    }
}

impl Reader {
    pub fn new(person: Person, path: &Path) -> Reader {
        let folder = Folder::new(path.to_owned());
        std::fs::create_dir_all(folder.path()).expect("a folder");
        Reader {
            uplink: Uplink::new(person.peer.clone()),
            running: Running::start(&folder.path()),
            application: path.with_extension("ndjson"),
            folder,
            person,
        }
    }

    pub fn id(&self) -> &OfficeId {
        &self.person.office
    }

    pub fn inbox(&self) -> &Inbox {
        &self.running.inbox
    }

    pub fn application(&self) -> &Path {
        &self.application
    }

    fn live_again(&mut self) {
        self.uplink.cut(false);
        self.running = Running::start(&self.folder.path());
    }

    pub fn kill(&mut self) {
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

    fn delivered(&self) -> Vec<u8> {
        let file = std::fs::read(self.folder.path().join("delivered"));
        file.expect("it is there from the start")
    }

    fn keep(&self, delivered: &[u8]) {
        let file = self.folder.path().join("delivered");
        std::fs::write(file, delivered).expect("written");
    }

    /// All rooms, until they are dropped.
    pub fn rooms(&self, bus: &Bus) -> impl Future<Output = ()> + use<> {
        let Running {
            inbox,
            delivered,
            gaps,
        } = &self.running;
        let stop = CancellationToken::new();
        let deliver = deliver::run(
            vec![Deliver {
                feed: feed(),
                to: DeliverTo::File(self.application.clone()),
            }],
            inbox.clone(),
            delivered.clone(),
            deliver::Targets::default(),
            stop.clone(),
        );
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
