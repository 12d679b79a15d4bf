//! The gateway's own connections to nats-server.

pub mod raw;
