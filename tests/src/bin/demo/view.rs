//! What a person sees while the demonstration runs: one line an act, and a bar while events are on their way.
//! In: acts and counts. Out: lines on stderr, a bar on a terminal alone. Never: a word on stdout, which is the account's.

use std::io::IsTerminal;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

pub struct View {
    began: Instant,
    talks: bool,
}

impl View {
    /// A pipe gets the account alone.
    pub fn new() -> View {
        View {
            began: Instant::now(),
            talks: std::io::stderr().is_terminal() || std::env::var_os("CI").is_some(),
        }
    }

    pub fn act(&self, what: &str) {
        if self.talks {
            eprintln!("{:>6.1} s  {what}", self.began.elapsed().as_secs_f64());
        }
    }

    /// A bar for that many events; invisible where stderr is no terminal.
    pub fn bar(&self, events: u64) -> ProgressBar {
        let style = ProgressStyle::with_template("          {bar:40} {pos}/{len} events")
            .expect("the template is well formed");
        ProgressBar::new(events).with_style(style)
    }
}
