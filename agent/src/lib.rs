//! spean-agent: an office's end of the bus. The modules stand in the order of an event's road.

pub mod private;
pub mod settings;
mod certificate;
pub mod status;
pub mod words;
pub mod submit;
pub mod store;
pub mod outbox;
pub mod dispatch;
pub mod link;
pub mod receive;
pub mod inbox;
pub mod confirm;
pub mod deliver;
pub mod heal;
pub mod desk;
pub mod web;
mod watchdog;
pub mod run;
pub mod cli;
