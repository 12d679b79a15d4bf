//! Waiting for a thing, with a deadline.
//! In: a future or a question. Out: its answer in time, or a panic that says what was waited for. Never: a wait without an end.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

/// Long enough for two busy cores, short enough that a hang is seen on the same day.
pub const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The future's value, or a panic that says what did not come.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    within_at_most(PATIENCE, what, future).await
}

/// Like `within`, for what may rightly take longer or must come sooner.
pub async fn within_at_most<T>(
    patience: Duration,
    what: &str,
    future: impl Future<Output = T>,
) -> T {
    tokio::time::timeout(patience, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {patience:?}"))
}

/// Asks until the question has an answer.
pub async fn eventually<T, Answer>(what: &str, ask: impl FnMut() -> Answer) -> T
where
    Answer: Future<Output = Option<T>>,
{
    eventually_within(PATIENCE, what, ask).await
}

/// Like `eventually`, for what may rightly take longer or must come sooner.
pub async fn eventually_within<T, Answer>(
    patience: Duration,
    what: &str,
    mut ask: impl FnMut() -> Answer,
) -> T
where
    Answer: Future<Output = Option<T>>,
{
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(patience, asking)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {patience:?}"))
}

/// Like `eventually`, until the value passes; the panic shows the last one.
pub async fn until<T: Debug, Answer>(
    what: &str,
    mut ask: impl FnMut() -> Answer,
    mut passes: impl FnMut(&T) -> bool,
) -> T
where
    Answer: Future<Output = T>,
{
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let value = within(what, ask()).await;
        if passes(&value) {
            return value;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{what}: not within {PATIENCE:?}; last seen: {value:?}"
        );
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
