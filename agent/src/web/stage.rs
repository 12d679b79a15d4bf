//! How far an event has come: what is known of it comes in, its stage goes out, in the words of Peppol's Message Level Status
//! beside ours. Accepted here, durable on the bus, confirmed by its readers; or refused, or held, with the reason.

use schemas::event::Position;
use schemas::receipt::Facts;
use schemas::subject::FeedName;
use serde_json::{Value, json};

use super::App;
use super::advice::with_advice;
use crate::outbox::{Known, Reader, Stage};
use crate::store::Outage;

/// What is told of an event.
pub fn stage(app: &App, feed: &FeedName, id: &str, known: &Known) -> Result<Value, Outage> {
    let mut told = json!({"id": id, "feed": feed});
    match known.stage {
        Stage::Accepted => {
            told["stage"] = "accepted".into();
            let feeds = app.outbox_status()?.feeds;
            let held = feeds.into_iter().find(|status| status.feed == *feed);
            if let Some(held) = held.and_then(|status| status.held) {
                told["held"] = with_advice(held);
            }
        }
        Stage::Settled { position } => {
            told["position"] = position.number().into();
            durable(app, feed, position, &mut told)?;
        }
        Stage::Refused => {
            told["stage"] = "refused".into();
            let tray = app.outbox.tray()?;
            let entry = tray
                .into_iter()
                .find(|entry| entry.feed == *feed && entry.entry.id == id);
            told["refusal"] = entry.map(|entry| said(&entry.entry.refusal)).into();
        }
        Stage::Lost => told["stage"] = "lost".into(),
    }
    if let Some(status) = message_level_status(&told) {
        told["mls"] = status;
    }
    Ok(told)
}

/// Durable on the bus, and confirmed once every reader that is known has it.
fn durable(app: &App, feed: &FeedName, position: Position, told: &mut Value) -> Result<(), Outage> {
    if let Some(receipt) = app.outbox.receipt_for(feed, position)? {
        let Facts {
            position, stamp, ..
        } = receipt.facts();
        told["receipt"] = json!({
            "position": position.number(),
            "admitted": stamp.admitted.to_string(),
            "gateway": stamp.gateway,
        });
    }
    let readers = app.outbox.readers(feed)?;
    let (have, lack): (Vec<Reader>, Vec<Reader>) = readers
        .into_iter()
        .filter(|reader| !reader.ahead)
        .partition(|reader| reader.complete >= position.number());
    let confirmed = !have.is_empty() && lack.is_empty();
    told["stage"] = if confirmed { "confirmed" } else { "durable" }.into();
    told["confirmed_by"] = json!(have);
    told["awaited"] = json!(lack);
    Ok(())
}

/// The word of Peppol's Message Level Status for a stage (MLS 1.0: AB, AP, RE), where it has one: what only this agent has
/// accepted, or holds, has no status yet.
fn message_level_status(told: &Value) -> Option<Value> {
    match told["stage"].as_str()? {
        "durable" => Some(json!({"response": "AB"})),
        "confirmed" => Some(json!({"response": "AP"})),
        "refused" => {
            let code = &told["refusal"]["spean"]["code"];
            let business = code
                .as_str()
                .is_some_and(|code| BUSINESS_RULES.contains(&code));
            Some(json!({"response": "RE", "reason": if business { "BV" } else { "SV" }}))
        }
        _ => None,
    }
}

/// Refusals for what the data says; all others are for how the event is written.
const BUSINESS_RULES: [&str; 5] = [
    "contract-violated",
    "row-not-yours",
    "type-not-of-feed",
    "schema-not-of-feed",
    "id-taken",
];

/// What the gateway said, as it said it: JSON, or a sentence.
pub fn said(refusal: &str) -> Value {
    serde_json::from_str(refusal).unwrap_or_else(|_| refusal.into())
}
