//! Where the figures were measured: a ratio of another machine is another ratio.
//! In: the system's own words. Out: lines for the head of the table. Never: the machine's name or an address.

use std::fs;
use std::path::Path;
use std::process::Command;

use time::OffsetDateTime;
use time::macros::format_description;

/// The command, the date, the machine and the versions, each as a name and its value.
pub fn describe() -> Vec<(&'static str, String)> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = format!("bench {}", arguments.join(" "));
    let minute = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let date = OffsetDateTime::now_utc().format(minute);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = line(Path::new("/proc/sys/kernel/osrelease"));
    let memory = field("/proc/meminfo", "MemTotal");
    let nats_server = said(&tests::nats::binary(), "--version");
    vec![
        ("command", command),
        ("date", date.unwrap_or_default()),
        (
            "machine",
            format!(
                "{cores} cores of {}, {memory}, Linux {kernel}",
                field("/proc/cpuinfo", "model name")
            ),
        ),
        ("disk", filesystem(&std::env::temp_dir())),
        ("nats-server", nats_server),
        ("rustc", said(Path::new("rustc"), "--version")),
        (
            "project",
            format!("version {}, commit {}", env!("CARGO_PKG_VERSION"), commit()),
        ),
        (
            "others at work",
            format!(
                "load average {} at the start",
                line(Path::new("/proc/loadavg"))
                    .split(' ')
                    .next()
                    .unwrap_or_default()
            ),
        ),
    ]
}

/// The kind of file system that holds the stores, and its device.
fn filesystem(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let fields = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    let holding = fields.filter(|fields| fields.len() > 2 && folder.starts_with(fields[1]));
    let nearest = holding.max_by_key(|fields| fields[1].len());
    nearest.map_or_else(String::new, |fields| {
        format!("{} on {}", fields[2], fields[0])
    })
}

fn commit() -> String {
    let asked = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .output();
    asked.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn said(program: &Path, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn line(file: &Path) -> String {
    fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.split_once(':'));
    found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}
