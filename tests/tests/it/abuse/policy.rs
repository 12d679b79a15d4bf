//! What an office may hear and ask: its own inbox, its own consumers, the feeds that it may read.
//! In: subscriptions and requests to JetStream's API. Out: a no to each. Never: another's events, inbox or consumer.

use std::time::Duration;

use tests::deadline::{eventually_within, until};
use tests::raw::ServerOp;

use super::*;

/// What the gateway says to a subscription: an error, or the PONG behind it.
async fn subscription_is_refused(scene: &mut Scene, subscription: &str) -> bool {
    scene
        .envoy
        .client
        .send(format!("SUB {subscription} 77\r\nPING\r\n"))
        .await;
    let mut refused = false;
    loop {
        match scene.envoy.client.next().await {
            Some(ServerOp::Error(error)) => {
                refused = error.starts_with("Permissions Violation for Subscription")
            }
            Some(ServerOp::Pong) | None => return refused,
            Some(ServerOp::Message(message)) => panic!("{message:?}"),
            Some(ServerOp::Ping | ServerOp::Ok | ServerOp::Info(_)) => {}
        }
    }
}

#[tokio::test]
async fn others_feeds_and_inboxes_cannot_be_subscribed_to() {
    let mut scene = Scene::start().await;
    let forbidden = [
        ">",
        "*",
        "*.>",
        "$SYS.>",
        "$JS.>",
        "$JS.API.>",
        "$JS.ACK.>",
        "$KV.>",
        "$O.>",
        "spean.>",
        "spean.log.>",
        "spean.log.health-quarterly.moh.siem-reap",
        "spean.log.labour-returns.>",
        "spean.audit",
        "_INBOX.>",
        "_INBOX.moh.>",
        "_INBOX.*.siem-reap.>",
        "_INBOX.moh.battambang.>",
        "_INBOX.moh.siem-reap",
        "> queue",
        "_INBOX.moh.battambang.x queue",
    ];
    for subscription in forbidden {
        assert!(
            subscription_is_refused(&mut scene, subscription).await,
            "{subscription}"
        );
    }
    assert!(!subscription_is_refused(&mut scene, "_INBOX.moh.siem-reap.mine.>").await);
    scene.assert_untouched().await;
}

