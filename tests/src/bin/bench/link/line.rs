//! A line between an office and the bus, in network namespaces: it can be cut in silence, slowed down, and counted.
//! In: the right to make namespaces. Out: `line`, which carries the office's traffic, and `desk`, over which the bus is watched
//! while the line is cut. Never: a reset or an ICMP message that would tell the office of a cut.

use anyhow::Result;
use tests::netns::{self, end, run};

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
    netns::permitted(&UNSHARE, TRIAL)
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
            end("ip", &format!("{name}0"), &format!("10.99.{net}.1/24"))?;
            end(
                "ip -n bus",
                &format!("{name}1"),
                &format!("10.99.{net}.2/24"),
            )?;
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
        run(&format!("tc -n bus qdisc replace dev line1 {how}")).map(drop)
    }

    pub fn restore(&self) -> Result<()> {
        run("tc qdisc del dev line0 root")?;
        run("tc -n bus qdisc del dev line1 root").map(drop)
    }

    /// Bytes that the office's end has sent and received, Ethernet headers included.
    pub fn bytes(&self) -> Result<u64> {
        netns::bytes("line0")
    }
}
