//! A gateway that stops comes in, sessions that end one after the other go out: nats-server's lame duck.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::outgoing::Outgoing;
use crate::gateway::{Client, Gateway};
use crate::limits::FAREWELL_WAIT;

/// Asks the client to go elsewhere once the gateway stops, and lets the session end when it is its turn. One that waits for the
/// broker does not see that it is; it gets a little longer, and then this returns.
pub async fn in_turn(
    gateway: Arc<Gateway>,
    client: Client,
    down: Arc<Outgoing>,
    shutdown: CancellationToken,
    leave: CancellationToken,
) {
    shutdown.cancelled().await;
    let stays = gateway.time_to_leave();
    // A client whose line is full hears of it late or not at all; its time runs all the same.
    let telling = down.send(gateway.info_of_lame_duck(client));
    let (_told, ()) = tokio::join!(
        tokio::time::timeout(stays, telling),
        tokio::time::sleep(stays)
    );
    leave.cancel();
    tokio::time::sleep(FAREWELL_WAIT).await;
}
