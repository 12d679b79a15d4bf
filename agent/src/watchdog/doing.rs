//! What the process is doing: rooms say where they are entered and left, the kernel says who has computed. Sentences go out, for whoever
//! has to find out why an agent ended itself.

use std::cell::RefCell;
use std::fs;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where one thread is; the rooms that it has entered and not left.
#[derive(Debug, Default)]
struct Here(Mutex<Vec<&'static str>>);

static THREADS: Mutex<Vec<Arc<Here>>> = Mutex::new(Vec::new());

thread_local! {
    static HERE: RefCell<Option<Arc<Here>>> = const { RefCell::new(None) };
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Here {
    /// This thread's place, which the watchdog sees as long as the thread lives.
    fn of_this_thread() -> Arc<Here> {
        HERE.with_borrow_mut(|here| {
            let new = || {
                let here = Arc::new(Here::default());
                let mut all = lock(&THREADS);
                all.retain(|known| Arc::strong_count(known) > 1);
                all.push(here.clone());
                here
            };
            here.get_or_insert_with(new).clone()
        })
    }
}

/// A room on this thread, until it is dropped.
struct Entered(Arc<Here>);

impl Entered {
    fn new(room: &'static str) -> Entered {
        let here = Here::of_this_thread();
        lock(&here.0).push(room);
        Entered(here)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        lock(&self.0.0).pop();
    }
}

/// Runs a task under the name of its room: while one of its steps is under way, it is seen which.
pub async fn in_room<T>(name: &'static str, task: impl Future<Output = T>) -> T {
    let mut task = pin!(task);
    std::future::poll_fn(|context| {
        let _entered = Entered::new(name);
        task.as_mut().poll(context)
    })
    .await
}

/// The rooms of which a step is under way, the innermost of each thread.
pub fn entered() -> Vec<&'static str> {
    let all = lock(&THREADS);
    all.iter()
        .filter_map(|here| lock(&here.0).last().copied())
        .collect()
}

/// What all threads together have had of the processors, and waited for them. None where the kernel does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worked(Option<(Duration, Duration)>);

impl Worked {
    pub fn now() -> Worked {
        Worked(worked())
    }

    pub fn since(self, before: &Worked) -> Worked {
        Worked(self.0.zip(before.0).map(|(now, before)| {
            let computed = now.0.saturating_sub(before.0);
            (computed, now.1.saturating_sub(before.1))
        }))
    }
}

/// From `schedstat` of each thread: nanoseconds on a processor, and in line for one.
fn worked() -> Option<(Duration, Duration)> {
    let mut all = (Duration::ZERO, Duration::ZERO);
    for thread in fs::read_dir("/proc/self/task").ok()? {
        // A thread that has just ended is none.
        let Ok(said) = fs::read_to_string(thread.ok()?.path().join("schedstat")) else {
            continue;
        };
        let mut numbers = said
            .split_ascii_whitespace()
            .map(|number| number.parse().ok());
        let (computed, waited) = (numbers.next()??, numbers.next()??);
        all.0 = all.0.saturating_add(Duration::from_nanos(computed));
        all.1 = all.1.saturating_add(Duration::from_nanos(waited));
    }
    Some(all)
}

/// Why it ends itself, after so many seconds in which nothing moved.
pub fn last_words(seconds: u32, worked: Worked, entered: &[&'static str]) -> String {
    let silence = f64::from(seconds);
    let did = match worked.0 {
        None => "the system does not say whether it computed or waited for a disk".to_owned(),
        Some((computed, waited)) => {
            let (computed, waited) = (computed.as_secs_f64(), waited.as_secs_f64());
            let account = format!(
                "it had {computed:.1} s of processor time meanwhile, and was in line for {waited:.1} s"
            );
            match (computed > silence / 4.0, waited > silence / 4.0) {
                (true, _) => {
                    format!("something does not come back from what it computes ({account})")
                }
                (false, true) => format!("the machine gives it no processor ({account})"),
                (false, false) => {
                    format!("something waits for a disk that does not answer ({account})")
                }
            }
        }
    };
    let place = match entered {
        [] => "no room was entered".to_owned(),
        rooms => format!("under way was a step of: {}", rooms.join(", ")),
    };
    format!("nothing has moved for {seconds} s: {did}; {place}; it ends without waiting any longer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_tell_what_computes_from_what_waits() {
        let seconds = |computed, waited| {
            Worked(Some((
                Duration::from_secs(computed),
                Duration::from_secs(waited),
            )))
        };
        for (worked, said) in [
            (
                seconds(58, 1),
                "does not come back from what it computes (it had 58.0 s",
            ),
            (seconds(2, 90), "gives it no processor (it had 2.0 s"),
            (
                seconds(0, 0),
                "waits for a disk that does not answer (it had 0.0 s",
            ),
            (Worked(None), "does not say whether"),
        ] {
            let words = last_words(60, worked, &["heal", "web"]);
            assert!(words.contains(said), "{words}");
            assert!(
                words.contains("under way was a step of: heal, web;"),
                "{words}"
            );
        }
        assert!(last_words(60, seconds(0, 0), &[]).contains("no room was entered"));
    }

    #[test]
    fn who_computes_is_seen_to_compute() {
        let before = Worked::now();
        let (enough, mut number) = (Duration::from_millis(50), 1u64);
        while Worked::now()
            .since(&before)
            .0
            .is_some_and(|(computed, _)| computed < enough)
        {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
    }

    #[tokio::test]
    async fn a_step_is_seen_while_it_is_under_way_and_not_between_two() {
        fn seen(name: &str) -> bool {
            entered().contains(&name)
        }
        let (go_on, wait) = tokio::sync::oneshot::channel::<()>();
        let task = in_room("outside", async {
            assert!(seen("outside"));
            in_room("inside", async {
                assert!(seen("inside") && !seen("outside"));
            })
            .await;
            assert!(seen("outside") && !seen("inside"));
            wait.await
        });
        let task = tokio::spawn(task);
        tokio::task::yield_now().await;
        assert!(!seen("outside"));
        go_on.send(()).expect("it waits");
        task.await.expect("no panic").expect("it was told");
    }
}
