//! Clients of other languages: a program that does the plan goes in, the lines that it says come out as rows. What a machine lacks for
//! one of them is said with how to get it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

use super::{Client, Plan, Told};

/// The command that runs a client's program.
pub fn of(client: Client, folder: &Path) -> Command {
    let tools = workspace().join(".tools");
    let fetched = |what: PathBuf| {
        let name = client.name();
        assert!(what.is_dir(), "{name} is not here: run `make tools` once");
        what
    };
    match client {
        Client::Python => {
            let mut python = Command::new("python3");
            fetched(tools.join("python/nats"));
            python.env("PYTHONPATH", tools.join("python"));
            python.arg(source("client.py"));
            python
        }
        Client::JavaScript => {
            let mut node = Command::new("node");
            fetched(tools.join("node/node_modules/@nats-io/jetstream"));
            node.env("NODE_PACKAGES", tools.join("node"));
            node.arg(source("client.mjs"));
            node
        }
        Client::C => Command::new(compiled(folder)),
        Client::Rust => unreachable!("it is no program"),
    }
}

/// nats.c comes from the system, and its program is compiled against it.
fn compiled(folder: &Path) -> PathBuf {
    let program = folder.join("client-c");
    let mut compiler = std::process::Command::new("cc");
    compiler.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o"]);
    compiler.arg(&program).arg(source("client.c")).arg("-lnats");
    let compiled = compiler.output();
    let said = match compiled {
        Ok(output) if output.status.success() => return program,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    panic!(
        "nats.c's program cannot be compiled, so that nothing is known of nats.c. Where it is not here: install a C compiler and \
         Debian's libnats-dev, or leave it out by WITHOUT_CLIENTS=nats.c\n{said}"
    );
}

/// Runs a program to its end; a row is a line `name<tab>outcome`.
pub async fn play(mut program: Command, plan: Plan, tell: mpsc::Sender<Told>) {
    let name = plan.client.name();
    program.envs(plan.environment()).kill_on_drop(true);
    program.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut running = program
        .spawn()
        .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
    let said = running.stdout.take().expect("it was asked for");
    let mut lines = BufReader::new(said).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let told = match line.split_once('\t') {
            Some((row, outcome)) => Told::Row(row.to_owned(), outcome.to_owned()),
            None if line == "ready" => Told::Ready,
            None => Told::Row(line, "is no row".to_owned()),
        };
        if tell.send(told).await.is_err() {
            return;
        }
    }
    let status = running.wait().await.expect("a child can be waited for");
    if !status.success() {
        let ended = Told::Row("the program's end".to_owned(), status.to_string());
        // Nobody takes it where the test has failed already.
        let _ = tell.send(ended).await;
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(name)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
