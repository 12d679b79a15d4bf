//! Valid events in, Accepted out, durable before acknowledged; what waits, what is settled, what was refused.

pub mod journal;
mod segment;
