//! How a packed session begins: the gateway's greeting comes in, or why there is none goes out. What is said before it is only ever a reason.

use bytes::BytesMut;
use schemas::packed::hello::CODEC_ZSTD;
use schemas::packed::{Frame, Frames, GatewayHello, Kind};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::said::{Hearing, Said};

/// Why a gateway that speaks frames is not spoken to.
#[derive(Debug, thiserror::Error)]
pub enum Unspoken {
    #[error("{0}")]
    Line(#[from] std::io::Error),
    /// Its last words.
    #[error("{0}")]
    Told(String),
    #[error("it speaks NATS")]
    NatsOnly,
    #[error("it packs in another way")]
    OtherCodec,
    #[error("it says what cannot be read: {0}")]
    Unreadable(String),
}

/// What has arrived of a gateway's frames.
#[derive(Default)]
pub struct Ear {
    pub arrived: BytesMut,
    pub frames: Frames,
    pub hearing: Hearing,
}

/// The gateway's first frame; what it says instead is why it does not take us.
pub async fn greeting(
    reader: &mut (impl AsyncRead + Unpin),
    ear: &mut Ear,
) -> Result<GatewayHello, Unspoken> {
    loop {
        let heard = ear.frames.next(&mut ear.arrived);
        let heard = heard.map_err(|fault| Unspoken::Unreadable(fault.to_string()))?;
        match heard {
            Some(Frame {
                kind: Kind::Hello,
                body,
            }) => {
                let hello = GatewayHello::read(&body);
                let hello = hello.map_err(|fault| Unspoken::Unreadable(fault.to_string()))?;
                let known = hello.codec == CODEC_ZSTD;
                return known.then_some(hello).ok_or(Unspoken::OtherCodec);
            }
            Some(Frame {
                kind: Kind::Text,
                body,
            }) => {
                ear.hearing.feed(&body);
                if let Ok(Some(Said::Error(words))) = ear.hearing.next() {
                    return Err(Unspoken::Told(words));
                }
            }
            Some(_) => {}
            None if reader.read_buf(&mut ear.arrived).await? == 0 => {
                return Err(Unspoken::Line(std::io::ErrorKind::UnexpectedEof.into()));
            }
            None => {}
        }
    }
}
