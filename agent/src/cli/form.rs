//! `form`: a feed's name comes in, the empty sheet of its form is written. No agent need run; nothing is written over.

use std::fs::File;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use schemas::form::Form;

use super::terminal::say;
use super::{FormArgs, verify};
use crate::settings::Folder;
use crate::submit::sheet::empty;
use crate::words;

pub fn run(args: FormArgs, folder: &Folder) -> anyhow::Result<ExitCode> {
    let registry = verify::By::of(folder).registry()?;
    let form = match Form::of(&registry, &args.feed) {
        None => bail!(words::form_unknown(args.feed.as_str())),
        Some(form) => form?,
    };
    let (bytes, ending) = match args.xlsx {
        true => (
            empty::xlsx(&form).context("cannot make the workbook")?,
            "xlsx",
        ),
        false => (empty::csv(&form)?, "csv"),
    };
    let path = args
        .out
        .unwrap_or_else(|| format!("{}.{ending}", args.feed).into());
    let file = File::create_new(&path);
    let mut file = file.with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all(&bytes)
        .with_context(|| format!("cannot write {}", path.display()))?;
    say(&words::form_written(&path.display().to_string()).to_string())
}
