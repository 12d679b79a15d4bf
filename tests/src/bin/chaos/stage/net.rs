//! The country's network in namespaces: access nodes as bridges, each office and each centre on a line of its own to one of them.
//! In: who sits where. Out: lines that can be cut in silence, pulled, slowed down and counted. Never: the machine's own network.

use std::net::IpAddr;

use anyhow::{Context, Result};
use tests::netns::{self, end, run};

use crate::scenario::CENTRE_NODE;

/// New namespaces for a scenario: their root is nobody outside, and their processes end with the first one.
pub const UNSHARE: [&str; 8] = [
    "--map-root-user",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--",
];

/// What every scenario needs, tried once.
pub const TRIAL: &str = "mount -t tmpfs tmpfs /run && ip netns add trial && ip link add near type bridge \
    && ip link add near0 type veth peer name far0 netns trial && ip link set near0 master near \
    && tc qdisc replace dev near0 root tbf rate 64kbit burst 4kb latency 500ms \
    && nsenter --net=/run/netns/trial true && nft add table netdev near0 \
    && nft add chain netdev near0 in '{ type filter hook ingress device near0 priority 0 ; }' \
    && nft add rule netdev near0 in numgen random mod 100 lt 5 counter drop";

/// An office's own network has this suite on it as `.1`, and the office's machine as `.2`.
pub fn on_lan(index: usize, host: u8) -> IpAddr {
    IpAddr::from([10, 98, index as u8, host])
}

/// Where the suite itself stands: on the backbone.
const DESK: &str = "10.99.0.1/16";

pub struct Net;

impl Net {
    /// The backbone, with nobody on it.
    pub fn lay() -> Result<Net> {
        run("mount -t tmpfs tmpfs /run")?;
        run("ip link set lo up")?;
        let net = Net;
        net.bridge(CENTRE_NODE, "")?;
        run(&format!("ip addr add {DESK} dev {CENTRE_NODE}"))?;
        Ok(net)
    }

    /// An access node with a line to the backbone.
    pub fn access_node(&self, node: &str) -> Result<()> {
        self.bridge(node, "")?;
        self.join(node, CENTRE_NODE)
    }

    /// Access nodes in a ring with the backbone: the bridges keep one line in reserve, and take to it when another fails.
    pub fn ring(&self, nodes: &[String]) -> Result<()> {
        let stp = " stp_state 1 forward_delay 200 hello_time 100 max_age 600";
        run(&format!("ip link set {CENTRE_NODE} type bridge{stp}"))?;
        for node in nodes {
            self.bridge(node, stp)?;
        }
        let all: Vec<&str> = [CENTRE_NODE]
            .into_iter()
            .chain(nodes.iter().map(String::as_str))
            .collect();
        let next = all.iter().cycle().skip(1);
        all.iter()
            .zip(next)
            .try_for_each(|(one, two)| self.join(one, two))
    }

    fn bridge(&self, node: &str, more: &str) -> Result<()> {
        run(&format!(
            "ip link add {node} type bridge mcast_snooping 0{more}"
        ))?;
        run(&format!("ip link set {node} addrgenmode none up")).map(drop)
    }

    fn join(&self, one: &str, two: &str) -> Result<()> {
        let (near, far) = (trunk(one, two), trunk(two, one));
        run(&format!("ip link add {near} type veth peer name {far}"))?;
        for (device, node) in [(&near, one), (&far, two)] {
            run(&format!(
                "ip link set {device} addrgenmode none gso_max_segs 1 master {node} up"
            ))?;
        }
        Ok(())
    }

    /// A namespace with a line to a node.
    pub fn connect(&self, tag: &str, node: &str, address: &str) -> Result<Line> {
        run(&format!("ip netns add {tag}"))?;
        run(&format!("ip -n {tag} link set lo up"))?;
        run(&format!(
            "ip link add {tag} type veth peer name eth0 netns {tag}"
        ))?;
        run(&format!(
            "ip link set {tag} addrgenmode none gso_max_segs 1 master {node} up"
        ))?;
        end(&format!("ip -n {tag}"), "eth0", &format!("{address}/16"))?;
        Ok(Line {
            tag: tag.to_owned(),
        })
    }
}

impl Net {
    /// A network of an office's own, on which its applications stand; what befalls its line does not touch it.
    pub fn lan(&self, tag: &str, index: usize) -> Result<()> {
        let near = format!("{tag}-lan");
        run(&format!(
            "ip link add {near} type veth peer name lan0 netns {tag}"
        ))?;
        end("ip", &near, &format!("{}/24", on_lan(index, 1)))?;
        end(
            &format!("ip -n {tag}"),
            "lan0",
            &format!("{}/24", on_lan(index, 2)),
        )
    }
}

