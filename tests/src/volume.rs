//! A file system in memory (FUSE) that does to a program what disks do: on command it fails one call, or the power goes.
//! In: the program's storage calls. Out: what the volume holds, or what a power cut leaves of it. Never: two faults in one run; a call
//! that counts and is not the program's: nobody else has the volume.

mod fuse;
mod tree;

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fuser::{BackgroundSession, Config, MountOption};

use crate::disk::{Image, Keep};
use tree::Tree;

/// The calls that change a disk or make it safe, and `open`. A folder's sync counts as `fsync`, a folder's removal as `unlink`; at a
/// file system `write` and `pwrite` are one, and `sync_file_range` is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    Write,
    Fdatasync,
    Fsync,
    Rename,
    Ftruncate,
    Unlink,
    Open,
    /// An open that makes the file.
    Create,
    Mkdir,
}

impl Call {
    pub const ALL: [Call; 9] = [
        Call::Write,
        Call::Fdatasync,
        Call::Fsync,
        Call::Rename,
        Call::Ftruncate,
        Call::Unlink,
        Call::Open,
        Call::Create,
        Call::Mkdir,
    ];
}

/// What a failing call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// The answer is EIO, and nothing was done.
    Eio,
    /// The answer is ENOSPC, and nothing was done.
    Enospc,
    /// The process is killed at the call, and nothing was done.
    Sigkill,
    /// The answer is success, and nothing was done: of a write the length is there, not the bytes; a file that was made has no name.
    Nothing,
}

impl Effect {
    pub const ALL: [Effect; 4] = [
        Effect::Eio,
        Effect::Enospc,
        Effect::Sigkill,
        Effect::Nothing,
    ];
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Call::Write => "write",
            Call::Fdatasync => "fdatasync",
            Call::Fsync => "fsync",
            Call::Rename => "rename",
            Call::Ftruncate => "ftruncate",
            Call::Unlink => "unlink",
            Call::Open => "open",
            Call::Create => "create",
            Call::Mkdir => "mkdir",
        })
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Eio => "EIO",
            Effect::Enospc => "ENOSPC",
            Effect::Sigkill => "SIGKILL",
            Effect::Nothing => "no effect",
        })
    }
}

/// The `number`th call of its kind, from 1, has this effect; without a kind, the `number`th of all.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub call: Option<Call>,
    pub number: u64,
    pub effect: Effect,
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    /// As the table and the failures write it: `write 622 EIO`, `open 28 ENOSPC`, `rename 1 no effect`.
    fn from_str(text: &str) -> Result<Fault> {
        let mut words = text.splitn(3, ' ');
        let (call, number, effect) = (words.next(), words.next(), words.next());
        let call =
            call.and_then(|name| Call::ALL.into_iter().find(|call| call.to_string() == name));
        let effect = effect.and_then(|name| {
            Effect::ALL
                .into_iter()
                .find(|effect| effect.to_string() == name)
        });
        Ok(Fault {
            call: Some(call.context("no such call")?),
            number: number.context("a number is missing")?.parse()?,
            effect: effect.context("no such effect")?,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault {
            call,
            number,
            effect,
        } = self;
        match call {
            Some(call) => write!(f, "{call} {number} {effect}"),
            None => write!(f, "call {number} {effect}"),
        }
    }
}

/// Said to a process that has mounts of its own.
const OWN_MOUNTS: &str = "SPEAN_OWN_MOUNTS";
/// How long a volume that is unmounted may be in use.
const END_TIME: Duration = Duration::from_secs(30);

/// Makes this process begin again with mounts that nobody else has: a namespace that is made while a volume is mounted would copy it,
/// and use it for as long as it lives. They go with the last process of this one, whatever its end. Call it before anything else.
///
/// # Errors
/// There is no `unshare`. That it may not, it says itself.
pub fn own_mounts() -> Result<()> {
    if std::env::var_os(OWN_MOUNTS).is_some() {
        return Ok(());
    }
    let mut again = Command::new("unshare");
    again.arg("--mount").arg("--").arg(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1)).env(OWN_MOUNTS, "1");
    Err(again.exec()).context("cannot run unshare, and what mounts volumes needs mounts of its own")
}

/// Ends the process that uses the volume; returns when it was told.
pub type Kill = Box<dyn Fn() + Send>;

/// What the volume does besides its work.
#[derive(Default)]
struct Plan {
    fault: Option<Fault>,
    kill: Option<Kill>,
    counts: [u64; Call::ALL.len()],
    /// What the fault did to which path, once it has fired.
    fired: Option<String>,
    /// Syncs of files whose names end so are answered and do nothing.
    lie: Option<&'static str>,
    /// The power is gone: nothing is done any more.
    dark: bool,
    /// The write that may go on with the next request, and whether it is only answered.
    long: Option<(Part, bool)>,
}

/// What one request has of a write: of a long one the kernel makes several.
#[derive(Clone, Copy)]
struct Part {
    thread: u32,
    node: tree::Node,
    offset: u64,
    bytes: u64,
}

