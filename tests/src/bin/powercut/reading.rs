//! Is everything that arrived there, and is it delivered once? The reader's half of a store comes in as a power cut left it:
//! inbox, the file of what was delivered, the file that is delivered into. Out: how long opening took, or what is amiss.
//! Never: a second event where one was delivered, but for the one that was under way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::deliver::delivered::{BusName, Delivered};
use agent::inbox::{Arrived, Inbox, Repair};
use agent::settings::{Deliver, DeliverTo, TargetName, Waits};
use agent::store::log::Room;
use anyhow::{Context as _, Result, anyhow, ensure};
use schemas::envelope::structured;
use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName};
use tokio_util::sync::CancellationToken;

use crate::load::FEED;
use crate::promises::{Place, Promises};
use crate::stage::{LINES, LINES_TAKEN, OFFICE};
use crate::tally::Seen;
use crate::whose::whose;

/// Names of the two targets as the recorded agent had them.
pub struct Names {
    pub webhook: TargetName,
    pub file: TargetName,
    /// An inbox that was set aside, with its alarm, is no loss: all of it is read from the bus again, under new arrival numbers.
    pub index_may_go: bool,
}

/// Opens the reader's stores under `store` and holds them against what was shown and posted before the cut.
pub async fn check(store: &Path, names: &Names, promises: &Promises, at_ns: u64) -> Result<Seen> {
    let began = Instant::now();
    let who = whose(store);
    let (inbox, repairs) = Inbox::open(store, &who).context("it does not open")?;
    // What was being written may be damaged; that what was synced before is there is seen by the marks.
    let (delivered, _) = Delivered::open(store, &bus_of(store), &who)?;
    let opened = began.elapsed();
    let feed: FeedName = FEED.parse()?;
    let arrivals = arrivals(&inbox, &feed).await?;
    behind_the_cursor(&inbox, &feed, promises)?;
    let gone = names.index_may_go && was_set_aside(&inbox);
    as_shown(&arrivals, promises, at_ns, gone)?;
    as_posted(&delivered, names, promises, at_ns)?;
    written_once(store, &feed, inbox, delivered, names, &arrivals).await?;
    Ok(Seen {
        opened,
        set_aside: repairs.iter().find_map(set_aside),
    })
}

/// The bus whose deliveries the folder tells.
pub fn bus_of(store: &Path) -> BusName {
    let folders = std::fs::read_dir(agent::store::folder(store, Room::Marks))
        .into_iter()
        .flatten()
        .flatten();
    let genesis = folders.filter_map(|folder| {
        let name = folder.file_name().into_string().ok()?;
        name.strip_prefix("bus-")?.parse().ok()
    });
    BusName {
        authority: "as it was".into(),
        genesis: genesis.last().unwrap_or(Hash::of(b"none")),
    }
}

async fn arrivals(inbox: &Inbox, feed: &FeedName) -> Result<Vec<Arrived>> {
    let mut all: Vec<Arrived> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.arrival);
        let page = inbox.page(feed, after, 1_000).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// The cursor is never ahead of the events.
fn behind_the_cursor(inbox: &Inbox, feed: &FeedName, promises: &Promises) -> Result<()> {
    let Some(cursor) = inbox.cursor(feed)? else {
        return Ok(());
    };
    let mut last = None;
    for (sequence, place) in promises.on_bus.range(..=cursor.stream_sequence) {
        let (log, position) = place.parts()?;
        if log.office.to_string() == OFFICE {
            // An office does not receive its own log; the cursor passes over it.
            last = Some(cursor.hash);
            continue;
        }
        last = inbox.hash_at(&log, position)?;
        ensure!(
            last.is_some(),
            "the cursor is at {} and {sequence} is not there",
            cursor.stream_sequence
        );
    }
    ensure!(last == Some(cursor.hash), "the cursor names another event");
    Ok(())
}

fn set_aside(repair: &Repair) -> Option<String> {
    match repair {
        Repair::SetAside { reason, .. } => Some(reason.clone()),
        Repair::OfLog(_) => None,
    }
}

/// By its alarms, now or before.
fn was_set_aside(inbox: &Inbox) -> bool {
    let alarms = inbox.alarms().list();
    alarms.iter().any(|alarm| alarm.code == "inbox-damaged")
}

