//! Another clock for a program: libfaketime in front of it, and a file that says how far it is off.
//! In: an offset in seconds. Out: a program whose wall clock is wrong; what it measures time spans by stays right, as when a
//! clock is set. Never: the machine's own clock.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Stage;
use super::part::Part;
use super::programs::Program;

/// Off by at least so much, an event's time shows that the clock was.
const CLEARLY_OFF_S: i64 = 1_800;

/// Where the library lies, if it is installed.
pub fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let candidates = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    candidates.into_iter().find(|path| path.exists())
}

/// The program's clock goes by the file from its next start on; it begins right.
pub fn give(part: &mut Part, file: &Path) -> Result<()> {
    let library = library().context("libfaketime is not there")?;
    std::fs::write(file, "+0\n")?;
    part.before = vec![
        "env".to_owned(),
        format!("LD_PRELOAD={}", library.display()),
        format!("FAKETIME_TIMESTAMP_FILE={}", file.display()),
        "FAKETIME_NO_CACHE=1".to_owned(),
        "DONT_FAKE_MONOTONIC=1".to_owned(),
    ];
    Ok(())
}

impl Stage {
    /// Sets a program's clock so many seconds off.
    pub fn set_clock(&self, program: Program, seconds: i64) -> Result<()> {
        let file = self.clock_file(program)?;
        // In one step: the program reads it at any moment.
        let new = file.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n"))?;
        std::fs::rename(&new, &file)?;
        self.act(&format!("the clock of {program:?} is {seconds:+} s off"));
        Ok(())
    }

    /// The fault had fired if an event of the office says a time that is clearly off.
    pub async fn count_wrong_clock(&mut self, office: usize) -> Result<()> {
        #[derive(Deserialize)]
        struct Times {
            source: String,
            recordedtime: String,
        }
        let now = time::OffsetDateTime::now_utc();
        let source = self.offices[office].source();
        let reader = &self.offices[self.subscribers()[0]];
        let text = reader.read_delivered().await?;
        let events = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Times>(line).ok());
        let own = events.filter(|event| event.source == source);
        let rfc3339 = &time::format_description::well_known::Rfc3339;
        let off = own.filter_map(|event| {
            let said = time::OffsetDateTime::parse(&event.recordedtime, rfc3339).ok()?;
            Some((said - now).whole_seconds().abs())
        });
        let wrong = off.filter(|off| *off > CLEARLY_OFF_S).count();
        let what = format!(
            "{wrong} events of {} bear a wrong time",
            self.offices[office].name
        );
        self.fault(wrong > 0, &what);
        Ok(())
    }

    fn clock_file(&self, program: Program) -> Result<PathBuf> {
        let name = match program {
            Program::Agent(index) => self.offices[index].tag.clone(),
            Program::Gateway(index) => format!("gateway-{}", index + 1),
            Program::Broker(_) => bail!("nats-server asks the kernel for the time itself"),
        };
        Ok(self.folder.join(format!("{name}.clock")))
    }
}
