//! Every prefix of a recording is a moment at which the power may go: each becomes the disks that may be left, and each is opened.
//! In: a recording. Out: a tally for each room. Never: two openings of one state that is held against the same.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use anyhow::{Context as _, Result, anyhow};
use schemas::event::Hash;
use tempfile::TempDir;
use tests::disk::{Disk, Image, Keep, Way, concerns};

use crate::promises::Promises;
use crate::reading::Names;
use crate::stage::{self, LINES, LINES_TAKEN, Life, Load, Recording};
use crate::tally::{Seen, Tally};
use crate::trace::Step;
use crate::{outbox, reading};

/// The two halves of an agent's store; a cut leaves each in a state of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Room {
    Outbox,
    Reading,
}

const ROOMS: [Room; 2] = [Room::Outbox, Room::Reading];

/// How much is tried.
#[derive(Clone, Copy)]
struct Effort {
    load: Load,
    /// Draws of each way that is drawn.
    draws: u64,
    /// States over both rooms, roughly; the moments are spread over the recording.
    states: usize,
    distinct_min: usize,
}

const FULL: Effort = Effort {
    load: Load {
        submitters: 4,
        events: 24,
    },
    draws: 2,
    states: usize::MAX,
    distinct_min: 10_000,
};

const QUICK: Effort = Effort {
    load: Load {
        submitters: 3,
        events: 8,
    },
    draws: 1,
    states: 1_200,
    distinct_min: 500,
};

pub async fn run(quick: bool, states: Option<usize>, seed: u64, keep: &Path) -> Result<bool> {
    let effort = if quick { QUICK } else { FULL };
    let effort = Effort {
        states: states.unwrap_or(effort.states),
        ..effort
    };
    let folder = TempDir::with_prefix("spean-powercut-")?;
    println!("recording an agent's storage calls ...");
    let recording = stage::record(folder.path(), effort.load).await?;
    let calls: usize = recording
        .lives
        .iter()
        .map(|life| life.trace.steps.len())
        .sum();
    let cut_short: usize = recording
        .lives
        .iter()
        .map(|life| life.trace.cut_short)
        .sum();
    let keep = keep.to_owned();
    let replaying = move || -> Result<bool> {
        let replay = Replay::new(recording, effort, seed, &keep);
        let tallies = replay.tallies(None)?;
        let distinct: usize = tallies.iter().map(|tally| tally.distinct).sum();
        println!(
            "replayed power cuts, seed {seed}: {calls} calls recorded in 3 lives of an agent, {cut_short} more cut short by a kill"
        );
        for (room, tally) in ROOMS.iter().zip(&tallies) {
            println!("{room:?}: {tally}");
        }
        let lost: usize = tallies.iter().map(|tally| tally.failures.len()).sum();
        println!(
            "{distinct} distinct states, {lost} with something lost, doubled or changed; with 0 of N, the true rate is below 3/N = {:.5}",
            3.0 / distinct as f64
        );
        let sees = replay.sees_losses()?;
        Ok(sees
            && distinct >= effort.distinct_min
            && tallies
                .iter()
                .all(|tally| tally.passes(effort.distinct_min / 4)))
    };
    tokio::task::spawn_blocking(replaying).await?
}

/// What all states are held against, and where failed ones go.
struct Replay {
    recording: Recording,
    promises: Arc<Promises>,
    names: Arc<Names>,
    effort: Effort,
    seed: u64,
    keep: PathBuf,
}

/// A state to be opened.
struct Job {
    room: Room,
    image: Image,
    at_ns: u64,
    promises: usize,
    name: String,
}

/// When the power goes.
struct Moment {
    room: Room,
    number: u64,
    /// The state lasts until then.
    at_ns: u64,
    name: String,
}

impl Replay {
    fn new(mut recording: Recording, effort: Effort, seed: u64, keep: &Path) -> Replay {
        let names = Names {
            webhook: stage::webhook_name(),
            file: stage::file_name(),
            index_may_go: false,
        };
        Replay {
            promises: Arc::new(Promises::of(std::mem::take(&mut recording.entries))),
            names: Arc::new(names),
            recording,
            effort,
            seed,
            keep: keep.into(),
        }
    }

