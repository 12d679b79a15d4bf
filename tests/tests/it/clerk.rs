//! A clerk at the command line: what `spean-agent`'s commands do beside a running agent, over each of its doors.
//! In: files as offices have them. Out: what the commands print and write. Never: a look into a store.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tests::bus::Bus;
use tests::deadline::eventually;
use tests::office::Office;
use tests::programs;

const PRICES: &str = "market-prices";
const PROVINCE: &str = "maff/siem-reap";
const HEADING: &str =
    "period,admin1_code,admin1,market,category,commodity,unit,pricetype,currency,price";

/// A sheet of this many good rows, and the rows given behind them.
fn sheet(folder: &Path, name: &str, good: u32, more: &[&str]) -> PathBuf {
    let rows = (1..=good)
        .map(|price| format!("2024-01,17,Siemreap,Leu {price},food,Rice,KG,Retail,KHR,{price}00"));
    let all = [HEADING.to_owned()].into_iter().chain(rows);
    let all = all.chain(more.iter().map(|row| (*row).to_owned()));
    let path = folder.join(name);
    std::fs::write(&path, all.collect::<Vec<_>>().join("\n")).expect("the sheet can be written");
    path
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn submit(office: &Office, file: &Path, more: &[&str]) -> Output {
    let file = file.to_string_lossy();
    let mut arguments = vec!["submit", &file, "--feed", PRICES];
    arguments.extend(more);
    office.command(&arguments)
}

async fn waiting_and_stored(office: &Office) -> u64 {
    let status = office.status().await;
    let feed = &status["outbox"]["feeds"][0];
    let count = |name: &str| feed[name].as_u64().unwrap_or_default();
    count("waiting") + count("settled")
}

#[tokio::test]
async fn a_sheet_that_is_submitted_twice_is_accepted_once() {
    let bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    let file = sheet(bus.folder(), "prices.csv", 1_200, &[]);
    let once = submit(&office, &file, &[]);
    let said = out(&once);
    assert!(
        said.starts_with("1200 events accepted on market-prices\n"),
        "{said}"
    );
    assert!(
        said.contains(
            "1200 rows below the heading: 1200 submitted, 0 accepted before, 0 bad, 0 passed over"
        ),
        "{said}"
    );
    let again = submit(&office, &file, &["--json"]);
    let told: Value = serde_json::from_str(&out(&again)).expect("JSON");
    assert_eq!(told["accepted"].as_array().map(Vec::len), Some(1_200));
    assert_eq!(told["accepted"][0]["again"], true);
    let said = out(&submit(&office, &file, &[]));
    let words = "0 events accepted on market-prices, 1200 accepted before\n";
    assert!(said.starts_with(words), "{said}");
    assert!(said.contains("0 submitted, 1200 accepted before"), "{said}");
    assert_eq!(waiting_and_stored(&office).await, 1_200);
}

#[tokio::test]
async fn bad_rows_are_written_over_nothing_and_through_no_link() {
    let bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    let formula = "2024-01,26,,=cmd|x,food,Rice,KG,Retail,KHR,100";
    let file = sheet(bus.folder(), "prices.csv", 1, &[formula]);
    let victim = bus.folder().join("victim");
    std::fs::write(&victim, "precious").expect("written");
    let beside = |name: &str| file.with_file_name(name);
    std::os::unix::fs::symlink(&victim, beside("prices.csv.bad.csv")).expect("linked");
    for name in ["prices.csv.bad.2.csv", "prices.csv.bad.3.csv"] {
        let skipped = submit(&office, &file, &["--skip-bad"]);
        assert!(out(&skipped).contains(name), "{}", out(&skipped));
        let kept = std::fs::read_to_string(beside(name)).expect("bad rows");
        assert!(kept.contains(",'=cmd|x,"), "{kept}");
    }
    assert_eq!(std::fs::read_to_string(&victim).expect("there"), "precious");
}

#[tokio::test]
async fn nothing_of_a_sheet_with_a_bad_row_is_submitted_unless_told_so() {
    let bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    let bad = [
        "2024-01,,Saigon,Leu,food,Rice,KG,Retail,KHR,100",
        "2024-01,12,,Leu,food,Rice,KG,Retail,KHR,100",
        "2024-01,17,,Leu,food,Rice,KG,Retail,KHR,\"4,100\"",
    ];
    let file = sheet(bus.folder(), "prices.csv", 2, &bad);
    let refused = submit(&office, &file, &[]);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    for named in [
        "row 4, column C (admin1): “Saigon” was read: no province is known",
        "row 5, column B (admin1_code): “12” was read: must be KH17",
        "row 6, column J (price): “4,100” was read: the comma can mean 4100 or 4.100",
    ] {
        assert!(said.contains(named), "{named}: {said}");
    }
    assert_eq!(waiting_and_stored(&office).await, 0);
    let skipped = submit(&office, &file, &["--skip-bad"]);
    assert_eq!(skipped.status.code(), Some(3), "a part was submitted");
    assert!(out(&skipped).starts_with("2 events accepted on market-prices; 3 bad rows are in "));
    let kept = std::fs::read_to_string(file.with_extension("csv.bad.csv")).expect("bad rows");
    assert_eq!(kept.lines().count(), 4);
    assert_eq!(waiting_and_stored(&office).await, 2);
}

const HEALTH: &str = "health-quarterly";
const CLINIC: &str = "moh/siem-reap";
const VALUES: &str = "dataelement,period,orgunit,categoryoptioncombo,attributeoptioncombo,value";

/// A file of these lines, and what `submit` makes of it.
fn hand_in(bus: &Bus, office: &Office, name: &str, lines: &[&str], more: &[&str]) -> Output {
    let path = bus.folder().join(name);
    std::fs::write(&path, lines.join("\n")).expect("the file can be written");
    let path = path.to_string_lossy();
    let mut arguments = vec!["submit", &path, "--feed", HEALTH];
    arguments.extend(more);
    office.command(&arguments)
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_report_that_says_something_else_than_before_goes_as_a_correction_or_not_at_all() {
    let bus = Bus::start(&[CLINIC]).await;
    let office = bus.office(CLINIC).await;
    let submit =
        |row: &str, more: &[&str]| hand_in(&bus, &office, "report.csv", &[VALUES, row], more);
    let first = submit("CHOLERA,2026Q1,KH17,default,default,41", &["--json"]);
    let told: Value = serde_json::from_str(&out(&first)).expect("JSON");
    let id = told["accepted"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mended = "CHOLERA,2026Q1,KH17,default,default,14";
    let refused = submit(mended, &[]);
    assert_eq!(refused.status.code(), Some(1));
    let said = err(&refused);
    assert!(
        said.contains(&format!("submitted before as {id}")),
        "{said}"
    );
    assert_eq!(waiting_and_stored(&office).await, 1);
    let corrected = submit(mended, &["--correction"]);
    assert!(corrected.status.success(), "{}", err(&corrected));
    let again = submit(mended, &["--corrects", &id]);
    let words = "0 events accepted on health-quarterly, 1 accepted before\n";
    assert!(out(&again).starts_with(words), "{}", out(&again));
    let new = submit("CHOLERA,2026Q2,KH17,default,default,3", &["--correction"]);
    assert!(out(&new).starts_with("1 events accepted"), "{}", err(&new));
    assert_eq!(waiting_and_stored(&office).await, 3);
}

#[tokio::test]
async fn where_nothing_is_accepted_the_status_tells_and_the_account_has_every_row() {
    let bus = Bus::start(&[CLINIC]).await;
    let office = bus.office(CLINIC).await;
    let submit = |lines: &[&str], more: &[&str]| hand_in(&bus, &office, "report.csv", lines, more);
    let bad = "#N/A,2026Q1,KH17,default,default,14";
    for (lines, more, said) in [
        (&[VALUES][..], &[][..], "there is no row below the heading"),
        (&[VALUES, bad], &["--skip-bad"], "nothing was submitted"),
        (
            &[VALUES, "A,2026Q1,KH17,default,default,\"1"],
            &["--skip-bad"],
            "quote",
        ),
        (
            &["A,2026Q1,KH17,default,default,7"],
            &[],
            "row 1 was read as the heading",
        ),
    ] {
        let refused = submit(lines, more);
        assert_eq!(refused.status.code(), Some(1), "{lines:?}");
        assert!(err(&refused).contains(said), "{lines:?}: {}", err(&refused));
    }
    assert_eq!(waiting_and_stored(&office).await, 0);
    let good = "A,2026Q1,KH17,default,default,1";
    let lines = [VALUES, "", good, good, "A,2026Q9,KH17,default,default,1"];
    let part = submit(&lines, &["--skip-bad", "--json"]);
    let told: Value = serde_json::from_str(&out(&part)).expect("JSON");
    assert_eq!(part.status.code(), Some(3));
    let counts =
        ["rows", "rows_submitted", "rows_again", "bad_rows"].map(|name| told[name].as_u64());
    assert_eq!(counts, [Some(4), Some(1), Some(0), Some(1)]);
    assert_eq!(told["skipped"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn json_comes_with_a_mark_one_event_a_line_and_as_dhis2_exports_it() {
    let bus = Bus::start(&[CLINIC]).await;
    let office = bus.office(CLINIC).await;
    let event = |id: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","data":{{"dataSet":"D","period":"2026Q1","orgUnit":"KH17","dataValues":[{{"dataElement":"A","value":"41"}}]}}}}"#
        )
    };
    let (one, two) = (event("line-1"), event("line-2"));
    let batch = format!("\u{feff}[{}]", event("batch-1"));
    let export = r#"{"dataValues":[{"dataElement":"A","period":"2026Q1","orgUnit":"KH17","value":"12","storedBy":"clerk"}]}"#;
    for (name, lines, accepted) in [
        (
            "batch.json",
            &[&*batch][..],
            "accepted on health-quarterly: batch-1",
        ),
        (
            "events.ndjson",
            &[&*one, "", &*two],
            "accepted on health-quarterly: line-2",
        ),
        (
            "export.json",
            &[export],
            "1 events accepted on health-quarterly",
        ),
    ] {
        let output = hand_in(&bus, &office, name, lines, &[]);
        assert!(out(&output).contains(accepted), "{name}: {}", err(&output));
    }
    assert_eq!(waiting_and_stored(&office).await, 4);
}

/// A command that runs on, and goes with its handle.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

#[tokio::test]
async fn a_feed_is_followed_across_a_restart_of_the_agent() {
    let bus = Bus::start(&[PROVINCE, "maff/hq"]).await;
    let (office, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office("maff/hq"));
    // After a restart on port 0 the agent has another address; the socket's name stays.
    with_http(&mut hq, "socket = \"agent.sock\"\n").await;
    let folder = hq.folder().to_string_lossy().into_owned();
    let mut command = Command::new(programs::path(programs::AGENT));
    command.args(["--dir", &folder, "tail", PRICES]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut tail = Following(command.spawn().expect("tail runs"));
    let lines = BufReader::new(tail.0.stdout.take().expect("a pipe")).lines();
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        lines
            .map_while(Result::ok)
            .try_for_each(|line| send.send(line))
    });
    let first = sheet(bus.folder(), "first.csv", 3, &[]);
    assert!(submit(&office, &first, &[]).status.success());
    let mut prices = Vec::new();
    for round in [3, 5] {
        while prices.len() < round {
            let line = eventually("a line of tail", || {
                let line = receive.try_recv();
                async move { line.ok() }
            });
            let event: Value = serde_json::from_str(&line.await).expect("an event a line");
            prices.push(event["data"]["price"].as_str().expect("a price").to_owned());
        }
        hq.kill().await;
        hq.resume().await;
        let second = sheet(bus.folder(), "second.csv", 5, &[]);
        assert!(submit(&office, &second, &[]).status.success());
    }
    assert_eq!(prices, ["100", "200", "300", "400", "500"]);
}

/// Adds settings of the HTTP interface and starts the agent with them.
async fn with_http(office: &mut Office, more: &str) {
    let path = office.folder().join("agent.toml");
    let settings = std::fs::read_to_string(&path).expect("the agent has settings");
    let settings = settings.replacen("[http]\n", &format!("[http]\n{more}"), 1);
    office.stop().await;
    std::fs::write(&path, settings).expect("the agent's settings can be changed");
    office.resume().await;
}

#[tokio::test]
async fn the_commands_find_the_agent_over_a_socket_and_over_tls() {
    let bus = Bus::start(&[PROVINCE]).await;
    let mut office = bus.office(PROVINCE).await;
    let named =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(office.folder().join("http.pem"), named.cert.pem()).expect("written");
    std::fs::write(
        office.folder().join("http.key"),
        named.signing_key.serialize_pem(),
    )
    .expect("written");
    with_http(
        &mut office,
        "tls_cert = \"http.pem\"\ntls_key = \"http.key\"\nnames = [\"localhost\"]\n",
    )
    .await;
    let status = office.command(&["status", "--json"]);
    let told: Value = serde_json::from_str(&out(&status)).expect("JSON over TLS");
    assert_eq!(told["office"], PROVINCE);
    with_http(&mut office, "socket = \"agent.sock\"\n").await;
    let status = office.command(&["status"]);
    assert!(
        out(&status).starts_with("maff/siem-reap  registry "),
        "{}",
        out(&status)
    );
}

#[tokio::test]
async fn without_an_agent_the_commands_say_how_to_start_one() {
    let bus = Bus::start(&[PROVINCE]).await;
    let mut office = bus.office(PROVINCE).await;
    office.stop().await;
    let status = office.command(&["status"]);
    assert!(!status.status.success());
    let said = String::from_utf8_lossy(&status.stderr).into_owned();
    assert!(said.contains("is it running? (spean-agent run)"), "{said}");
}

#[tokio::test]
async fn the_people_of_the_desk_are_named_at_the_command_line_and_an_address_lets_a_browser_in_once()
 {
    let bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    let listed = out(&office.command(&["people", "list"]));
    assert!(listed.starts_with("Nobody is named"), "{listed}");
    let removed = office.command(&["people", "remove", "Sok Dara"]);
    assert!(!removed.status.success());
    // No PIN comes where nobody types one.
    let added = office.command(&["people", "add", "Sok Dara", "--role", "clerk"]);
    let said = String::from_utf8_lossy(&added.stderr).into_owned();
    assert!(said.contains("a PIN has 6 to 12 digits"), "{said}");
    let said = out(&office.command(&["open", "--print"]));
    let address = said.lines().next().expect("an address");
    assert!(address.starts_with(&office.url()), "{address}");
    let client = reqwest::Client::builder().no_proxy();
    let client = client.redirect(reqwest::redirect::Policy::none());
    let client = client.build().expect("a client without TLS needs nothing");
    let post = async || {
        client
            .post(address)
            .send()
            .await
            .expect("an answer")
            .status()
    };
    assert_eq!(post().await, 303);
    assert_eq!(post().await, 410);
}
