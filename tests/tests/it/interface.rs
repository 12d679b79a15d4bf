//! The agent's HTTP interface, tried from outside by programs that know nothing of it but its description.
//! In: /openapi.json of a running agent. Out: what a validator of such documents and schemathesis find. Never: a request by hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tests::bus::Bus;

const OFFICE: &str = "moh/siem-reap";

/// Requests for each operation and phase: some 40 s for all of them. Every run asks the same.
const EXAMPLES: &str = "12";

/// What must hold of every answer. What the registry and the contracts decide no schema of requests can say, so that a request that
/// fits the schema may be refused.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                      response_headers_conformance,negative_data_rejection,ignored_auth,unsupported_method";

fn library() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/interface");
    assert!(
        folder.join("schemathesis").is_dir(),
        "no schemathesis: run `make tools` once"
    );
    folder
}

async fn python(arguments: Vec<String>, folder: &Path) -> Output {
    let mut python = Command::new("python3");
    python
        .arg("-m")
        .args(arguments)
        .current_dir(folder)
        .env("PYTHONPATH", library());
    tokio::task::spawn_blocking(move || python.output())
        .await
        .expect("the task ends")
        .expect("python3 runs")
}

fn assert_good(done: &Output) {
    let said = String::from_utf8_lossy(&done.stdout);
    let errors = String::from_utf8_lossy(&done.stderr);
    // A request of a thousand events is no help to whoever reads this.
    let lines = said
        .lines()
        .map(|line| &line[..line.floor_char_boundary(400)]);
    let said: Vec<&str> = lines.collect();
    assert!(done.status.success(), "{}\n{errors}", said.join("\n"));
}

#[tokio::test]
async fn the_description_is_an_openapi_document_and_every_answer_keeps_to_it() {
    let bus = Bus::start(&[OFFICE]).await;
    let office = bus.office(OFFICE).await;
    let description = bus.folder().join("openapi.json");
    let document = office.get("/openapi.json").await.body.to_string();
    std::fs::write(&description, document).expect("the test's folder can be written");
    let description = description.to_string_lossy().into_owned();
    let valid = ["openapi_spec_validator_rs", &description].map(str::to_owned);
    assert_good(&python(valid.into(), bus.folder()).await);
    let url = office.url();
    let token = format!("Authorization: Bearer {}", office.token());
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemathesis.toml");
    let words = [
        "schemathesis.cli",
        "--config-file",
        &config.to_string_lossy(),
        "run",
        &description,
        "--url",
        &url,
        "--header",
        &token,
        "--max-examples",
        EXAMPLES,
        "--generation-deterministic",
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing",
        "--request-timeout",
        "10",
        "--suppress-health-check",
        "all",
        "--no-color",
    ];
    let words = words.map(str::to_owned);
    assert_good(&python(words.into(), bus.folder()).await);
}
