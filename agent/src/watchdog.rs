//! An end that comes for sure: beats of the runtime come in. Where none comes for a minute, because something waits for a disk that never
//! answers, or because something does not come back from what it computes, the process ends without it, and says which of the two
//! it was. Whoever started it starts it again, from what is on disk: nothing is lost by that.

mod doing;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use self::doing::in_room;
use self::doing::{Worked, last_words};

const BEAT: Duration = Duration::from_secs(1);
/// Looks without a beat between them. What is counted is this thread's own time: a process that stood still has not been silent.
const SILENT_LOOKS_MAX: u32 = 60;

/// Watches the runtime from a thread of its own. The beats stop with `end`, so that the end is watched, too.
///
/// # Errors
/// There is no thread to be had.
pub fn start(end: CancellationToken) -> io::Result<()> {
    let beats = Arc::new(AtomicU64::new(0));
    let heard = Arc::clone(&beats);
    thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || watch(&heard))?;
    tokio::spawn(async move {
        while end
            .run_until_cancelled(tokio::time::sleep(BEAT))
            .await
            .is_some()
        {
            beats.fetch_add(1, Ordering::Relaxed);
        }
    });
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "what would be dropped is what never returns"
)]
fn watch(beats: &AtomicU64) {
    let mut silence = Silence::default();
    let mut before = Worked::now();
    while !silence.is_too_long(beats.load(Ordering::Relaxed)) {
        if silence.looks == 0 {
            before = Worked::now();
        }
        thread::park_timeout(BEAT);
    }
    let words = last_words(
        SILENT_LOOKS_MAX,
        Worked::now().since(&before),
        &doing::entered(),
    );
    // Where this can be written is not known either.
    let _unheard = writeln!(io::stderr(), "spean-agent: {words}");
    std::process::exit(1);
}

#[derive(Debug, Default)]
struct Silence {
    last: u64,
    looks: u32,
}

impl Silence {
    fn is_too_long(&mut self, beats: u64) -> bool {
        self.looks = if beats == self.last {
            self.looks.saturating_add(1)
        } else {
            0
        };
        self.last = beats;
        self.looks > SILENT_LOOKS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_too_long_after_sixty_looks_without_a_beat_in_a_row() {
        let mut silence = Silence::default();
        let looks =
            |silence: &mut Silence, beats: u64| (0..100).find(|_| silence.is_too_long(beats));
        assert!((1..500).all(|beats| !silence.is_too_long(beats)));
        assert!((0..60).all(|_| !silence.is_too_long(499)));
        assert!(!silence.is_too_long(500), "a beat at the last moment");
        assert_eq!(looks(&mut silence, 500), Some(60));
    }
}
