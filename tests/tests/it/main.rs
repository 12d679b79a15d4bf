//! The promises of the whole, kept by real parts: nats-server, gateway, agents. One binary, one module for each room of promises.
//! In: the built programs and nats-server 2.15.1. Out: a verdict for each promise. Never: a stand-in for a part.

mod tidy;
mod codes;
mod figures;
mod authority;
mod road;
mod packed;
mod receipts;
mod signatures;
mod heal;
mod broker;
mod clerk;
mod office;
mod abuse;
mod clients;
mod evidence;
mod revoke;
mod versions;
mod interface;
mod deliveries;
