//! One office asks for more than its part: it is slowed and told, and the others notice nothing of it.
//! In: what a stolen laptop can send without end. Out: the answers, and what another office gets meanwhile. Never: a figure (`bench abuse` has those).

use std::time::Duration;

use tests::broker::Broker;
use tests::raw::{Handshake, RawClient, ServerOp};
use tokio::time::{Instant, timeout};

use super::*;

const HOSTILE: &str = "moh/kandal";
const OFFICE_SESSIONS: usize = 8;

#[tokio::test]
async fn an_office_has_eight_sessions_and_another_gets_in_beside_them() {
    let mut scene = Scene::with(&[HOSTILE]).await;
    let mut standing = Vec::new();
    for _ in 0..2 * OFFICE_SESSIONS {
        let gateway = scene.bus.gateway.address();
        let credentials = scene.bus.credentials(HOSTILE);
        let opened = RawClient::open(gateway, &credentials, Handshake::TlsFirst).await;
        let mut client = opened.expect("TLS lets an office in");
        // Who is turned away may be gone before it has said anything.
        let _ = client
            .try_send("CONNECT {\"headers\":true}\r\nPING\r\n")
            .await;
        match answered(&mut client).await {
            Some(ServerOp::Pong) => standing.push(client),
            Some(ServerOp::Error(why)) => assert!(why.contains("too-many-sessions"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(standing.len(), OFFICE_SESSIONS);
    scene.assert_untouched().await;
}

/// What comes behind INFO.
async fn answered(client: &mut RawClient) -> Option<ServerOp> {
    loop {
        match client.next().await {
            Some(ServerOp::Info(_)) => {}
            other => return other,
        }
    }
}

/// More than an account holds, all the time, for longer than an office is only slowed.
#[tokio::test]
async fn who_asks_without_end_is_told_when_to_ask_again_and_others_are_served() {
    let mut scene = Scene::with(&[HOSTILE]).await;
    let mut hostile = scene.envoy_of(HOSTILE).await;
    let info = format!("$JS.API.STREAM.INFO.{}", HEALTH.feed);
    let began = Instant::now();
    let told = loop {
        let many = format!("PUB {info} _INBOX.moh.kandal.envoy.x 0\r\n\r\n").repeat(50);
        hostile.client.send(many).await;
        let mut told = None;
        for _ in 0..50 {
            let answer = hostile.client.message().await.json();
            let code = answer["spean"]["code"].as_str();
            told = told.or((code == Some("office-over-budget")).then(|| answer.clone()));
        }
        if let Some(told) = told {
            break told;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "never told");
    };
    assert_held(&told, "office-over-budget");
    let details = &told["spean"]["details"][0];
    assert_eq!(details["at"], "retry_after", "{told}");
    scene.assert_untouched().await;
    // The operator sees who it is, and not each time.
    let log = std::fs::read_to_string(scene.bus.authority.folder().join("gateway.log"));
    let log = log.expect("a gateway has a log");
    let warned = log
        .lines()
        .filter(|line| line.contains("office-over-budget"));
    let warned: Vec<&str> = warned.collect();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains(HOSTILE), "{warned:?}");
}

/// What is wrong with an event costs its office what it took to find out, by whatever door it comes.
#[tokio::test]
async fn faulty_events_that_come_back_are_paid_for_and_others_are_served() {
    let mut scene = Scene::with(&[HOSTILE]).await;
    let (subject, faulty) = faulty_refill(&scene);
    let mut hostile = scene.envoy_of(HOSTILE).await;
    let flood = async {
        loop {
            let told = hostile.publish(&subject, &faulty).await;
            if told["spean"]["code"] != "contract-violated" {
                return told;
            }
        }
    };
    let told = timeout(Duration::from_secs(60), flood).await;
    assert_held(&told.expect("never told"), "office-over-budget");
    scene.assert_untouched().await;
}

/// As large as an event may be, and every member of it a fault.
fn faulty_refill(scene: &Scene) -> (String, Letter) {
    let log = LogOf {
        office: HOSTILE,
        ..HEALTH
    };
    let mut data = report();
    for number in 0..80_000 {
        data[format!("x{number:05}")] = 1.into();
    }
    let faulty = Letter::new(&log, 1, &scene.bus.genesis(), &data);
    let faulty = faulty.sign(&scene.bus.key(HOSTILE));
    (format!("{}.1", log.subject()), faulty)
}

/// Eight at once are not eight times an office's part: the second is judged when the first is paid for.
#[tokio::test]
async fn what_all_sessions_of_an_office_bring_at_once_is_judged_as_slowly_as_it_is_paid_for() {
    let mut scene = Scene::with(&[HOSTILE]).await;
    let (subject, faulty) = faulty_refill(&scene);
    let mut sessions = Vec::new();
    for _ in 0..OFFICE_SESSIONS {
        sessions.push(scene.envoy_of(HOSTILE).await);
    }
    let began = Instant::now();
    let told = sessions[0].publish(&subject, &faulty).await;
    assert_refused(&told, "contract-violated");
    let alone = began.elapsed();
    let all = sessions.iter_mut().map(async |session| {
        session.publish(&subject, &faulty).await;
    });
    let began = Instant::now();
    futures_util::future::join_all(all).await;
    let together = began.elapsed();
    assert!(together > 20 * alone, "{together:?} beside {alone:?}");
    scene.assert_untouched().await;
}

/// Nothing of it is looked at; it was read and decrypted all the same.
#[tokio::test]
async fn what_is_turned_down_unread_is_paid_for_by_its_bytes() {
    let mut scene = Scene::with(&[HOSTILE]).await;
    let mut hostile = scene.envoy_of(HOSTILE).await;
    let create = format!("$JS.API.CONSUMER.CREATE.{}", HEALTH.feed);
    let long = " ".repeat(1_000_000);
    let flood = async {
        loop {
            let told = hostile.request(&create, &long).await;
            if told["spean"]["code"] != "request-malformed" {
                return told;
            }
        }
    };
    let told = timeout(Duration::from_secs(60), flood).await;
    assert_held(&told.expect("never told"), "office-over-budget");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_request_that_is_larger_than_any_needs_to_be_is_not_even_read() {
    let mut scene = Scene::start().await;
    let create = format!("$JS.API.CONSUMER.CREATE.{}", HEALTH.feed);
    let subject = HEALTH.subject();
    let body = format!(
        r#"{{"stream_name":"{}","config":{{"ack_policy":"none","filter_subject":"{subject}","mem_storage":true}}}}"#,
        HEALTH.feed
    );
    let spaces = " ".repeat(65_537 - body.len());
    let long = body + &spaces;
    let told = scene.envoy.request(&create, &long).await;
    assert_refused(&told, "request-malformed");
    let details = told["spean"]["details"].to_string();
    assert!(details.contains("at most 65536 bytes"), "{told}");
    for subject in ["spean.registry", "spean.counts.health-quarterly"] {
        let told = scene.envoy.request(subject, &long).await;
        assert_refused(&told, "request-malformed");
    }
    let fits = scene.envoy.request(&create, &long[..65_536]).await;
    assert_eq!(fits["error"], Value::Null, "{fits}");
}

/// Each of them makes the stream be searched; the other office's next event waits for none of it.
#[tokio::test]
async fn old_events_that_come_again_are_known_and_stop_nobody() {
    let mut scene = Scene::start().await;
    let mut letters = vec![scene.first().sign(&scene.key)];
    for position in 2..=150 {
        let last = letters.last().expect("there is a first");
        let next = scene.behind(position, last).sign(&scene.key);
        letters.push(next);
    }
    for (letter, seq) in letters.iter().zip(1..) {
        assert_stored(&scene.publish(letter).await, seq);
    }
    // Far from the head, and in no order.
    for index in [0, 70, 10, 40, 3, 60, 20] {
        let again = scene.publish(&letters[index]).await;
        assert_eq!(again["duplicate"], true, "{again}");
        assert_eq!(again["seq"], index + 1, "{again}");
    }
    let last = letters.last().expect("there is a first");
    let next = scene.behind(151, last).sign(&scene.key);
    assert_stored(&scene.publish(&next).await, 151);
}

#[tokio::test]
async fn a_request_to_heal_is_heard_once_and_only_for_what_is_missing() {
    let mut scene = Scene::with(&["moh/hq"]).await;
    let mut letters = vec![scene.first().sign(&scene.key)];
    for position in 2..=4 {
        let last = letters.last().expect("there is a first");
        let next = scene.behind(position, last).sign(&scene.key);
        letters.push(next);
    }
    for (letter, seq) in letters.iter().zip(1..) {
        assert_stored(&scene.publish(letter).await, seq);
    }
    let broker = Broker::connect(&scene.bus.authority).await;
    let broker = broker.expect("nats-server answers");
    broker.lose(HEALTH.feed, 3).await.expect("the operator may");
    let subject = "spean.heal.health-quarterly.moh.siem-reap";
    let mut hearer = scene.bus.raw(HEALTH.office).await;
    hearer.send(format!("SUB {subject} 1\r\nPING\r\n")).await;
    let mut asker = scene.envoy_of("moh/hq").await;
    let asked = [
        r#"{"missing":[[2,2]]}"#,
        r#"{"missing":[[5,9]]}"#,
        r#"{"missing":[[3,3]]}"#,
        r#"{"missing":[[3,3]]}"#,
    ];
    for body in asked {
        let length = body.len();
        asker
            .client
            .send(format!("PUB {subject} {length}\r\n{body}\r\n"))
            .await;
    }
    let heard = hearer.message().await;
    assert_eq!(heard.json(), json!({ "missing": [[3, 3]] }));
    let more = timeout(Duration::from_secs(2), hearer.message()).await;
    assert!(more.is_err(), "{more:?}");
}
