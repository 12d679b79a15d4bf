//! An office and what it asks for come in, a permit goes out: the only place where permits are made.

use schemas::subject::LogName;

/// This office may append to this log.
#[derive(Debug, Clone)]
pub struct PublishPermit {
    log: LogName,
}

impl PublishPermit {
    pub fn log(&self) -> &LogName {
        &self.log
    }
}
