//! What an attack costs the bus: resident memory of gateway and nats-server, bytes of the audit.
//! In: the running bus. Out: what it was before, and at worst. Never: memory of the program that measures.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::scene::Scene;
use crate::usage;

const LOOK_AGAIN: Duration = Duration::from_millis(100);
const KIB_A_MIB: f64 = 1024.0;

/// The two programs' resident memory, in MiB.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    pub gateway: f64,
    pub nats: f64,
}

/// Whose memory is looked at.
#[derive(Clone)]
pub struct Gauge {
    gateway: u32,
    nats: u32,
    audit: PathBuf,
}

impl Gauge {
    pub fn of(scene: &Scene) -> Gauge {
        Gauge {
            gateway: scene.bus.gateway.id(),
            nats: scene.bus.nats.id(),
            audit: scene.bus.authority.folder().to_owned(),
        }
    }

    pub fn memory(&self) -> Result<Memory> {
        let mib = |process| {
            let memory = usage::memory(process)?;
            anyhow::Ok(memory.resident_kib as f64 / KIB_A_MIB)
        };
        Ok(Memory {
            gateway: mib(self.gateway)?,
            nats: mib(self.nats)?,
        })
    }

    /// The most that was seen in so long.
    pub async fn worst(&self, time: Duration) -> Result<Memory> {
        let (began, mut worst) = (Instant::now(), self.memory()?);
        while began.elapsed() < time {
            tokio::time::sleep(LOOK_AGAIN).await;
            worst = worst.and(self.memory()?);
        }
        Ok(worst)
    }

    /// All of the audit's files, in bytes.
    pub fn audit_bytes(&self) -> u64 {
        audit_files(self.audit.clone())
    }
}

impl Memory {
    /// The greater of both.
    pub fn and(self, other: Memory) -> Memory {
        Memory {
            gateway: self.gateway.max(other.gateway),
            nats: self.nats.max(other.nats),
        }
    }
}

/// Files whose name or folder begins with `audit`.
fn audit_files(folder: PathBuf) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of_audit = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("audit"));
    let sizes = of_audit.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_bytes(entry.path()),
        Ok(metadata) => metadata.len(),
        // Put away between two looks.
        Err(_) => 0,
    });
    sizes.sum()
}

fn folder_bytes(folder: PathBuf) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_bytes(entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