impl Part {
    fn goes_on(self, before: Part) -> bool {
        let end = before.offset + before.bytes;
        (self.thread, self.node, self.offset) == (before.thread, before.node, end)
    }
}

/// What becomes of a call.
enum Turn {
    Do,
    Fail(fuser::Errno),
    Pretend,
}

struct State {
    tree: Tree,
    plan: Plan,
}

/// A mounted volume.
pub struct Volume {
    state: Arc<Mutex<State>>,
    session: Option<BackgroundSession>,
    at: PathBuf,
}

impl Volume {
    /// Mounts what `image` holds, all of it safe, at an empty folder.
    pub fn mount(at: &Path, image: &Image) -> Result<Volume> {
        std::fs::create_dir_all(at)?;
        let state = Arc::new(Mutex::new(State {
            tree: Tree::holding(image),
            plan: Plan::default(),
        }));
        let mut volume = Volume {
            state,
            session: None,
            at: at.into(),
        };
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("spean-volume".into())];
        let session = fuser::spawn_mount(fuse::Served(Arc::clone(&volume.state)), at, &config);
        let session = session.with_context(|| {
            format!(
                "cannot mount a FUSE file system at {}: it needs /dev/fuse, and root or fusermount3",
                at.display()
            )
        })?;
        volume.session = Some(session);
        Ok(volume)
    }

    pub fn arm(&self, fault: Fault, kill: Kill) {
        let plan = &mut self.state().plan;
        plan.fault = Some(fault);
        plan.kill = Some(kill);
    }

    /// From now on syncs of files whose names end in `lie` do nothing.
    pub fn lie(&self, lie: &'static str) {
        self.state().plan.lie = Some(lie);
    }

    /// What the fault did, if it has fired.
    pub fn fired(&self) -> Option<String> {
        self.state().plan.fired.clone()
    }

    /// How often each call was made.
    pub fn counts(&self) -> [u64; Call::ALL.len()] {
        self.state().plan.counts
    }

    /// What the volume holds.
    pub fn image(&self) -> Image {
        self.state().tree.image()
    }

    /// The power goes: every call fails from now on. What is left, and how many unsynced changes it cost.
    pub fn cut(&self, keep: &mut Keep) -> (Image, usize) {
        let mut state = self.state();
        state.plan.dark = true;
        state.tree.cut(keep)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody has a file of it open: a killed process lives a moment longer, and whoever lives on is an error.
    pub fn unmount(mut self) -> Result<()> {
        let Some(session) = self.session.take() else {
            return Ok(());
        };
        let unmounted = Command::new("umount")
            .arg("--lazy")
            .arg(&self.at)
            .status()?;
        ensure!(unmounted.success(), "cannot unmount {}", self.at.display());
        let (ended, end) = mpsc::channel();
        std::thread::spawn(move || ended.send(session.join()).ok());
        let joined = end.recv_timeout(END_TIME);
        Ok(joined.with_context(|| {
            format!(
                "somebody uses the volume at {} still, {END_TIME:?} after its unmounting",
                self.at.display()
            )
        })??)
    }
}

impl Plan {
    /// A write counts once, and all of it has one fate. Two are told apart by a call in between, which every one of the stores' has.
    fn turn_of_write(&mut self, part: Part, path: impl FnOnce() -> PathBuf) -> Turn {
        let before = self.long.take().filter(|(before, _)| part.goes_on(*before));
        let turn = match before {
            Some((_, true)) => Turn::Pretend,
            Some((_, false)) if !self.dark => Turn::Do,
            Some(_) | None => self.turn(Call::Write, path),
        };
        self.long = match turn {
            Turn::Do => Some((part, false)),
            Turn::Pretend => Some((part, true)),
            Turn::Fail(_) => None,
        };
        turn
    }

    /// Counts a call, and says what becomes of it.
    fn turn(&mut self, call: Call, path: impl FnOnce() -> PathBuf) -> Turn {
        self.long = None;
        if self.dark {
            return Turn::Fail(fuser::Errno::EIO);
        }
        self.counts[call as usize] += 1;
        let count = match self.fault.and_then(|fault| fault.call) {
            Some(of_kind) if of_kind != call => return Turn::Do,
            Some(of_kind) => self.counts[of_kind as usize],
            None => self.counts.iter().sum(),
        };
        let due = |fault: &Fault| fault.number == count;
        let Some(fault) = self.fault.filter(due) else {
            return Turn::Do;
        };
        self.fired = Some(format!("{call} of {}", path().display()));
        match fault.effect {
            Effect::Eio => Turn::Fail(fuser::Errno::EIO),
            Effect::Enospc => Turn::Fail(fuser::Errno::ENOSPC),
            Effect::Nothing => Turn::Pretend,
            Effect::Sigkill => {
                if let Some(kill) = &self.kill {
                    kill();
                }
                self.dark = true;
                Turn::Fail(fuser::Errno::EIO)
            }
        }
    }

    fn lies_about(&self, name: Option<&OsStr>) -> bool {
        let name = name.map(OsStr::to_string_lossy);
        self.lie
            .zip(name)
            .is_some_and(|(lie, name)| name.ends_with(lie))
    }
}
