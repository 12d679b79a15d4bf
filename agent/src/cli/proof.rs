//! `receipt`: an event's id comes in, the file that proves when it was durable goes out. `verify` of such a file: the file and the
//! authority's key come in, one line that says what it proves goes out. No agent is asked, and no registry.

use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::proof::{self, HEADER, ProofFault, Proved};
use schemas::signing::PublicKey;
use serde_json::{Value, json};

use super::ReceiptArgs;
use super::client::Agent;
use super::terminal::say;

pub async fn receipt(agent: &Agent, args: ReceiptArgs) -> anyhow::Result<ExitCode> {
    let id = utf8_percent_encode(&args.id, NON_ALPHANUMERIC);
    let feed = args.feed.map(|feed| format!("feed={feed}"));
    let data = args.withhold.then(|| "data=withheld".to_owned());
    let query: Vec<String> = feed.into_iter().chain(data).collect();
    let path = format!("/events/{id}/receipt?{}", query.join("&"));
    say(&agent.get(&path).await?)
}

/// Whether a file begins as a proof does.
pub fn is_proof(beginning: &[u8]) -> bool {
    beginning.starts_with(&HEADER.as_bytes()[..HEADER.len() - 2])
}

pub fn verify(file: &[u8], authority: &PublicKey, json: bool) -> anyhow::Result<ExitCode> {
    let verdict = match std::str::from_utf8(file) {
        Ok(text) => proof::verify(text, authority).map_err(Fault::Proof),
        Err(_) => Err(Fault::NoText),
    };
    match verdict {
        Ok(proved) if json => say(&account(&proved).to_string()),
        Ok(proved) => say(&words(&proved)),
        Err(fault) => {
            let told = json!({"verified": false, "fault": fault.to_string()});
            match json {
                true => say(&told.to_string())?,
                false => say(&format!("NOT VERIFIED: {fault}"))?,
            };
            Ok(ExitCode::FAILURE)
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the file is no text")]
    NoText,
    #[error(transparent)]
    Proof(ProofFault),
}

fn words(proved: &Proved) -> String {
    let Proved {
        log,
        id,
        position,
        receipt_position,
        admitted,
        signed_by,
        data_withheld,
        ..
    } = proved;
    let verdict = match data_withheld {
        None => "VERIFIED".to_owned(),
        Some(digest) => format!("VERIFIED, authentic, data withheld (SHA-256 {digest})"),
    };
    let chain = match receipt_position == position {
        true => String::new(),
        false => format!(", to which the chain leads up to position {receipt_position}"),
    };
    let clocks = proved.stamped_before().map(|before| {
        format!(
            "\n  The receipt is stamped {} minutes before the office recorded the event ({}): one of the two clocks was wrong.",
            before.as_secs() / 60,
            proved.recorded
        )
    });
    let clocks = clocks.unwrap_or_default();
    format!(
        "{verdict}: event {id} is position {position} of {log}, signed by {}, and was durable on the bus by {admitted}, as gateway {signed_by} signed{chain}.{clocks}",
        log.office
    )
}

fn account(proved: &Proved) -> Value {
    json!({
        "verified": true,
        "source": proved.log.source(),
        "id": proved.id,
        "position": proved.position.number(),
        "hash": proved.hash.to_string(),
        "keyid": proved.keyid,
        "data_withheld": proved.data_withheld.map(|digest| digest.to_string()),
        "receipt_position": proved.receipt_position.number(),
        "recorded": proved.recorded.to_string(),
        "stamped_before_s": proved.stamped_before().map(|before| before.as_secs()),
        "admitted": proved.admitted.to_string(),
        "admitted_by": proved.admitted_by,
        "signed_by": proved.signed_by,
    })
}
