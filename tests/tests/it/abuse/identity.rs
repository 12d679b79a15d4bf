//! Certificates that an authority would never give, and keys without a certificate.
//! In: a TLS handshake. Out: no session. Never: an identity from anywhere but the one SPIFFE URI.

use tests::forge::{self, Claim, Signer};
use tests::raw::{Credentials, Handshake, RawClient, ServerOp};

use super::*;

/// Whether the credentials lead to a session: CONNECT answered with PONG. Else what was said: a TLS alert or an error.
async fn knock(bus: &Bus, credentials: &Credentials) -> Result<(), String> {
    let address = bus.gateway.address();
    let mut client = RawClient::open(address, credentials, Handshake::TlsFirst)
        .await
        .map_err(|error| error.to_string())?;
    client
        .try_send("CONNECT {\"verbose\":false,\"headers\":true}\r\nPING\r\n")
        .await
        .ok();
    match client.next().await {
        Some(ServerOp::Pong) => Ok(()),
        Some(ServerOp::Error(words)) => Err(words),
        other => Err(format!("{other:?}")),
    }
}

async fn assert_turned_away(bus: &Bus, credentials: &Credentials, code: &str) {
    let words = knock(bus, credentials)
        .await
        .expect_err("nobody is let in with this");
    assert!(words.contains(code), "{words}");
}

fn forged(bus: &Bus, signer: Signer, claim: Claim) -> Credentials {
    forge::credentials(bus.authority.folder(), signer, claim)
}

#[tokio::test]
async fn a_certificate_as_enrolled_is_let_in() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let good = forged(&bus, Signer::Authority, Claim::of(&[HEALTH.office]));
    assert_eq!(knock(&bus, &good).await, Ok(()));
}

#[tokio::test]
async fn no_certificate_is_turned_away() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let nobody = Credentials {
        shown: None,
        ..bus.credentials(HEALTH.office)
    };
    assert_turned_away(&bus, &nobody, "CertificateRequired").await;
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_turned_away() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let stranger = forged(&bus, Signer::Stranger, Claim::of(&[HEALTH.office]));
    assert_turned_away(&bus, &stranger, "UnknownCA").await;
}

#[tokio::test]
async fn the_brokers_own_ca_makes_no_office() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let file = |name: &str| bus.authority.folder().join("gateway").join(name);
    let trusted = bus.credentials(HEALTH.office).trusted;
    let broker = Credentials::of_files(&file("nats-client.pem"), &file("nats-client.key"), trusted);
    assert_turned_away(&bus, &broker, "UnknownCA").await;
}

#[tokio::test]
async fn an_expired_certificate_is_turned_away() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let expired = forged(
        &bus,
        Signer::Authority,
        Claim::of(&[HEALTH.office]).expired(),
    );
    assert_turned_away(&bus, &expired, "CertificateExpired").await;
}

#[tokio::test]
async fn a_certificate_without_a_name_is_turned_away() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let nameless = forged(&bus, Signer::Authority, Claim::of(&[]));
    assert_turned_away(&bus, &nameless, "(certificate-without-office)").await;
}

#[tokio::test]
async fn a_certificate_with_two_names_is_turned_away() {
    let bus = Bus::start(&[HEALTH.office, "moh/hq"]).await;
    let both = forged(
        &bus,
        Signer::Authority,
        Claim::of(&[HEALTH.office, "moh/hq"]),
    );
    assert_turned_away(&bus, &both, "(certificate-with-several-uris)").await;
}

#[tokio::test]
async fn a_name_that_is_no_office_is_turned_away() {
    let bus = Bus::start(&[HEALTH.office]).await;
    for office in ["moh", "moh/siem-reap/x", "MOH/siem-reap", "moh/*", ""] {
        let odd = forged(&bus, Signer::Authority, Claim::of(&[office]));
        assert_turned_away(&bus, &odd, "(certificate-uri-malformed)").await;
    }
}

#[tokio::test]
async fn an_office_that_the_registry_does_not_know_is_turned_away_until_it_does() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let unknown = forged(&bus, Signer::Authority, Claim::of(&["moh/takeo"]));
    assert_turned_away(&bus, &unknown, "(office-unknown)").await;
    bus.authority.enrol("moh/takeo", bus.folder());
    let let_in = || async { knock(&bus, &unknown).await.ok() };
    tests::deadline::eventually("the gateway to see the new registry", let_in).await;
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
