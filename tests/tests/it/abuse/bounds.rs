//! Words that would make others work for ever: a request, a declaration and a position of a peer are as large as a number can be.
//! In: what one enrolled office may say. Out: an answer, and everybody else's next event. Never: a wait for what was named.

use tests::office::Office;

use super::*;

const HQ: &str = "moh/hq";
const EVERYTHING: u64 = 9_007_199_254_740_991;

fn heal_subject() -> String {
    let [ministry, place] = ["moh", "siem-reap"];
    format!("spean.heal.{}.{ministry}.{place}", HEALTH.feed)
}

/// A declaration behind this event, with its data as it is written.
fn declaration(position: u64, before: &Letter, data: &str) -> Letter {
    Letter::new(&HEALTH, position, &before.hash(), &Value::Null)
        .set("type", "kh.gov.nida.spean.gap-declared.v1")
        .set(
            "dataschema",
            "https://spean.gov.kh/contracts/gap-declared/1.1",
        )
        .with_data(data)
}

/// An agent that computes what somebody has named does not answer its own machine either.
async fn answers(office: &Office) {
    let answer = within("the agent to answer", office.get("/status")).await;
    assert_eq!(answer.status, 200, "{}", office.name);
}

#[tokio::test]
async fn a_request_for_everything_keeps_no_agent_from_its_work() {
    let scene = Scene::with(&[HQ]).await;
    let (province, hq) = tokio::join!(scene.bus.office(HEALTH.office), scene.bus.office(HQ));
    let first = province.submit(&submitted("2026Q1")).await;
    province.reaches(&first, "stored").await;
    hq.receives(HEALTH.feed, 1).await;
    let mut reader = scene.envoy_of(HQ).await;
    for missing in [
        json!([[1, EVERYTHING]]),
        json!([[1, 1], [3, EVERYTHING - 1]]),
        json!([[1, 50_001]]),
        json!([[1, u64::MAX]]),
    ] {
        let body = json!({ "missing": missing }).to_string();
        let answer = reader.request(&heal_subject(), &body).await;
        assert_refused(&answer, "request-malformed");
    }
    // As much as may be asked for at once, of what nobody has.
    for number in 1..=16_u64 {
        let from = number * 100_000;
        let body = json!({ "missing": [[from, from + 49_999]] }).to_string();
        let publish = format!("PUB {} {}\r\n{body}\r\n", heal_subject(), body.len());
        reader.client.send(publish).await;
    }
    answers(&province).await;
    answers(&hq).await;
    let next = province.submit(&submitted("2026Q2")).await;
    province.reaches(&next, "stored").await;
    assert_eq!(hq.receives(HEALTH.feed, 2).await.len(), 2);
    drop(scene.envoy);
}

#[tokio::test]
async fn a_declaration_of_everything_is_nobodys_word() {
    let mut scene = Scene::with(&[HQ]).await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let subject = format!("{}.gap", HEALTH.subject());
    let everything = format!(r#"{{"first":2,"last":{}}}"#, EVERYTHING - 1);
    let everything = declaration(EVERYTHING, &first, &everything).sign(&scene.key);
    let answer = scene.envoy.publish(&subject, &everything).await;
    assert_refused(&answer, "contract-violated");
    let a_lot = declaration(900_001, &first, r#"{"first":2,"last":900000}"#);
    let answer = scene.envoy.publish(&subject, &a_lot.sign(&scene.key)).await;
    assert_held(&answer, "position-unproved");
    let second = scene.behind(2, &first).sign(&scene.key);
    assert_stored(&scene.publish(&second).await, 2);
    let hq = scene.bus.office(HQ).await;
    assert_eq!(hq.receives(HEALTH.feed, 2).await.len(), 2);
    answers(&hq).await;
}

#[tokio::test]
async fn numbers_of_a_declaration_are_read_as_its_contract_reads_them() {
    let mut scene = Scene::start().await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let subject = format!("{}.gap", HEALTH.subject());
    // Nothing is missing there, which is found out only where the numbers were read.
    for data in [
        r#"{"first":1,"last":1}"#,
        r#"{"first":1.0,"last":1.0}"#,
        r#"{"first":1e0,"last":10e-1}"#,
    ] {
        let letter = declaration(2, &first, data).sign(&scene.key);
        let answer = scene.envoy.publish(&subject, &letter).await;
        assert_held(&answer, "position-ahead");
    }
    for data in [
        r#"{"first":1.5,"last":1}"#,
        r#"{"first":1,"last":18446744073709551615}"#,
        r#"{"first":1,"last":1e300}"#,
        r#"{"first":1,"last":1,"receipt":{}}"#,
    ] {
        let letter = declaration(2, &first, data).sign(&scene.key);
        let answer = scene.envoy.publish(&subject, &letter).await;
        assert_refused(&answer, "contract-violated");
    }
    let second = scene.behind(2, &first).sign(&scene.key);
    assert_stored(&scene.publish(&second).await, 2);
}

#[tokio::test]
async fn behind_the_last_position_there_is_none_and_no_session_fails_over_it() {
    let mut scene = Scene::start().await;
    let before = scene.first().sign(&scene.key);
    let run = |last: u64, next: u64| {
        let last = scene.behind(last, &before).sign(&scene.key);
        let next = scene.behind(next, &last).sign(&scene.key);
        [last, next]
    };
    let at_the_end = run(EVERYTHING, 1);
    let beyond = run(u64::MAX, 1);
    let unsigned = [
        run(EVERYTHING, 1)[0]
            .clone()
            .set("time", "2026-10-05T08:00:01Z"),
        at_the_end[1].clone(),
    ];
    for (pair, codes) in [
        (at_the_end, ["position-ahead", "chain-mismatch"]),
        (beyond, ["attribute-invalid", "chain-mismatch"]),
        (unsigned, ["digest-mismatch", "chain-mismatch"]),
    ] {
        let told = scene.envoy.publish_together(&HEALTH.subject(), &pair).await;
        let told: Vec<&Value> = told.iter().map(|answer| &answer["spean"]["code"]).collect();
        assert_eq!(told, codes);
    }
    scene.assert_untouched().await;
    let audit = scene.bus.authority.audit();
    let failed = |line: &&Value| line["code"] == "session-failed";
    assert_eq!(audit.iter().find(failed), None);
}

fn submitted(period: &str) -> Value {
    let mut data = report();
    data["period"] = json!(period);
    json!({
        "specversion": "1.0",
        "type": HEALTH.event_type,
        "subject": format!("KH17/{period}"),
        "datacontenttype": "application/json",
        "data": data,
    })
}
