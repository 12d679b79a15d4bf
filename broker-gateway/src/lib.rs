//! spean-gateway: the one door to the broker. The modules stand in the order of an event's road.

pub mod acl;
pub mod admit;
pub mod audit;
pub mod authority;
pub mod commit;
pub mod judge;
pub mod listen;
pub mod peer;
pub mod refuse;
pub mod request;
pub mod session;
pub mod settings;
pub mod upstream;
pub mod wire;
