//! nats-server as `spean-gateway init` sets it up: it knows gateways and the operator, and nobody else.
//! In: the authority's folder. Out: who is let in, and what each may do. Never: an office's certificate at the broker.

mod listeners;
mod unfit;

use tests::broker::Broker;
use tests::gateway::Authority;
use tests::nats::NatsServer;
use tests::ports;
use tests::raw::{Credentials, Handshake, RawClient};

async fn started() -> (tempfile::TempDir, Authority, NatsServer) {
    let folder = tempfile::TempDir::with_prefix("spean-").expect("a temporary folder can be made");
    let authority = Authority::init(
        &folder.path().join("authority"),
        ports::free(),
        ports::free(),
    );
    let nats = NatsServer::start(&authority.nats_configuration(), authority.nats).await;
    (folder, authority, nats)
}

#[tokio::test]
async fn gateways_and_the_operator_are_let_in() {
    let (_folder, authority, _nats) = started().await;
    Broker::connect(&authority).await.expect("both are let in");
}

#[tokio::test]
async fn an_office_is_not_let_in() {
    let (folder, authority, _nats) = started().await;
    let bundle = authority.enrol("moh/siem-reap", folder.path());
    let trusted = tests::raw::certificates(&authority.folder().join("gateway/nats-ca.pem"));
    let office = Credentials {
        trusted,
        ..Credentials::of_bundle(&bundle)
    };
    let opened = RawClient::open(authority.nats, &office, Handshake::InfoFirst).await;
    let Ok(mut client) = opened else { return };
    client.try_send("CONNECT {}\r\nPING\r\n").await.ok();
    assert_eq!(client.next().await, None);
}
