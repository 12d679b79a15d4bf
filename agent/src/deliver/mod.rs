//! Kept events in, the application has them in order: webhook, NDJSON file, SSE.
