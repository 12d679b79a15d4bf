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
        .map(|price| format!("2024-01,17,Siemreap,Leu,food,Rice,KG,Retail,KHR,{price}00"));
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
    assert_eq!(out(&once), "1200 events accepted on market-prices\n");
    let again = submit(&office, &file, &["--json"]);
    let told: Value = serde_json::from_str(&out(&again)).expect("JSON");
    assert_eq!(told["accepted"].as_array().map(Vec::len), Some(1_200));
    assert_eq!(told["accepted"][0]["again"], true);
    assert_eq!(
        out(&submit(&office, &file, &[])),
        "0 events accepted on market-prices, 1200 accepted before\n  ព្រឹត្តិការណ៍ 1200 បានទទួលពីមុនរួចហើយ\n"
    );
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
        "line 4, admin1: ",
        "line 5, admin1_code: must be KH17",
        "line 6, price: ",
    ] {
        assert!(said.contains(named), "{named}: {said}");
    }
    assert_eq!(waiting_and_stored(&office).await, 0);
    let skipped = submit(&office, &file, &["--skip-bad"]);
    assert!(out(&skipped).starts_with("2 events accepted on market-prices; 3 bad rows are in "));
    let kept = std::fs::read_to_string(file.with_extension("csv.bad.csv")).expect("bad rows");
    assert_eq!(kept.lines().count(), 4);
    assert_eq!(waiting_and_stored(&office).await, 2);
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
