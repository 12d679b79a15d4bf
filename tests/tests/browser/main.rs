//! The desk in a real browser, over a real agent, gateway and nats-server: what a person of an office sees and does, and what each page must
//! be. In: clicks, keys, selectors. Out: promises. Never: a stand-in for a part. Where no browser is found, that is said, and nothing is tried.

mod desk;
mod driver;
mod enter;
mod import;
mod page;
mod people;

use tokio::sync::{Mutex, MutexGuard};

/// A browser and a bus take both cores: one test after the other.
pub async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}
