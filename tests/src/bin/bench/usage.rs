//! What a process has used, as the kernel counts it.
//! In: a process id. Out: CPU seconds, resident bytes. Never: a wall clock taken for CPU.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Linux counts CPU for /proc in these, whatever its own tick is.
const TICKS_A_SECOND: f64 = 100.0;

/// CPU of all threads so far, in user mode and in the kernel.
pub fn cpu(process: u32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))
        .context("cannot read a process's CPU time")?;
    // The second field is a name in brackets that may hold blanks.
    let (_, fields) = text.rsplit_once(')').context("/proc/PID/stat has a name")?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
    };
    let user = ticks(11).context("/proc/PID/stat has a user time")?;
    let system = ticks(12).context("/proc/PID/stat has a system time")?;
    Ok(Duration::from_secs_f64((user + system) / TICKS_A_SECOND))
}

/// CPU of the thread that asks.
pub fn own_thread_cpu() -> Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")
        .context("cannot read a thread's CPU time")?;
    let nanoseconds = text.split(' ').next().and_then(|field| field.parse().ok());
    Ok(Duration::from_nanos(
        nanoseconds.context("schedstat begins with the time run")?,
    ))
}

#[derive(Clone, Copy)]
pub struct Memory {
    pub resident_kib: u64,
    pub highest_kib: u64,
}

pub fn memory(process: u32) -> Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))
        .context("cannot read a process's memory")?;
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
        number.with_context(|| format!("/proc/PID/status has {name}"))
    };
    Ok(Memory {
        resident_kib: kib("VmRSS:")?,
        highest_kib: kib("VmHWM:")?,
    })
}
