//! The pages of those who are in: a visit comes in, a page goes out. What changes something is posted, written down, done, and answered with
//! 303 to a page.

pub mod acts;
mod due;
pub mod enter;
pub mod event;
pub mod help;
pub mod home;
pub mod import;
pub mod precautions;
pub mod receipt;
pub mod received;
pub mod sent;
pub mod to_fix;
pub mod withdraw;
