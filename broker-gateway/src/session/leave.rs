//! Why a session has to go though its client would stay: the gateway stops, and sessions end one after the other (nats-server's
//! lame duck), or the registry lets the peer in no more.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::end::End;
use super::outgoing::Outgoing;
use crate::acl;
use crate::gateway::{Client, Gateway};
use crate::limits::FAREWELL_WAIT;
use crate::peer::Peer;
use crate::policy::Policy;

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

/// Ends when the registry lets the peer in no more, whatever its session waits for.
pub async fn shut_out(mut policies: watch::Receiver<Arc<Policy>>, peer: Peer) -> End {
    loop {
        if let Err(why) = acl::enter(&policies.borrow_and_update().registry, &peer) {
            return End::ShutOut(why.code());
        }
        if policies.changed().await.is_err() {
            return End::Stopped;
        }
    }
}
