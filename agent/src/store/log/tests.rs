//! The log judged as a whole, with a room of a toy behind it.

mod toy;
pub mod folds;
mod reference;
mod model;
mod crash;
mod refuse;
mod damage;
