//! The packed link: what agent and gateway say to each other in few bytes, as values and as bytes. Signed events come in, frames go out that
//! hold only what the receiver cannot derive, and back. No socket and no clock is here; any bytes of a peer's end in a value or a fault.

pub mod answers;
mod columns;
mod field;
pub mod frame;
pub mod hello;
mod ids;
mod leaves;
pub mod limits;
pub mod news;
pub mod run;
mod squeeze;

pub use self::answers::{Answers, Said, SaidReceipt};
pub use self::field::Malformed;
pub use self::frame::{Frame, FrameFault, Frames, Kind};
pub use self::hello::{GatewayHello, OfficeHello};
pub use self::news::News;

/// The protocol's name in TLS (RFC 7301): who offers and selects it speaks frames, everybody else NATS.
pub const ALPN: &[u8] = b"spean/1";
