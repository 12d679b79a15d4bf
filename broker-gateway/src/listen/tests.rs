//! What it costs an office to come and be turned away.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::fixtures::{self, alone::Alone};
use crate::tls;

const OFFICE: &str = "moh/siem-reap";
/// Their price is more than an account holds.
const HANDSHAKES: usize = 60;

fn door(alone: &Alone) -> Door {
    let here = IpAddr::from(Ipv4Addr::LOCALHOST);
    let config = tls::server_config(&alone.gateway.settings.tls).expect("certificates of init");
    Door {
        gateway: alone.gateway.clone(),
        entrance: Arc::default(),
        tls: Arc::new(config),
        client: Client::new(here),
        shutdown: CancellationToken::new(),
    }
}

/// How long the office's sessions wait after so many of it were turned away.
async fn waits_behind(why: impl Fn(Peer) -> NotLetIn) -> Duration {
    let alone = Alone::start();
    let (door, peer) = (door(&alone), fixtures::peer(OFFICE));
    let account = alone.gateway.accounts.of(peer.office());
    for _ in 0..HANDSHAKES {
        let from = (([127, 0, 0, 1], 4_000).into(), "01".to_owned());
        let why = why(peer.clone());
        door.turn_away((tokio::io::sink(), Tongue::Nats), from, &why)
            .await;
    }
    let began = Instant::now();
    account.solvent().await.expect("not for long");
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_finds_no_seat_is_paid_for_by_the_sessions_that_have_one() {
    let waited = waits_behind(NotLetIn::Full).await;
    assert!(waited >= Duration::from_millis(100), "{waited:?}");
    let shut_out = |peer| NotLetIn::ShutOut(peer, Hold::OfficeClosed);
    assert_eq!(waits_behind(shut_out).await, Duration::ZERO);
}
