//! Words for the registry come in; what they change is shown, confirmed by a person or by `--yes`, and said.

use std::io::{IsTerminal as _, Write as _, stderr, stdin};
use std::path::Path;
use std::process::ExitCode;

use anyhow::ensure;
use broker_gateway::authority::{Saying, Words};

use super::{as_json, say};
use crate::cli::{SayArgs, SignArgs};

pub fn signed((words, sign): (Words, SignArgs)) -> anyhow::Result<ExitCode> {
    let saying = Saying::prepare(&sign.say.dir, &words)?;
    conclude(saying, &sign.say, sign.out.as_deref())
}

pub fn carried(file: &Path, args: &SayArgs) -> anyhow::Result<ExitCode> {
    conclude(Saying::carried(&args.dir, file)?, args, None)
}

fn conclude(saying: Saying, args: &SayArgs, out: Option<&Path>) -> anyhow::Result<ExitCode> {
    let nothing = saying.report().is_empty();
    if args.json {
        ensure!(
            args.yes || args.dry_run || nothing,
            "nothing was said: add --yes to say it, or --dry-run to look only"
        );
        return match nothing || args.dry_run {
            true => say(&as_json(saying.report())?),
            false => say(&as_json(&saying.say(out)?)?),
        };
    }
    say(&saying.report().table())?;
    if nothing || args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !confirmed()? {
        say("nothing was said")?;
        return Ok(ExitCode::FAILURE);
    }
    let registry = saying.say(out)?.registry;
    say(&format!(
        "said: the registry is at position {registry}; gateways that read it act on it within a second"
    ))?;
    match out {
        Some(out) => say(&format!(
            "for each gateway whose folder is elsewhere: carry {file} there, and spean-gateway registry append {file} --dir FOLDER",
            file = out.display()
        )),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Asks a person; nobody else can answer.
fn confirmed() -> anyhow::Result<bool> {
    ensure!(
        stdin().is_terminal(),
        "nothing was said: there is no terminal to ask on; add --yes to say it, or --dry-run to look only"
    );
    write!(
        stderr(),
        "Say this? It cannot be unsaid, only followed by other words. [y/N] "
    )?;
    stderr().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
