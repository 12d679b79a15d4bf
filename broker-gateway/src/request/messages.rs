//! Reading single messages: from the leader (`STREAM.MSG.GET`) and from any replica (`DIRECT.GET`).

use serde::{Deserialize, Serialize};

use schemas::subject::FeedName;

use super::filter::LogFilter;
use super::{Asker, Request, body, bounded, feed, forbidden, forward, forward_bytes, malformed};
use crate::acl::{self, Scope};
use crate::limits::{
    DIRECT_MESSAGES_MAX, FILTERS_MAX, READ_BYTES_AT_ONCE, READ_BYTES_MAX, READ_MESSAGES_AT_ONCE,
};
use crate::refuse::No;

/// Both requests' members that are open, read and written alike. An absent one is not written.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct GetBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_by_subj: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_by_subj: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    multi_last: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    up_to_seq: Option<u64>,
}

impl GetBody {
    /// Clients write zeros and empty words where others write nothing.
    fn tidy(mut self) -> GetBody {
        self.seq = self.seq.filter(|seq| *seq > 0);
        self.last_by_subj = self.last_by_subj.filter(|subject| !subject.is_empty());
        self.next_by_subj = self.next_by_subj.filter(|subject| !subject.is_empty());
        self.batch = self.batch.filter(|batch| *batch > 0);
        self.max_bytes = self.max_bytes.filter(|bytes| *bytes > 0);
        self.multi_last = self.multi_last.filter(|subjects| !subjects.is_empty());
        self.up_to_seq = self.up_to_seq.filter(|seq| *seq > 0);
        self
    }
}

/// `STREAM.MSG.GET`: one message.
pub fn get(asker: Asker<'_>, stream: &str, bytes: &[u8]) -> Result<Request, No> {
    let feed = feed(stream)?;
    let ask = body::<GetBody>(bytes)?.tidy();
    if ask.batch.is_some() || ask.max_bytes.is_some() || ask.multi_last.is_some() {
        return Err(malformed(
            "batch",
            "several messages are read with DIRECT.GET",
            "សារច្រើនត្រូវអានដោយ DIRECT.GET",
        ));
    }
    allow(asker, &feed, &ask)?;
    Ok(forward(&format!("STREAM.MSG.GET.{feed}"), &ask))
}

/// `DIRECT.GET` with a body: one message or many.
pub fn direct(asker: Asker<'_>, stream: &str, bytes: &[u8]) -> Result<Request, No> {
    let feed = feed(stream)?;
    let mut ask = body::<GetBody>(bytes)?.tidy();
    bounded("batch", ask.batch.unwrap_or(0), DIRECT_MESSAGES_MAX)?;
    bounded("max_bytes", ask.max_bytes.unwrap_or(0), READ_BYTES_MAX)?;
    allow(asker, &feed, &ask)?;
    if ask.multi_last.is_none() {
        ask.batch = ask.batch.map(|batch| batch.min(READ_MESSAGES_AT_ONCE));
    }
    if ask.batch.is_some() || ask.multi_last.is_some() {
        // What is left is told at the end, and asked for when this was taken.
        let wanted = ask.max_bytes.unwrap_or(READ_BYTES_AT_ONCE);
        ask.max_bytes = Some(wanted.min(READ_BYTES_AT_ONCE));
    }
    Ok(forward(&format!("DIRECT.GET.{feed}"), &ask))
}

/// `DIRECT.GET` with the subject in the subject: the last message there.
pub fn last(asker: Asker<'_>, stream: &str, subject: &str, bytes: &[u8]) -> Result<Request, No> {
    let feed = feed(stream)?;
    if !bytes.trim_ascii().is_empty() {
        return Err(malformed(
            "",
            "a subject stands in the request's subject or in its body, not in both",
            "ប្រធានបទត្រូវស្ថិតតែកន្លែងមួយ",
        ));
    }
    let filter = LogFilter::parse(&feed, subject)?;
    filter.allow(asker)?;
    let subject = format!("DIRECT.GET.{feed}.{}", filter.text());
    Ok(forward_bytes(&subject, Vec::new()))
}

/// Every subject that is named must be readable; where none is, the sequence may hit any log, so all of the feed must be.
fn allow(asker: Asker<'_>, feed: &FeedName, ask: &GetBody) -> Result<(), No> {
    let many = ask.multi_last.as_deref().unwrap_or_default();
    if many.len() > FILTERS_MAX {
        return Err(forbidden(
            "multi_last",
            format!("must name at most {FILTERS_MAX}"),
            format!("ត្រូវមិនលើស {FILTERS_MAX}"),
        ));
    }
    let named = [&ask.last_by_subj, &ask.next_by_subj];
    let subjects: Vec<&String> = named.into_iter().flatten().chain(many).collect();
    if subjects.is_empty() {
        acl::read(asker.registry, asker.peer, &Scope::Feed(feed.clone()))?;
    }
    for subject in subjects {
        LogFilter::parse(feed, subject)?.allow(asker)?;
    }
    Ok(())
}
