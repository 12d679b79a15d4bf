//! Owner of zstd. A text and what was said before it come in, squeezed bytes go out, and back. Each is a frame of its own (RFC 8878) without
//! its magic number; the bytes before it are its prefix. What comes out is never more than was declared.

use std::cell::RefCell;

use zstd_safe::{CCtx, CParameter, DCtx, ErrorCode, ResetDirective};

use super::limits::HISTORY_BYTES_MAX;

/// Nearly the size of level 9 for a fiftieth of its time where a text is short and has a history.
const LEVEL: i32 = 6;
/// What every frame begins with (RFC 8878 §3.1.1), and is not sent.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

thread_local! {
    // A context is a megabyte, or an eighth of one, and keeps nothing from one text to the next: threads have them, not connections.
    static SQUEEZER: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
    static UNSQUEEZER: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// The bytes are no frame behind this history, or not one of so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("does not unsqueeze to what was declared")]
pub struct NotSqueezed;

/// What a log has said before over this connection, the latest of it. One log's alone: nobody's guesses lie beside another's figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(Vec<u8>);

impl History {
    /// The first byte is none of a text, so that no text can pass for a trained dictionary, which begins with a number of its own.
    pub fn put(&mut self, text: &[u8]) {
        let room = HISTORY_BYTES_MAX.saturating_sub(1);
        let kept = text.len().saturating_sub(room);
        let kept = text.get(kept..).unwrap_or_default();
        let whole = self.0.len().saturating_add(kept.len());
        let over = whole.saturating_sub(HISTORY_BYTES_MAX);
        self.0.drain(..over.min(self.0.len()));
        match self.0.first_mut() {
            Some(first) => *first = 0,
            None => self.0.push(0),
        }
        self.0.extend_from_slice(kept);
    }
}

/// None where it cannot be squeezed, and is sent in another way.
pub fn squeeze(text: &[u8], before: &History) -> Option<Vec<u8>> {
    let squeezed = SQUEEZER.with_borrow_mut(|context| squeeze_in(context, text, before));
    let frame = squeezed.ok()?;
    Some(frame.strip_prefix(&MAGIC)?.to_vec())
}

fn squeeze_in(context: &mut CCtx, text: &[u8], before: &History) -> Result<Vec<u8>, ErrorCode> {
    context.reset(ResetDirective::SessionAndParameters)?;
    context.set_parameter(CParameter::CompressionLevel(LEVEL))?;
    context.set_parameter(CParameter::ContentSizeFlag(false))?;
    context.set_parameter(CParameter::DictIdFlag(false))?;
    if !before.0.is_empty() {
        context.load_dictionary(&before.0)?;
    }
    let mut out = vec![0; zstd_safe::compress_bound(text.len())];
    let bytes = context.compress2(&mut out[..], text)?;
    out.truncate(bytes);
    Ok(out)
}

/// # Errors
/// `NotSqueezed`.
pub fn unsqueeze(squeezed: &[u8], before: &History, bytes: usize) -> Result<Vec<u8>, NotSqueezed> {
    let frame = [&MAGIC, squeezed].concat();
    let text = UNSQUEEZER.with_borrow_mut(|context| unsqueeze_in(context, &frame, before, bytes));
    let text = text.map_err(|_| NotSqueezed)?;
    Some(text)
        .filter(|text| text.len() == bytes)
        .ok_or(NotSqueezed)
}

fn unsqueeze_in(
    context: &mut DCtx,
    frame: &[u8],
    before: &History,
    bytes: usize,
) -> Result<Vec<u8>, ErrorCode> {
    context.reset(ResetDirective::SessionAndParameters)?;
    if !before.0.is_empty() {
        context.load_dictionary(&before.0)?;
    }
    let mut out = vec![0; bytes];
    let bytes = context.decompress(&mut out[..], frame)?;
    out.truncate(bytes);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_behind_the_same_history_and_behind_no_other() {
        let (mut before, text) = (
            History::default(),
            b"Phnom Srok,Fish (snake head, dry),12000".repeat(3),
        );
        let alone = squeeze(&text, &before).expect("squeezed");
        assert_eq!(unsqueeze(&alone, &before, text.len()), Ok(text.clone()));
        before.put(&text);
        let behind = squeeze(&text, &before).expect("squeezed");
        assert!(
            behind.len() < alone.len(),
            "{} {}",
            behind.len(),
            alone.len()
        );
        assert_eq!(unsqueeze(&behind, &before, text.len()), Ok(text.clone()));
        let other = unsqueeze(&behind, &History::default(), text.len());
        assert_ne!(other, Ok(text));
    }

    #[test]
    fn more_or_less_than_was_declared_is_refused() {
        let text = vec![7; 1 << 20];
        let bomb = squeeze(&text, &History::default()).expect("squeezed");
        assert!(bomb.len() < 100);
        for bytes in [0, 1, text.len() - 1, text.len() + 1] {
            let read = unsqueeze(&bomb, &History::default(), bytes);
            assert_eq!(read, Err(NotSqueezed), "{bytes}");
        }
    }

    #[test]
    fn a_history_is_the_latest_of_what_was_said_and_no_dictionary() {
        let mut history = History::default();
        history.put(&[0x37, 0xa4, 0x30, 0xec, 1]);
        assert_eq!(history.0, [0, 0x37, 0xa4, 0x30, 0xec, 1]);
        for _ in 0..3 {
            history.put(&[2; 5_000]);
            assert!(history.0.len() <= HISTORY_BYTES_MAX);
            assert_eq!(history.0[0], 0);
        }
        history.put(&[3; 1 << 20]);
        assert_eq!(history.0.len(), HISTORY_BYTES_MAX);
        assert_eq!((history.0[0], history.0[1]), (0, 3));
    }
}
