//! The token of the local HTTP interface: a file that only the office's own account can read comes in, a token to compare with goes out.
//! It is never shown, and comparing takes the same time whatever was given.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use schemas::event::Hash;

use super::{Mistake, closed_to_others, mistake};

/// Bytes of a new token, before base64url.
const TOKEN_BYTES: usize = 32;
/// A shorter one, made by hand, could be guessed.
const TOKEN_CHARACTERS_MIN: usize = 32;

#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Reads the token, and makes the file where there is none.
    ///
    /// # Errors
    /// The file cannot be read or made, is open to others, or is too short to be a secret.
    pub fn read_or_make(path: &Path) -> Result<Token, Mistake> {
        if !path.exists() {
            make(path)
                .map_err(|error| mistake(path.display(), format!("cannot be made: {error}")))?;
        }
        Token::read(path)
    }

    /// # Errors
    /// The file cannot be read, is open to others, or is too short to be a secret.
    pub fn read(path: &Path) -> Result<Token, Mistake> {
        closed_to_others(path)?;
        let text = String::from_utf8(super::read(path)?)
            .map_err(|_| mistake(path.display(), "is no text"))?;
        let text = text.trim();
        let plain = text.bytes().all(|b| b.is_ascii_graphic());
        if text.len() < TOKEN_CHARACTERS_MIN || !plain {
            let what = format!("must be at least {TOKEN_CHARACTERS_MIN} letters and digits");
            return Err(mistake(path.display(), what));
        }
        Ok(Token(text.to_owned()))
    }

    /// For the `Authorization` header of a request to the agent.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Says whether this token was given. Digests are compared, so that time tells nothing about the token.
    pub fn is(&self, given: &str) -> bool {
        Hash::of(given.as_bytes()) == Hash::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

fn make(path: &Path) -> std::io::Result<()> {
    let mut secret = [0; TOKEN_BYTES];
    let random = SystemRandom::new().fill(&mut secret);
    random.map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{}", URL_SAFE_NO_PAD.encode(secret))?;
    file.sync_all()
}
