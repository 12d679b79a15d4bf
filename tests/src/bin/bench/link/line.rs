//! A line between an office and the bus, in network namespaces: it can be cut in silence, slowed down, and counted.
//! In: the right to make namespaces. Out: `line`, which carries the office's traffic, and `desk`, over which the bus is watched
//! while the line is cut. Never: a reset or an ICMP message that would tell the office of a cut.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// New user, network and mount namespaces: their root is nobody outside.
pub const UNSHARE: [&str; 4] = ["--map-root-user", "--net", "--mount", "--"];
/// The namespace on the far side of the line.
pub const BUS: &str = "bus";
/// The bus as the office reaches it.
pub const BUS_ON_LINE: [u8; 4] = [10, 99, 1, 2];
/// The bus as it is watched.
pub const BUS_ON_DESK: [u8; 4] = [10, 99, 2, 2];

/// Everything that the line needs, tried once.
const TRIAL: &str = "mount -t tmpfs tmpfs /run && ip netns add trial && ip link add near type veth peer name far netns trial \
    && tc qdisc replace dev near root blackhole && tc qdisc replace dev near root tbf rate 256kbit burst 4kb latency 500ms";

/// # Errors
/// What was not permitted, or which program is missing.
pub fn permitted() -> Result<(), String> {
    let tried = Command::new("unshare")
        .args(UNSHARE)
        .args(["sh", "-c", TRIAL])
        .output();
    let output = tried.map_err(|error| format!("unshare: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr)
        .trim()
        .replace('\n', "; "))
}

pub struct Line {}

impl Line {
    /// Lays the line and the desk's own, in namespaces that were just made.
    pub fn lay() -> Result<Line> {
        run("mount -t tmpfs tmpfs /run")?;
        run("ip link set lo up")?;
        run("ip netns add bus")?;
        run("ip -n bus link set lo up")?;
        for (name, net) in [("line", 1), ("desk", 2)] {
            run(&format!(
                "ip link add {name}0 type veth peer name {name}1 netns bus"
            ))?;
            end("ip", &format!("{name}0"), &format!("10.99.{net}.1"))?;
            end("ip -n bus", &format!("{name}1"), &format!("10.99.{net}.2"))?;
        }
        Ok(Line {})
    }

    /// Nothing passes, and nobody is told.
    pub fn cut(&self) -> Result<()> {
        self.shape("root blackhole")
    }

    pub fn throttle(&self, kbit: u32) -> Result<()> {
        self.shape(&format!("root tbf rate {kbit}kbit burst 4kb latency 500ms"))
    }

    fn shape(&self, how: &str) -> Result<()> {
        run(&format!("tc qdisc replace dev line0 {how}"))?;
        run(&format!("tc -n bus qdisc replace dev line1 {how}"))
    }

    pub fn restore(&self) -> Result<()> {
        run("tc qdisc del dev line0 root")?;
        run("tc -n bus qdisc del dev line1 root")
    }

    /// Bytes that the office's end has sent and received, Ethernet headers included.
    pub fn bytes(&self) -> Result<u64> {
        let text = std::fs::read_to_string("/proc/self/net/dev").context("cannot count bytes")?;
        let line = text
            .lines()
            .find_map(|line| line.trim_start().strip_prefix("line0:"));
        let counts = line
            .context("the line is not there")?
            .split_ascii_whitespace();
        let counts: Vec<u64> = counts.filter_map(|count| count.parse().ok()).collect();
        ensure!(counts.len() >= 9, "the kernel counts in another form");
        Ok(counts[0] + counts[8])
    }
}

/// One end of a line. Packets are not larger than on a wire, so that each is counted with its headers; no IPv6 chatter.
fn end(ip: &str, device: &str, address: &str) -> Result<()> {
    run(&format!(
        "{ip} link set {device} addrgenmode none gso_max_segs 1"
    ))?;
    run(&format!("{ip} addr add {address}/24 dev {device}"))?;
    run(&format!("{ip} link set {device} up"))
}

fn run(command: &str) -> Result<()> {
    let mut words = command.split(' ');
    let program = words.next().unwrap_or_default();
    let output = Command::new(program).args(words).output();
    let output = output.with_context(|| format!("cannot run {command}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command}: {}", said.trim());
    Ok(())
}
