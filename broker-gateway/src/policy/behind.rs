//! Heads of the registry by which other gateways have stored events come in; that this gateway lacks lines goes out, once for each such
//! head. A stamp in the stream proves nothing, and nothing is judged by it: it says where to look.

use std::sync::{Mutex, PoisonError};

use schemas::registry::RegistryHead;
use tokio::time::Instant;
use tracing::error;

use super::Policy;
use crate::limits::REGISTRY_LAG_MAX;

/// The newest head that was seen and is not here.
#[derive(Debug, Default)]
pub struct Behind(Mutex<Option<Seen>>);

#[derive(Debug)]
struct Seen {
    head: RegistryHead,
    since: Instant,
    told: bool,
}

impl Behind {
    /// Takes the header block of a stored event. A line that was said a moment ago may not have been read here yet.
    pub fn look(&self, headers: &[u8], policy: &Policy) {
        let Some(head) = RegistryHead::read(headers).filter(|head| policy.is_behind(*head)) else {
            return;
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = Seen {
            head,
            since: Instant::now(),
            told: false,
        };
        let known = seen.take().filter(|known| known.head == head);
        let known = seen.insert(known.unwrap_or(first));
        if !known.told && known.since.elapsed() >= REGISTRY_LAG_MAX {
            known.told = true;
            error!("{}", words(head, policy.position()));
        }
    }
}

/// What is said of it to whoever can mend it.
pub fn words(head: RegistryHead, here: u64) -> String {
    let there = head.position;
    format!(
        "registry-behind: events on the bus were judged by position {there} of the registry, and this gateway works by {here} lines: offices that \
         were enrolled since are not known here, and what was taken back since is still given. Bring the newest registry.ndjson here"
    )
}
