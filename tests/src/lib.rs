//! The harness: a whole bus of real parts on free ports, gone when dropped. Modules from the ground up.
//! In: the built programs and nats-server 2.15.1. Out: handles to every part, and ways to hurt them. Never: a stand-in.

pub mod deadline;
pub mod programs;
pub mod folder;
pub mod disk;
pub mod volume;
pub mod figure;
pub mod tally;
pub mod ledger;
pub mod webhook;
pub mod ports;
pub mod netns;
pub mod nats;
pub mod proxy;
pub mod raw;
pub mod letter;
pub mod envoy;
pub mod forge;
pub mod edges;
pub mod gateway;
pub mod broker;
pub mod application;
pub mod office;
pub mod bus;