/// Whoever pages by arrival number goes on where it was; where the index is gone, no old number means another event.
fn as_shown(arrivals: &[Arrived], promises: &Promises, at_ns: u64, gone: bool) -> Result<()> {
    let there: BTreeMap<u64, Place> = arrivals
        .iter()
        .map(|arrived| (arrived.arrival, Place::of(&arrived.log, arrived.position)))
        .collect();
    let shown = promises.shown.iter();
    for (arrival, (_, place)) in shown.filter(|(_, (at, _))| *at < at_ns) {
        let now = there.get(arrival);
        ensure!(
            now == Some(place) || gone && now.is_none(),
            "arrival {arrival} was shown as {place:?} and is {now:?}"
        );
    }
    Ok(())
}

/// What was answered before another was posted is marked; nothing is marked that was not posted.
fn as_posted(delivered: &Delivered, names: &Names, promises: &Promises, at_ns: u64) -> Result<()> {
    let posted: Vec<&Place> = promises
        .posted
        .iter()
        .filter(|(at, _)| *at < at_ns)
        .map(|(_, place)| place)
        .collect();
    let mut highest: BTreeMap<&str, u64> = BTreeMap::new();
    for (number, place) in posted.iter().enumerate() {
        let (log, _) = place.parts()?;
        let marked = delivered.position(&names.webhook, &log);
        // The last one may be under way, and so may be its repetition by an agent that was killed before the mark.
        let answered = posted[number..].iter().any(|later| later != place);
        ensure!(
            !answered || marked >= place.position,
            "{place:?} was delivered and marked, and the mark is gone"
        );
        let highest = highest.entry(&place.source).or_insert(0);
        *highest = place.position.max(*highest);
    }
    for place in promises.on_bus.values() {
        let (log, _) = place.parts()?;
        let marked = delivered.position(&names.webhook, &log);
        let posted = highest.get(place.source.as_str()).copied().unwrap_or(0);
        ensure!(
            marked <= posted,
            "{log}: {marked} is marked and {posted} was posted"
        );
    }
    Ok(())
}

/// Delivery goes on from here: in the end each arrival is one line, in order.
async fn written_once(
    store: &Path,
    feed: &FeedName,
    inbox: Inbox,
    delivered: Delivered,
    names: &Names,
    arrivals: &[Arrived],
) -> Result<()> {
    let path = store.join(LINES);
    let delivered = Arc::new(delivered);
    let mut ends: BTreeMap<&LogName, u64> = BTreeMap::new();
    for arrived in arrivals {
        ends.insert(&arrived.log, arrived.position.number());
    }
    let stop = CancellationToken::new();
    let to = DeliverTo::File(path.clone());
    let deliver = Deliver {
        name: names.file.clone(),
        feed: feed.clone(),
        to,
        waits: Waits::USUAL,
    };
    let from = agent::deliver::From {
        inbox,
        delivered: Arc::clone(&delivered),
        targets: agent::deliver::Targets::default(),
        believes: Arc::new(|_| true),
    };
    let delivering = agent::deliver::run(vec![deliver], from, stop.clone());
    let done = async {
        let all = || {
            ends.iter()
                .all(|(log, end)| delivered.position(&names.file, log) >= *end)
        };
        // What a line has of another one's beginning is cut off at the start, also where nothing is to be delivered.
        let taken = store.join(LINES_TAKEN);
        while !all() || !ends_whole(&path) || taken.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(delivering, done) };
    let (ended, ()) = tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .context("delivery does not end")?;
    ended?;
    lines_are(&path, arrivals)
}

fn ends_whole(path: &Path) -> bool {
    let text = std::fs::read(path).unwrap_or_default();
    text.is_empty() || text.ends_with(b"\n")
}

fn lines_are(path: &Path, arrivals: &[Arrived]) -> Result<()> {
    let text = std::fs::read(path).unwrap_or_default();
    let mut next: BTreeMap<LogName, u64> = BTreeMap::new();
    for line in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let event = structured::decode(line).map_err(|refusal| anyhow!("a line: {refusal}"))?;
        let (log, position) = (event.event().log().clone(), event.link().position.number());
        let next = next.entry(log.clone()).or_insert(1);
        ensure!(
            *next == position,
            "{log}: line {position} where {next} is due"
        );
        *next += 1;
    }
    for arrived in arrivals {
        let written = next.get(&arrived.log).copied().unwrap_or(1) - 1;
        let position = arrived.position.number();
        ensure!(
            position <= written,
            "{}: {position} is marked and not in the file",
            arrived.log
        );
    }
    Ok(())
}

impl Place {
    fn of(log: &LogName, position: Position) -> Place {
        Place {
            source: log.source(),
            position: position.number(),
        }
    }

    fn parts(&self) -> Result<(LogName, Position)> {
        let log = LogName::from_source(&self.source).map_err(|fault| anyhow!("{fault}"))?;
        let position = Position::new(self.position).context("positions begin at 1")?;
        Ok((log, position))
    }
}
