use std::collections::BTreeMap;

use super::*;
use crate::store::alarms::Alarms;

fn count(db: &sled::Db) -> Result<usize, sled::Error> {
    let mut entries = 0;
    for entry in db.iter() {
        entry?;
        entries += 1;
    }
    Ok(entries)
}

fn opened(dir: &Path) -> Opened<usize> {
    open(dir, count).expect("opens")
}

/// An index of some 4 MB, closed.
fn filled(dir: &Path) -> PathBuf {
    let index = opened(dir).index;
    for n in 0..2_000_u32 {
        let value = vec![(n % 251) as u8; 2_000];
        index.db().insert(n.to_be_bytes(), value).expect("inserts");
    }
    index.sync().expect("syncs");
    index.in_use().folder.clone()
}

fn fresh_beside_the_old_one(dir: &Path) {
    let opened = opened(dir);
    assert!(opened.replaced_ms.is_some());
    assert!(
        matches!(&opened.repairs[..], [Repair::SetAside { kept, .. }] if kept.join("db").exists()),
        "{:?}",
        opened.repairs
    );
}

#[test]
fn what_was_synced_is_there_when_it_is_opened_again() {
    let dir = tempfile::tempdir().expect("a directory");
    assert_eq!(opened(dir.path()).checked, 1, "its count of syncs");
    filled(dir.path());
    let again = opened(dir.path());
    assert!(
        again.replaced_ms.is_none() && again.repairs.is_empty(),
        "{:?}",
        again.repairs
    );
    assert_eq!(again.checked, 2_001);
}

#[test]
fn an_index_that_somebody_holds_a_moment_longer_is_waited_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let held = File::open(filled(dir.path()).join("db")).expect("opens");
    held.lock().expect("locks");
    let path = dir.path().to_path_buf();
    let opening = std::thread::spawn(move || opened(&path));
    while !opening.is_finished() && !is_waited_for(&held) {
        std::thread::yield_now();
    }
    drop(held);
    let again = opening.join().expect("no panic");
    assert_eq!(again.checked, 2_001);
    assert!(again.repairs.is_empty(), "{:?}", again.repairs);
}

/// Somebody waits in line for the file's lock (`/proc/locks` shows it behind an arrow).
fn is_waited_for(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let inode = file.metadata().expect("there").ino();
    let locks = fs::read_to_string("/proc/locks").expect("reads");
    locks
        .lines()
        .any(|line| line.contains("->") && line.contains(&format!(":{inode} ")))
}

#[test]
fn an_index_cut_at_its_end_is_set_aside_and_kept() {
    for left in [0, 100, 1_000_000, 2_000_000, 3_000_000, 4_000_000] {
        let dir = tempfile::tempdir().expect("a directory");
        let folder = filled(dir.path());
        let file = File::options().write(true).open(folder.join("db"));
        file.and_then(|file| file.set_len(left)).expect("cuts");
        let opened = opened(dir.path());
        // A cut that sled notices as a whole, or one that it does not: never silently fewer records.
        assert!(
            opened.replaced_ms.is_some() && !opened.repairs.is_empty() || opened.checked == 2_001,
            "left {left}: {} records, {:?}",
            opened.checked,
            opened.repairs
        );
    }
}

#[test]
fn an_index_with_an_emptied_file_is_set_aside() {
    let dir = tempfile::tempdir().expect("a directory");
    let folder = filled(dir.path());
    for entry in fs::read_dir(&folder).expect("reads") {
        let path = entry.expect("reads").path();
        if path.is_file() && !path.ends_with(SYNCS_FILE) {
            fs::remove_file(path).expect("removes");
        }
    }
    fresh_beside_the_old_one(dir.path());
}

#[test]
fn empty_snapshots_cost_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let folder = filled(dir.path());
    let mut emptied = 0;
    for entry in fs::read_dir(&folder).expect("reads") {
        let path = entry.expect("reads").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name.starts_with("snap.") {
            fs::write(&path, b"").expect("empties");
            emptied += 1;
        }
    }
    let again = opened(dir.path());
    assert_eq!(again.checked, 2_001);
    assert_eq!(again.repairs.len(), emptied.min(1));
}

#[test]
fn an_index_found_damaged_in_use_is_set_aside_at_the_next_opening() {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path());
    let index = opened(dir.path()).index;
    index.suspect();
    drop(index);
    fresh_beside_the_old_one(dir.path());
}

#[test]
fn a_flipped_bit_never_gives_a_wrong_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let folder = filled(dir.path());
    let mut bytes = fs::read(folder.join("db")).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(folder.join("db"), bytes).expect("writes");
    let opened = opened(dir.path());
    for entry in opened.index.db().iter() {
        let (key, value) = entry.expect("reads");
        if let Ok(n) = key.as_ref().try_into().map(u32::from_be_bytes) {
            assert!(value.iter().all(|b| *b == (n % 251) as u8), "record {n}");
        }
    }
}

