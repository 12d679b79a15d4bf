//! Signed runs in, one of four answers out: Stored, Refused, Held, Unreachable. Owner of async-nats.
