//! The bad line does what its weather says, and nothing else.
//! In: an echo server behind the proxy. Out: what a client sees. Never: a wait without a deadline.

use super::*;
use crate::deadline::within;

async fn echo() -> (FaultProxy, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let target = listener.local_addr().expect("a listener has an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await.ok();
            });
        }
    });
    let proxy = FaultProxy::start(target).await;
    let client = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy listens");
    (proxy, client)
}

async fn say(client: &mut TcpStream, words: &[u8]) -> std::io::Result<Vec<u8>> {
    client.write_all(words).await?;
    let mut heard = vec![0; words.len()];
    client.read_exact(&mut heard).await?;
    Ok(heard)
}

#[tokio::test]
async fn bytes_pass_unchanged_in_clear_weather_and_one_by_one() {
    let (proxy, mut client) = echo().await;
    assert_eq!(
        within("an echo", say(&mut client, b"hello")).await.unwrap(),
        b"hello"
    );
    proxy.set(Weather::Sliced);
    assert_eq!(
        within("an echo", say(&mut client, b"world")).await.unwrap(),
        b"world"
    );
    assert_eq!(proxy.traffic(), Traffic { up: 10, down: 10 });
}

#[tokio::test]
async fn a_cut_line_ends_connections_and_takes_no_new_ones() {
    let (proxy, mut client) = echo().await;
    within("an echo", say(&mut client, b"hello")).await.unwrap();
    proxy.set(Weather::Cut);
    assert!(within("the end", say(&mut client, b"hello")).await.is_err());
    let mut again = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(within("the end", say(&mut again, b"hello")).await.is_err());
}

#[tokio::test]
async fn a_silent_line_holds_bytes_until_it_returns() {
    let (proxy, mut client) = echo().await;
    within("an echo", say(&mut client, b"hello")).await.unwrap();
    proxy.set(Weather::Silent);
    let held = tokio::time::timeout(Duration::from_millis(100), say(&mut client, b"word")).await;
    assert!(held.is_err());
    proxy.set(Weather::Clear);
    let mut heard = [0; 4];
    within("the held bytes", client.read_exact(&mut heard))
        .await
        .unwrap();
    assert_eq!(&heard, b"word");
}

#[tokio::test]
async fn a_reset_ends_old_connections_alone() {
    let (proxy, mut client) = echo().await;
    within("an echo", say(&mut client, b"hello")).await.unwrap();
    proxy.reset();
    assert!(within("the end", say(&mut client, b"hello")).await.is_err());
    let mut again = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(
        within("an echo", say(&mut again, b"hello")).await.unwrap(),
        b"hello"
    );
}
