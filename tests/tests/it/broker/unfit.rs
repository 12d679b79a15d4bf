//! A gateway behind a nats-server that is not as it must be: at first it does not serve, later it stores nothing and says why.
//! In: streams with other settings, a server that says that it is older. Out: the gateway's end, its holds, its words. Never: an event
//! that is answered as stored there.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tests::broker::Broker;
use tests::bus::Bus;
use tests::deadline::{eventually, within};
use tests::envoy::Envoy;
use tests::gateway::Authority;
use tests::letter::{Letter, LogOf};
use tests::programs::{self, GATEWAY};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::started;

/// What a gateway says that does not go on.
async fn last_words(authority: &Authority) -> String {
    let arg = authority.arg();
    let serving = tokio::task::spawn_blocking(move || programs::output(GATEWAY, &["serve", &arg]));
    let output = within("the gateway's end", serving).await.expect("it ran");
    assert!(!output.status.success(), "it ends as one that failed");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_gateway_does_not_serve_where_streams_are_missing_or_would_lose_events() {
    let (_folder, authority, _nats) = started().await;
    let missing = last_words(&authority).await;
    for word in [
        "market-prices is missing",
        "confirmations is missing",
        "spean-gateway streams",
    ] {
        assert!(missing.contains(word), "{missing}");
    }
    authority.create_streams();
    let broker = Broker::connect(&authority).await.expect("let in");
    let stream = broker.jetstream().get_stream("market-prices").await;
    let mut stream = stream.expect("it stands");
    let mut config = stream.info().await.expect("it answers").config.clone();
    config.max_age = Duration::from_secs(3_600);
    let updated = broker.jetstream().update_stream(config).await;
    updated.expect("the operator may");
    let different = last_words(&authority).await;
    assert!(
        different.contains("market-prices: max_age is 3600000000000"),
        "{different}"
    );
}

/// Stands before nats-server, and says on demand that it is older than it is; whoever is connected then loses the connection.
async fn before(nats: SocketAddr, old: watch::Receiver<bool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let mut old = old.clone();
            tokio::spawn(async move {
                let says_old = *old.borrow_and_update();
                tokio::select! {
                    ended = pass_on(client, nats, says_old) => ended.unwrap_or_default(),
                    _ = old.changed() => {}
                }
            });
        }
    });
    address
}

async fn pass_on(mut client: TcpStream, nats: SocketAddr, old: bool) -> std::io::Result<()> {
    let mut server = TcpStream::connect(nats).await?;
    let mut info = Vec::new();
    while !info.ends_with(b"\r\n") {
        info.push(server.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&info).into_owned();
    let told = match old {
        true => text.replace("\"version\":\"2.15.1\"", "\"version\":\"2.10.1\""),
        false => text,
    };
    client.write_all(told.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

fn point_at(authority: &Authority, address: SocketAddr) {
    let path = authority.folder().join("gateway.toml");
    let text = std::fs::read_to_string(&path).expect("settings");
    let servers = format!("servers = [\"{}\"]", authority.nats);
    let other = text.replace(&servers, &format!("servers = [\"{address}\"]"));
    assert_ne!(other, text);
    std::fs::write(&path, other).expect("written");
}

#[tokio::test]
async fn a_gateway_does_not_serve_behind_an_old_server() {
    let (_folder, authority, _nats) = started().await;
    authority.create_streams();
    let (_switch, old) = watch::channel(true);
    point_at(&authority, before(authority.nats, old).await);
    let words = last_words(&authority).await;
    assert!(
        words.contains("2.10.1; it must be at least 2.14.3"),
        "{words}"
    );
}

const HEALTH: LogOf<'static> = LogOf {
    office: "moh/siem-reap",
    feed: "health-quarterly",
    event_type: "kh.gov.moh.quarterly-report.submitted.v1",
};

#[tokio::test]
async fn what_a_running_gateway_gets_while_an_old_server_is_behind_it_is_held() {
    let mut bus = Bus::start(&[HEALTH.office]).await;
    let (switch, old) = watch::channel(false);
    point_at(&bus.authority, before(bus.authority.nats, old).await);
    bus.gateway.restart().await;
    let report = serde_json::json!({
        "dataSet": "QUARTERLY_DENGUE",
        "period": "2026Q3",
        "orgUnit": "KH17",
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
    });
    let letter = Letter::new(&HEALTH, 1, &bus.genesis(), &report).sign(&bus.key(HEALTH.office));
    let log = bus.authority.folder().join("gateway.log");
    let said = |words: &str| std::fs::read_to_string(&log).is_ok_and(|log| log.contains(words));
    let publish = || async {
        let mut envoy = Envoy::new(bus.raw(HEALTH.office).await, HEALTH.office).await;
        envoy.publish(&HEALTH.subject(), &letter).await
    };
    // A gateway that has looked once goes on; one that has not would end.
    let next = Letter::new(&HEALTH, 2, &letter.hash(), &report).sign(&bus.key(HEALTH.office));
    assert_eq!(publish().await["seq"], 1);
    eventually("the gateway to have looked", || async {
        said("the streams are as they must be").then_some(())
    })
    .await;
    switch.send_replace(true);
    eventually("the gateway to say what is wrong", || async {
        said("2.10.1").then_some(())
    })
    .await;
    let publish_next = || async {
        let mut envoy = Envoy::new(bus.raw(HEALTH.office).await, HEALTH.office).await;
        envoy.publish(&HEALTH.subject(), &next).await
    };
    let held = publish_next().await;
    assert_eq!(held["spean"]["code"], "bus-unavailable", "{held}");
    switch.send_replace(false);
    eventually("it to be stored behind the right server", || async {
        let answer: Value = publish_next().await;
        (answer["seq"] == 2).then_some(())
    })
    .await;
}
