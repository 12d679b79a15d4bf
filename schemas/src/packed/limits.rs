//! The bounds of the packed link that both programs keep, each with the reason for its number. What a peer declares is held against them
//! before anything is made of it. An honest run may be a hundredth of what it says, so that a ratio is no bound.

/// Events of one run: as many as a gateway judges together.
pub const RUN_EVENTS_MAX: usize = 256;
/// A run's squeezed texts: 256 rows are 2 KB, and what is hardly smaller squeezed goes in full.
pub const SQUEEZED_BYTES_MAX: usize = 256 * 1024;
/// The same texts unsqueezed, and the data that is joined from them, each: the largest event fits.
pub const TEXTS_BYTES_MAX: usize = 1024 * 1024;
/// Different shapes of JSON text in one run: rows of one sheet have one, reports of a feed some.
pub const TEMPLATES_MAX: usize = 64;
/// Places in the shapes of one run: a report of a hundred elements has some hundred.
pub const COLUMNS_MAX: usize = 1_024;
/// Values in all texts of one run: 256 events of 256 values.
pub const LEAVES_MAX: usize = 65_536;
/// Logs of one direction that have a context: an office writes one for each of its feeds.
pub const CONTEXTS_MAX: usize = 16;
/// A log's own recent texts that are kept at both ends: from 8 KiB on more of them hardly shortens the next.
pub const HISTORY_BYTES_MAX: usize = 8 * 1024;
/// Places of an event's data that make its id; a form's key has some five.
pub const KEY_PLACES_MAX: usize = 16;
/// Data whose id is made again from it: it is parsed for that, on threads that all sessions share.
pub const KEYED_DATA_BYTES_MAX: usize = 4 * 1024;
/// The body of a run: its head with texts of the longest form, the squeezed texts, and for each event an id and a signature.
pub const RUN_BYTES_MAX: usize = SQUEEZED_BYTES_MAX + RUN_EVENTS_MAX * (16 + 64) + 12 * 1024;
/// The body of any other frame: a piece of text, or the answers to a run that are all a no.
pub const FRAME_BYTES_MAX: usize = 512 * 1024;
/// The bytes of a frame that go without a pause: a line of 64 kbit/s needs half a second for them.
pub const PIECE_BYTES: usize = 4 * 1024;
/// A text that a greeting or the news hold: names, key names, tags.
pub const WORD_BYTES_MAX: usize = 256;
/// Logs whose heads one greeting tells, and feeds that one piece of news is about: more than an office has.
pub const FEEDS_MAX: usize = 256;
