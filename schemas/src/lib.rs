//! What both programs must agree on. No sockets, no clock, no async.
//! The modules stand from the smallest word to the largest agreement.

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

pub mod limits;
pub mod subject;
pub mod event;
pub mod ids;
pub mod text;
pub mod alarm;
pub mod refusal;
pub mod code;
pub mod explain;
pub mod signing;
pub mod chain;
pub mod head;
pub mod heal;
pub mod json;
pub mod envelope;
pub mod period;
pub mod tables;
pub mod contract;
pub mod feed;
pub mod notice;
pub mod registry;
pub mod registry_log;
pub mod form;
pub mod newest;
pub mod receipt;
pub mod confirmation;
pub mod proof;
pub mod packed;
