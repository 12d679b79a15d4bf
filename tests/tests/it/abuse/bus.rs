//! What the bus itself does not let in now: a stream without room, a log that ends in what is no event. Nobody's fault who sends.
//! In: a stream that the operator, or a broken program, has changed. Out: a hold. Never: a refusal, an event stored on a guess.

use std::time::Duration;

use tests::broker::Broker;

use super::*;

async fn broker_of(scene: &Scene) -> Broker {
    let broker = Broker::connect(&scene.bus.authority).await;
    broker.expect("nats-server answers")
}

#[tokio::test]
async fn what_a_full_stream_has_no_room_for_is_held_until_it_has() {
    let mut scene = Scene::start().await;
    let broker = broker_of(&scene).await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let held = broker.bytes(HEALTH.feed).await.expect("the stream stands");
    let room = broker.give_room(HEALTH.feed, held + 1).await;
    room.expect("the operator may");
    let second = scene.behind(2, &first).sign(&scene.key);
    assert_held(&scene.publish(&second).await, "bus-full");
    assert_stored(&scene.publish(&first).await, 1);
    let room = broker.give_room(HEALTH.feed, 1 << 30).await;
    room.expect("the operator may");
    assert_stored(&scene.publish(&second).await, 2);
}

#[tokio::test]
async fn a_log_that_ends_in_what_is_no_event_is_held_and_goes_on_without_it() {
    let mut scene = Scene::start().await;
    let broker = broker_of(&scene).await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let scribbled = broker.scribble(&HEALTH.subject()).await;
    let scribbled = scribbled.expect("nats-server takes it");
    let second = scene.behind(2, &first).sign(&scene.key);
    assert_held(&scene.publish(&second).await, "log-unreadable");
    let lost = broker.lose(HEALTH.feed, scribbled).await;
    lost.expect("the operator can destroy a message");
    assert_stored(&scene.publish(&second).await, scribbled + 1);
}

#[tokio::test]
async fn a_request_that_the_bus_leaves_without_an_answer_is_held() {
    let mut scene = Scene::start().await;
    let head = format!("$JS.API.STREAM.MSG.GET.{}", HEALTH.feed);
    let last = format!(r#"{{"last_by_subj":"{}"}}"#, HEALTH.subject());
    let none = scene.envoy.request(&head, &last).await;
    assert_eq!(none["error"]["err_code"], 10037, "{none}");
    scene.bus.nats.freeze();
    assert_held(&scene.envoy.request(&head, &last).await, "bus-unavailable");
}

/// The consumer that is pulled from, and where its messages go.
const CONSUMER: &str = "moh_siem-reap_envoy";
const PULLED: &str = "_INBOX.moh.siem-reap.envoy.pulled";
const SECOND: u64 = 1_000_000_000;
/// The longest wait below, and some.
const HEARING: Duration = Duration::from_secs(90);

#[tokio::test]
async fn the_broker_s_heartbeats_are_only_for_who_asked_for_them() {
    let mut scene = Scene::start().await;
    pull(&mut scene, json!({ "batch": 2, "expires": 41 * SECOND })).await;
    assert!(told(&mut scene).await.starts_with("NATS/1.0 408 "));
    let own = json!({ "batch": 2, "expires": 41 * SECOND, "idle_heartbeat": SECOND });
    pull(&mut scene, own).await;
    assert!(told(&mut scene).await.starts_with("NATS/1.0 100 "));
}

#[tokio::test]
async fn a_pull_that_waits_in_vain_is_told_so() {
    let mut scene = Scene::start().await;
    pull(&mut scene, json!({ "batch": 2, "expires": 600 * SECOND })).await;
    scene.bus.nats.freeze();
    let told = told(&mut scene).await;
    assert!(told.starts_with("NATS/1.0 409 Server Shutdown"), "{told}");
    assert!(told.contains("Nats-Pending-Messages: 2"), "{told}");
}

#[tokio::test]
async fn a_pull_whose_consumer_is_deleted_is_told_so() {
    let mut scene = Scene::start().await;
    pull(&mut scene, json!({ "batch": 2, "expires": 600 * SECOND })).await;
    let info = format!("$JS.API.CONSUMER.INFO.{}.{CONSUMER}", HEALTH.feed);
    let waiting = async { while scene.envoy.request(&info, "").await["num_waiting"] != 1 {} };
    within("the pull to wait", waiting).await;
    let delete = format!("$JS.API.CONSUMER.DELETE.{}.{CONSUMER}", HEALTH.feed);
    let delete = format!("PUB {delete} {PULLED}-too 0\r\n\r\n");
    scene.envoy.client.send(delete).await;
    let both = [told(&mut scene).await, told(&mut scene).await];
    assert!(
        both.contains(&"NATS/1.0 409 Consumer Deleted\r\n\r\n".to_owned()),
        "{both:?}"
    );
}

/// Makes the consumer, if it is not there yet, and pulls from it.
async fn pull(scene: &mut Scene, body: Value) {
    let create = json!({ "stream_name": HEALTH.feed, "config": {
        "name": CONSUMER, "filter_subject": HEALTH.subject(), "ack_policy": "none", "mem_storage": true,
    } });
    let consumer = format!("{}.{CONSUMER}", HEALTH.feed);
    let asked = format!("$JS.API.CONSUMER.CREATE.{consumer}");
    let created = scene.envoy.request(&asked, &create.to_string()).await;
    assert_eq!(created["name"], CONSUMER, "{created}");
    let (body, next) = (body.to_string(), "$JS.API.CONSUMER.MSG.NEXT");
    let next = format!(
        "PUB {next}.{consumer} {PULLED} {}\r\n{body}\r\n",
        body.len()
    );
    scene.envoy.client.send(next).await;
}

/// The headers of the next message.
async fn told(scene: &mut Scene) -> String {
    let message = scene.envoy.client.message_within(HEARING).await;
    message.headers
}
