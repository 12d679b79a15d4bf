//! Certificates that an authority would never give, and keys without a certificate.
//! In: a TLS handshake. Out: no session. Never: an identity from anywhere but the one SPIFFE URI.

use tests::forge::{self, Claim, Signer};
use tests::raw::{Credentials, Handshake, RawClient};

use super::*;

/// Whether the credentials lead to a session: CONNECT answered with PONG.
async fn lets_in(bus: &Bus, credentials: &Credentials) -> bool {
    let Ok(mut client) =
        RawClient::open(bus.gateway.address(), credentials, Handshake::TlsFirst).await
    else {
        return false;
    };
    let said = client
        .try_send("CONNECT {\"verbose\":false,\"headers\":true}\r\nPING\r\n")
        .await;
    said.is_ok() && matches!(client.next().await, Some(tests::raw::ServerOp::Pong))
}

fn forged(bus: &Bus, signer: Signer, claim: Claim) -> Credentials {
    forge::credentials(bus.authority.folder(), signer, claim)
}

#[tokio::test]
async fn a_certificate_as_enrolled_is_let_in() {
    let bus = Bus::start(&[HEALTH.office]).await;
    assert!(
        lets_in(
            &bus,
            &forged(&bus, Signer::Authority, Claim::of(&[HEALTH.office]))
        )
        .await
    );
}

#[tokio::test]
async fn no_certificate_is_not_let_in() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let nobody = Credentials {
        shown: None,
        ..bus.credentials(HEALTH.office)
    };
    assert!(!lets_in(&bus, &nobody).await);
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_not_let_in() {
    let bus = Bus::start(&[HEALTH.office]).await;
    assert!(
        !lets_in(
            &bus,
            &forged(&bus, Signer::Stranger, Claim::of(&[HEALTH.office]))
        )
        .await
    );
}

#[tokio::test]
async fn the_brokers_own_ca_makes_no_office() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let gateway = bus.authority.folder().join("gateway");
    let broker = Credentials::of_files(
        &gateway.join("nats-client.pem"),
        &gateway.join("nats-client.key"),
        bus.credentials(HEALTH.office).trusted,
    );
    assert!(!lets_in(&bus, &broker).await);
}

#[tokio::test]
async fn an_expired_certificate_is_not_let_in() {
    let bus = Bus::start(&[HEALTH.office]).await;
    assert!(
        !lets_in(
            &bus,
            &forged(
                &bus,
                Signer::Authority,
                Claim::of(&[HEALTH.office]).expired()
            )
        )
        .await
    );
}

#[tokio::test]
async fn a_certificate_without_a_name_is_not_let_in() {
    let bus = Bus::start(&[HEALTH.office]).await;
    assert!(!lets_in(&bus, &forged(&bus, Signer::Authority, Claim::of(&[]))).await);
}

#[tokio::test]
async fn a_certificate_with_two_names_is_not_let_in() {
    let bus = Bus::start(&[HEALTH.office, "moh/hq"]).await;
    assert!(
        !lets_in(
            &bus,
            &forged(
                &bus,
                Signer::Authority,
                Claim::of(&[HEALTH.office, "moh/hq"])
            )
        )
        .await
    );
}

#[tokio::test]
async fn a_name_that_is_no_office_is_not_let_in() {
    let bus = Bus::start(&[HEALTH.office]).await;
    for office in ["moh", "moh/siem-reap/x", "MOH/siem-reap", "moh/*", ""] {
        assert!(
            !lets_in(&bus, &forged(&bus, Signer::Authority, Claim::of(&[office]))).await,
            "{office}"
        );
    }
}

#[tokio::test]
async fn an_office_that_the_registry_does_not_know_can_do_nothing() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let credentials = forged(&bus, Signer::Authority, Claim::of(&["moh/takeo"]));
    if !lets_in(&bus, &credentials).await {
        return;
    }
    let client = RawClient::connect(bus.gateway.address(), &credentials).await;
    let mut envoy = Envoy::new(client, "moh/takeo").await;
    let log = LogOf {
        office: "moh/takeo",
        ..HEALTH
    };
    let letter = Letter::new(&log, 1, &bus.genesis(), &report()).sign(&Key::stranger());
    assert_held(
        &envoy.publish(&log.subject(), &letter).await,
        "office-unknown",
    );
}

#[tokio::test]
async fn a_name_claimed_in_connect_counts_for_nothing() {
    let bus = Bus::start(&[HEALTH.office, "moh/battambang"]).await;
    let credentials = bus.credentials("moh/battambang");
    let client = RawClient::open(bus.gateway.address(), &credentials, Handshake::TlsFirst).await;
    let mut client = client.expect("the gateway lets an office in");
    client.send("CONNECT {\"verbose\":false,\"headers\":true,\"user\":\"moh/siem-reap\",\"name\":\"moh/siem-reap\"}\r\n").await;
    let mut envoy = Envoy::new(client, "moh/battambang").await;
    let letter = Letter::new(&HEALTH, 1, &bus.genesis(), &report()).sign(&bus.key(HEALTH.office));
    assert_refused(
        &envoy.publish(&HEALTH.subject(), &letter).await,
        "not-your-log",
    );
}
