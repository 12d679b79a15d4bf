//! What was delivered is remembered by the name of the target.
//! In: the same file and the same application, spelled otherwise. Out: each event once. Never: all of it again.

use super::*;

/// A6. An agent started by hand in its folder, beside one that systemd starts by its whole path; the file was moved away.
#[tokio::test]
async fn a_file_that_is_spelled_otherwise_gets_nothing_again() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let settings = to_file("out.ndjson");
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &settings));
    submit(&province, "e", 30).await;
    let file = hq.folder().join("out.ndjson");
    has_lines(&file, 30).await;
    is_done(&hq, &format!("{FEED}-file")).await;
    hq.stop().await;
    std::fs::rename(&file, bus.folder().join("moved")).expect("moved");
    let by_hand = ["sh", "-c", "cd \"$3\" && exec \"$1\" --dir . run", "sh"];
    hq.resume_under(&by_hand).await;
    let more = submit(&province, "more", 3).await;
    assert_eq!(lines_in_the_end(&file, 3).await, more);
}

/// A7. The address is written with a name in the place of a number, and with a path that means the same.
#[tokio::test]
async fn an_address_that_is_written_otherwise_gets_nothing_again() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let application = Application::start().await;
    let settings = to_webhook("desk", &application.url());
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &settings));
    submit(&province, "e", 30).await;
    application.has(30).await;
    is_done(&hq, "desk").await;
    hq.stop().await;
    let path = hq.folder().join("agent.toml");
    let text = std::fs::read_to_string(&path).expect("settings");
    let otherwise = format!("http://localhost:{}/events/", application.address.port());
    std::fs::write(&path, text.replace(&application.url(), &otherwise)).expect("written");
    hq.resume().await;
    submit(&province, "more", 3).await;
    application.has(33).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(application.counts(), once(&application.ids()));
    let told = target(&hq, "desk").await;
    assert_eq!(told["to"], otherwise);
}

/// An agent of the version before kept its inbox and its marks in another format. Beside a store of this one it is nobody's to choose.
#[tokio::test]
async fn a_store_of_the_version_before_beside_this_one_s_ends_the_start_and_is_left_as_it_is() {
    let bus = Bus::start(&[HQ]).await;
    let mut hq = bus.office(HQ).await;
    hq.stop().await;
    for old in [
        "inbox/index-000001/db",
        "deliveries/bus-1/marks",
        "delivered",
    ] {
        let store = hq.folder().join("store");
        let file = store.join(old);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(&file, "as it was").expect("written");
        let run = hq.command(&["run"]);
        assert_eq!(run.status.code(), Some(1));
        assert!(said(&run).contains("store-of-format-1"), "{}", said(&run));
        assert_eq!(std::fs::read(&file).expect("there"), b"as it was");
        let first = old.split('/').next().expect("a name");
        match file.parent() == Some(&store) {
            true => std::fs::remove_file(&file).expect("removed"),
            false => std::fs::remove_dir_all(store.join(first)).expect("removed"),
        }
    }
}

#[tokio::test]
async fn two_targets_of_one_name_end_the_start() {
    let bus = Bus::start(&[HQ]).await;
    let mut hq = bus.office(HQ).await;
    hq.stop().await;
    let path = hq.folder().join("agent.toml");
    let text = std::fs::read_to_string(&path).expect("settings");
    let two =
        to_webhook("desk", "http://127.0.0.1:1/a") + &to_webhook("desk", "http://127.0.0.1:1/b");
    std::fs::write(&path, text + &two).expect("written");
    let run = hq.command(&["run"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(said(&run).contains("deliver[2].name"), "{}", said(&run));
}
