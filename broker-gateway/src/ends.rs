//! Where each feed's stream ends: what its leader says comes in, and what readers have named; what offices may be told goes out, and a warning
//! where the bus has less than somebody has seen. Never a number from before the connection on which it was read broke.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::newest::{Contradicted, End, Newest, Witnesses, contradiction};
use schemas::subject::FeedName;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::audit::{Audit, Record};
use crate::counts::{self, Uncounted};
use crate::limits::{ENDS_FRESH, ENDS_LOOK_INTERVAL, ENDS_TOLD_MAX};
use crate::policy::Policy;
use crate::seldom::seldom;
use crate::upstream::jetstream::{JetStream, Source};

/// The code under which the audit has it.
const BEHIND: &str = "feed-behind";
/// As whom the gateway remembers its own readings.
const THIS_GATEWAY: &str = "this gateway";

/// Shared by whoever reads, appends and tells. The registry bounds the feeds.
#[derive(Debug, Clone, Default)]
pub struct Ends(Arc<Mutex<BTreeMap<FeedName, Feed>>>);

#[derive(Debug, Default)]
struct Feed {
    end: Option<Reading>,
    witnesses: Witnesses,
    /// Somebody is to be told, and what is known is old.
    wanted: bool,
    /// The bus has less than was named, and the audit does not have it yet.
    behind: Option<Newest>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    newest: Newest,
    /// When the leader was asked: it had no more then.
    at: Instant,
}

impl Ends {
    /// The leader, asked at this moment, says that this is the stream's last sequence.
    pub fn reads(&self, feed: &FeedName, last: u64, at: Instant) {
        let Some(newest) = Newest::new(last) else {
            return;
        };
        let contradicted = self.change(feed, |known| {
            if known.end.is_some_and(|end| end.at > at) {
                return Vec::new();
            }
            known.end = Some(Reading { newest, at });
            known.wanted = false;
            let contradicted = known.witnesses.hold_against(newest, at.into_std());
            known.witnesses.name(THIS_GATEWAY, newest, at.into_std());
            if !contradicted.is_empty() {
                known.behind = Some(newest);
            }
            contradicted
        });
        warn_of(feed, newest, &contradicted);
    }

    /// A reader has seen this one.
    pub fn names(&self, feed: &FeedName, who: &str, newest: Newest) {
        let now = Instant::now().into_std();
        self.change(feed, |known| known.witnesses.name(who, newest, now));
    }

    /// What was read a moment ago.
    pub fn fresh(&self, feed: &FeedName) -> Option<Newest> {
        let end = self.change(feed, |known| known.end);
        end.filter(|end| end.at.elapsed() < ENDS_FRESH)
            .map(|end| end.newest)
    }

