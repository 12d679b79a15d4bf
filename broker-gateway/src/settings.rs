//! gateway.toml: raw text in, checked settings out, every mistake at once.