#[test]
fn a_start_that_was_cut_behind_the_setting_aside_still_tells_what_was_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let folder = filled(dir.path());
    fs::rename(&folder, dir.path().join("index-000001.damaged-1")).expect("moves");
    fresh_beside_the_old_one(dir.path());
    let again = opened(dir.path());
    assert!(again.replaced_ms.is_some() && again.repairs.is_empty());
    let alarms = Alarms::in_index(again.index.into()).list();
    assert_eq!(
        (alarms.len(), alarms[0].code.as_str()),
        (1, "index-damaged")
    );
}

#[test]
fn an_index_that_is_gone_is_missed() {
    let dir = tempfile::tempdir().expect("a directory");
    let folder = filled(dir.path());
    fs::remove_dir_all(&folder).expect("removes");
    let opened = opened(dir.path());
    assert_eq!(opened.repairs, [Repair::Missing { folder }]);
    let alarms = Alarms::in_index(opened.index.into()).list();
    assert_eq!(alarms[0].code, "index-missing");
}

#[test]
fn an_index_that_was_never_finished_is_begun_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let half = dir.path().join("index-000001.new");
    fs::create_dir(&half).expect("makes");
    fs::write(half.join("conf"), b"torn").expect("writes");
    let opened = opened(dir.path());
    assert_eq!(opened.repairs, []);
    assert!(!half.exists());
}

/// 4,000 entries, which were large and are small now.
fn shrunk(dir: &Path) -> (Index, BTreeMap<Vec<u8>, Vec<u8>>) {
    let index = opened(dir).index;
    let mut model = BTreeMap::new();
    for bytes in [2_000, 100] {
        for n in 0..4_000_u32 {
            let (key, value) = (n.to_be_bytes().to_vec(), vec![(n % 251) as u8; bytes]);
            put(&index, &mut model, key, Some(value));
        }
    }
    index.sync().expect("syncs");
    (index, model)
}

fn put(
    index: &Index,
    model: &mut BTreeMap<Vec<u8>, Vec<u8>>,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
) {
    let mut batch = Batch::default();
    match value {
        Some(value) => {
            batch.insert(key.clone(), value.clone());
            model.insert(key, value);
        }
        None => {
            batch.remove(key.clone());
            model.remove(&key);
        }
    }
    index.apply(batch).expect("applies");
}

/// Without what the index keeps for itself.
fn entries(db: &sled::Db) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let all = db.iter().map(|entry| entry.expect("reads"));
    let all = all.filter(|(key, _)| key.as_ref() != SYNCS_KEY);
    all.map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

/// Written to all the while, and killed at each step of the way.
#[test]
fn an_index_of_which_little_lives_goes_on_in_a_smaller_folder_and_no_crash_on_the_way_costs_anything()
 {
    let dir = tempfile::tempdir().expect("a directory");
    let (index, mut model) = shrunk(dir.path());
    let before = index.disk_bytes();
    let reader = index.db();
    let slack = 64 * 1024;
    let (mut step, mut half_copies) = (0_u32, 0);
    while index.tidy(slack).expect("tidies") == Left::More {
        step += 1;
        // Before what is copied, behind it, and gone again.
        for n in [step, 4_000 - step, 5_000 + step] {
            put(
                &index,
                &mut model,
                n.to_be_bytes().to_vec(),
                Some(vec![1; 30]),
            );
        }
        put(&index, &mut model, (2 * step).to_be_bytes().to_vec(), None);
        index.sync().expect("syncs");
        let image = crate::outbox::tests::crash_image(dir.path());
        half_copies += u32::from(image.path().join("index-000002.new").exists());
        let opened = opened(image.path());
        assert_eq!(opened.repairs, [], "step {step}");
        assert!(entries(&opened.index.db()) == model, "step {step}");
        drop(opened);
        let left: Vec<_> = fs::read_dir(image.path()).expect("reads").collect();
        assert_eq!(left.len(), 2, "one index, and the note that there is one");
    }
    assert!(
        half_copies > 3,
        "{half_copies} images of {step} have half a copy"
    );
    assert!(entries(&index.db()) == model);
    let after = index.disk_bytes();
    assert!(after * 2 < before, "{after} of {before}");
    assert_eq!(
        index.tidy(slack).expect("tidies"),
        Left::Later,
        "somebody reads the old one"
    );
    assert!(dir.path().join("index-000001").exists());
    drop(reader);
    while index.tidy(slack).expect("tidies") == Left::Later {
        std::thread::yield_now();
    }
    assert!(!dir.path().join("index-000001").exists());
    drop(index);
    assert!(entries(&opened(dir.path()).index.db()) == model);
}

#[test]
fn an_index_that_is_no_larger_than_it_must_be_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let folder = filled(dir.path());
    let index = opened(dir.path()).index;
    while index.tidy(64 * 1024).expect("tidies") == Left::More {}
    assert_eq!(index.in_use().folder, folder);
}

/// The copy is on disk and has its name, and the old one is still there.
#[test]
fn a_start_between_two_indexes_takes_the_newer_one_and_removes_the_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let (index, model) = shrunk(dir.path());
    let reader = index.db();
    while index.tidy(64 * 1024).expect("tidies") == Left::More {}
    let image = crate::outbox::tests::crash_image(dir.path());
    drop(reader);
    assert!(image.path().join("index-000001").exists());
    let opened = opened(image.path());
    assert!(entries(&opened.index.db()) == model);
    assert!(!image.path().join("index-000001").exists());
}
