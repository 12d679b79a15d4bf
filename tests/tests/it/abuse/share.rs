//! One office stores as much as it likes: it fills its own part of the feed's stream, and the others go on.
//! In: a stream with little room, an office without measure. Out: what it is told, and what others get stored. Never: a stream that is full.

use tests::broker::Broker;

use super::*;

const GREEDY: &str = "moh/kandal";
const ROOM: i64 = 300_000;
/// More than all of the stream.
const EVENTS: u64 = 300;

impl Scene {
    /// The greedy office's events until one is not stored, and what it was told of that one.
    async fn fill(&mut self, envoy: &mut Envoy, last: &mut Option<(u64, Letter)>) -> Value {
        let log = LogOf {
            office: GREEDY,
            ..HEALTH
        };
        let key = self.bus.key(GREEDY);
        let mut data = report();
        data["orgUnit"] = "KH08".into();
        for _ in 0..EVENTS {
            let (position, previous) = match last {
                Some((position, letter)) => (*position + 1, letter.hash()),
                None => (1, self.bus.genesis()),
            };
            let next = Letter::new(&log, position, &previous, &data).sign(&key);
            let told = envoy.publish(&log.subject(), &next).await;
            if told["error"] != Value::Null {
                return told;
            }
            *last = Some((position, next));
        }
        panic!("{EVENTS} events were stored in {ROOM} bytes");
    }
}

#[tokio::test]
async fn an_office_fills_its_part_of_a_stream_and_no_more_whatever_is_restarted() {
    let mut scene = Scene::with(&[GREEDY]).await;
    let broker = Broker::connect(&scene.bus.authority).await;
    let broker = broker.expect("nats-server answers");
    let room = async |bytes| broker.give_room(HEALTH.feed, bytes).await;
    room(ROOM).await.expect("the operator may");
    // The writer looks at its stream when it connects.
    scene.bus.gateway.restart().await;
    let (mut greedy, mut last) = (scene.envoy_of(GREEDY).await, None);
    let told = scene.fill(&mut greedy, &mut last).await;
    assert_held(&told, "office-room-used");
    let details = told["spean"]["details"][0]["en"].as_str();
    let details = details.expect("how much it is").to_owned();
    assert!(details.contains("that are this office's part"), "{told}");
    let used = broker.bytes(HEALTH.feed).await.expect("a stream");
    assert!(used < ROOM / 2, "{used} of {ROOM}");
    // Another office's log goes on, and a gateway that begins anew knows what is used.
    scene.envoy = scene.envoy_of(HEALTH.office).await;
    let first = scene.first().sign(&scene.key);
    let stored = scene.publish(&first).await;
    assert_eq!(stored["error"], Value::Null, "{stored}");
    scene.bus.gateway.restart().await;
    let mut greedy = scene.envoy_of(GREEDY).await;
    let again = scene.fill(&mut greedy, &mut last).await;
    assert_held(&again, "office-room-used");
    assert_eq!(again["spean"]["details"][0]["en"], details);
    let log = std::fs::read_to_string(scene.bus.authority.folder().join("gateway.log"));
    let log = log.expect("a gateway has a log");
    for said in ["soon filled its part", "has filled its part"] {
        assert!(log.contains(said), "the operator is told that it {said}");
    }
    // More room is noticed while the gateway runs.
    room(2 * ROOM).await.expect("the operator may");
    let position = last.as_ref().map(|(position, _)| *position);
    let more = async {
        while last.as_ref().map(|(position, _)| *position) == position {
            scene.fill(&mut greedy, &mut last).await;
        }
    };
    within("more room to be used", more).await;
}
