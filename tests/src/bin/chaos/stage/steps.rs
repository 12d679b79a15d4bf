//! A program that is killed at a step of its road: strace waits beside it until it is about to ask the kernel for something.
//! In: a running program, a call, a number. Out: one that is gone. Never: anything that is compiled into the program for this.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tests::deadline::eventually_within;
use tests::programs::Process;

use super::Stage;
use super::programs::Program;

/// Under load each of the steps comes many times a second.
const STEP_WAIT: Duration = Duration::from_secs(60);

pub fn is_there() -> bool {
    let version = Command::new("strace").arg("-V").output();
    version.is_ok_and(|output| output.status.success())
}

impl Stage {
    /// SIGKILL as one of the program's threads is about to make this call for the n-th time from now: what came before has
    /// happened, the call has not.
    pub async fn kill_at(&mut self, program: Program, call: &str, nth: u64) -> Result<()> {
        let part = self.part(program);
        let (id, name) = {
            let mut part = part.lock().await;
            part.let_end();
            (part.id()?.to_string(), part.name.clone())
        };
        let log = self
            .folder
            .join(format!("strace-{}.log", self.faults.len()));
        let (trace, inject) = (
            format!("trace={call}"),
            format!("inject={call}:signal=KILL:when={nth}"),
        );
        let arguments = ["-f", "-q", "-p", &id, "-e", &trace, "-e", &inject];
        let mut strace = Process::start(Path::new("strace"), &arguments, &log);
        let what = format!("{name} to come to {call}");
        eventually_within(STEP_WAIT, &what, || async {
            (!part.lock().await.is_running()).then_some(())
        })
        .await;
        let what = "strace to tell its end";
        eventually_within(STEP_WAIT, what, || {
            let ended = strace.has_ended();
            async move { ended.then_some(()) }
        })
        .await;
        self.holds.begin(program);
        let killed = strace.words().contains("killed by SIGKILL");
        self.fault(killed, &format!("kill -9 {name} at {call}, number {nth}"));
        Ok(())
    }
}
