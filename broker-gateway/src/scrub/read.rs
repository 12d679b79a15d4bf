//! A stream is read whole from its leader, many questions at a time, in its order; a report goes out. Nothing is changed but for
//! requests to heal, which are not stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use schemas::heal::HealRequest;
use schemas::registry::Registry;
use schemas::subject::{FeedName, LogName};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{FeedReport, Scrub};
use crate::counts::Uncounted;
use crate::limits::{SCRUB_AT_ONCE, SCRUB_CHUNK};
use crate::upstream::jetstream::{ApiError, JetStream, Outage};

/// JetStream's "no message found".
const NO_MESSAGE: u32 = 10037;

#[derive(Deserialize)]
struct Got {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

/// Reads every message of a feed's stream.
///
/// # Errors
/// The server does not answer, cannot read now, or has no such stream: nothing is known of what was not read yet.
pub async fn feed(
    jetstream: &JetStream,
    registry: &Registry,
    feed: &FeedName,
) -> Result<FeedReport, Uncounted> {
    #[derive(Deserialize)]
    struct Info {
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        first_seq: u64,
        last_seq: u64,
    }
    let asked = format!("$JS.API.STREAM.INFO.{feed}");
    let Info { state } = jetstream.ask::<Info>(&asked, &json!({})).await??;
    let mut scrub = Scrub::new(feed.clone(), registry);
    let mut from = state.first_seq.max(1);
    while from <= state.last_seq {
        // Long stretches of a stream may be gone: the next message that is there is asked for.
        let next = json!({ "seq": from, "next_by_subj": ">" });
        from = match get(jetstream, feed, &next).await? {
            Ok(message) => message.seq.max(from),
            Err(error) if error.err_code == NO_MESSAGE => break,
            Err(outage) if outage.is_outage() => return Err(outage.into()),
            Err(_) => from,
        };
        let to = from
            .saturating_add(SCRUB_CHUNK.saturating_sub(1))
            .min(state.last_seq);
        let reading = (from..=to).map(|sequence| async move {
            let question = json!({ "seq": sequence });
            (sequence, get(jetstream, feed, &question).await)
        });
        let mut reading = stream::iter(reading).buffered(SCRUB_AT_ONCE);
        while let Some((sequence, got)) = reading.next().await {
            match got? {
                Ok(message) => take(&mut scrub, message),
                Err(error) if error.err_code == NO_MESSAGE => {}
                Err(outage) if outage.is_outage() => return Err(outage.into()),
                Err(error) => scrub.damaged(sequence, "", error.to_string()),
            }
        }
        from = to.saturating_add(1);
    }
    Ok(scrub.finish())
}

async fn get(
    jetstream: &JetStream,
    feed: &FeedName,
    question: &Value,
) -> Result<Result<Message, ApiError>, Outage> {
    let subject = format!("$JS.API.STREAM.MSG.GET.{feed}");
    let got = jetstream.ask::<Got>(&subject, question).await?;
    Ok(got.map(|got| got.message))
}

fn take(scrub: &mut Scrub, message: Message) {
    let Message {
        subject,
        seq,
        hdrs,
        data,
    } = message;
    match (STANDARD.decode(hdrs), STANDARD.decode(data)) {
        (Ok(headers), Ok(data)) => scrub.take(seq, &subject, &headers, Bytes::from(data)),
        (Err(why), _) | (_, Err(why)) => scrub.damaged(seq, &subject, why.to_string()),
    }
}

/// Asks whoever has it for what a report says is missing and not declared; returns how many logs were asked for.
///
/// # Errors
/// The connection is over.
pub async fn ask_to_heal(jetstream: &JetStream, report: &FeedReport) -> Result<usize, Outage> {
    let mut asked = 0_usize;
    let wanted = report.logs.iter().map(|log| (log, log.wanted()));
    for (log, wanted) in wanted.filter(|(_, wanted)| !wanted.is_empty()) {
        let name = LogName {
            feed: report.feed.clone(),
            office: log.office.clone(),
        };
        let request = HealRequest::new(name, &wanted);
        jetstream.tell(&request.subject(), &request.body()).await?;
        asked = asked.saturating_add(1);
    }
    Ok(asked)
}
