//! Standard output, standard error and signals: text comes in and is written; a pipe that was closed is no fault.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

/// Lines of a long operation that are named; the rest is counted.
pub const NAMED_MAX: usize = 20;

/// Writes to standard output, with a newline at the end.
///
/// # Errors
/// The output cannot be written; that its reader has gone is no error.
pub fn say(text: &str) -> anyhow::Result<ExitCode> {
    line(text)?;
    Ok(ExitCode::SUCCESS)
}

/// As [`say`], and tells whether anybody still reads.
pub fn line(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(newline.as_bytes()))
        .and_then(|()| out.flush());
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a mistake to standard error; one on a full disk takes nothing.
pub fn complain(text: &str) {
    let _unheard = writeln!(io::stderr(), "spean-agent: {text}");
}

/// A table with its headings; plain where it is not shown on a terminal, or colours are not wanted.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings.iter().map(|heading| heading.to_uppercase()));
    if !io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        table.force_no_tty();
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table
}

/// A bar on a terminal; nothing in a pipe.
pub fn bar(length: u64, what: &str) -> ProgressBar {
    let target = match io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr_with_hz(5),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    let bar = ProgressBar::with_draw_target(Some(length), target);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what.to_owned());
    bar
}

/// How long ago it was, as people say it.
pub fn ago(at_ms: u64, now_ms: u64) -> String {
    let seconds = Duration::from_millis(now_ms.saturating_sub(at_ms)).as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Bytes in the largest unit in which they are at least 1.
pub fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.iter().find(|(unit, _)| count >= *unit);
    match unit {
        Some((unit, name)) => format!("{:.1} {name}", count as f64 / *unit as f64),
        None => format!("{count} bytes"),
    }
}

/// Cancelled by SIGTERM and Ctrl-C.
///
/// # Errors
/// The system gives no signals.
pub fn stop_signal() -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    #[cfg(unix)]
    let mut terminate = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())?
    };
    tokio::spawn(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _no_more_signals = tokio::signal::ctrl_c().await;
        cancel.cancel();
    });
    Ok(stop)
}