    /// Replays all of it. `lie` names files whose syncs do nothing.
    fn tallies(&self, lie: Option<&str>) -> Result<Vec<Tally>> {
        let scratch = scratch()?;
        let tallies: [Mutex<Tally>; 2] = Default::default();
        let panics = AtomicUsize::new(0);
        let (jobs, todo) = mpsc::sync_channel::<Job>(4);
        let todo = Mutex::new(todo);
        std::thread::scope(|scope| -> Result<()> {
            // The workers end when this is gone.
            let jobs = jobs;
            let workers = std::thread::available_parallelism().map_or(2, usize::from);
            for worker in 0..workers {
                let folder = scratch.path().join(worker.to_string());
                let (todo, tallies, panics) = (&todo, &tallies, &panics);
                scope.spawn(move || {
                    let next = || todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    while let Ok(job) = next() {
                        let seen = self.open(&job, &folder, lie.is_none(), panics);
                        let tally = &tallies[job.room as usize];
                        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                        tally.add(&job.name, job.promises, seen);
                    }
                });
            }
            self.cut_everywhere(lie, &tallies, |job| {
                jobs.send(job).map_err(|_| anyhow!("the workers are gone"))
            })
        })?;
        let mut tallies: Vec<Tally> = tallies
            .into_iter()
            .map(|tally| tally.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect();
        tallies[0].panics = panics.into_inner();
        Ok(tallies)
    }

    /// Walks through the recording and gives out the states of each moment.
    fn cut_everywhere(
        &self,
        lie: Option<&str>,
        tallies: &[Mutex<Tally>; 2],
        mut give: impl FnMut(Job) -> Result<()>,
    ) -> Result<()> {
        let every = self.every(lie)?;
        let mut seen = HashMap::new();
        let mut disk = Disk::new(&self.recording.root);
        let mut moments = 0;
        for (life, Life { trace, left }) in self.recording.lives.iter().enumerate() {
            for (number, step) in trace.steps.iter().enumerate() {
                let Some(path) = disk.apply(step.call.clone(), lie) else {
                    continue;
                };
                let path = path.strip_prefix(&self.recording.root)?;
                for room in ROOMS
                    .into_iter()
                    .filter(|room| !is_scratch(path) && concerns(&room.below(), path))
                {
                    moments += 1;
                    if moments % every == 0 {
                        let moment = Moment {
                            room,
                            number: moments as u64,
                            at_ns: self.until(life, number),
                            name: format!("{room:?}-life-{}-call-{number}", life + 1),
                        };
                        self.cut(
                            &disk,
                            &moment,
                            &tallies[room as usize],
                            &mut seen,
                            &mut give,
                        )?;
                    }
                }
            }
            disk.process_ends(Path::new(stage::STORE), left, trace.cut_short)?;
        }
        Ok(())
    }

    /// Gives out what a cut may leave at one moment, but for what was given out before.
    fn cut(
        &self,
        disk: &Disk,
        moment: &Moment,
        tally: &Mutex<Tally>,
        seen: &mut HashMap<(Room, Hash), usize>,
        give: &mut impl FnMut(Job) -> Result<()>,
    ) -> Result<()> {
        let tally = || tally.lock().unwrap_or_else(PoisonError::into_inner);
        let &Moment { room, at_ns, .. } = moment;
        let promises = self.promised(room, at_ns);
        tally().cuts += 1;
        for (way, draw) in self.ways() {
            let seed = self.seed.wrapping_mul(1_000_003);
            let seed = seed.wrapping_add(moment.number * 64 + draw);
            let (mut image, dropped) = disk.cut(&room.below(), &mut Keep::new(way, seed));
            image.files.retain(|path, _| !is_scratch(path));
            let before = seen.insert((room, image.hash()), promises);
            if before.is_some_and(|before| before >= promises) {
                continue;
            }
            if before.is_none() {
                let mut tally = tally();
                tally.distinct += 1;
                tally.lossy += usize::from(dropped > 0);
            }
            give(Job {
                room,
                image,
                at_ns,
                promises,
                name: format!("{}-{way:?}-{draw}", moment.name),
            })?;
        }
        Ok(())
    }

    fn ways(&self) -> Vec<(Way, u64)> {
        let draws = |way: Way| {
            0..if way.is_random() {
                self.effort.draws
            } else {
                1
            }
        };
        Way::ALL
            .into_iter()
            .flat_map(|way| draws(way).map(move |draw| (way, draw * 8 + way as u64)))
            .collect()
    }

    /// Which moments are taken, so that about as many states come out as were asked for.
    fn every(&self, lie: Option<&str>) -> Result<usize> {
        let mut disk = Disk::new(&self.recording.root);
        let mut moments = 0;
        for Life { trace, left } in &self.recording.lives {
            moments += trace
                .steps
                .iter()
                .filter_map(|step| disk.apply(step.call.clone(), None))
                .count();
            disk.process_ends(Path::new(stage::STORE), left, trace.cut_short)?;
        }
        let states = if lie.is_some() {
            400
        } else {
            self.effort.states
        };
        Ok((moments * self.ways().len() / states).max(1))
    }

    /// The state behind a call lasts until the next call that strace saw.
    fn until(&self, life: usize, number: usize) -> u64 {
        let lives = &self.recording.lives;
        let next: Option<&Step> = lives[life].trace.steps.get(number + 1);
        let next = next.or_else(|| lives.get(life + 1)?.trace.steps.first());
        next.map_or(u64::MAX, |step| step.at_ns)
    }

    fn promised(&self, room: Room, at_ns: u64) -> usize {
        match room {
            Room::Outbox => self.promises.accepted_before(at_ns),
            Room::Reading => self.promises.delivered_before(at_ns),
        }
    }

    /// Writes the state out and opens it; one that fails is kept.
    fn open(
        &self,
        job: &Job,
        folder: &Path,
        keeps: bool,
        panics: &AtomicUsize,
    ) -> Result<Seen, String> {
        let opened = job.image.write(folder).and_then(|()| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let store = folder.join("store");
            let check = async {
                match job.room {
                    Room::Outbox => outbox::check(&store, &self.promises, job.at_ns).await,
                    Room::Reading => {
                        reading::check(&store, &self.names, &self.promises, job.at_ns).await
                    }
                }
            };
            catch_unwind(AssertUnwindSafe(|| runtime.block_on(check))).unwrap_or_else(|_| {
                panics.fetch_add(1, Ordering::Relaxed);
                Err(anyhow!("it panicked"))
            })
        });
        opened.map_err(|why| {
            let kept = self.keep.join(&job.name);
            if keeps && job.image.write(&kept).is_err() {
                eprintln!("powercut: cannot keep {}", kept.display());
            }
            format!("{}: {why:#}", job.name)
        })
    }

