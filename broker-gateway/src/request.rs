//! JetStream API requests: parsed by an allow-list into our own type, and written anew.
