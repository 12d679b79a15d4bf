//! What both programs must agree on. No sockets, no clock, no async.
//! The modules stand from the smallest word to the largest agreement.

pub mod limits;
pub mod subject;
pub mod event;
pub mod json;
pub mod tables;
