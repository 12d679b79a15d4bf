//! Admitted runs in, stored positions out: one writer for each feed's stream, singles or atomic batches.

use tokio::sync::oneshot;

use crate::admit::Admitted;
use crate::refuse::Answered;

/// The answers of one admitted run, each with its event's place in the submission. A closed channel means that nothing is
/// known: the session then answers none of them.
pub type Answers = oneshot::Receiver<Vec<Answered>>;

/// The writers of all feeds' streams.
#[derive(Debug)]
pub struct Commits {}

impl Commits {
    /// Puts a run in line behind what was stored before it; waits while the line is full.
    pub async fn store(&self, admitted: Admitted) -> Answers {
        let _ = admitted;
        oneshot::channel().1
    }
}
