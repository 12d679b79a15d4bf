//! The rules of the house that a compiler does not know. Each test is one rule, named, with its reason beside it.
//! In: the project's own files. Out: every place that breaks a rule. Never: a file outside the project, a build product.

mod source;

use schemas::alarm::Alarm;
use source::{Source, assert_none, project_files, rust_sources, workspace};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// A room that does not fit on a few screens holds two rooms.
#[test]
fn files_stay_within_400_lines() {
    let long = rust_sources()
        .into_iter()
        .filter(|source| source.lines.len() > FILE_LINES_MAX);
    assert_none(
        "files of over 400 lines",
        long.map(|source| format!("{}: {} lines", source.path, source.lines.len())),
    );
}

/// Branch high, loop low: a function that does not fit on a screen does both.
#[test]
fn functions_stay_within_70_lines() {
    let sources = rust_sources();
    let functions = sources.iter().flat_map(Source::functions);
    let long = functions.filter(|function| function.lines > FUNCTION_LINES_MAX);
    assert_none(
        "functions of over 70 lines",
        long.map(|function| format!("{}: {} lines", function.place, function.lines)),
    );
}

/// What comes in, what goes out, what never happens here: a reader knows the room before the first line of code. A file of
/// unit tests tells it by the names of its tests.
#[test]
fn every_room_opens_with_its_three_facts() {
    let rooms = rust_sources()
        .into_iter()
        .filter(|source| !source.is_unit_tests());
    let silent = rooms.filter(|room| {
        !room
            .lines
            .first()
            .is_some_and(|line| line.starts_with("//!"))
    });
    assert_none(
        "files that do not open with //!",
        silent.map(|source| source.path),
    );
}

/// A promise that is not kept yet is not in the code; a test that does not run promises nothing.
#[test]
fn nothing_is_left_for_later() {
    let words = [
        "todo!",
        "unimplemented!",
        "#[ignore",
        "dbg!",
        "FIXME",
        "TODO",
        "XXX",
    ];
    assert_none(
        "things left for later",
        places(|_, line| words.iter().any(|word| line.contains(word))),
    );
}

/// A panic in a task is a lost task: `expect` says why it cannot happen, or the error is handled.
#[test]
fn unwrap_stays_in_tests() {
    assert_none(
        "unwrap outside tests",
        places(|source_is_test, line| !source_is_test && line.contains(".unwrap()")),
    );
}

/// What a peer sends passes these rooms. There, nothing that can fail in the middle of a task is built at all: it is an answer, or it
/// cannot happen and says why at its place.
#[test]
fn rooms_that_a_peer_s_bytes_pass_deny_what_can_panic() {
    const ROOMS: [&str; 7] = [
        "schemas/src/lib.rs",
        "broker-gateway/src/lib.rs",
        "agent/src/dispatch.rs",
        "agent/src/link.rs",
        "agent/src/receive.rs",
        "agent/src/confirm.rs",
        "agent/src/heal.rs",
    ];
    const DENIED: [&str; 12] = [
        "#![cfg_attr(",
        "    not(test),",
        "    deny(",
        "        clippy::expect_used,",
        "        clippy::unwrap_used,",
        "        clippy::panic,",
        "        clippy::unreachable,",
        "        clippy::indexing_slicing,",
        "        clippy::string_slice,",
        "        clippy::arithmetic_side_effects,",
        "    )",
        ")]",
    ];
    let sources = rust_sources();
    let open = ROOMS.into_iter().filter(|room| {
        let source = sources.iter().find(|source| source.path == *room);
        !source.is_some_and(|room| {
            room.lines
                .windows(DENIED.len())
                .any(|lines| lines == DENIED)
        })
    });
    assert_none("rooms without the lints", open.map(str::to_owned));
}

/// A line that an office can have written as often as it likes fills a disk, and hides others. `seldom!` bounds them.
#[test]
fn lines_that_a_peer_can_cause_are_bounded() {
    const ROOMS: [&str; 14] = [
        "account",
        "acl",
        "admit",
        "commit",
        "consumers",
        "counts",
        "ends",
        "judge",
        "listen",
        "overview",
        "peer",
        "request",
        "session",
        "wire",
    ];
    let in_rooms = |source: &Source| {
        let inside = source.path.strip_prefix("broker-gateway/src/");
        let room = inside.and_then(|inside| inside.split(['/', '.']).next());
        room.is_some_and(|room| ROOMS.contains(&room))
    };
    let unbounded = |in_test: bool, line: &str| {
        let macros = ["error!(", "warn!(", "info!("];
        !in_test && macros.iter().any(|one| line.contains(one))
    };
    let rooms = rust_sources().into_iter().filter(in_rooms);
    let found = rooms.flat_map(|source| source.places(unbounded));
    assert_none("lines of the log without a bound", found);
}

