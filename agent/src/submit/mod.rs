//! HTTP, CLI and CSV in, a valid event out: every mistake named, nothing durable yet.

pub mod csv;
pub mod problem;
