//! A client taken apart: one half says, the other hears, each at its own pace.
//! In: a client. Out: a mouth and an ear. Never: a deadline; whoever uses them has one.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{RawClient, ServerOp, read_op};

impl RawClient {
    pub fn apart(self) -> (Mouth, Ear) {
        let (stream, mouth) = tokio::io::split(self.stream);
        let ear = Ear {
            stream,
            bytes: self.seen.len() as u64,
            seen: self.seen,
        };
        (Mouth(mouth), ear)
    }
}

/// The half of a client that speaks; it waits while the server does not listen.
pub struct Mouth(WriteHalf<TlsStream<TcpStream>>);

impl Mouth {
    /// # Errors
    /// The connection's.
    pub async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }
}

/// The half of a client that hears; it waits while the server says nothing.
pub struct Ear {
    stream: ReadHalf<TlsStream<TcpStream>>,
    seen: Vec<u8>,
    /// What was read so far.
    pub bytes: u64,
}

impl Ear {
    /// The next operation; None at the end of the connection.
    ///
    /// # Errors
    /// The connection's.
    pub async fn next(&mut self) -> io::Result<Option<ServerOp>> {
        loop {
            if let Some((op, used)) = read_op(&self.seen) {
                self.seen.drain(..used);
                return Ok(Some(op));
            }
            match self.stream.read_buf(&mut self.seen).await? {
                0 => return Ok(None),
                bytes => self.bytes += bytes as u64,
            }
        }
    }
}
