//! An office's agent that writes: its real outbox and the real steps of dispatch, one by one, and healing. In: what the run does with it.
//! Out: what it holds. Never: a decision.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent::confirm::Confirm;
use agent::dispatch::{Dispatch, FeedLine, Sending, Stop, Trouble};
use agent::heal::gaps::Gaps;
use agent::heal::{Heal, OwnHoles};
use agent::link::Session;
use agent::outbox::Outbox;
use agent::settings;
use agent::store::log::{Identity, Room};
use schemas::subject::OfficeId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::bus::Bus;
use crate::clock;
use crate::ground::{BUDGET_BYTES, Person, feed, ground, submission};
use crate::store::{self, Folder};
use crate::uplink::Uplink;
use crate::wire::{Gate, Line};

pub const HEAL: settings::Heal = settings::Heal {
    check_interval: Duration::from_secs(60),
    reader_wait: Duration::from_secs(10),
    gap_wait: Duration::from_secs(300),
    resend_horizon: Duration::from_secs(90 * 24 * 60 * 60),
};

pub struct Office {
    pub person: Person,
    pub uplink: Uplink,
    folder: Folder,
    /// None: the office is gone for good.
    running: Option<Running>,
}

/// One life of the process.
struct Running {
    outbox: Outbox,
    line: FeedLine,
    sending: Option<Sending>,
    own_holes: OwnHoles,
    /// Why nothing is sent, where it was told last.
    waits: Option<String>,
}

impl Office {
    pub fn new(person: Person, folder: &Path, bus: &Bus) -> Office {
        let mut office = Office {
            uplink: Uplink::new(person.peer.clone()),
            folder: Folder::new(folder.to_owned()),
            running: None,
            person,
        };
        office.start(bus);
        office
    }

    pub fn id(&self) -> &OfficeId {
        &self.person.office
    }

    pub fn outbox(&self) -> Option<&Outbox> {
        self.running.as_ref().map(|running| &running.outbox)
    }

    pub fn is_gone(&self) -> bool {
        self.running.is_none()
    }

    pub fn waits(&self) -> Option<&str> {
        self.running.as_ref()?.waits.as_deref()
    }

    fn whose(&self) -> Identity {
        Identity::of(&self.person.office.to_string(), b"the model", Room::Outbox)
    }

    fn start(&mut self, bus: &Bus) {
        let horizon = HEAL.resend_horizon;
        let opened =
            Outbox::open_keeping(&self.folder.path(), &self.whose(), BUDGET_BYTES, horizon);
        let (outbox, _told) = opened.expect("the outbox opens");
        let dispatch = Dispatch {
            office: self.person.office.clone(),
            key: self.person.key.clone(),
            outbox: outbox.clone(),
            link: self.uplink.link(),
            registry: bus.registry(),
            nudge: Arc::new(Notify::new()),
            gap_wait: HEAL.gap_wait,
        };
        self.running = Some(Running {
            outbox,
            line: FeedLine::new(dispatch, feed()),
            sending: None,
            own_holes: OwnHoles::default(),
            waits: None,
        });
    }

    /// False where nobody is there to take it.
    pub async fn submit(&mut self, number: usize, bus: &Bus) -> bool {
        let Some(outbox) = self.outbox() else {
            return false;
        };
        let registry = bus.registry().borrow().clone();
        let submission = submission(&registry, &self.person.office, number);
        let accepted = outbox.accept(submission).await;
        accepted.expect("it is accepted");
        true
    }

    /// Begins to send, or sends on; what is sent waits on the line.
    pub async fn send(&mut self, bus: &Bus) {
        let Some(session) = self.uplink.session(bus).await else {
            return;
        };
        let Some(running) = &mut self.running else {
            return;
        };
        if running.sending.is_none() {
            self.uplink.set_gate(Gate::Open);
            running.begin(&session).await;
        }
        self.uplink.set_gate(Gate::Holds(0));
        running.fill().await;
    }

    /// Takes the answers that have come.
    pub async fn settle(&mut self) {
        if let Some(running) = &mut self.running {
            running.settle().await;
        }
    }

    /// Sends until nothing waits, or something holds the line.
    pub async fn work(&mut self, bus: &Bus) {
        for _ in 0..30 {
            let Some(session) = self.uplink.session(bus).await else {
                return;
            };
            let Some(running) = &mut self.running else {
                return;
            };
            self.uplink.set_gate(Gate::Open);
            if running.sending.is_none() {
                running.begin(&session).await;
            }
            running.fill().await;
            crate::world::at_rest().await;
            let settled = running.settle().await;
            let stopped = running.sending.is_none();
            if running.waits.is_some() || (!settled && !stopped) {
                return;
            }
        }
    }

    /// What of the session is under way may arrive later.
    pub fn cut(&mut self, arrives: bool) -> Option<Arc<Line>> {
        if let Some(running) = &mut self.running {
            running.sending = None;
        }
        self.uplink.cut(arrives)
    }

