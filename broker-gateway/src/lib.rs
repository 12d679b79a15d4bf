//! spean-gateway: the one door to the broker. The modules stand in the order of an event's road.

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
pub mod upstream;
pub mod refuse;
pub mod audit;
pub mod seldom;
pub mod explain;
pub mod authority;

#[cfg(test)]
mod fixtures;
