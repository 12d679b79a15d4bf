//! Refusals and holds in, the golden reply bodies out.
