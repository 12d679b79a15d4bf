//! Drafts in (HTTP, CLI, CSV), events that fit their contract out; every mistake named.
