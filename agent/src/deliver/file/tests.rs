use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn file(folder: &Path) -> LineFile {
    LineFile::new(folder.join("prices.ndjson"))
}

fn append(file: &LineFile, lines: &str) -> Result<Written, Failed> {
    file.append(lines, |_| Ok(()))
}

#[test]
fn lines_are_marked_before_the_file_is_in_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = file(folder.path());
    let mut was_there = true;
    let written = file.append("one\n", |seen| {
        was_there = file.path().exists();
        assert_eq!(seen.bytes, 4);
        Ok(())
    });
    assert_eq!(written.expect("written"), Written::InPlace);
    assert!(!was_there);
    assert_eq!(fs::read_to_string(file.path()).expect("there"), "one\n");
}

#[test]
fn what_cannot_be_marked_is_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = file(folder.path());
    append(&file, "one\n").expect("written");
    let failed = file.append("two\n", |_| Err(Outage::Stopped));
    assert!(matches!(failed, Err(Failed::Store(Outage::Stopped))));
    assert!(!file.path().exists() && file.taken().exists());
}

#[test]
fn a_file_that_is_moved_away_at_any_moment_is_whole_and_each_line_is_in_one() {
    const LINES: usize = 400;
    let folder = tempfile::tempdir().expect("a folder");
    let file = file(folder.path());
    let done = AtomicBool::new(false);
    let mut moved = String::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..LINES {
                append(&file, &format!("{number}\n")).expect("written");
            }
            done.store(true, Ordering::SeqCst);
        });
        let away = folder.path().join("away");
        loop {
            let last = done.load(Ordering::SeqCst);
            // Read at once, and removed: what is written behind that is lost.
            if fs::rename(file.path(), &away).is_ok() {
                moved.push_str(&fs::read_to_string(&away).expect("there"));
                fs::remove_file(&away).expect("removed");
            }
            if last {
                break;
            }
        }
    });
    let expected: Vec<String> = (0..LINES).map(|number| number.to_string()).collect();
    assert_eq!(moved.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_somebody_else_puts_in_its_place_is_left_and_an_empty_one_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = file(folder.path());
    let put = |text: &str| {
        file.append("one\n", |_| {
            fs::write(file.path(), text).expect("written");
            Ok(())
        })
    };
    assert_eq!(put("").expect("written"), Written::InPlace);
    fs::remove_file(file.path()).expect("removed");
    assert!(matches!(put("theirs\n"), Ok(Written::Aside(_))));
    assert!(matches!(append(&file, "two\n"), Err(Failed::NotNow(_))));
    assert_eq!(fs::read_to_string(file.path()).expect("there"), "theirs\n");
    fs::remove_file(file.path()).expect("removed");
    append(&file, "two\n").expect("written");
    assert_eq!(
        fs::read_to_string(file.path()).expect("there"),
        "one\ntwo\n"
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = LineFile::new(folder.path().join("out/prices.ndjson"));
    match append(&file, "one\n") {
        Err(Failed::NotNow(why)) => assert!(why.contains("there is no folder"), "{why}"),
        other => panic!("{other:?}"),
    }
}
