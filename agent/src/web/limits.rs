//! The bounds of the local HTTP interface, each with the reason for its number.

use std::time::Duration;

use schemas::limits::DATA_BYTES_MAX;

/// A body: the largest data of one event, and room for its envelope.
pub const BODY_BYTES_MAX: usize = DATA_BYTES_MAX + 64 * 1024;
/// Events of one batch: as many as the bus stores at once.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// Connections at once on one listener that ask or are answered: an office has tens of PCs.
pub const CONNECTIONS_MAX: usize = 256;
/// Streams at once on one listener: each reader of a stream holds one.
pub const STREAMS_MAX: usize = 256;
/// Streams of one address: more programs than one PC has.
pub const STREAMS_PEER_MAX: usize = 64;
/// An answer that is not taken in this time holds its place no longer than nobody else wants it.
pub const WORK_TIME: Duration = Duration::from_secs(60);
/// From a connection's first byte to the end of its headers.
pub const HEADERS_TIME: Duration = Duration::from_secs(15);
/// A TLS handshake within the office.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// A whole body: 1 MB at 128 kbit/s.
pub const BODY_TIME: Duration = Duration::from_secs(60);
/// What requests in flight get when the agent stops.
pub const SHUTDOWN_TIME: Duration = Duration::from_secs(5);
/// Before the next accept when the system gives no more connections.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A client's idempotency key: any UUID or hash is shorter.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;
/// Characters of a header's name that an answer repeats: no attribute's is longer.
pub const HEADER_NAME_SHOWN: usize = 64;
/// Events of a page where the client says nothing.
pub const PAGE_EVENTS: usize = 100;
/// Events of a page at most; the store bounds its bytes, too.
pub const PAGE_EVENTS_MAX: usize = 1_000;
