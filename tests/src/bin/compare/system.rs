//! What every system must be able to do, so that the same faults can be done to it.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};
use tests::figure::{PRICE_TYPE, price};
use tests::proxy::FaultProxy;

/// An office that submits, a centre behind a line, and an application that reads at the centre.
pub trait System {
    fn name(&self) -> &'static str;

    /// Submits one event, and again until it is accepted: what an office's program does.
    async fn submit(&mut self, id: &str) -> Result<()>;

    /// The office's line to the centre.
    fn line(&self) -> &FaultProxy;

    /// Where the office keeps what it accepted.
    fn office_store(&self) -> PathBuf;
    async fn start_office(&mut self) -> Result<()>;
    async fn stop_office(&mut self) -> Result<()>;
    async fn kill_office(&mut self) -> Result<()>;

    /// Where the centre keeps what it was sent.
    fn centre_store(&self) -> PathBuf;
    /// Also makes the streams that are not there, as the operator's script would.
    async fn start_centre(&mut self) -> Result<()>;
    async fn stop_centre(&mut self) -> Result<()>;

    /// How many events the centre holds.
    async fn held(&self) -> Result<u64>;
    /// The application at the centre stops reading.
    async fn stop_reader(&mut self) -> Result<()>;
    async fn start_reader(&mut self) -> Result<()>;
    /// Destroys events in the middle of the centre's stream, as a damaged disk would.
    async fn lose(&mut self, sequences: std::ops::Range<u64>) -> Result<()>;

    /// The ids that the application was given so far, in order.
    async fn delivered(&mut self) -> Result<Vec<String>>;
    /// Whether anything that a person looks at says that something is missing, or was.
    async fn tells(&mut self) -> Result<bool>;
}

/// A market price as an office submits it, the same for every system.
pub fn event(id: &str) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "type": PRICE_TYPE,
        "subject": "KH17/2026-07",
        "datacontenttype": "application/json",
        "data": price("KH17", id),
    })
}
