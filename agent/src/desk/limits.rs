//! The bounds of the desk, each with the reason for its number.

use std::time::Duration;

/// A one-time address: long enough to walk to another room, too short to be found later.
pub const ADDRESS_TIME: Duration = Duration::from_secs(10 * 60);
/// Browsers that are known: an office has tens of PCs at most.
pub const BROWSERS_MAX: usize = 32;
/// How long a browser keeps its cookie: browsers allow no more.
pub const COOKIE_TIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// A person who signed in: one working day.
pub const SIGNED_IN_TIME: Duration = Duration::from_secs(12 * 60 * 60);
/// People of one office.
pub const PEOPLE_MAX: usize = 100;
/// Characters of a person's name.
pub const NAME_CHARS_MAX: usize = 64;
/// Digits of a PIN: at least as many as a bank asks for, and some more.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 6..=12;
/// What a form posts: a name, a PIN, a token.
pub const FORM_BYTES_MAX: usize = 16 * 1024;
/// Rows of a page: more are not read, they are scrolled.
pub const ROWS: usize = 50;
/// Rows of each feed from which the home page takes the latest.
pub const LATEST: usize = 6;
/// Rows of a table of an event's data; a contract allows 2,000.
pub const DATA_ROWS: usize = 200;
/// Columns of a table of an event's data.
pub const DATA_COLUMNS: usize = 12;
/// Characters of a value that stands in a table.
pub const VALUE_CHARS: usize = 500;
/// The journal of acts before it begins a new file: some years of one office.
pub const ACTS_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// Bytes at the end of the journal that its page reads.
pub const ACTS_BYTES_SHOWN: u64 = 64 * 1024;
/// A style sheet or a font never changes under its name.
pub const ASSET_TIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);