/// The end at `one` of the line between two nodes.
pub fn trunk(one: &str, two: &str) -> String {
    format!("{one}-{two}")
}

/// The line between an access node and who sits behind it.
#[derive(Clone)]
pub struct Line {
    tag: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Both,
    /// Packets of the office's get nowhere.
    Out,
    /// Packets for the office get nowhere.
    In,
}

impl Line {
    /// Packets disappear on the way, so many in a hundred, and nobody is told.
    pub fn lose(&self, way: Way, percent: u8) -> Result<()> {
        let office = format!("nsenter --net=/run/netns/{} ", self.tag);
        if way != Way::In {
            drop_incoming("", &self.tag, percent)?;
        }
        if way != Way::Out {
            drop_incoming(&office, "eth0", percent)?;
        }
        Ok(())
    }

    /// Everything passes again; how many packets had disappeared.
    pub fn lose_nothing(&self) -> Result<u64> {
        let office = format!("nsenter --net=/run/netns/{} ", self.tag);
        let mut dropped = 0;
        for (inside, device) in [("", self.tag.as_str()), (&office, "eth0")] {
            let Ok(listed) = run(&format!("{inside}nft list table netdev {device}")) else {
                continue;
            };
            let count = listed.split("packets ").nth(1);
            let count = count.and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
            dropped += count.context("a rule counts what it drops")?;
            run(&format!("{inside}nft delete table netdev {device}"))?;
        }
        Ok(dropped)
    }

    /// The cable is out: the office's machine knows.
    pub fn pull(&self) -> Result<()> {
        run(&format!("ip link set {} down", self.tag)).map(drop)
    }

    pub fn plug(&self) -> Result<()> {
        run(&format!("ip link set {} up", self.tag)).map(drop)
    }

    /// Both ways carry this many bits a second, in units of a hundred.
    pub fn slow(&self, bits: u32) -> Result<()> {
        let shape = format!("root tbf rate {bits}bit burst 4kb latency 3s");
        run(&format!("tc qdisc replace dev {} {shape}", self.tag))?;
        run(&format!(
            "tc -n {} qdisc replace dev eth0 {shape}",
            self.tag
        ))
        .map(drop)
    }

    /// How often a packet had to wait for its turn, on either way, and full speed again.
    pub fn full_speed(&self) -> Result<u64> {
        let office = format!("-n {} ", self.tag);
        let mut waited = 0;
        for (inside, device) in [("", self.tag.as_str()), (&office, "eth0")] {
            let shown = run(&format!("tc -s {inside}qdisc show dev {device}"))?;
            let waits = shown.split("overlimits ").nth(1);
            let waits = waits.and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
            waited += waits.context("tc counts how often it held packets back")?;
            run(&format!("tc {inside}qdisc del dev {device} root"))?;
        }
        Ok(waited)
    }

    /// The office's machine has another address from now on.
    pub fn readdress(&self, from: &str, to: &str) -> Result<()> {
        let ip = format!("ip -n {}", self.tag);
        run(&format!("{ip} addr del {from}/16 dev eth0"))?;
        run(&format!("{ip} addr add {to}/16 dev eth0")).map(drop)
    }

    /// How many packets of the office's machine had nowhere to go so far.
    pub fn went_nowhere(&self) -> Result<u64> {
        let counts = run(&format!(
            "nsenter --net=/run/netns/{} cat /proc/net/snmp",
            self.tag
        ))?;
        let mut ip = counts.lines().filter_map(|line| line.strip_prefix("Ip: "));
        let (names, values) = ip.next().zip(ip.next()).context("the kernel counts")?;
        let mut counts = names.split(' ').zip(values.split(' '));
        let times = counts.find(|(name, _)| *name == "OutNoRoutes");
        let (_, times) = times.context("the kernel counts what has no route")?;
        Ok(times.parse()?)
    }

    pub fn bytes(&self) -> Result<u64> {
        netns::bytes(&self.tag)
    }
}

fn drop_incoming(inside: &str, device: &str, percent: u8) -> Result<()> {
    run(&format!("{inside}nft add table netdev {device}"))?;
    run(&format!(
        "{inside}nft add chain netdev {device} in {{ type filter hook ingress device {device} priority 0 ; }}"
    ))?;
    let which = match percent {
        100 => String::new(),
        percent => format!("numgen random mod 100 lt {percent} "),
    };
    run(&format!(
        "{inside}nft add rule netdev {device} in {which}counter drop"
    ))
    .map(drop)
}
