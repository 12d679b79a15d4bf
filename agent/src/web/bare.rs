//! What is no HTTP never reaches a handler: hyper's own answers to it, a status without a word, come in, and go out as problems like every
//! other. Everything else passes as it is.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::submit::problem::{MEDIA_TYPE, Problem};

/// A connection on which no answer is bare.
pub struct Worded<S> {
    stream: S,
    /// A problem in place of what hyper wrote, and how much of it is out.
    instead: Option<(Vec<u8>, usize)>,
}

impl<S> Worded<S> {
    pub fn new(stream: S) -> Worded<S> {
        Worded {
            stream,
            instead: None,
        }
    }
}

/// The problem that a bare answer stands for. Answers of ours that are refusals have a body.
fn problem(written: &[u8]) -> Option<Vec<u8>> {
    let head = written
        .strip_prefix(b"HTTP/1.1 ")?
        .strip_suffix(b"\r\n\r\n")?;
    let head = std::str::from_utf8(head).ok()?;
    let empty = |line: &str| line.eq_ignore_ascii_case("content-length: 0");
    let (status, lines) = head.split_once("\r\n")?;
    if !lines.split("\r\n").any(empty) {
        return None;
    }
    let problem = match status.get(..3)? {
        "400" => Problem::HttpMalformed,
        "414" => Problem::PathTooLong,
        "431" => Problem::HeadersTooLarge,
        _ => return None,
    };
    let body = problem.body().to_string();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    Some(answer.into_bytes())
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        written: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.instead.is_none() {
            match problem(written) {
                Some(answer) => this.instead = Some((answer, 0)),
                None => return Pin::new(&mut this.stream).poll_write(context, written),
            }
        }
        while let Some((answer, out)) = &mut this.instead
            && *out < answer.len()
        {
            let rest = answer.get(*out..).unwrap_or_default();
            match ready!(Pin::new(&mut this.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                some => *out += some,
            }
        }
        this.instead = None;
        Poll::Ready(Ok(written.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}
