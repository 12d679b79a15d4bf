//! Delivery into a file: what is due of all logs comes in, together where much is; it is in the file afterwards, and marked. Where the file
//! cannot be written nothing of it counts, and it is due again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::envelope::{nats, structured};
use tokio::sync::mpsc;

use super::delivered::Mark;
use super::file::{Failed, LineFile, Written};
use super::lanes::{Due, Kind, Lanes};
use super::limits::{FILE_BYTES, FILE_EVENTS, FILE_PAUSE, RETRY_FIRST};
use super::orders::{Request, blocking, carry_out, doubled, sleep_until};
use super::written::{self, settle};
use super::{Ground, TargetState};
use crate::store::Outage;

pub struct ToFile {
    ground: Arc<Ground>,
    file: LineFile,
    lanes: Lanes,
    /// Writes in a row that failed.
    failed: u32,
    /// It stands aside from where it belongs.
    aside: bool,
}

/// What is written and marked together.
#[derive(Default)]
struct Page {
    lines: String,
    marks: Vec<Mark>,
    /// The last of it, if it came late: until it is marked it would be found once more.
    late: Option<Due>,
}

impl ToFile {
    pub fn new(ground: Arc<Ground>, file: LineFile) -> ToFile {
        ToFile {
            lanes: Lanes::new(Arc::clone(&ground)),
            ground,
            file,
            failed: 0,
            aside: false,
        }
    }

    /// Safe to drop at any await: what is marked is delivered, what is not is delivered again.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Request>) -> Result<(), Outage> {
        let mut news = self.ground.inbox.news();
        let mut settled = false;
        loop {
            news.borrow_and_update();
            let wait = match settled {
                true => self.write().await?,
                false => self.settle(&mut settled).await?,
            };
            let until = wait.map(|wait| Instant::now() + wait);
            tokio::select! {
                Ok(()) = news.changed(), if until.is_none() => {}
                Some(request) = orders.recv() => {
                    carry_out(&self.ground, &mut self.lanes, request).await?;
                }
                () = sleep_until(until) => {}
            }
        }
    }

    async fn settle(&mut self, settled: &mut bool) -> Result<Option<Duration>, Outage> {
        let (ground, file) = (Arc::clone(&self.ground), self.file.clone());
        let read = blocking(move || Ok(settle(&ground, &file))).await?;
        match read {
            Ok(()) => {
                *settled = true;
                Ok(Some(Duration::ZERO))
            }
            Err(written::Failed::NotNow(why)) => Ok(Some(self.not_now(&why))),
            Err(written::Failed::Store(outage)) => Err(outage),
        }
    }

    /// Writes what is due; how long to wait before the next time, or None until something comes.
    async fn write(&mut self) -> Result<Option<Duration>, Outage> {
        if self.aside {
            return Ok(self.put_in_place());
        }
        let page = self.gather().await?;
        if page.marks.is_empty() {
            self.tell_undecided();
            let soonest = self.lanes.soonest();
            let undecided = self
                .lanes
                .in_trouble()
                .then_some(self.ground.waits.told_after);
            let wait = soonest.map(|at| at.saturating_duration_since(Instant::now()));
            return Ok(wait.or(undecided));
        }
        let (ground, file) = (Arc::clone(&self.ground), self.file.clone());
        let Page { lines, marks, late } = page;
        let written = blocking(move || {
            Ok(file.append(&lines, |seen| {
                ground.delivered.mark(&ground.name, &marks, Some(seen))
            }))
        });
        match written.await? {
            Ok(written) => {
                if let Some(late) = late {
                    self.lanes.passed(&late)?;
                }
                Ok(self.written(written).or(Some(FILE_PAUSE)))
            }
            Err(Failed::Store(outage)) => Err(outage),
            Err(Failed::NotNow(why)) => {
                // What was gathered is due again.
                self.lanes = Lanes::new(Arc::clone(&self.ground));
                Ok(Some(self.not_now(&why)))
            }
        }
    }

    fn put_in_place(&mut self) -> Option<Duration> {
        let written = self.file.alone(|| self.file.in_place());
        self.written(written).or(Some(Duration::ZERO))
    }

    fn written(&mut self, written: Written) -> Option<Duration> {
        self.aside = written != Written::InPlace;
        match written {
            Written::Aside(why) => Some(self.not_now(&why)),
            Written::InPlace => {
                self.failed = 0;
                let name = &self.ground.name;
                self.ground.tell_standing("delivery-file-failed", None);
                let state = TargetState::Delivering;
                self.ground.targets.answered(name, state, "written");
                None
            }
        }
    }

    fn not_now(&mut self, why: &str) -> Duration {
        self.failed = self.failed.saturating_add(1);
        let ground = &self.ground;
        ground.not_taken(why);
        let text = format!("{}: {why}; what arrives waits", ground.name);
        ground.tell_standing("delivery-file-failed", Some(text));
        doubled(RETRY_FIRST, ground.waits.retry_longest, self.failed)
    }

    /// What is due and written together. A thousand events are read for it, beside the threads that everything else runs on: they would
    /// stand still for as long as a busy disk takes.
    async fn gather(&mut self) -> Result<Page, Outage> {
        // What a disk has no room for is tried in smaller parts.
        let most = FILE_EVENTS.checked_shr(self.failed).unwrap_or(0).max(1);
        let ground = Arc::clone(&self.ground);
        let mut lanes = std::mem::replace(&mut self.lanes, Lanes::new(Arc::clone(&ground)));
        let gathered = blocking(move || {
            lanes.refresh()?;
            let page = gather(&ground, &mut lanes, most)?;
            Ok((lanes, page))
        });
        let (lanes, page) = gathered.await?;
        self.lanes = lanes;
        Ok(page)
    }

    fn tell_undecided(&mut self) {
        for log in self.lanes.undecided(self.ground.waits.told_after) {
            self.ground.tell_undecided(&log);
        }
    }
}

/// So many of what is due at most, in the order of its arrival.
fn gather(ground: &Ground, lanes: &mut Lanes, most: usize) -> Result<Page, Outage> {
    let mut page = Page::default();
    while page.marks.len() < most && page.lines.len() < FILE_BYTES {
        let Some(due) = lanes.first(Instant::now()) else {
            break;
        };
        let position = due.event.position;
        let bytes = ground.inbox.get(&due.log, position)?;
        let event = bytes.and_then(|bytes| nats::read_stored(&bytes).ok());
        let Some(event) = event else {
            ground.not_taken("the inbox holds what is no event");
            lanes.not_taken(&due.log);
            lanes.wait(&due.log, ground.waits.retry_longest);
            continue;
        };
        page.lines.push_str(&structured::encode(&event));
        page.lines.push('\n');
        page.marks.push(ground.mark(&due)?);
        if due.kind == Kind::Late {
            page.late = Some(due);
            break;
        }
        lanes.passed(&due)?;
    }
    Ok(page)
}