    /// What is known of these, each with its age. What is old is looked at, and told the next time.
    pub fn of<'f>(&self, feeds: impl IntoIterator<Item = &'f FeedName>) -> Vec<End> {
        let mut ends = Vec::new();
        for feed in feeds {
            let end = self.change(feed, |known| {
                let age = known.end.map(|end| end.at.elapsed());
                known.wanted |= age.is_none_or(|age| age >= ENDS_FRESH);
                known.end.zip(age)
            });
            let told = end.filter(|(_, age)| *age <= ENDS_TOLD_MAX);
            ends.extend(told.map(|(end, ago)| End {
                feed: feed.clone(),
                newest: end.newest,
                ago,
            }));
        }
        ends
    }

    /// The connection is another one: the bus may have gone back.
    pub fn forget(&self, feed: &FeedName) {
        self.change(feed, |known| known.end = None);
    }

    fn forget_all(&self) {
        self.all().values_mut().for_each(|known| known.end = None);
    }

    /// Whose end is to be read: somebody waits for it, or it would contradict somebody.
    fn wanted(&self) -> Vec<FeedName> {
        let now = Instant::now().into_std();
        let mut all = self.all();
        let wanted = all.iter_mut().filter_map(|(feed, known)| {
            let newest = known.end.map(|end| end.newest);
            let waits = std::mem::take(&mut known.wanted);
            (waits || known.witnesses.doubt(newest, now)).then(|| feed.clone())
        });
        wanted.collect()
    }

    fn take_behind(&self) -> Vec<(FeedName, Newest)> {
        let mut all = self.all();
        let behind = all
            .iter_mut()
            .filter_map(|(feed, known)| Some((feed.clone(), known.behind.take()?)));
        behind.collect()
    }

    fn change<T>(&self, feed: &FeedName, change: impl FnOnce(&mut Feed) -> T) -> T {
        let mut all = self.all();
        match all.get_mut(feed) {
            Some(known) => change(known),
            None => change(all.entry(feed.clone()).or_default()),
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<FeedName, Feed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn warn_of(feed: &FeedName, newest: Newest, contradicted: &[Contradicted]) {
    if let Some(text) = contradiction(feed, ("nats-server", newest), contradicted) {
        seldom!(warn, feed, "feed-behind", code = BEHIND, "{text}");
    }
}

/// Asks the leader.
///
/// # Errors
/// The server does not answer, or has no such stream.
pub async fn look(jetstream: &JetStream, feed: &FeedName, ends: &Ends) -> Result<(), Uncounted> {
    let asked = Instant::now();
    let last = counts::last(jetstream, feed).await?;
    ends.reads(feed, last, asked);
    Ok(())
}

/// Looks at what nobody looks at otherwise, beside all sessions.
pub struct Looker {
    pub ends: Ends,
    pub broker: Arc<dyn Source>,
    pub policies: watch::Receiver<Arc<Policy>>,
    pub audit: Audit,
}

impl Looker {
    /// Looks until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let looking = async {
            let mut connection = None;
            loop {
                tokio::time::sleep(ENDS_LOOK_INTERVAL).await;
                self.look(&mut connection).await;
                self.record().await;
            }
        };
        tokio::select! {
            () = looking => {}
            () = shutdown.cancelled() => {}
        }
    }

    /// A broker that does not answer has other witnesses.
    async fn look(&self, connection: &mut Option<JetStream>) {
        if connection.take_if(|open| open.is_closed()).is_some() {
            self.ends.forget_all();
        }
        let wanted = self.ends.wanted();
        if wanted.is_empty() {
            return;
        }
        let opened = match connection.take() {
            Some(open) => Ok(open),
            None => self.broker.open(None).await,
        };
        match opened {
            Ok(open) => {
                let open = connection.insert(open);
                for feed in &wanted {
                    if let Err(why) = look(open, feed, &self.ends).await {
                        debug!(%feed, %why, "where the stream ends is not told");
                    }
                }
            }
            Err(outage) => debug!(%outage, "where streams end cannot be asked"),
        }
    }

    async fn record(&self) {
        let behind = self.ends.take_behind();
        let registry = self.policies.borrow().position();
        let records = behind.iter().map(|(feed, newest)| Record {
            op: "bus",
            subject: Some(feed.as_str()),
            answer: "behind",
            code: Some(BEHIND),
            registry,
            id: None,
            position: Some(newest.number()),
        });
        self.audit.record(None, records).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use schemas::limits::NEWEST_LAG_MAX;

    use super::*;

    fn feed() -> FeedName {
        "health-quarterly".parse().expect("a feed")
    }

    fn newest(number: u64) -> Newest {
        Newest::new(number).expect("a sequence")
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_told_with_its_age_and_what_is_old_is_looked_at() {
        let ends = Ends::default();
        assert!(ends.of([&feed()]).is_empty());
        assert_eq!(ends.wanted(), [feed()], "somebody waits for it");
        assert!(ends.wanted().is_empty(), "asked once");
        ends.reads(&feed(), 25, Instant::now());
        assert_eq!(ends.fresh(&feed()), Some(newest(25)));
        tokio::time::advance(ENDS_FRESH).await;
        assert_eq!(ends.fresh(&feed()), None);
        let told = ends.of([&feed()]);
        assert_eq!((told[0].newest, told[0].ago), (newest(25), ENDS_FRESH));
        assert_eq!(ends.wanted(), [feed()]);
        tokio::time::advance(ENDS_TOLD_MAX).await;
        assert!(ends.of([&feed()]).is_empty(), "too old to be told");
        // What was asked earlier and answered later changes nothing.
        let earlier = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        ends.reads(&feed(), 27, Instant::now());
        ends.reads(&feed(), 26, earlier);
        assert_eq!(ends.fresh(&feed()), Some(newest(27)));
        ends.forget(&feed());
        assert_eq!(ends.fresh(&feed()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bus_that_has_less_than_a_reader_or_this_gateway_has_seen_is_told_once() {
        let ends = Ends::default();
        ends.reads(&feed(), 25, Instant::now());
        ends.names(&feed(), "moh/hq", newest(30));
        assert!(ends.wanted().is_empty(), "it may be on its way");
        tokio::time::advance(NEWEST_LAG_MAX).await;
        assert_eq!(ends.wanted(), [feed()]);
        ends.reads(&feed(), 25, Instant::now());
        assert_eq!(ends.take_behind(), [(feed(), newest(25))]);
        assert!(ends.wanted().is_empty(), "told once");
        // The broker is another one: what was read before does not hide what it has lost.
        ends.forget_all();
        assert_eq!(ends.wanted(), [feed()]);
        ends.reads(&feed(), 12, Instant::now());
        assert_eq!(ends.take_behind(), [(feed(), newest(12))]);
        ends.reads(&feed(), 12, Instant::now());
        assert!(ends.take_behind().is_empty() && ends.wanted().is_empty());
    }
}
