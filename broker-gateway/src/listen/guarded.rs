//! A socket that gives a stranger few bytes to say who it is, and an office as many as it likes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::failure::TooMuch;
use crate::limits::{HELLO_BYTES_MAX, UNKNOWN_PEER_BYTES_MAX};
use crate::session::OnTheWire;

#[derive(Debug)]
pub struct Guarded {
    socket: TcpStream,
    /// What may still be read; None once the peer is known.
    left: Option<usize>,
    wire: OnTheWire,
}

impl Guarded {
    pub fn new(socket: TcpStream) -> Guarded {
        Guarded {
            socket,
            left: Some(HELLO_BYTES_MAX),
            wire: OnTheWire::default(),
        }
    }

    /// Waits for the first byte, and takes nothing.
    pub async fn hear(&self) -> io::Result<()> {
        self.socket.peek(&mut [0]).await.map(drop)
    }

    /// The peer's ClientHello is whole: a chain of certificates is longer.
    pub fn listen_on(&mut self) {
        self.left = Some(UNKNOWN_PEER_BYTES_MAX);
    }

    /// The peer has shown its certificate.
    pub fn trust(&mut self) {
        self.left = None;
    }

    /// What comes from a peer that has.
    pub fn wire(&self) -> OnTheWire {
        self.wire.clone()
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        let read = buffer.filled().len().saturating_sub(before);
        match &mut self.left {
            Some(left) => {
                *left = left
                    .checked_sub(read)
                    .ok_or_else(|| io::Error::other(TooMuch))?;
            }
            None => self.wire.came(read),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
