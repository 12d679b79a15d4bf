//! `open` and `people`: who may come to the desk. An address that is good once goes out, or a person comes in with a PIN; both are files in the
//! agent's folder, so whoever may write there may do it. The agent need not run for it.

use std::io::{IsTerminal as _, Write as _, stdin};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, ensure};

use super::PeopleAction;
use super::terminal::{ago, say, table};
use crate::desk::door::people::{People, Role};
use crate::desk::door::{FOLDER, address};
use crate::settings::Folder;
use crate::store::alarms::now_ms;

/// Programs that show an address in the browser of whoever is at this screen.
#[cfg(target_os = "linux")]
const OPENERS: [&str; 2] = ["xdg-open", "gio"];
#[cfg(target_os = "macos")]
const OPENERS: [&str; 1] = ["open"];
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
const OPENERS: [&str; 1] = ["explorer"];

pub fn open(folder: Folder, print: bool) -> anyhow::Result<ExitCode> {
    let settings = super::settings(folder)?;
    let written = std::fs::read_to_string(settings.folder.http_address());
    let running = written.with_context(|| {
        format!(
            "the agent has not written the address of the desk; is it running, and does http.listen name one? (spean-agent run)\n  \
             ភ្នាក់ងារមិនទាន់ដំណើរការ៖ {}",
            settings.folder.http_address().display()
        )
    })?;
    let scheme = match settings.http.tls {
        Some(_) => "https",
        None => "http",
    };
    let path = address::offer(settings.folder.path(), now_ms())?;
    let address = format!("{scheme}://{}{path}", running.trim());
    if !print && has_screen() && shown(&address) {
        return say("The desk opens in the browser.\nតុការងារកំពុងបើកក្នុងកម្មវិធីរុករក។");
    }
    say(&format!(
        "{address}\nGood once, for 10 minutes, on this computer.\nប្រើបានតែម្តង ក្នុងរយៈពេល ១០ នាទី លើកុំព្យូទ័រនេះ។"
    ))
}

/// Whether somebody sits before this machine, and not at the other end of a line.
fn has_screen() -> bool {
    match cfg!(target_os = "linux") {
        true => ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())),
        false => std::env::var_os("SSH_CONNECTION").is_none(),
    }
}

fn shown(address: &str) -> bool {
    OPENERS.iter().any(|opener| {
        let words: &[&str] = if *opener == "gio" { &["open"] } else { &[] };
        let started = Command::new(opener)
            .args(words)
            .arg(address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        started.is_ok_and(|status| status.success())
    })
}

pub fn people(folder: Folder, action: PeopleAction) -> anyhow::Result<ExitCode> {
    let settings = super::settings(folder)?;
    let people = People::new(settings.folder.path().join(FOLDER).join("people.json"));
    match action {
        PeopleAction::Add { name, role } => {
            people.add(&name, role, &pin()?, now_ms())?;
            say(&format!(
                "{name} is one of the people at the desk.\n{name} អាចចូលតុការងារបានហើយ។"
            ))
        }
        PeopleAction::Remove { name } => {
            people.remove(&name)?;
            say(&format!(
                "{name} is out, also where somebody is signed in by that name.\n{name} មិនអាចចូលបានទៀតទេ។"
            ))
        }
        PeopleAction::List => list(&people),
    }
}

fn list(people: &People) -> anyhow::Result<ExitCode> {
    let all = people.all()?;
    if all.is_empty() {
        return say(
            "Nobody is named: whoever opened the desk may do everything there.\nមិនទាន់មានឈ្មោះអ្នកណាទេ៖ អ្នកដែលបើកតុការងារអាចធ្វើបានទាំងអស់។",
        );
    }
    let mut table = table(&["name", "role", "since"]);
    for person in all {
        let role = match person.role {
            Role::Reader => "reader",
            Role::Clerk => "clerk",
            Role::Chief => "chief",
        };
        let since = format!("{} ago", ago(person.since_ms, now_ms()));
        table.add_row([person.name, role.to_owned(), since]);
    }
    say(&table.trim_fmt())
}

/// Asked for twice on a terminal, else one line of standard input; never an argument, which others on the machine can read.
fn pin() -> anyhow::Result<String> {
    if !stdin().is_terminal() {
        return line();
    }
    let first = asked("PIN / លេខសម្ងាត់: ")?;
    let second = asked("Once more / ម្តងទៀត: ")?;
    ensure!(
        first == second,
        "the two are not the same; nothing was changed\n  លេខទាំងពីរមិនដូចគ្នាទេ គ្មានអ្វីត្រូវបានផ្លាស់ប្តូរ"
    );
    Ok(first)
}

fn asked(question: &str) -> anyhow::Result<String> {
    let mut err = std::io::stderr();
    write!(err, "{question}").and_then(|()| err.flush())?;
    let hidden = Silence::begin();
    let answer = line();
    drop(hidden);
    writeln!(err)?;
    answer
}

fn line() -> anyhow::Result<String> {
    let mut answer = String::new();
    stdin()
        .read_line(&mut answer)
        .context("cannot read the PIN")?;
    Ok(answer.trim().to_owned())
}

/// While it lives, the terminal does not show what is typed.
struct Silence;

impl Silence {
    fn begin() -> Silence {
        Silence::stty("-echo");
        Silence
    }

    /// Where there is no `stty` it is shown, and that is all.
    fn stty(word: &str) {
        let _shown = Command::new("stty").arg(word).status();
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        Silence::stty("echo");
    }
}
