//! spean-gateway: the one door to the broker. The modules stand in the order of an event's road.

#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::unwrap_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
    )
)]

mod coded;
pub mod limits;
pub mod settings;
pub mod serve;
pub mod gateway;
pub mod policy;
pub mod tls;
pub mod socket;
pub mod listen;
pub mod peer;
pub mod account;
pub mod wire;
pub mod session;
pub mod judge;
pub mod request;
pub mod consumers;
pub mod overview;
pub mod acl;
pub mod admit;
pub mod commit;
pub mod ends;
pub mod counts;
pub mod scrub;
pub mod watch;
pub mod streams;
pub mod upstream;
pub mod refuse;
pub mod audit;
pub mod seldom;
pub mod explain;
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unreachable,
    clippy::expect_used,
    reason = "an operator's own words at a keyboard: a panic ends the command that was given"
)]
pub mod authority;

#[cfg(test)]
mod fixtures;
