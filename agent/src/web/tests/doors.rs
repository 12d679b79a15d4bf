//! Who gets in. In: requests under names, tokens and origins. Out: promises. Never: a mock.

use super::*;

#[tokio::test]
async fn only_the_token_under_an_own_name_and_from_no_web_page_gets_in() {
    let door = Door::open();
    let ask = async |host: &str, token: &str, origin: &str| {
        let mut request = Request::builder().uri("/status").header("host", host);
        if !token.is_empty() {
            request = request.header("authorization", token);
        }
        if !origin.is_empty() {
            request = request.header("origin", origin);
        }
        let answer = door
            .send(request.body(Body::empty()).expect("a request"))
            .await;
        let code = answer.body["code"].as_str().unwrap_or("in").to_owned();
        (answer.status, code)
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    let bearer = format!("bearer {SECRET}");
    for host in [
        "127.0.0.1:7070",
        "localhost",
        "LOCALHOST:7070",
        "[::1]:7070",
        "agent.moh.example:7070",
    ] {
        assert_eq!(ask(host, &bearer, "").await, is(200, "in"), "{host}");
    }
    for host in [
        "evil.example",
        "127.0.0.1.evil.example:7070",
        "192.0.2.7:7070",
        "localhost@evil.example",
        "",
    ] {
        assert_eq!(
            ask(host, &bearer, "").await,
            is(403, "host-foreign"),
            "{host}"
        );
    }
    assert_eq!(
        ask("localhost:7070", &bearer, "http://localhost:7070").await,
        is(200, "in")
    );
    for origin in ["http://evil.example", "null", "http://localhost:3000"] {
        assert_eq!(
            ask("localhost:7070", &bearer, origin).await,
            is(403, "origin-foreign"),
            "{origin}"
        );
    }
    assert_eq!(ask("localhost", "", "").await, is(401, "token-missing"));
    assert_eq!(
        ask("localhost", "Basic eDp5", "").await,
        is(401, "token-missing")
    );
    assert_eq!(
        ask("localhost", &format!("{bearer}x"), "").await,
        is(401, "token-wrong")
    );
}

#[tokio::test]
async fn two_hosts_or_none_are_foreign() {
    let door = Door::open();
    let none = Request::builder()
        .uri("/status")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(door.send(none).await.problem(), (403, "host-foreign"));
    let two = asked("GET", "/status")
        .header("host", "evil.example")
        .body(Body::empty());
    assert_eq!(
        door.send(two.expect("a request")).await.problem(),
        (403, "host-foreign")
    );
}

#[tokio::test]
async fn health_and_metrics_need_no_token_on_this_machine_and_one_from_others() {
    let mut door = Door::open();
    let ask = |path: &str| {
        let request = Request::builder()
            .uri(path)
            .header("host", "127.0.0.1:7070");
        request.body(Body::empty()).expect("a request")
    };
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(door.send(ask(path)).await.status, 200, "{path}");
    }
    door.peer = Peer::Tcp(([192, 0, 2, 7], 50_000).into());
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(
            door.send(ask(path)).await.problem(),
            (401, "token-missing"),
            "{path}"
        );
    }
    assert_eq!(door.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let door = Door::open();
    assert_eq!(
        door.get("/nothing").await.problem(),
        (404, "path-not-found")
    );
    assert_eq!(
        door.get("/events").await.problem(),
        (405, "method-not-allowed")
    );
}
