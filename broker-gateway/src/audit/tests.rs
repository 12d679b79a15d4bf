//! Decisions go into real files of a temporary folder.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::fixtures;

const SMALL: Bounds = Bounds {
    file_bytes: 1_000,
    files: 3,
};

fn record(answer: &'static str) -> Record<'static> {
    Record {
        op: "publish",
        subject: Some("a\"\nb"),
        answer,
        code: None,
        registry: 3,
        id: Some("x"),
        position: None,
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("lines are JSON")
}

/// Writes decisions one by one, numbered by their position.
fn write(writer: &mut AuditWriter, positions: std::ops::RangeInclusive<u64>) {
    for position in positions {
        let record = Record {
            position: Some(position),
            ..record("stored")
        };
        let mut line = Vec::new();
        write_line(
            &mut line,
            &text(OffsetDateTime::now_utc()),
            Some("moh/hq"),
            record,
        );
        writer.write(&line);
    }
}

fn positions(all: &[Value]) -> Vec<u64> {
    all.iter()
        .filter_map(|line| line["position"].as_u64())
        .collect()
}

#[tokio::test]
async fn each_decision_is_one_line_behind_those_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.ndjson");
    std::fs::write(&path, "{}\n").expect("written");
    let (audit, writer) = Audit::new(path.clone(), Bounds::USUAL);
    let peer = fixtures::peer("moh/hq");
    audit
        .record(Some(&peer), [record("stored"), record("held")])
        .await;
    drop(audit);
    writer.run().await;
    let lines = lines(&path);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["peer"], "moh/hq");
    assert_eq!(lines[2]["answer"], "held");
    assert_eq!(lines[2].get("code"), None);
}

#[test]
fn full_files_are_put_away_and_the_oldest_goes_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.ndjson");
    let (_audit, mut writer) = Audit::new(path.clone(), SMALL);
    write(&mut writer, 1..=100);
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    assert_eq!(names.len(), SMALL.files + 1, "{names:?}");
    let all: Vec<Value> = names[1..]
        .iter()
        .chain(&names[..1])
        .flat_map(|name| {
            let file = folder.path().join(name);
            assert!(file.metadata().expect("there").len() <= SMALL.file_bytes);
            lines(&file)
        })
        .collect();
    let kept = positions(&all);
    let first = kept[0];
    assert_eq!(kept, (first..=100).collect::<Vec<u64>>());
    // Each new file says what had to go for it; what the oldest files said has gone with them.
    let removed = all.iter().filter(|line| line["answer"] == "removed");
    let removed: Vec<&str> = removed
        .filter_map(|line| line["subject"].as_str())
        .collect();
    assert_eq!(removed.len(), SMALL.files + 1, "{removed:?}");
    assert!(removed.is_sorted() && removed.iter().all(|name| *name < names[1].as_str()));
}

#[test]
fn a_file_that_was_moved_away_is_begun_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.ndjson");
    let (_audit, mut writer) = Audit::new(path.clone(), SMALL);
    write(&mut writer, 1..=2);
    std::fs::rename(&path, folder.path().join("elsewhere")).expect("moved");
    write(&mut writer, 3..=3);
    assert_eq!(positions(&lines(&path)), [3]);
}

#[test]
fn what_could_not_be_written_is_named_by_the_next_line_that_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit/audit.ndjson");
    let (_audit, mut writer) = Audit::new(path.clone(), SMALL);
    // There is no such folder yet.
    write(&mut writer, 1..=2);
    std::fs::create_dir(folder.path().join("audit")).expect("made");
    write(&mut writer, 3..=4);
    let lines = lines(&path);
    assert_eq!(lines[0]["answer"], "lost");
    assert_eq!(lines[0]["subject"], "2 decisions");
    assert_eq!(positions(&lines), [3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_counted_in_few_lines_and_other_offices_lines_stand_between_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.ndjson");
    let (audit, writer) = Audit::new(path.clone(), Bounds::USUAL);
    let (greedy, other) = (fixtures::peer("mef/hq"), fixtures::peer("moh/hq"));
    let flood = 10_000;
    for position in 1..=flood {
        let record = Record {
            position: Some(position),
            ..record("held")
        };
        // Nobody writes yet, and the channel is shorter than the flood.
        if position <= 2_000 || position.is_multiple_of(2) {
            audit.record(Some(&greedy), [record]).await;
        }
    }
    audit.record(Some(&other), [record("stored")]).await;
    drop(audit);
    writer.run().await;
    let all = lines(&path);
    let of = |peer: &str| {
        all.iter()
            .filter(|line| line["peer"] == peer)
            .collect::<Vec<_>>()
    };
    let (of_greedy, of_other) = (of("mef/hq"), of("moh/hq"));
    assert_eq!((of_greedy.len(), of_other.len()), (2_001, 1));
    let counted = of_greedy.iter().find(|line| line["times"].is_u64());
    let counted = counted.expect("one line for the rest");
    assert_eq!(counted["times"], 4_000);
    assert_eq!(
        (&counted["op"], &counted["answer"]),
        (&"publish".into(), &"held".into())
    );
    assert_eq!(counted["position"], 2_002);
    assert_eq!(counted["up_to_position"], flood);
    assert!(counted["since"].is_string() && counted["subject"].is_null());
}
