//! Network namespaces of a process's own: lines between them can be cut, slowed down and counted, and no other network is touched.
//! In: `ip`, `tc` and `nft` commands. Out: what they said, where they failed. Never: a change to the machine's own network.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Runs a command whose words hold no blanks.
///
/// # Errors
/// The command and what it said.
pub fn run(command: &str) -> Result<String> {
    let mut words = command.split(' ');
    let program = words.next().unwrap_or_default();
    let output = Command::new(program).args(words).output();
    let output = output.with_context(|| format!("cannot run {command}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command}: {}", said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tries what is needed once, in namespaces that end with the trial.
///
/// # Errors
/// What was not permitted, or which program is missing.
pub fn permitted(unshare: &[&str], trial: &str) -> Result<(), String> {
    let tried = Command::new("unshare")
        .args(unshare)
        .args(["sh", "-c", trial])
        .output();
    let output = tried.map_err(|error| format!("unshare: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr)
        .trim()
        .replace('\n', "; "))
}

/// One end of a line. Packets are not larger than on a wire, so that each is counted with its headers; no IPv6 chatter.
pub fn end(ip: &str, device: &str, address: &str) -> Result<()> {
    run(&format!(
        "{ip} link set {device} addrgenmode none gso_max_segs 1"
    ))?;
    run(&format!("{ip} addr add {address} dev {device}"))?;
    run(&format!("{ip} link set {device} up")).map(drop)
}

/// Bytes that a device of this namespace has received and sent, Ethernet headers included.
pub fn bytes(device: &str) -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/net/dev").context("cannot count bytes")?;
    let line = text.lines().find_map(|line| {
        let (name, counts) = line.split_once(':')?;
        (name.trim() == device).then_some(counts)
    });
    let counts = line
        .with_context(|| format!("there is no device {device}"))?
        .split_ascii_whitespace();
    let counts: Vec<u64> = counts.filter_map(|count| count.parse().ok()).collect();
    ensure!(counts.len() >= 9, "the kernel counts in another form");
    Ok(counts[0] + counts[8])
}
