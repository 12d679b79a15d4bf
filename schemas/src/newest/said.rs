//! How ends are said: in the gateway's answers about the registry, to whoever may see the feeds; and to a person, where two contradict each other.

use std::time::Duration;

use super::{Contradicted, Newest};
use crate::limits::{ENDS_MAX, WITNESSES_TOLD_MAX};
use crate::receipt::header;
use crate::subject::FeedName;

/// The header in which a gateway names the ends of feeds: `FEED NEWEST SECONDS`, with commas between.
pub const ENDS_HEADER: &str = "Spean-Ends";

/// Where a feed's stream ended so long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub feed: FeedName,
    pub newest: Newest,
    pub ago: Duration,
}

impl End {
    /// The line of a header block; nothing where there is no end to name.
    pub fn header(ends: &[End]) -> String {
        let written = ends.iter().take(ENDS_MAX).map(|end| {
            let End { feed, newest, ago } = end;
            // Rounded up: it is no younger than that.
            let seconds = ago.as_secs().saturating_add(1);
            format!("{feed} {newest} {seconds}")
        });
        let written: Vec<String> = written.collect();
        match &written[..] {
            [] => String::new(),
            written => format!("{ENDS_HEADER}: {}\r\n", written.join(", ")),
        }
    }

    /// Reads them from a header block; what is written otherwise is passed over.
    pub fn read(headers: &[u8]) -> Vec<End> {
        let written = header(headers, ENDS_HEADER).unwrap_or_default();
        let ends = written.split(", ").take(ENDS_MAX).filter_map(|end| {
            let mut words = end.split(' ');
            let end = End {
                feed: words.next()?.parse().ok()?,
                newest: words.next()?.parse().ok()?,
                ago: Duration::from_secs(words.next()?.parse().ok()?),
            };
            words.next().is_none().then_some(end)
        });
        ends.collect()
    }
}

/// The sentence for a person; None where nobody is contradicted.
pub fn contradiction(
    feed: &FeedName,
    (bus, newest): (&str, Newest),
    contradicted: &[Contradicted],
) -> Option<String> {
    if contradicted.is_empty() {
        return None;
    }
    let named = contradicted.iter().take(WITNESSES_TOLD_MAX).map(
        |Contradicted {
             who,
             newest,
             before,
         }| { format!("{who} named {newest} ({} s before)", before.as_secs()) },
    );
    let named: Vec<String> = named.collect();
    let more = match contradicted.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(", and {more} others named more, too"),
    };
    Some(format!(
        "{feed}: {bus} says that the stream ends at sequence {newest}, and {}{more}: \
         the bus was put back to an older copy, or somebody is shown one",
        named.join(", ")
    ))
}
