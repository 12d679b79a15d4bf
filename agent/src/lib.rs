//! spean-agent: an office's end of the bus. The modules stand in the order of an event's road.

pub mod cli;
pub mod deliver;
pub mod dispatch;
pub mod inbox;
pub mod link;
pub mod outbox;
pub mod receive;
pub mod settings;
pub mod submit;
pub mod web;
