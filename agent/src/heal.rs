//! Healing: what the bus counts, what others ask for and what readers miss come in; requests to heal, and the lost events
//! themselves, go out to the bus. Nothing is decided by what a request says: it only says where to look.
//!
//! One task for each session; nothing of it is remembered that the next session would not find again.

#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::unwrap_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
    )
)]

mod check;
mod declare;
pub mod gaps;
mod limits;
mod refill;

use std::collections::BTreeSet;
use std::sync::Arc;

use schemas::alarm::Alarm;
use schemas::heal::{HEAL_PREFIX, HealRequest, Ranges};
use schemas::registry::Registry;
use schemas::signing::SigningKey;
use schemas::subject::{FeedName, LogName, OfficeId};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::declare::OwnHoles;
use self::gaps::Gaps;
use self::limits::{GAP_LOOK_INTERVAL, HEARD_MAX, PAUSE, REFILLS_AT_ONCE};
use crate::dispatch::Trouble;
use crate::inbox::Inbox;
use crate::link::{Link, Session};
use crate::outbox::Outbox;
use crate::settings;
use crate::status::Told;
use crate::store;
use crate::store::alarms::now_ms;
use crate::watchdog::in_room;

/// What healing stands on.
#[derive(Clone)]
pub struct Heal {
    pub office: OfficeId,
    pub key: Arc<SigningKey>,
    pub outbox: Outbox,
    pub inbox: Inbox,
    pub link: Link,
    pub registry: watch::Receiver<Arc<Registry>>,
    pub settings: settings::Heal,
    pub gaps: Gaps,
    pub own_holes: OwnHoles,
    /// Makes dispatch read its heads again.
    pub nudge: Arc<Notify>,
}

/// What a task came to.
enum Done {
    /// A look at a feed; these are to be asked for.
    Checked(FeedName, Vec<HealRequest>),
    Refilled(LogName),
}

type Tasks = JoinSet<Result<Done, Trouble>>;

