//! Settings and disks that let nothing through.
//! In: a feed that is none, a folder that is not there, a disk that is full. Out: the start ends, or an alarm and a line of the status.
//! Never: nothing said.

use super::*;

/// A file that is tried again every second at most.
fn to_file_soon(file: &str) -> String {
    to_file(file) + "retry_longest_s = 1\n"
}

/// B5. A feed that is misspelt, or that the office may not read, ends the start with what is wrong.
#[tokio::test]
async fn a_feed_that_nothing_can_arrive_on_ends_the_start() {
    let bus = Bus::start(&[PROVINCE]).await;
    let mut office = bus.office(PROVINCE).await;
    office.stop().await;
    let path = office.folder().join("agent.toml");
    let text = std::fs::read_to_string(&path).expect("settings");
    for (feed, code) in [
        ("price-buletin", "feed-unknown"),
        ("labour-returns", "feed-not-readable"),
    ] {
        let table = format!("[[deliver]]\nfeed = \"{feed}\"\nfile = \"out.ndjson\"\n");
        std::fs::write(&path, text.clone() + &table).expect("written");
        let run = office.command(&["run"]);
        assert_eq!(run.status.code(), Some(1));
        let told = said(&run);
        for part in ["deliver[1].feed", code, feed, "price-bulletin", "feed នេះ"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

/// B5. The folder of a file is not there, and is made later.
#[tokio::test]
async fn a_file_whose_folder_is_not_there_is_an_alarm_until_it_is() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let settings = to_file_soon("out/prices.ndjson");
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &settings));
    let ids = submit(&province, "e", 5).await;
    hq.receives(FEED, 5).await;
    let told = alarm(&hq, "delivery-file-failed").await;
    assert!(told.contains("there is no folder"), "{told}");
    let name = format!("{FEED}-file");
    let waits = target(&hq, &name).await;
    assert_eq!(
        (&waits["state"], &waits["waiting"]),
        (&json!("waiting"), &json!(5))
    );
    std::fs::create_dir(hq.folder().join("out")).expect("made");
    let file = hq.folder().join("out/prices.ndjson");
    assert_eq!(lines_in_the_end(&file, 5).await, ids);
    let goes = target(&hq, &name).await;
    assert_eq!(
        (&goes["state"], &goes["waiting"]),
        (&json!("delivering"), &json!(0))
    );
}

/// B5. The disk of the file is full, and has room again later.
#[tokio::test]
async fn a_file_whose_disk_is_full_is_an_alarm_until_it_is_not() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let settings = to_file_soon("small/prices.ndjson");
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &settings));
    hq.stop().await;
    std::fs::create_dir(hq.folder().join("small")).expect("made");
    // A disk of 64 KiB that only the agent sees, nearly full.
    let small = "mount -t tmpfs -o size=64k,mode=700 none \"$3/small\" && head -c 50000 /dev/zero > \"$3/small/other\" && \
                 exec \"$@\"";
    hq.resume_under(&["unshare", "-r", "-m", "sh", "-c", small, "sh"])
        .await;
    let seen = PathBuf::from(format!(
        "/proc/{}/root{}/small",
        hq.id(),
        hq.folder().display()
    ));
    let ids = submit(&province, "e", 60).await;
    let told = alarm(&hq, "delivery-file-failed").await;
    assert!(told.contains("No space left"), "{told}");
    let name = format!("{FEED}-file");
    assert_eq!(target(&hq, &name).await["state"], "waiting");
    std::fs::remove_file(seen.join("other")).expect("removed");
    let fits = until(
        "room to be used",
        || target(&hq, &name),
        |target| target["waiting"] != 60,
    )
    .await;
    let there = lines(&seen.join("prices.ndjson"));
    assert!(ids.starts_with(&there), "{there:?}: {fits}");
}