#[tokio::test]
async fn anothers_reply_subject_hears_nothing() {
    let mut scene = Scene::with(&["moh/battambang"]).await;
    let mut victim = scene.envoy_of("moh/battambang").await;
    let body =
        "PUB $JS.API.STREAM.INFO.health-quarterly _INBOX.moh.battambang.envoy.1 0\r\n\r\nPING\r\n";
    scene.envoy.client.send(body).await;
    let mut refused = false;
    while let Some(op) = scene.envoy.client.next().await {
        match op {
            ServerOp::Error(error) => {
                refused = error.starts_with("Permissions Violation for Publish")
            }
            ServerOp::Pong => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(refused);
    // What had been sent would stand before the answer to this.
    victim.client.send("PING\r\n").await;
    assert_eq!(victim.client.next().await, Some(ServerOp::Pong));
}

#[tokio::test]
async fn anothers_deliver_subject_in_the_body_is_refused() {
    let mut scene = Scene::with(&["moh/hq"]).await;
    let mut reader = scene.envoy_of("moh/hq").await;
    for key in ["deliver_subject", "DELIVER_SUBJECT", "Deliver_Subject"] {
        let body = json!({
            "stream_name": "health-quarterly",
            "config": { "name": "moh_hq_x", "filter_subject": "spean.log.health-quarterly.>", "ack_policy": "none", key: "_INBOX.moh.siem-reap.envoy.1" },
        });
        let subject =
            "$JS.API.CONSUMER.CREATE.health-quarterly.moh_hq_x.spean.log.health-quarterly.>";
        let answer = reader.request(subject, &body.to_string()).await;
        let code = answer["spean"]["code"].as_str().unwrap_or_default();
        assert!(
            ["request-forbidden", "request-malformed"].contains(&code),
            "{key}: {answer}"
        );
    }
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_feed_is_read_by_its_readers_alone() {
    let mut scene = Scene::with(&["moh/hq"]).await;
    let ask = |name: &str, filter: &str| {
        let body = json!({
            "stream_name": "health-quarterly",
            "config": { "name": name, "filter_subject": filter, "ack_policy": "none", "deliver_policy": "all", "mem_storage": true, "inactive_threshold": 60_000_000_000_u64 },
        });
        (
            format!("$JS.API.CONSUMER.CREATE.health-quarterly.{name}.{filter}"),
            body.to_string(),
        )
    };
    let (subject, body) = ask("moh_siem-reap_x", "spean.log.health-quarterly.>");
    assert_refused_request(
        &scene.envoy.request(&subject, &body).await,
        "request-forbidden",
    );
    let (subject, body) = ask(
        "moh_siem-reap_x",
        "spean.log.health-quarterly.moh.siem-reap",
    );
    let answer = scene.envoy.request(&subject, &body).await;
    assert_eq!(answer["error"], Value::Null, "{answer}");
    let mut reader = scene.envoy_of("moh/hq").await;
    let (subject, body) = ask("moh_hq_x", "spean.log.health-quarterly.>");
    let answer = reader.request(&subject, &body).await;
    assert_eq!(answer["error"], Value::Null, "{answer}");
}

#[tokio::test]
async fn a_filter_in_the_body_cannot_go_beyond_the_one_in_the_subject() {
    let mut scene = Scene::start().await;
    let body = json!({
        "stream_name": "health-quarterly",
        "config": { "name": "moh_siem-reap_x", "filter_subject": "spean.log.health-quarterly.>", "ack_policy": "none" },
    });
    let subject = "$JS.API.CONSUMER.CREATE.health-quarterly.moh_siem-reap_x.spean.log.health-quarterly.moh.siem-reap";
    let answer = scene.envoy.request(subject, &body.to_string()).await;
    assert!(answer["spean"]["answer"] == "refused", "{answer}");
}

#[tokio::test]
async fn streams_cannot_be_made_changed_or_read_whole() {
    let mut scene = Scene::start().await;
    for call in [
        "STREAM.CREATE.mine",
        "STREAM.UPDATE.health-quarterly",
        "STREAM.DELETE.health-quarterly",
        "STREAM.PURGE.health-quarterly",
        "STREAM.MSG.DELETE.health-quarterly",
        "STREAM.SNAPSHOT.health-quarterly",
        "STREAM.RESTORE.health-quarterly",
        "STREAM.TEMPLATE.CREATE.x",
        "ACCOUNT.PURGE.x",
        "META.LEADER.STEPDOWN",
        "SERVER.REMOVE",
    ] {
        let answer = scene.envoy.request(&format!("$JS.API.{call}"), "{}").await;
        assert!(
            answer["error"]["code"]
                .as_u64()
                .is_some_and(|code| code >= 400),
            "{call}: {answer}"
        );
        assert_eq!(answer["spean"]["answer"], "refused", "{call}: {answer}");
    }
    scene.assert_untouched().await;
}

#[tokio::test]
async fn subjects_outside_the_bus_cannot_be_published_to() {
    let mut scene = Scene::start().await;
    for subject in ["spean.audit", "spean.registry.x"] {
        let answer = scene
            .envoy
            .publish_as(subject, "NATS/1.0\r\n\r\n", b"{}")
            .await;
        assert_eq!(answer["spean"]["answer"], "refused", "{subject}: {answer}");
    }
    let client = &mut scene.envoy.client;
    for subject in [
        "$SYS.REQ.SERVER.PING",
        "$KV.x.y",
        "_INBOX.moh.battambang.x",
        "other",
    ] {
        let asked = format!("PUB {subject} _INBOX.moh.siem-reap.envoy.r 0\r\n\r\n");
        client.send(asked).await;
        let Some(ServerOp::Error(error)) = client.next().await else {
            panic!("{subject}: no error");
        };
        let why = format!("Publish to \"{subject}\" (subject-forbidden)");
        assert!(error.ends_with(&why), "{error}");
        let nobody = client.message().await;
        assert_eq!(nobody.headers, "NATS/1.0 503\r\n\r\n", "{subject}");
        assert!(nobody.payload.is_empty(), "{subject}");
    }
    scene.assert_untouched().await;
}

#[tokio::test]
async fn one_name_that_two_offices_choose_is_two_consumers() {
    let scene = Scene::with(&["moh/hq", "mef/hq"]).await;
    let mut offices = [
        scene.envoy_of("moh/hq").await,
        scene.envoy_of("mef/hq").await,
    ];
    for office in &mut offices {
        let made = make_consumer(office, "worker").await;
        assert_eq!(made["name"], "worker", "{made}");
    }
    let [first, second] = &mut offices;
    let names = "$JS.API.CONSUMER.NAMES.health-quarterly";
    for office in [&mut *first, &mut *second] {
        let own = office.request(names, "").await;
        assert_eq!(own["consumers"], json!(["worker"]), "{own}");
    }
    // The other one's by its whole name is one below the own, and there is none.
    let info = |name: &str| format!("$JS.API.CONSUMER.INFO.health-quarterly.{name}");
    let others = second.request(&info("moh_hq_worker"), "").await;
    assert_eq!(others["error"]["err_code"], 10014, "{others}");
    let delete = "$JS.API.CONSUMER.DELETE.health-quarterly.worker";
    let gone = first.request(delete, "").await;
    assert_eq!(gone["success"], true, "{gone}");
    let stays = second.request(&info("worker"), "").await;
    assert_eq!(stays["name"], "worker", "{stays}");
    assert_eq!(stays["config"]["name"], "worker", "{stays}");
}

#[tokio::test]
async fn an_office_sees_the_counts_of_its_own_log_and_of_no_others_feed() {
    let mut scene = Scene::with(&["moh/battambang", "moh/hq"]).await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let info = "$JS.API.STREAM.INFO.health-quarterly";
    let mut other = scene.envoy_of("moh/battambang").await;
    let mut reader = scene.envoy_of("moh/hq").await;
    for (envoy, messages) in [(&mut other, 0), (&mut scene.envoy, 1), (&mut reader, 1)] {
        let told = envoy.request(info, "").await;
        assert_eq!(told["config"]["name"], "health-quarterly", "{told}");
        assert_eq!(told["state"]["messages"], messages, "{told}");
        let listed = envoy.request("$JS.API.STREAM.LIST", "").await;
        let of_feed = listed["streams"].as_array().into_iter().flatten();
        let of_feed: Vec<_> = of_feed
            .filter(|stream| stream["config"]["name"] == "health-quarterly")
            .map(|stream| stream["state"]["messages"].clone())
            .collect();
        assert_eq!(of_feed, [messages], "{listed}");
    }
    for stream in ["labour-returns", "nothing"] {
        let told = other
            .request(&format!("$JS.API.STREAM.INFO.{stream}"), "")
            .await;
        assert_eq!(told["error"]["code"], 404, "{told}");
        assert_eq!(told["error"]["err_code"], 10059, "{told}");
    }
}

#[tokio::test]
async fn another_offices_log_cannot_be_read_by_message_get() {
    let mut scene = Scene::with(&["moh/battambang"]).await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let mut other = scene.envoy_of("moh/battambang").await;
    for body in [
        json!({ "seq": 1 }),
        json!({ "last_by_subj": HEALTH.subject() }),
        json!({ "seq": 1, "next_by_subj": "spean.log.>" }),
    ] {
        let answer = other
            .request("$JS.API.STREAM.MSG.GET.health-quarterly", &body.to_string())
            .await;
        assert_eq!(answer["message"], Value::Null, "{body}: {answer}");
        assert!(!answer["error"].is_null(), "{body}: {answer}");
    }
}

/// As many as the gateway lets an office have on one feed.
const CONSUMERS_MAX: usize = 256;

async fn make_consumer(envoy: &mut Envoy, name: &str) -> Value {
    let body = json!({
        "stream_name": "health-quarterly",
        "config": { "name": name, "ack_policy": "none", "deliver_policy": "all", "mem_storage": true, "inactive_threshold": 600_000_000_000_u64 },
    });
    let subject = format!("$JS.API.CONSUMER.CREATE.health-quarterly.{name}");
    envoy.request(&subject, &body.to_string()).await
}

#[tokio::test]
async fn an_office_has_so_many_consumers_on_a_feed_and_no_more() {
    let scene = Scene::with(&["moh/hq", "mef/hq"]).await;
    let mut reader = scene.envoy_of("moh/hq").await;
    for number in 0..CONSUMERS_MAX {
        let made = make_consumer(&mut reader, &format!("moh_hq_{number}")).await;
        assert_eq!(made["name"], format!("moh_hq_{number}"), "{made}");
    }
    let more = make_consumer(&mut reader, "moh_hq_more").await;
    assert_eq!(more["spean"]["code"], "bound-reached", "{more}");
    assert_eq!(more["spean"]["answer"], "held", "{more}");
    let details = more["spean"]["details"].to_string();
    assert!(details.contains("ask again in 30 s"), "{more}");
    // One that it has is no further one, and others are not asked to pay for it.
    let known = make_consumer(&mut reader, "moh_hq_7").await;
    assert_eq!(known["name"], "moh_hq_7", "{known}");
    let mut other = scene.envoy_of("mef/hq").await;
    let others = make_consumer(&mut other, "mef_hq_1").await;
    assert_eq!(others["name"], "mef_hq_1", "{others}");
    let delete = "$JS.API.CONSUMER.DELETE.health-quarterly.moh_hq_7";
    let gone = reader.request(delete, "").await;
    assert_eq!(gone["success"], true, "{gone}");
    let more = make_consumer(&mut reader, "moh_hq_more").await;
    assert_eq!(more["name"], "moh_hq_more", "{more}");
}

/// Each life of a reader leaves a consumer behind, for a quarter of an hour.
#[tokio::test]
async fn a_reader_that_was_killed_again_and_again_reads_on_within_a_minute() {
    let mut scene = Scene::with(&["moh/hq"]).await;
    let mut killed = scene.envoy_of("moh/hq").await;
    for number in 0..CONSUMERS_MAX {
        let name = format!("moh_hq_killed{number}");
        let made = make_consumer(&mut killed, &name).await;
        assert_eq!(made["name"], name, "{made}");
    }
    drop(killed);
    let first = scene.first().sign(&scene.key);
    scene.publish(&first).await;
    let reader = scene.bus.office("moh/hq").await;
    let told = |status: &Value| {
        let why = status["reading"]["health-quarterly"]["feed"].as_str();
        why.is_some_and(|why| why.contains("bound-reached"))
    };
    until("the bound to be told as one", || reader.status(), told).await;
    let reads = || async { (reader.received("health-quarterly").await.len() == 1).then_some(()) };
    eventually_within(Duration::from_secs(60), "the event", reads).await;
}

#[tokio::test]
async fn every_decision_leaves_one_audit_line() {
    let mut scene = Scene::start().await;
    let forged = scene.first().sign_as(&Key::stranger(), &scene.key.keyid());
    assert_refused(&scene.publish(&forged).await, "signature-invalid");
    scene.assert_untouched().await;
    let judged = |audit: &Vec<Value>| {
        let of = |code: &str| {
            audit
                .iter()
                .filter(|line| line.to_string().contains(code))
                .count()
        };
        of("signature-invalid") == 1 && of("\"stored\"") == 1
    };
    tests::deadline::until(
        "two audit lines",
        || async { scene.bus.authority.audit() },
        judged,
    )
    .await;
}

fn assert_refused_request(answer: &Value, code: &str) {
    assert_eq!(answer["spean"]["code"], code, "{answer}");
    assert_eq!(answer["spean"]["answer"], "refused", "{answer}");
}
