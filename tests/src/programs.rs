//! The project's programs as real processes.
//! In: a program's name and arguments. Out: a process whose words are in a log file. Never: a process that outlives its handle.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tokio::net::TcpStream;
use tokio::process::Child;

use crate::deadline::{eventually, within};

pub const GATEWAY: &str = "spean-gateway";
pub const AGENT: &str = "spean-agent";

/// Where a program of this build lies: beside the running binary, or one folder above a test.
pub fn path(program: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a running program knows its path");
    let folder = here.parent().expect("a program lies in a folder");
    let folder = if folder.ends_with("deps") {
        folder.parent().expect("deps lies in a folder")
    } else {
        folder
    };
    build_once(folder);
    folder.join(program)
}

/// `cargo test` builds the tests of the programs but not the programs; a stale one would be tested unnoticed.
fn build_once(target: &Path) {
    static BUILT: OnceLock<()> = OnceLock::new();
    let Ok(cargo) = std::env::var("CARGO") else {
        return;
    };
    BUILT.get_or_init(|| {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--workspace", "--bins"]);
        if target.ends_with("release") {
            build.arg("--release");
        }
        // Build scripts look at what cargo says of the package that it runs; another one's words would make them build anew.
        let of_this_package = |name: &String| {
            ["CARGO_MANIFEST", "CARGO_PKG", "CARGO_CRATE"]
                .iter()
                .any(|of| name.starts_with(of))
        };
        for (name, _) in std::env::vars().filter(|(name, _)| of_this_package(name)) {
            build.env_remove(name);
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let done = build.current_dir(workspace).status().expect("cargo runs");
        assert!(done.success(), "the programs do not build");
    });
}

/// Runs a program to its end and returns what it wrote; a failure is a panic with its words.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = output(program, arguments);
    let (out, error) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(
        status.success(),
        "{program} {} failed with {status}\n{out}{error}",
        arguments.join(" ")
    );
    out.into_owned()
}

pub fn output(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(path(program));
    command.args(arguments).stdin(Stdio::null());
    command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}"))
}

/// A running program; killed when dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the program; what it says goes to the end of the log file.
    pub fn start(program: &Path, arguments: &[&str], log: &Path) -> Process {
        let open = || {
            File::options()
                .create(true)
                .append(true)
                .open(log)
                .expect("a log file can be made in the test's folder")
        };
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(open())
            .stderr(open())
            .kill_on_drop(true);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        Process {
            child,
            log: log.to_owned(),
        }
    }

    /// Starts a server and waits until it takes connections.
    pub async fn serving(
        program: &Path,
        arguments: &[&str],
        log: &Path,
        address: SocketAddr,
    ) -> Process {
        let mut process = Process::start(program, arguments, log);
        process
            .tells(|| async move { TcpStream::connect(address).await.ok() })
            .await;
        process
    }

    /// Asks until there is an answer; a process that ends before is a panic with its words.
    pub async fn tells<T, Answer>(&mut self, mut ask: impl FnMut() -> Answer) -> T
    where
        Answer: Future<Output = Option<T>>,
    {
        let what = format!("what is waited for beside {}", self.log.display());
        eventually(&what, || {
            assert!(!self.has_ended(), "it ended:\n{}", self.words());
            ask()
        })
        .await
    }

    pub fn id(&self) -> u32 {
        self.child
            .id()
            .expect("a process that was not waited for has an id")
    }

    /// Whether the process ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// SIGKILL: the process gets no chance to tidy up.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child can be killed");
    }

    /// Any signal, by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success(), "a child can be sent {name}");
    }

    /// SIGTERM, then waits for the end.
    pub async fn stop(mut self) {
        self.signal("TERM");
        self.ends().await;
    }

    /// Waits for the end.
    pub async fn ends(&mut self) {
        within("the end of a stopped process", self.child.wait())
            .await
            .expect("a child can be waited for");
    }

    /// What the process has said so far.
    pub fn words(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let words = self.words();
        let last: Vec<&str> = words.lines().rev().take(20).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        eprintln!(
            "--- the last words in {}:\n{}",
            self.log.display(),
            last.join("\n")
        );
    }
}
