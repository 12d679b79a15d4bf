//! What a scenario does to programs: kill, freeze, stop, start.
//! In: which one. Out: a fault that fired, or one that did not. Never: a program that is taken for dead without a look.

use anyhow::Result;
use tests::deadline::eventually;

use super::Stage;
use super::part::Shared;

/// What an office says whose gateway is gone.
const LINK_DOWN: &[&str] = &["the link is down"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    Agent(usize),
    Gateway(usize),
    Broker(usize),
}

impl Stage {
    pub(super) fn part(&self, program: Program) -> Shared {
        let part = match program {
            Program::Agent(index) => &self.agents[index],
            Program::Gateway(index) => &self.bus.gateways[index],
            Program::Broker(index) => &self.bus.brokers[index],
        };
        part.clone()
    }

    /// SIGKILL, without a word before.
    pub async fn kill(&mut self, program: Program) -> Result<()> {
        let part = self.part(program);
        let mut part = part.lock().await;
        let id = part.id()?;
        part.kill().await?;
        self.holds.begin(program);
        let gone = !std::path::Path::new(&format!("/proc/{id}")).exists();
        self.fault(gone, &format!("kill -9 {}", part.name));
        Ok(())
    }

    /// SIGTERM by an operator, as before a copy of its store. It is no fault by itself.
    pub async fn stop(&mut self, program: Program) -> Result<()> {
        let part = self.part(program);
        let mut part = part.lock().await;
        part.stop().await?;
        self.holds.begin(program);
        self.act(&format!("stopped {}", part.name));
        Ok(())
    }

    /// SIGTERM of a gateway under those that are connected: it bites if one of them loses its link.
    pub async fn roll(&mut self, gateway: usize) -> Result<()> {
        let trace = self.words_to_come(LINK_DOWN).await;
        self.stop(Program::Gateway(gateway)).await?;
        let what = format!("gateway {} was taken from its offices", gateway + 1);
        self.fault_with(trace, &what);
        Ok(())
    }

    /// Starts it again and waits until it can be reached.
    pub async fn start(&mut self, program: Program) {
        let part = self.part(program);
        part.lock().await.launch();
        self.holds.end(program);
        match program {
            Program::Agent(index) => self.agent_answers(index).await,
            Program::Gateway(index) => self.bus.gateway_listens(index).await,
            Program::Broker(index) => self.bus.broker_listens(index).await,
        }
        self.act(&format!("started {}", part.lock().await.name));
    }

    pub async fn agent_answers(&self, index: usize) {
        let office = &self.offices[index];
        eventually(&format!("the agent of {}", office.name), || async {
            office.status().await
        })
        .await;
    }

    /// SIGSTOP: it is there and does nothing.
    pub async fn freeze(&mut self, program: Program) -> Result<()> {
        let part = self.part(program);
        let part = part.lock().await;
        part.signal("STOP")?;
        let stopped = eventually("a stopped process", || async {
            part.state().ok().filter(|state| *state == 'T')
        });
        stopped.await;
        self.holds.begin(program);
        self.act(&format!("froze {}", part.name));
        Ok(())
    }

    /// The fault had bitten if it is still stopped now.
    pub async fn thaw(&mut self, program: Program) -> Result<()> {
        let part = self.part(program);
        let part = part.lock().await;
        let stopped = part.state()? == 'T';
        self.fault(stopped, &format!("{} had stood still", part.name));
        part.signal("CONT")?;
        self.holds.end(program);
        self.act(&format!("thawed {}", part.name));
        Ok(())
    }

    /// A nats-server that lets its clients go one after the other, and then ends.
    pub async fn lame_duck(&mut self, broker: usize) -> Result<()> {
        let part = self.part(Program::Broker(broker));
        let mut part = part.lock().await;
        part.let_end();
        part.signal("USR2")?;
        let said = eventually("a lame duck", || async {
            part.words().contains("ame duck").then_some(())
        });
        said.await;
        self.holds.begin(Program::Broker(broker));
        self.fault(true, &format!("{} is a lame duck", part.name));
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub async fn has_ended(&self, program: Program) {
        let part = self.part(program);
        let what = format!("{:?} to end", program);
        tests::deadline::eventually_within(std::time::Duration::from_secs(90), &what, || async {
            (!part.lock().await.is_running()).then_some(())
        })
        .await;
    }
}
