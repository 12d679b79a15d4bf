//! Envelopes: how an event is written down, on the bus, in a store, in a file and in a submission.
//! All of them go through the same attributes; the data's bytes are never altered.

pub mod attributes;
pub mod format;
pub mod nats;
pub mod structured;
