//! What a scenario does to lines: cut them in silence or with a bang, slow them down, lose packets.
//! In: whose line. Out: a fault that fired, by the kernel's own counters. Never: a line that stays hurt unnoticed.

use std::time::Instant;

use anyhow::Result;

use super::Stage;
use super::net::{Way, trunk};
use tests::netns::run;

/// Where an office's machine is reached.
pub fn address(index: usize) -> String {
    format!("10.99.1.{}", index + 1)
}

/// Its address after it was moved.
fn second_address(index: usize) -> String {
    format!("10.99.2.{}", index + 1)
}

impl Stage {
    /// Nothing passes on this way, and nobody is told: no FIN, no RST, no ICMP.
    pub fn cut(&mut self, office: usize, way: Way) -> Result<()> {
        self.lose(office, way, 100)
    }

    /// So many packets in a hundred disappear.
    pub fn lose(&mut self, office: usize, way: Way, percent: u8) -> Result<()> {
        self.act(&format!(
            "{percent} % of the packets of {} are lost",
            self.offices[office].name
        ));
        self.hurt.insert(office, Instant::now());
        self.lines[office].lose(way, percent)
    }

    /// The line is whole again. The fault had bitten if packets were lost.
    pub fn mend(&mut self, office: usize) -> Result<()> {
        let dropped = self.lines[office].lose_nothing()?;
        let name = self.offices[office].name.clone();
        let since = self.hurt.remove(&office).unwrap_or_else(Instant::now);
        let trace = self.on_the_line(dropped > 0, office, since);
        self.fault_with(
            trace,
            &format!("mended the line of {name}, which had lost {dropped} packets"),
        );
        Ok(())
    }

    /// The cable is pulled out of the office's machine.
    pub fn pull(&mut self, office: usize) -> Result<()> {
        self.lines[office].pull()?;
        let name = self.offices[office].name.clone();
        let shown = run(&format!(
            "ip -n {} link show eth0",
            self.offices[office].tag
        ))?;
        self.fault(
            shown.contains("NO-CARRIER"),
            &format!("pulled the cable of {name}"),
        );
        Ok(())
    }

    pub fn plug(&self, office: usize) -> Result<()> {
        self.act(&format!(
            "plugged in the cable of {}",
            self.offices[office].name
        ));
        self.lines[office].plug()
    }

    /// Each way carries this many bits a second.
    pub fn slow(&mut self, office: usize, bits: u32) -> Result<()> {
        self.act(&format!(
            "the line of {} carries {bits} bit/s",
            self.offices[office].name
        ));
        self.hurt.insert(office, Instant::now());
        self.lines[office].slow(bits)
    }

    /// The fault had bitten if packets had to wait.
    pub fn full_speed(&mut self, office: usize) -> Result<()> {
        let waited = self.lines[office].full_speed()?;
        let name = self.offices[office].name.clone();
        let since = self.hurt.remove(&office).unwrap_or_else(Instant::now);
        let trace = self.on_the_line(waited > 0, office, since);
        self.fault_with(
            trace,
            &format!("full speed for {name}; {waited} times a packet had waited"),
        );
        Ok(())
    }

    /// The office's machine gets another address, under an open connection.
    pub fn move_away(&mut self, office: usize) -> Result<()> {
        let nowhere = self.lines[office].went_nowhere()?;
        self.moved.insert(office, (Instant::now(), nowhere));
        self.lines[office].readdress(&address(office), &second_address(office))?;
        let to = second_address(office);
        self.act(&format!("{} is at {to} now", self.offices[office].name));
        Ok(())
    }

    /// And its old one. The fault had bitten if packets from its own address went nowhere meanwhile.
    pub fn move_back(&mut self, office: usize) -> Result<()> {
        self.lines[office].readdress(&second_address(office), &address(office))?;
        let nowhere = self.lines[office].went_nowhere()?;
        let (since, before) = self
            .moved
            .remove(&office)
            .unwrap_or((Instant::now(), nowhere));
        let times = nowhere.saturating_sub(before);
        let trace = self.on_the_line(times > 0, office, since);
        let name = &self.offices[office].name;
        let what =
            format!("{name} was at another address, and {times} packets from its own went nowhere");
        self.fault_with(trace, &what);
        Ok(())
    }

    /// The line between two nodes is cut; everything behind one of them is.
    pub fn cut_trunk(&mut self, one: &str, two: &str) -> Result<()> {
        let device = trunk(one, two);
        run(&format!("ip link set {device} down"))?;
        let shown = run(&format!("ip link show {device}"))?;
        self.fault(
            shown.contains("state DOWN"),
            &format!("cut the line from {one} to {two}"),
        );
        Ok(())
    }

    pub fn mend_trunk(&self, one: &str, two: &str) -> Result<()> {
        self.act(&format!("mended the line from {one} to {two}"));
        run(&format!("ip link set {} up", trunk(one, two))).map(drop)
    }
}

impl Stage {
    /// What the satellite has cost so far: it was there from the beginning.
    pub fn count_satellite_losses(&mut self) {
        let lost: u64 = self.far.iter().map(super::far::FarLine::lost).sum();
        self.fault(
            lost > 0,
            &format!("300 ms each way all the time; {lost} chunks had to be sent again"),
        );
    }
}
