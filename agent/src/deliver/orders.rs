//! What a person says of a delivery: an event is skipped, or what was delivered is delivered again. It comes in with who and why, and is done
//! between two deliveries by whoever delivers; that it was said is on disk before anybody is told so.

use std::sync::Arc;
use std::time::Duration;

use schemas::event::Position;
use schemas::subject::LogName;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::delivered::{Order, Ordered, UpTo};
use super::lanes::Lanes;
use super::limits::{ORDER_TIME, WHY_CHARS};
use super::{Ground, Targets};
use crate::store::Outage;
use crate::store::alarms::now_ms;

/// Stands before an arrival number, where that is meant and not an event's id.
pub const ARRIVAL: &str = "arrival:";

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// By its id: the event before which its log stands.
    Skip { event: String },
    /// From the event with this id on in its log, or `arrival:` and a number.
    Again { from: String },
}

/// An order, and who waits for its end.
#[derive(Debug)]
pub struct Request {
    what: What,
    by: String,
    why: String,
    answer: oneshot::Sender<Result<Done, Refused>>,
}

/// What was done: the logs that go on from another place, each with the position that is delivered next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done(pub Vec<(LogName, u64)>);

/// Why it was not.
#[derive(Debug)]
pub enum Refused {
    /// There is no target of this name.
    NoTarget,
    /// No log stands before this event.
    NotDue,
    /// Nothing that arrived is meant by it.
    NothingThere,
    /// No reason, or no name, of a length that is kept.
    Unsaid,
    /// It was not done in time; it may be yet.
    Late,
    Outage(Outage),
}

impl From<Outage> for Refused {
    fn from(outage: Outage) -> Refused {
        Refused::Outage(outage)
    }
}

impl Targets {
    /// Has an order carried out.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn order(
        &self,
        name: &str,
        what: What,
        by: String,
        why: String,
    ) -> Result<Done, Refused> {
        let said = |text: &str| (1..=WHY_CHARS).contains(&text.trim().chars().count());
        if !said(&by) || !said(&why) {
            return Err(Refused::Unsaid);
        }
        let to = self.orders_of(name).ok_or(Refused::NoTarget)?;
        let (answer, done) = oneshot::channel();
        let request = Request {
            what,
            by,
            why,
            answer,
        };
        let asked = async {
            to.send(request).await.map_err(|_| Outage::Stopped)?;
            done.await.map_err(|_| Outage::Stopped)?
        };
        timeout(ORDER_TIME, asked)
            .await
            .unwrap_or(Err(Refused::Late))
    }
}

/// Does what is ordered, and says which logs go on from another place. Safe to drop: what is written is done at the next start.
///
/// # Errors
/// The store failed; whoever waits is told.
pub async fn carry_out(
    ground: &Arc<Ground>,
    lanes: &mut Lanes,
    request: Request,
) -> Result<Vec<LogName>, Outage> {
    let Request {
        what,
        by,
        why,
        answer,
    } = request;
    let order = |what| Order {
        at_ms: now_ms(),
        by,
        why,
        what,
    };
    let done = match what {
        What::Skip { event } => skip(ground, lanes, &event, order).await,
        What::Again { from } => again(ground, from, order).await,
    };
    let (told, ended) = match done {
        Ok(done) => {
            let logs: Vec<LogName> = done.0.iter().map(|(log, _)| log.clone()).collect();
            for log in &logs {
                ground.targets.stuck(&ground.name, log, None);
                lanes.put(log)?;
            }
            (Ok(done), Ok(logs))
        }
        Err(Refused::Outage(outage)) => (Err(Refused::Outage(outage.clone())), Err(outage)),
        Err(refused) => (Err(refused), Ok(Vec::new())),
    };
    let _gone = answer.send(told);
    ended
}

async fn skip(
    ground: &Arc<Ground>,
    lanes: &Lanes,
    event: &str,
    order: impl FnOnce(Ordered) -> Order,
) -> Result<Done, Refused> {
    let due = lanes.due_with_id(event).ok_or(Refused::NotDue)?;
    let mark = ground.mark(&due)?;
    let position = due.event.position.number();
    let order = order(Ordered::Skip {
        source: due.log.source(),
        position,
        id: due.event.id,
        hash: due.event.hash.to_string(),
    });
    ground.tell_order(&order);
    let at_work = Arc::clone(ground);
    let written = move || at_work.delivered.order(&at_work.name, order, &[mark], &[]);
    blocking(written).await?;
    Ok(Done(vec![(due.log, position + 1)]))
}

async fn again(
    ground: &Arc<Ground>,
    from: String,
    order: impl FnOnce(Ordered) -> Order,
) -> Result<Done, Refused> {
    let (looking, asked) = (Arc::clone(ground), from.clone());
    let put = blocking(move || looking.back_to(&asked)).await?;
    if put.is_empty() {
        return Err(Refused::NothingThere);
    }
    let done = put.iter();
    let done = done
        .map(|(log, up_to)| (log.clone(), up_to.position + 1))
        .collect();
    let logs = put.len();
    let order = order(Ordered::Again { from, logs });
    ground.tell_order(&order);
    let at_work = Arc::clone(ground);
    let written = move || at_work.delivered.order(&at_work.name, order, &[], &put);
    blocking(written).await?;
    Ok(Done(done))
}

/// The disk's work, where it may take its time.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Outage> + Send + 'static,
) -> Result<T, Outage> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.unwrap_or(Err(Outage::Stopped))
}

impl Ground {
    /// Where logs stand before what is meant, of those that are further.
    fn back_to(&self, from: &str) -> Result<Vec<(LogName, UpTo)>, Outage> {
        let firsts = match from.strip_prefix(ARRIVAL) {
            Some(number) => match number.parse() {
                Ok(number) => self.inbox.arrived_from(&self.feed, number)?,
                Err(_) => return Ok(Vec::new()),
            },
            None => {
                let mut found = std::collections::BTreeMap::new();
                for (log, _) in self.inbox.logs(&self.feed)? {
                    if let Some(position) = self.inbox.position_of(&log, from)? {
                        found.insert(log, position);
                    }
                }
                found
            }
        };
        let mut put = Vec::new();
        for (log, first) in firsts {
            let up_to = self.delivered.up_to(&self.name, &log);
            if up_to.position >= first.number() {
                let before = self.before(&log, first, &up_to)?;
                put.push((log, before));
            }
        }
        Ok(put)
    }

    fn before(&self, log: &LogName, first: Position, up_to: &UpTo) -> Result<UpTo, Outage> {
        let Some(before) = first.before() else {
            return Ok(UpTo::default());
        };
        let hash = self.inbox.hash_known(log, before)?;
        Ok(UpTo {
            position: before.number(),
            hash: hash.or_else(|| self.delivered.hash_of(&self.name, log, before.number())),
            passed_over: up_to.passed_over.up_to(before.number()),
        })
    }

    fn tell_order(&self, order: &Order) {
        let Order { by, why, what, .. } = order;
        tracing::info!(target_name = %self.name, by, why, ?what, "a person orders what is delivered");
    }
}

/// How long a step that waits for orders may wait for something else.
pub async fn sleep_until(until: Option<std::time::Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

/// A wait that doubles with each try, up to the longest, and is not the same for all who wait.
pub fn doubled(first: Duration, longest: Duration, tries: u32) -> Duration {
    let doubled = first.saturating_mul(1 << tries.saturating_sub(1).min(16));
    doubled.min(longest).mul_f64(0.75 + 0.25 * fastrand::f64())
}
