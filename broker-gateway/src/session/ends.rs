//! What a session is told beside the registry's lines: where the streams end that its office may see. INFO cannot say it, as it goes out before
//! anybody is known, and a stranger must not learn how much there is.

use std::sync::PoisonError;

use bytes::Bytes;
use schemas::newest::End;
use tokio::time::Instant;

use super::desk::Desk;
use crate::acl;
use crate::judge::REGISTRY_SUBJECT;
use crate::limits::ENDS_TOLD_INTERVAL;
use crate::policy::Policy;
use crate::wire::Subject;

impl Desk {
    /// The answer's header block, now and then with the ends of streams.
    pub fn with_ends(&self, subject: &Subject, headers: Bytes, policy: &Policy) -> Bytes {
        if subject.as_str() != REGISTRY_SUBJECT || !self.is_time_for_ends() {
            return headers;
        }
        let feeds = acl::feeds_seen(&policy.registry, &self.peer);
        let line = End::header(&self.gateway.commits.ends().of(feeds));
        let block = headers.strip_suffix(b"\r\n").unwrap_or(b"NATS/1.0\r\n");
        match line.is_empty() {
            true => headers,
            false => {
                self.told_ends();
                [block, line.as_bytes(), b"\r\n"].concat().into()
            }
        }
    }

    fn is_time_for_ends(&self) -> bool {
        let told = self.ends_told.lock();
        let told = *told.unwrap_or_else(PoisonError::into_inner);
        told.is_none_or(|told| told.elapsed() >= ENDS_TOLD_INTERVAL)
    }

    fn told_ends(&self) {
        let mut told = self
            .ends_told
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *told = Some(Instant::now());
    }
}
