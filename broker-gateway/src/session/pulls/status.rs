//! What nats-server says at the end of a pull: a header block comes in, what it means and what the pull would still have brought goes
//! out.

/// The end of a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status<'b> {
    pub kind: Kind,
    /// The status line, without its version.
    pub line: &'b str,
    /// Messages, and bytes, that it would still have brought; not every end says so.
    pub messages: Option<u64>,
    pub bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The next message does not fit into its bytes any more.
    Full,
    /// Of one that is bounded in bytes: all its messages came, or are about to.
    Completed,
    /// Its time is over.
    TimedOut,
    Other,
}

impl<'b> Status<'b> {
    pub fn read(body: &'b [u8]) -> Status<'b> {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        let line = first.strip_prefix("NATS/1.0 ").unwrap_or(first);
        let number = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
            values.next()?.trim().parse().ok()
        };
        Status {
            kind: Kind::of(line),
            line,
            messages: number("Nats-Pending-Messages: "),
            bytes: number("Nats-Pending-Bytes: "),
        }
    }
}

impl Kind {
    fn of(line: &str) -> Kind {
        match line {
            line if line.starts_with("409 Message Size Exceeds MaxBytes") => Kind::Full,
            line if line.starts_with("409 Batch Completed") => Kind::Completed,
            line if line.starts_with("408") => Kind::TimedOut,
            _ => Kind::Other,
        }
    }
}