    pub fn kill(&mut self, bus: &Bus) {
        self.stand_still();
        self.folder.kill();
        self.live_again(bus);
    }

    /// Nothing of what it was given is half done.
    fn stand_still(&self) {
        self.outbox().into_iter().for_each(clock::until_written);
    }

    /// In a quiet moment: what is settled is synced by then.
    pub async fn copy(&self, number: usize) {
        if let Some(outbox) = self.outbox() {
            outbox.checkpoint().await.expect("the store works");
        }
        self.folder.copy(number);
    }

    pub fn restore(&mut self, number: usize, bus: &Bus) {
        if self.folder.restore(number) {
            self.live_again(bus);
        }
    }

    pub fn lose_hints(&mut self, bus: &Bus) {
        self.stand_still();
        self.folder.kill();
        store::lose_hints(&self.folder.path());
        self.live_again(bus);
    }

    pub fn empty(&mut self, bus: &Bus) {
        self.folder.empty();
        self.live_again(bus);
    }

    fn live_again(&mut self, bus: &Bus) {
        self.end();
        self.start(bus);
    }

    /// Everything settled is past its horizon, and pruned.
    pub async fn prune(&mut self, bus: &Bus) {
        if let Some(outbox) = self.outbox() {
            outbox.checkpoint().await.expect("the store works");
        }
        self.folder.kill();
        self.end();
        let opened = Outbox::open_keeping(
            &self.folder.path(),
            &self.whose(),
            BUDGET_BYTES,
            Duration::ZERO,
        );
        let (outbox, _told) = opened.expect("the outbox opens");
        outbox.tidy().await.expect("it tidies");
        drop(outbox);
        self.start(bus);
    }

    /// The office is given up, and its stores with it.
    pub fn leave(&mut self) {
        self.end();
        self.uplink.set_up(false);
    }

    fn end(&mut self) {
        self.uplink.cut(false);
        self.running = None;
    }

    /// The rooms beside dispatch, until they are dropped.
    pub fn rooms(&self, bus: &Bus) -> impl Future<Output = ()> + use<> {
        let running = self.running.as_ref();
        let rooms = running.filter(|_| self.uplink.is_up()).map(|running| {
            let heal = Heal {
                office: self.person.office.clone(),
                key: self.person.key.clone(),
                outbox: running.outbox.clone(),
                inbox: ground().idle_inbox(),
                link: self.uplink.link(),
                registry: bus.registry(),
                settings: HEAL,
                gaps: Gaps::default(),
                own_holes: running.own_holes.clone(),
                nudge: Arc::new(Notify::new()),
            };
            let confirm = Confirm {
                office: self.person.office.clone(),
                key: self.person.key.clone(),
                inbox: ground().idle_inbox(),
                outbox: running.outbox.clone(),
                link: self.uplink.link(),
                registry: bus.registry(),
            };
            (heal, confirm)
        });
        async move {
            if let Some((heal, confirm)) = rooms {
                let stop = CancellationToken::new();
                let (healed, heard) =
                    tokio::join!(heal.run(stop.clone()), confirm.hear(stop.clone()));
                healed.and(heard).expect("the stores work");
            }
        }
    }
}

impl Running {
    async fn begin(&mut self, session: &Session) {
        self.waits = None;
        match self.line.begin(session).await {
            Ok(ControlFlow::Continue(sending)) => self.sending = Some(sending),
            Ok(ControlFlow::Break(stop)) => self.stopped(&stop),
            Err(Trouble::Held { code, text }) => self.stopped(&Stop::Wait { code, text }),
            Err(Trouble::Ended) => {}
            Err(Trouble::Store(outage)) => panic!("the store works: {outage}"),
        }
    }

    fn stopped(&mut self, stop: &Stop) {
        self.sending = None;
        self.waits = match stop {
            Stop::Wait { code, text } => Some(format!("{code}: {text}")),
            Stop::ReadHead | Stop::Ended => None,
        };
    }

    async fn fill(&mut self) {
        if let Some(sending) = &mut self.sending {
            let filled = sending.fill().await;
            self.look(filled);
        }
    }

    /// Whether there was an answer.
    async fn settle(&mut self) -> bool {
        let mut any = false;
        while let Some(sending) = &mut self.sending
            && let Some(answer) = sending.ready()
        {
            any = true;
            let settled = sending.settle(answer).await;
            self.look(settled);
        }
        any
    }

    fn look(&mut self, done: Result<(), Trouble>) {
        let stop = match done {
            Ok(()) => self.sending.as_ref().and_then(Sending::stopped).cloned(),
            Err(Trouble::Held { code, text }) => Some(Stop::Wait { code, text }),
            Err(Trouble::Ended) => Some(Stop::Ended),
            Err(Trouble::Store(outage)) => panic!("the store works: {outage}"),
        };
        if let Some(stop) = stop {
            self.stopped(&stop);
        }
    }
}