impl Heal {
    /// Heals from session to session until the shutdown.
    ///
    /// # Errors
    /// The store failed: whoever owns it opens it anew.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), store::Outage> {
        let mut told = Told::default();
        let healing = async {
            loop {
                let session = self.link.session().await;
                match self.serve(&session).await {
                    Ok(()) | Err(Trouble::Ended) => {}
                    Err(Trouble::Store(outage)) => return Err(outage),
                    Err(why @ Trouble::Held { .. }) => {
                        if told.is_news(&why.to_string(), Instant::now()) {
                            tracing::warn!(%why, "healing pauses");
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            failed = healing => failed,
            () = shutdown.cancelled() => Ok(()),
        }
    }

    /// Until the session ends or the registry changes.
    async fn serve(&self, session: &Session) -> Result<(), Trouble> {
        let mut changed = self.registry.clone();
        let registry = changed.borrow_and_update().clone();
        let feeds = Feeds::of(&registry, &self.office);
        let (mut heard, _listening) = listen(session, feeds.subjects(&self.office)).await?;
        let mut ward = Ward {
            heal: self,
            session,
            registry,
            tasks: Tasks::new(),
            busy: BTreeSet::new(),
            looking: BTreeSet::new(),
        };
        // Dispatch makes its own log agree first.
        let first = tokio::time::Instant::now() + self.settings.first_check();
        let mut checks = tokio::time::interval_at(first, self.settings.check_interval);
        let mut looks = tokio::time::interval(GAP_LOOK_INTERVAL);
        loop {
            tokio::select! {
                Some(request) = heard.recv() => ward.begin(request),
                _ = checks.tick() => feeds.all.iter().for_each(|feed| ward.check(feed)),
                _ = looks.tick() => ward.look_for_gaps(&feeds).await?,
                Some(done) = ward.tasks.join_next() => match done {
                    Ok(done) => ward.take(done).await?,
                    Err(_panicked) => return Err(store::Outage::Stopped.into()),
                },
                Ok(()) = changed.changed() => return Ok(()),
                () = session.ended().cancelled() => return Ok(()),
            }
        }
    }

    /// The logs of a feed that are read here.
    fn gaps_of(&self, feed: &FeedName) -> Result<Vec<(LogName, Ranges)>, store::Outage> {
        let mut open = Vec::new();
        for (log, state) in self.inbox.logs(feed)? {
            if state.parked_events > 0 || state.left_behind {
                let missing = self.inbox.gaps(&log)?;
                if !missing.is_empty() {
                    open.push((log, missing));
                }
            }
        }
        Ok(open)
    }
}

/// The feeds that concern this office.
struct Feeds {
    readable: Vec<FeedName>,
    /// Those, and the ones on which it publishes.
    all: BTreeSet<FeedName>,
}

impl Feeds {
    fn of(registry: &Registry, office: &OfficeId) -> Feeds {
        let names = |feeds: Vec<&schemas::feed::Feed>| {
            let names = feeds.into_iter().map(|feed| feed.name.clone());
            names.collect::<Vec<FeedName>>()
        };
        let readable = names(registry.readable_feeds(office));
        let published = names(registry.publishable_feeds(office));
        let all = readable.iter().cloned().chain(published).collect();
        Feeds { readable, all }
    }

    /// Where requests are heard: all of a feed that is read, else those for the own log.
    fn subjects(&self, office: &OfficeId) -> Vec<String> {
        let subject = |feed: &FeedName| match self.readable.contains(feed) {
            true => format!("{HEAL_PREFIX}{feed}.>"),
            false => format!(
                "{HEAL_PREFIX}{feed}.{}.{}",
                office.ministry(),
                office.place()
            ),
        };
        self.all.iter().map(subject).collect()
    }
}

/// Hears requests on these subjects. One that finds no room is asked again.
async fn listen(
    session: &Session,
    subjects: Vec<String>,
) -> Result<(mpsc::Receiver<HealRequest>, JoinSet<()>), Trouble> {
    let (heard_by, heard) = mpsc::channel(HEARD_MAX);
    let mut listening = JoinSet::new();
    for subject in subjects {
        let listened = session.listen(subject).await;
        let mut subscription = listened.map_err(|_ended| Trouble::Ended)?;
        let heard_by = heard_by.clone();
        listening.spawn(async move {
            while let Ok(delivery) = subscription.next().await {
                if let Ok(request) = HealRequest::read(&delivery.subject, &delivery.payload) {
                    let _asked_again = heard_by.try_send(request);
                }
            }
        });
    }
    Ok((heard, listening))
}

/// What is under way over one session.
struct Ward<'h> {
    heal: &'h Heal,
    session: &'h Session,
    registry: Arc<Registry>,
    tasks: Tasks,
    /// Logs that are being refilled.
    busy: BTreeSet<LogName>,
    /// Feeds that are being looked at.
    looking: BTreeSet<FeedName>,
}

impl Ward<'_> {
    /// Looks at what a feed's stream counts, one look after the other.
    fn check(&mut self, feed: &FeedName) {
        if !self.looking.insert(feed.clone()) {
            return;
        }
        let feed = feed.clone();
        let look = check::Look {
            heal: self.heal.clone(),
            session: self.session.clone(),
            registry: self.registry.clone(),
            feed: feed.clone(),
        };
        self.tasks.spawn(in_room("heal/check", async move {
            let requests = look.run().await?;
            Ok(Done::Checked(feed, requests))
        }));
    }

    /// Brings back what is asked for, as far as it is here; one task for each log.
    fn begin(&mut self, request: HealRequest) {
        if self.busy.len() >= REFILLS_AT_ONCE || !self.busy.insert(request.log.clone()) {
            return;
        }
        let refill = refill::Refill::new(self.heal.clone(), self.session.clone(), request);
        self.tasks.spawn(in_room("heal/refill", async move {
            let log = refill.log().clone();
            refill.run().await.map(|()| Done::Refilled(log))
        }));
    }

    async fn take(&mut self, done: Result<Done, Trouble>) -> Result<(), Trouble> {
        match done {
            Ok(Done::Checked(feed, requests)) => {
                self.looking.remove(&feed);
                for request in requests {
                    self.ask(request).await?;
                }
                Ok(())
            }
            Ok(Done::Refilled(log)) => {
                self.busy.remove(&log);
                Ok(())
            }
            // It is looked at again.
            Err(Trouble::Held { code, text }) => {
                tracing::warn!(%code, text, "a log could not be healed now");
                self.busy.clear();
                self.looking.clear();
                Ok(())
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Asks the others, and brings back what is here.
    async fn ask(&mut self, request: HealRequest) -> Result<(), Trouble> {
        tracing::info!(log = %request.log, missing = %request.missing, "asked to heal");
        let said = self.session.say(request.subject(), request.body().into());
        said.await.map_err(|_ended| Trouble::Ended)?;
        self.begin(request);
        Ok(())
    }

    /// What readers miss: told to people when it has lasted a moment, and asked for again and again.
    async fn look_for_gaps(&mut self, feeds: &Feeds) -> Result<(), Trouble> {
        let mut open = Vec::new();
        for feed in &feeds.readable {
            open.extend(self.heal.gaps_of(feed)?);
        }
        let heal = self.heal;
        let seen = heal.gaps.see(open, Instant::now(), now_ms());
        for text in seen.opened {
            heal.inbox.alarms().raise(Alarm::Gap, text);
        }
        for text in seen.closed {
            tracing::info!("{text}");
        }
        for (log, missing) in seen.wanted {
            let request = HealRequest::new(log, &missing);
            let said = self.session.say(request.subject(), request.body().into());
            said.await.map_err(|_ended| Trouble::Ended)?;
        }
        Ok(())
    }
}