    /// Whether this would see a loss at all: with syncs that do nothing, both rooms must lose.
    fn sees_losses(&self) -> Result<bool> {
        let mut sees = true;
        for (room, lie) in ROOMS.into_iter().zip([".log", ".log"]) {
            let tallies = self.tallies(Some(lie))?;
            let failed = tallies[room as usize].failures.len();
            println!(
                "{room:?}, syncs of {lie} doing nothing: {failed} of {} states lose, as they must",
                tallies[room as usize].opened
            );
            sees &= failed > 0;
        }
        Ok(sees)
    }
}

/// Tables are made anew at each start, whatever is left of them.
fn is_scratch(path: &Path) -> bool {
    path.iter().any(|name| name == "tables")
}

impl Room {
    fn below(self) -> Vec<PathBuf> {
        let names: &[&str] = match self {
            Room::Outbox => &["2/outbox"],
            Room::Reading => &["2/inbox", "2/marks", LINES, LINES_TAKEN],
        };
        names
            .iter()
            .map(|name| Path::new("store").join(name))
            .collect()
    }
}

/// In memory where that is possible: nothing here has to outlive a power cut.
pub fn scratch() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        TempDir::with_prefix_in("spean-powercut-", memory)
    } else {
        TempDir::with_prefix("spean-powercut-")
    };
    made.context("cannot make a folder for the states")
}
