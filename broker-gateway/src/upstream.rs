//! The gateway's own connections to nats-server.

pub mod version;
pub mod raw;
pub mod jetstream;
