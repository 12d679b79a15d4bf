//! What a scenario takes away from programs: room on their disks, file descriptors, memory.
//! In: a running program. Out: one that has to do without, and is given back what it had. Never: a limit on the suite itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tests::netns::run;

use super::Stage;
use super::faults::Trace;
use super::programs::Program;

/// Room for a store's files as they are when nothing is in them yet, and some work.
pub const SMALL_DISK_MB: u32 = 64;
const BALLAST: &str = "ballast";
/// What is said by whoever cannot write, open or get something.
const DISK_FULL: &[&str] = &["No space left", "no space left", "StorageFull"];
const NO_DESCRIPTORS: &[&str] = &["oo many open files"];
const NO_MEMORY: &[&str] = &[
    "annot allocate memory",
    "out of memory",
    "memory allocation",
];

/// A disk of its own for what will stand at this path.
pub fn small_disk(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path)?;
    let path = path.display();
    run(&format!(
        "mount -t tmpfs -o size={SMALL_DISK_MB}m,mode=700 tmpfs {path}"
    ))
    .map(drop)
}

impl Stage {
    /// The small disk of an agent, of a gateway or of a nats-server.
    fn disk(&self, program: Program) -> PathBuf {
        match program {
            Program::Agent(index) => self.offices[index].store(),
            Program::Gateway(index) => self.folder.join(format!("gateway-{}", index + 1)),
            Program::Broker(index) => self.bus.broker_store(index).to_owned(),
        }
    }

    /// Not a byte is left on its disk. It bites whoever wants to write something.
    pub async fn fill_disk(&mut self, program: Program) -> Result<()> {
        let disk = self.disk(program);
        let mount = run(&format!(
            "findmnt --noheadings --output FSTYPE --mountpoint {}",
            disk.display()
        ));
        anyhow::ensure!(
            mount.is_ok_and(|kind| kind.trim() == "tmpfs"),
            "{} has no small disk of its own: the whole machine's would be filled",
            disk.display()
        );
        let mut ballast = std::fs::File::create(disk.join(BALLAST))?;
        let full = loop {
            match ballast.write_all(&[0; 4096]) {
                Ok(()) => {}
                Err(error) => break error.kind() == std::io::ErrorKind::StorageFull,
            }
        };
        anyhow::ensure!(full, "{} cannot be filled", disk.display());
        if let Program::Agent(_) = program {
            self.part(program).lock().await.disturbed.now();
        }
        let trace = match program {
            Program::Agent(index) if !self.offices[index].is_subscriber() => {
                let office = self.offices[index].clone();
                let before = office.turned_away();
                Trace::TurnedAway(office, before)
            }
            Program::Agent(_) | Program::Gateway(_) | Program::Broker(_) => {
                self.words_to_come(DISK_FULL).await
            }
        };
        self.fault_with(trace, &format!("the disk of {program:?} is full"));
        Ok(())
    }

    pub fn clear_disk(&self, program: Program) -> Result<()> {
        std::fs::remove_file(self.disk(program).join(BALLAST))?;
        self.act(&format!("the disk of {program:?} has room again"));
        Ok(())
    }

    /// Not another file or connection can be opened. It bites whoever wants to.
    pub async fn take_descriptors(&mut self, program: Program) -> Result<()> {
        let id = self.part(program).lock().await.id()?;
        let trace = self.words_to_come(NO_DESCRIPTORS).await;
        // What is open stays open; whatever is asked for now has a higher number.
        run(&format!("prlimit --pid {id} --nofile=3:"))?;
        self.fault_with(trace, &format!("{program:?} may open nothing more"));
        Ok(())
    }

    pub async fn give_descriptors(&self, program: Program) -> Result<()> {
        let part = self.part(program);
        let mut part = part.lock().await;
        // One that ended for want of them was started again without the limit.
        if part.is_running() {
            run(&format!("prlimit --pid {} --nofile=1024:", part.id()?))?;
        }
        self.act(&format!("{program:?} may open files again"));
        Ok(())
    }

    /// Not another byte of memory can be had from the kernel. A program that has enough of its own does not feel it.
    pub async fn take_memory(&mut self, program: Program) -> Result<()> {
        let id = self.part(program).lock().await.id()?;
        let statm = std::fs::read_to_string(format!("/proc/{id}/statm"))?;
        let pages = statm
            .split(' ')
            .next()
            .and_then(|pages| pages.parse::<u64>().ok());
        let bytes = pages.context("the kernel tells a program's size")? * 4096;
        let trace = self.words_to_come(NO_MEMORY).await;
        run(&format!("prlimit --pid {id} --as={bytes}:"))?;
        let what = format!("{program:?} may have no more than {bytes} bytes of memory");
        self.bound(trace, &what);
        Ok(())
    }

    pub async fn give_memory(&self, program: Program) -> Result<()> {
        let part = self.part(program);
        let mut part = part.lock().await;
        if part.is_running() {
            run(&format!("prlimit --pid {} --as=unlimited:", part.id()?))?;
        }
        self.act(&format!(
            "{program:?} has memory again; it ended {} times",
            part.ended_alone
        ));
        Ok(())
    }
}
