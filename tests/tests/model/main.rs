//! The protocol against a model of it: short random runs of the real outbox, dispatch, gateway, inbox and healing, each step held against a
//! reference that is so simple that one sees it is right. Only nats-server, the sockets and the clock are stand-ins. A run that fails
//! is made as short as it can be, and stays as a named case.

mod action;
mod again;
mod bus;
mod cases;
mod clock;
mod gateway;
mod ground;
mod nats;
mod office;
mod play;
mod reader;
mod reference;
mod sight;
mod store;
mod uplink;
mod wire;
mod world;
