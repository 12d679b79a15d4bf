//! The agent as a whole: checked settings come in, every room is opened and started in the order of the road, and all have ended
//! when this returns. A room that fails, or panics, ends the process clean: it starts again from what is on disk.

mod linked;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use schemas::registry::Registry;
use schemas::signing::SigningKey;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::certificate;
use crate::confirm::Confirm;
use crate::deliver::delivered::{BusName, Delivered};
use crate::deliver::{self, Targets};
use crate::desk::Reception;
use crate::dispatch::Dispatch;
use crate::heal::gaps::Gaps;
use crate::heal::{Heal, OwnHoles};
use crate::inbox::Inbox;
use crate::link::{self, Link, LinkTask, install_provider};
use crate::outbox::Outbox;
use crate::private;
use crate::receive::{Holds, MemoryFault, Receive, RegistryFault, RegistryFile};
use crate::settings::{self, Mistake, Mistakes, Settings, Token};
use crate::store::log::{Identity, Room};
use crate::store::{self, disk::Lock};
use crate::watchdog;
use crate::web::{self, App, Metrics};

use linked::{keys_of, link_settings};

/// Time for all rooms to end after they were told to: unanswered publishes get 5 s of it.
const END_TIME: Duration = Duration::from_secs(15);

/// The agent cannot run, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Settings(#[from] Mistake),
    #[error(transparent)]
    Folder(#[from] Mistakes),
    #[error(transparent)]
    Registry(#[from] RegistryFault),
    #[error(transparent)]
    Memory(#[from] MemoryFault),
    #[error("{}", .0.with_code())]
    Store(#[from] store::Fault),
    #[error("{room} stopped: {outage}")]
    Room {
        room: &'static str,
        outage: store::Outage,
    },
    #[error(transparent)]
    Web(#[from] web::Outage),
    #[error("the {0} ended by itself")]
    Ended(&'static str),
    #[error("cannot start a thread: {0}")]
    NoThread(#[source] io::Error),
    #[error("a task panicked: {0}")]
    Panicked(String),
    #[error("not everything ended within {} s", END_TIME.as_secs())]
    Stuck,
}

impl From<store::Outage> for Fault {
    fn from(outage: store::Outage) -> Fault {
        store::Fault::from(outage).into()
    }
}

/// Both stores and the marks between inbox and applications.
struct Stores {
    outbox: Outbox,
    inbox: Inbox,
    delivered: Arc<Delivered>,
}

/// Runs until the shutdown.
///
/// # Errors
/// [`Fault`].
pub async fn run(settings: Settings, shutdown: CancellationToken) -> Result<(), Fault> {
    install_provider();
    // Before anything is written: two agents would each write the registry, the door's address and the stores.
    let _alone = Lock::take(settings.folder.path())?;
    let key = Arc::new(settings.folder.signing_key()?);
    let authority = settings.folder.authority()?;
    let registry = RegistryFile::open(&settings.folder.registry(), authority)?;
    own_folder(&settings, &key, registry.registry())?;
    let token = Token::read_or_make(&settings.folder.http_token())?;
    let stores = opened(&settings, registry.registry()).await?;
    let memory = registry.remember(&settings.store.dir)?;
    let end = shutdown.child_token();
    watchdog::start(end.clone()).map_err(Fault::NoThread)?;
    let mut rooms = Rooms(JoinSet::new());

    // The link goes last: what is under way when the shutdown comes may still be answered.
    let link_end = CancellationToken::new();
    let (link, link_task) = link::new(link_settings(&settings), registry.sign_of_life());
    let (keeper, registry, registry_wanted) =
        registry.keep(link.clone(), memory, stores.outbox.clone());
    let link_task = link_task.with_keys(keys_of(registry.clone()));
    let (holds, gaps) = (Holds::default(), Gaps::default());
    let targets = Targets::default();
    let ground = Ground {
        settings: &settings,
        key,
        stores: &stores,
        link: link.clone(),
        registry: registry.clone(),
    };
    let nudge = Arc::new(Notify::new());
    let dispatch = ground.dispatch(nudge.clone());
    let heal = ground.heal(gaps.clone(), nudge);
    let confirm = ground.confirm();
    let receive = ground.receive(registry_wanted, holds.clone());
    let app = App {
        token,
        registry,
        outbox: stores.outbox.clone(),
        inbox: stores.inbox.clone(),
        link: link.state(),
        holds,
        gaps,
        targets: targets.clone(),
        metrics: Metrics::install(),
        reception: Reception::new(settings.folder.path(), &settings.office),
        shutdown: end.clone(),
        settings: settings.clone(),
    };
    rooms.store("registry", keeper.run(end.clone()));
    rooms.store("dispatch", dispatch.run(end.clone()));
    rooms.store("receive", receive.run(end.clone()));
    rooms.store("confirm", confirm.clone().tell(end.clone()));
    rooms.store("confirmed", confirm.hear(end.clone()));
    rooms.store("heal", heal.run(end.clone()));
    rooms.store("deliver", ground.deliveries(targets, end.clone()));
    rooms.stores(&stores, &end);
    let watched = certificate::watch(settings.folder.clone(), end.clone());
    rooms.start("certificate", watched.map(Ok));
    rooms.start("web", async move { Ok(web::serve(Arc::new(app)).await?) });
    let linked = rooms.link(link_task, link_end.clone(), end.clone());
    let ended = rooms.end(end).await;
    link_end.cancel();
    let link_ended = tokio::time::timeout(END_TIME, linked).await;
    match link_ended {
        Ok(Ok(())) => ended,
        Ok(Err(panicked)) => Err(Fault::Panicked(panicked.to_string())),
        Err(_) => Err(Fault::Stuck),
    }
}

/// The stores of this bus, into which everything can arrive that is to be delivered out of them.
async fn opened(settings: &Settings, registry: &Registry) -> Result<Stores, Fault> {
    let (office, authority) = (settings.office.to_string(), settings.folder.authority()?);
    let bus = BusName {
        authority: authority.fingerprint().to_string(),
        genesis: registry.genesis(),
    };
    let who = Identity::of(&office, authority.as_bytes(), Room::Outbox);
    let horizon = settings.heal.resend_horizon;
    let stores = open(settings.store.clone(), horizon, bus, who).await?;
    deliver::feeds::check(&settings.deliver, registry, &settings.office, &stores.inbox)?;
    Ok(stores)
}

/// The folder is this office's, and nobody else's to change.
fn own_folder(settings: &Settings, key: &SigningKey, registry: &Registry) -> Result<(), Fault> {
    let Settings { folder, office, .. } = settings;
    let open = private::check(folder);
    if !open.is_empty() {
        return Err(Mistakes(open).into());
    }
    certificate::check(folder, office)?;
    // A key that the registry does not know yet may come with its next lines.
    match registry.key(key.keyid()) {
        Some(known) if known.office != *office => {
            let another = certificate::another(folder, office, "signing.pk8", &known.office);
            Err(another.into())
        }
        Some(_) | None => Ok(()),
    }
}

/// What most rooms stand on.
struct Ground<'a> {
    settings: &'a Settings,
    key: Arc<SigningKey>,
    stores: &'a Stores,
    link: Link,
    registry: watch::Receiver<Arc<Registry>>,
}

impl Ground<'_> {
    fn dispatch(&self, nudge: Arc<Notify>) -> Dispatch {
        Dispatch {
            office: self.settings.office.clone(),
            key: self.key.clone(),
            outbox: self.stores.outbox.clone(),
            link: self.link.clone(),
            registry: self.registry.clone(),
            nudge,
            gap_wait: self.settings.heal.gap_wait,
        }
    }

    fn heal(&self, gaps: Gaps, nudge: Arc<Notify>) -> Heal {
        Heal {
            office: self.settings.office.clone(),
            key: self.key.clone(),
            outbox: self.stores.outbox.clone(),
            inbox: self.stores.inbox.clone(),
            link: self.link.clone(),
            registry: self.registry.clone(),
            settings: self.settings.heal,
            gaps,
            own_holes: OwnHoles::default(),
            nudge,
        }
    }

    fn confirm(&self) -> Confirm {
        Confirm {
            office: self.settings.office.clone(),
            key: self.key.clone(),
            inbox: self.stores.inbox.clone(),
            outbox: self.stores.outbox.clone(),
            link: self.link.clone(),
            registry: self.registry.clone(),
        }
    }

    fn deliveries(
        &self,
        targets: Targets,
        end: CancellationToken,
    ) -> impl Future<Output = Result<(), store::Outage>> + use<> {
        let from = deliver::From {
            inbox: self.stores.inbox.clone(),
            delivered: self.stores.delivered.clone(),
            targets,
            believes: deliver::signed_by(&self.registry.borrow()),
        };
        deliver::run(self.settings.deliver.clone(), from, end)
    }

    fn receive(&self, registry_wanted: Arc<Notify>, holds: Holds) -> Receive {
        Receive {
            office: self.settings.office.clone(),
            inbox: self.stores.inbox.clone(),
            link: self.link.clone(),
            registry: self.registry.clone(),
            registry_wanted,
            holds,
        }
    }
}

impl Rooms {
    /// What the stores need beside them: an end when a disk fails, and tidying.
    fn stores(&mut self, stores: &Stores, end: &CancellationToken) {
        self.store("outbox", stopped(stores.outbox.failed(), end.clone()));
        self.store("inbox", stopped(stores.inbox.failed(), end.clone()));
        self.store("inbox-space", stores.inbox.clone().tidy(end.clone()));
    }

    /// Starts the link, which outlives the rooms that use it; its early end is theirs, too.
    fn link(
        &mut self,
        task: LinkTask,
        stop: CancellationToken,
        end: CancellationToken,
    ) -> JoinHandle<()> {
        let link_gone = CancellationToken::new();
        let gone = link_gone.clone().drop_guard();
        self.start("link", async move {
            tokio::select! {
                () = link_gone.cancelled() => Err(Fault::Ended("link")),
                () = end.cancelled() => Ok(()),
            }
        });
        tokio::spawn(async move {
            let _gone = gone;
            task.run(stop).await;
        })
    }
}

/// Opening may take seconds where a store is damaged or large; what was amiss is told.
async fn open(
    store: settings::Store,
    resend_horizon: Duration,
    bus: BusName,
    who: Identity,
) -> Result<Stores, Fault> {
    let opened = tokio::task::spawn_blocking(move || -> Result<Stores, Fault> {
        let settings::Store {
            dir,
            disk_budget_bytes,
        } = store;
        // Each store makes its own folder in this one, whose name has to be safe before anything in it is.
        store::disk::make_directory(&dir)?;
        private::close(&dir);
        store::before::refuse_all(&dir, &[Room::Outbox, Room::Inbox, Room::Marks])?;
        let (outbox, report) = Outbox::open_keeping(&dir, &who, disk_budget_bytes, resend_horizon)?;
        for (code, text) in report.notes() {
            tracing::warn!(code, text, "the outbox was opened with something amiss");
        }
        let (inbox, repairs) = Inbox::open(&dir, &who)?;
        for repair in repairs {
            tracing::warn!(?repair, "the inbox was opened with something amiss");
        }
        let (delivered, findings) = Delivered::open(&dir, &bus, &who)?;
        for (code, text) in findings {
            inbox.alarms().raise(code, text);
        }
        Ok(Stores {
            outbox,
            inbox,
            delivered: Arc::new(delivered),
        })
    });
    opened
        .await
        .map_err(|panicked| Fault::Panicked(panicked.to_string()))?
}

/// A store that failed on its own, while nobody was asking it.
async fn stopped(failed: CancellationToken, end: CancellationToken) -> Result<(), store::Outage> {
    tokio::select! {
        () = failed.cancelled() => Err(store::Outage::Stopped),
        () = end.cancelled() => Ok(()),
    }
}

/// The running rooms, each by its name.
struct Rooms(JoinSet<(&'static str, Result<(), Fault>)>);

impl Rooms {
    fn start(
        &mut self,
        name: &'static str,
        room: impl Future<Output = Result<(), Fault>> + Send + 'static,
    ) {
        self.0
            .spawn(async move { (name, watchdog::in_room(name, room).await) });
    }

    fn store(
        &mut self,
        name: &'static str,
        room: impl Future<Output = Result<(), store::Outage>> + Send + 'static,
    ) {
        self.start(name, async move {
            room.await
                .map_err(|outage| Fault::Room { room: name, outage })
        });
    }

    /// Waits for the shutdown or the first room that ends by itself, then for all of them.
    async fn end(mut self, end: CancellationToken) -> Result<(), Fault> {
        let first = tokio::select! {
            Some(first) = self.0.join_next() => judge(first, end.is_cancelled()),
            () = end.cancelled() => Ok(()),
        };
        end.cancel();
        let rest = tokio::time::timeout(END_TIME, async {
            let mut all = first;
            while let Some(ended) = self.0.join_next().await {
                all = all.and(judge(ended, true));
            }
            all
        });
        rest.await.unwrap_or(Err(Fault::Stuck))
    }
}

fn judge(
    ended: Result<(&'static str, Result<(), Fault>), tokio::task::JoinError>,
    may_end: bool,
) -> Result<(), Fault> {
    match ended {
        Ok((_, Err(fault))) => Err(fault),
        Ok((_, Ok(()))) if may_end => Ok(()),
        Ok((room, Ok(()))) => Err(Fault::Ended(room)),
        Err(panicked) => Err(Fault::Panicked(panicked.to_string())),
    }
}
