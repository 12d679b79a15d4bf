//! What pages show of the stores: feeds and places in them come in, rows with their stages go out. Nothing is decided here, and nothing is
//! read that is not shown.

pub mod data;
pub mod rows;
pub mod stage;
