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
        "evil@127.0.0.1:7070",
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

/// Method and path of everything that the document describes.
fn described() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(include_str!("../openapi.json")).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let methods = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").keys();
        methods.map(|method| (method.to_uppercase(), path.clone()))
    });
    methods.collect()
}

#[tokio::test]
async fn everything_that_the_document_describes_is_there() {
    let door = Door::open();
    for (method, path) in described() {
        let filled = path
            .replace("{feed}", "health-quarterly")
            .replace("{ministry}/{place}", "moh/hq")
            .replace("{number}", "1");
        let request = asked(&method, &filled)
            .body(Body::empty())
            .expect("a request");
        let answer = door.send(request).await;
        let code = answer.body["code"].as_str().unwrap_or_default();
        let there = !["path-not-found", "method-not-allowed"].contains(&code);
        assert!(there, "{method} {path}");
    }
}

#[test]
fn every_route_is_described() {
    let routes = include_str!("../mod.rs").split(".route(").skip(1);
    let described = described();
    for route in routes {
        let path = route.split('"').nth(1).expect("a path");
        let handlers = route.split(".route(").next().unwrap_or_default();
        for method in ["get", "post", "delete"] {
            if handlers.contains(&format!("{method}(")) {
                let wanted = (method.to_uppercase(), path.to_owned());
                assert!(described.contains(&wanted), "{wanted:?}");
            }
        }
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let text = include_str!("../openapi.json");
    let document: Value = serde_json::from_str(text).expect("JSON");
    for reference in text.split("\"$ref\": \"#").skip(1) {
        let pointer = reference.split('"').next().expect("a pointer");
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

/// Starts to serve, and returns the address.
async fn served(door: &Door) -> (String, tokio::task::JoinHandle<Result<(), Outage>>) {
    let folder = door.app.settings.folder.clone();
    let served = tokio::spawn(serve(Arc::clone(&door.app)));
    loop {
        match std::fs::read_to_string(folder.http_address()) {
            Ok(address) => return (address.trim().to_owned(), served),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Sends the head of a request under the token, and reads the beginning of the answer.
async fn asks(address: &str, head: &str) -> (tokio::net::TcpStream, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("connects");
    let head = format!("{head}\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sends");
    let mut answer = vec![0; 64];
    let within = std::time::Duration::from_secs(2);
    let read = tokio::time::timeout(within, stream.read(&mut answer)).await;
    let read = read.expect("an answer within two seconds").expect("reads");
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    (stream, answer)
}

#[tokio::test]
async fn half_a_header_from_hundreds_keeps_nobody_out() {
    use tokio::io::AsyncWriteExt as _;
    let door = Door::listening();
    let (address, served) = served(&door).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        let mut stream = tokio::net::TcpStream::connect(&address)
            .await
            .expect("connects");
        let _gone = stream.write_all(b"GET /status HTTP/1.1\r\nHost:").await;
        silent.push(stream);
    }
    for _ in 0..5 {
        let (_open, answer) = asks(&address, "GET /status HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    door.app.shutdown.cancel();
    served.await.expect("no panic").expect("listened");
}

#[tokio::test]
async fn what_is_no_http_is_answered_with_a_problem_too() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let door = Door::listening();
    let (address, served) = served(&door).await;
    let long = "x".repeat(70_000);
    let many: String = (0..200).map(|n| format!("X-{n}: x\r\n")).collect();
    for (sent, status, code) in [
        ("nonsense\r\n\r\n".to_owned(), 400, "http-malformed"),
        (
            "GET / HTTP/1.1\r\nHost localhost\r\n\r\n".to_owned(),
            400,
            "http-malformed",
        ),
        (
            format!("GET /{long} HTTP/1.1\r\n\r\n"),
            414,
            "path-too-long",
        ),
        (
            format!("GET / HTTP/1.1\r\n{many}\r\n"),
            431,
            "headers-too-large",
        ),
    ] {
        let stream = tokio::net::TcpStream::connect(&address).await;
        let (mut from, mut to) = stream.expect("connects").into_split();
        // The answer may come before all is sent.
        let sending = tokio::spawn(async move { to.write_all(sent.as_bytes()).await.is_ok() });
        let mut answer = vec![0; 4096];
        let within = std::time::Duration::from_secs(5);
        let read = tokio::time::timeout(within, from.read(&mut answer)).await;
        let read = read.expect("an answer").expect("reads");
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(
            answer.contains("application/problem+json") && answer.contains(code),
            "{answer}"
        );
        sending.abort();
    }
    door.app.shutdown.cancel();
    served.await.expect("no panic").expect("listened");
}

#[tokio::test]
async fn readers_of_streams_keep_nobody_out_and_one_address_has_so_many() {
    let door = Door::listening();
    let (address, served) = served(&door).await;
    let follow = "GET /gaps HTTP/1.1\r\nAccept: text/event-stream";
    let mut open = Vec::new();
    for _ in 0..64 {
        let (stream, answer) = asks(&address, follow).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        open.push(stream);
    }
    let (_stream, answer) = asks(&address, follow).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let (_stream, answer) = asks(&address, "GET /status HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(open);
    door.app.shutdown.cancel();
    served.await.expect("no panic").expect("listened");
}

#[tokio::test]
async fn the_interface_is_served_on_an_address_and_a_socket_until_the_agent_stops() {
    let door = Door::listening();
    let folder = door.app.settings.folder.clone();
    let (address, served) = served(&door).await;
    crate::link::install_provider();
    let client = || reqwest::Client::builder().no_proxy();
    let tcp = client().build().expect("a client");
    let told = tcp
        .get(format!("http://{address}/status"))
        .bearer_auth(SECRET)
        .send()
        .await;
    assert_eq!(told.expect("an answer").status(), 200);
    let socket = folder.path().join("agent.sock");
    let unix = client().unix_socket(socket).build().expect("a client");
    let healthy = unix
        .get("http://agent/healthz")
        .send()
        .await
        .expect("an answer");
    assert_eq!(healthy.status(), 200);
    let guarded = unix
        .get("http://agent/status")
        .send()
        .await
        .expect("an answer");
    assert_eq!(guarded.status(), 401);
    door.app.shutdown.cancel();
    served.await.expect("no panic").expect("listened");
    assert!(
        tcp.get(format!("http://{address}/healthz"))
            .send()
            .await
            .is_err()
    );
}
