//! A fresh TCP socket comes in, one that suits slow and failing lines goes out: small answers leave at once, a silent line is
//! noticed, and no more lies unsent in the kernel than a slow line needs.

use std::io;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::limits::{SILENCE_BEFORE_PING, UNACKNOWLEDGED_WAIT, UNSENT_BYTES_MAX};

pub fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    let keepalive = TcpKeepalive::new()
        .with_time(SILENCE_BEFORE_PING)
        .with_interval(UNACKNOWLEDGED_WAIT / 3);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_WAIT))?;
        socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    }
    Ok(())
}