/// A foreign crate with one owner can be replaced, and its traps are known in one place.
#[test]
fn foreign_crates_have_one_owner() {
    const OWNERS: &[(&str, &[&str])] = &[
        ("sled::", &["agent/src/store"]),
        ("async_nats::", &["agent/src/link", "tests/"]),
        ("jsonschema::", &["schemas/src/contract"]),
        (
            "ring::signature",
            &["schemas/src/signing", "schemas/tests/", "tests/"],
        ),
        ("ed25519_zebra::", &["schemas/src/signing"]),
        ("curve25519_dalek::", &["schemas/src/signing", "tests/"]),
        ("rand_core::", &["schemas/src/signing"]),
        ("zstd_safe::", &["schemas/src/packed/squeeze.rs"]),
        ("rcgen::", &["broker-gateway/src/authority", "tests/"]),
        (
            "axum::",
            &[
                "agent/src/web",
                "agent/src/desk",
                "agent/src/deliver/webhook/tests",
            ],
        ),
        ("csv::", &["agent/src/submit", "tests/"]),
        ("maud::", &["agent/src/desk"]),
        ("argon2::", &["agent/src/desk/door"]),
        ("qrcode::", &["agent/src/desk/pages"]),
        ("calamine::", &["agent/src/submit/sheet/workbook"]),
        ("zip::", &["agent/src/submit/sheet/workbook"]),
        ("rust_xlsxwriter::", &["agent/src/submit/sheet", "tests/"]),
    ];
    let sources = rust_sources();
    let strangers = OWNERS.iter().flat_map(|(name, owners)| {
        let strangers = sources
            .iter()
            .filter(move |source| !owners.iter().any(|owner| source.path.starts_with(owner)));
        strangers.flat_map(move |source| {
            source.places(move |is_test, line| !is_test && uses(line, name))
        })
    });
    assert_none("foreign crates outside their owner", strangers);
}

/// One version of each crate, chosen in one place, with its features spelled out.
#[test]
fn versions_stand_in_the_root_table_alone() {
    let manifests = project_files()
        .into_iter()
        .filter(|path| path.ends_with("/Cargo.toml"));
    let own = manifests.flat_map(|path| {
        versions_of(&path)
            .into_iter()
            .map(move |line| format!("{path}: {line}"))
    });
    assert_none("dependencies with a version of their own", own);
}

/// The project stands on its own: no file knows the machine it was written on, or where packages come from.
#[test]
fn no_file_names_a_machine_or_a_registry() {
    let words = [
        "/work/",
        "/root/",
        "/tmp/spean",
        "crates.io",
        "pypi.org",
        "pythonhosted",
        "npmjs",
        "ghcr.io",
        "docker.io",
    ];
    let files = project_files()
        .into_iter()
        .filter(|path| path != "Cargo.lock" && !path.ends_with("it/tidy.rs"));
    let named = files.filter_map(|path| {
        let text = std::fs::read_to_string(workspace().join(&path)).ok()?;
        let word = words.iter().find(|word| text.contains(*word))?;
        Some(format!("{path}: {word}"))
    });
    assert_none("files that name a machine or a registry", named);
}

/// Who is told a code looks it up, so that an alarm that is written as text is one of the list.
#[test]
fn every_alarm_that_is_raised_is_one_of_the_list() {
    let sources = rust_sources();
    let sources = sources
        .iter()
        .filter(|source| source.path.contains("/src/") && !source.is_unit_tests());
    let unknown = sources.flat_map(|source| {
        let raised = source.raised();
        raised.into_iter().filter_map(|(place, code)| {
            Alarm::named(&code)
                .is_none()
                .then(|| format!("{place}: {code}"))
        })
    });
    assert_none("alarms that are not in schemas/src/alarm.rs", unknown);
}

/// Every line of every source but this one (which has to spell the words it looks for), asked with whether it is test code.
fn places(guilty: impl Fn(bool, &str) -> bool) -> Vec<String> {
    let sources = rust_sources()
        .into_iter()
        .filter(|source| !source.path.ends_with("it/tidy.rs"));
    sources.flat_map(|source| source.places(&guilty)).collect()
}

/// Whether the line uses the crate itself, not a longer name that ends like it.
fn uses(line: &str, name: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices(name).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

fn versions_of(manifest: &str) -> Vec<String> {
    let text = std::fs::read_to_string(workspace().join(manifest))
        .expect("a manifest that was just listed can be read");
    let mut in_dependencies = false;
    let mut own = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
            own.push(line.to_owned());
        }
    }
    own
}
