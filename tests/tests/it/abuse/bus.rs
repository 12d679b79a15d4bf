//! What the bus itself does not let in now: a stream without room, a log that ends in what is no event. Nobody's fault who sends.
//! In: a stream that the operator, or a broken program, has changed. Out: a hold. Never: a refusal, an event stored on a guess.

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
