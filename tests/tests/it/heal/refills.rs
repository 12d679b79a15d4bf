//! A hole, made with the operator's key, filled through the gateway by whoever has the event.
//! In: messages destroyed and published again. Out: where they stand, and what a reader that waited gets. Never: a second copy.

use tests::envoy::Envoy;

use super::*;

/// A client that brings an event back as nats-server had it: the signed headers and the data.
pub async fn bring_back(envoy: &mut Envoy, lost: &tests::broker::Stored, position: u64) -> Value {
    let signed = lost.headers.lines().filter(|line| line.starts_with("ce-"));
    let lines: String = signed.map(|line| format!("{line}\r\n")).collect();
    let headers = format!("NATS/1.0\r\n{lines}\r\n");
    let subject = format!("{LOG}.{position}");
    envoy.publish_as(&subject, &headers, &lost.data).await
}

#[tokio::test]
async fn the_office_and_a_reader_fill_holes_and_who_waited_behind_them_goes_on() {
    let bus = Bus::start(&[PROVINCE, HQ, FINANCE]).await;
    let mut province = bus.office(PROVINCE).await;
    let submitted = stored_reports(&province, 8).await;
    province.kill().await;
    let broker = broker(&bus).await;
    let mut lost = Vec::new();
    for position in [3, 4, 6] {
        let stored = broker.message(HEALTH, position).await;
        lost.push(stored.expect("the message is there"));
        let gone = broker.lose(HEALTH, position).await;
        gone.expect("the operator can destroy a message");
    }
    let waiting = bus.office(FINANCE).await;
    assert_eq!(ids(&waiting.receives(HEALTH, 2).await), submitted[..2]);

    let mut office = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let mut reader = Envoy::new(bus.raw(HQ).await, HQ).await;
    let held = bring_back(&mut reader, &lost[1], 3).await;
    assert_eq!(held["spean"]["code"], "source-mismatch", "{held}");
    let answers = [
        bring_back(&mut office, &lost[0], 3).await,
        bring_back(&mut reader, &lost[1], 4).await,
        bring_back(&mut reader, &lost[2], 6).await,
    ];
    for answer in answers {
        assert_eq!(answer["error"], Value::Null, "{answer}");
        assert_eq!(answer["duplicate"], Value::Null, "{answer}");
    }
    let again = bring_back(&mut office, &lost[2], 6).await;
    assert_eq!(again["duplicate"], true, "{again}");
    assert_eq!(ids(&waiting.receives(HEALTH, 8).await), submitted);
    let counts = broker.counts(HEALTH).await.expect("nats-server counts");
    assert_eq!(counts[LOG], 5);
    assert_eq!(counts[&format!("{LOG}.4")], 1);
}
