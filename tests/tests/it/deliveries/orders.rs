//! A person's word: skip this event, deliver again from there.
//! In: commands. Out: what the application gets, and who said why. Never: an order that leaves no trace.

use super::*;

/// B3. An event that the application cannot take is skipped, and the log goes on.
#[tokio::test]
async fn an_event_is_skipped_by_a_person_s_word_which_is_kept() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let application = Application::start().await;
    application.answers(|posted| match posted.id.as_str() {
        "e-2" => (422, Duration::ZERO),
        _ => (200, Duration::ZERO),
    });
    let settings = to_webhook("desk", &application.url());
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &settings));
    submit(&province, "e", 4).await;
    until(
        "it to wait",
        || target(&hq, "desk"),
        |desk| desk["stuck"][0]["id"] == "e-2",
    )
    .await;
    let nothing = hq.command(&["deliver", "skip", "e-3", "--why", "no"]);
    assert_eq!(nothing.status.code(), Some(1), "{}", said(&nothing));
    let forced = hq.command(&["deliver", "skip", "e-3", "--to", "desk", "--why", "no"]);
    assert!(
        said(&forced).contains("delivery-not-due"),
        "{}",
        said(&forced)
    );
    let unsaid = hq.command(&["deliver", "skip", "e-2", "--why", " "]);
    assert!(
        said(&unsaid).contains("query-malformed"),
        "{}",
        said(&unsaid)
    );
    let order = [
        "deliver",
        "skip",
        "e-2",
        "--why",
        "a price of 0 is a mistake",
        "--by",
        "Dara",
    ];
    let done = hq.command(&order);
    assert!(done.status.success(), "{}", said(&done));
    application.has(4).await;
    is_done(&hq, "desk").await;
    hq.kill().await;
    hq.resume().await;
    submit(&province, "more", 1).await;
    application.has(5).await;
    let order = target(&hq, "desk").await["orders"][0].clone();
    assert_eq!(
        (&order["order"], &order["id"]),
        (&json!("skip"), &json!("e-2"))
    );
    assert_eq!(
        (&order["by"], &order["why"]),
        (&json!("Dara"), &json!("a price of 0 is a mistake"))
    );
    let list = said(&hq.command(&["deliver", "list"]));
    assert!(
        list.contains("e-2") && list.contains("by Dara: a price of 0 is a mistake"),
        "{list}"
    );
    let counts = application.counts();
    assert!(
        ["e-1", "e-3", "e-4", "more-1"]
            .iter()
            .all(|id| counts[*id] == 1),
        "{counts:?}"
    );
}

#[tokio::test]
async fn what_was_delivered_is_delivered_again_from_where_a_person_says() {
    let bus = Bus::start(&[PROVINCE, NEIGHBOUR, HQ]).await;
    let application = Application::start().await;
    let settings = to_webhook("desk", &application.url()) + &to_file("out.ndjson");
    let (province, neighbour, hq) = tokio::join!(
        bus.office(PROVINCE),
        bus.office(NEIGHBOUR),
        bus.office_with(HQ, &settings)
    );
    submit(&province, "e", 5).await;
    submit(&neighbour, "n", 5).await;
    application.has(10).await;
    is_done(&hq, "desk").await;
    let file = hq.folder().join("out.ndjson");
    has_lines(&file, 10).await;
    let ambiguous = hq.command(&["deliver", "again", "e-4", "--why", "no"]);
    assert!(said(&ambiguous).contains("--to"), "{}", said(&ambiguous));
    let order = |from: &str, to: &str| {
        let done = hq.command(&[
            "deliver",
            "again",
            from,
            "--to",
            to,
            "--why",
            "a new database",
        ]);
        assert!(done.status.success(), "{}", said(&done));
    };
    order("e-4", "desk");
    until(
        "two again",
        || async { application.posted().len() },
        |count| *count == 12,
    )
    .await;
    is_done(&hq, "desk").await;
    order("arrival:1", "desk");
    until(
        "all again",
        || async { application.posted().len() },
        |count| *count == 22,
    )
    .await;
    std::fs::rename(&file, bus.folder().join("moved")).expect("moved");
    order("n-3", &format!("{FEED}-file"));
    assert_eq!(lines_in_the_end(&file, 3).await, ["n-3", "n-4", "n-5"]);
    assert_eq!(application.posted().len(), 22);
    let counts = application.counts();
    assert_eq!((counts["e-3"], counts["e-4"], counts["n-5"]), (2, 3, 2));
    let nothing = hq.command(&["deliver", "again", "x", "--to", "desk", "--why", "no"]);
    assert!(
        said(&nothing).contains("delivery-nothing-there"),
        "{}",
        said(&nothing)
    );
    let nobody = hq.command(&["deliver", "again", "e-1", "--to", "nobody", "--why", "no"]);
    assert!(
        said(&nobody).contains("delivery-not-found"),
        "{}",
        said(&nobody)
    );
}
