//! Heads of the registry that were named over a session, by the gateway in its answers and receipts and by readers in what they confirm,
//! come in; whoever keeps the registry hears of each. Forgotten with the session.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::registry::RegistryHead;
use tokio::sync::Notify;

use super::limits::NAMED_MAX;
use super::session::Session;

/// As whom the gateway itself names one, beside its answers.
pub const THE_GATEWAY: &str = "the gateway";

#[derive(Default)]
pub(super) struct Named {
    heads: Mutex<BTreeMap<String, RegistryHead>>,
    news: Notify,
}

impl Named {
    fn heads(&self) -> MutexGuard<'_, BTreeMap<String, RegistryHead>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Somebody works by this registry, and has signed that, or is the gateway.
    pub fn names_registry(&self, who: &str, head: RegistryHead) {
        let mut heads = self.named().heads();
        let known = heads.contains_key(who);
        if (known || heads.len() < NAMED_MAX) && heads.insert(who.to_owned(), head) != Some(head) {
            self.named().news.notify_one();
        }
    }

    /// Who works by which.
    pub fn registries(&self) -> BTreeMap<String, RegistryHead> {
        self.named().heads().clone()
    }

    /// Ends when somebody has named another one than before.
    pub async fn registry_named(&self) {
        self.named().news.notified().await;
    }
}
