//! Stores that are not opened: they stay as they are, byte for byte.

use super::*;

#[test]
fn an_inbox_of_format_1_beside_one_of_this_format_is_refused_and_left_byte_for_byte() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(open(dir.path()));
    let file = dir.path().join("inbox/index-000001/db");
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(&file, "as it was").expect("written");
    let refused = Inbox::open(dir.path(), &WHO).err();
    let code = refused.and_then(|fault| fault.code());
    assert_eq!(code, Some("store-of-format-1"));
    assert_eq!(fs::read(&file).expect("reads"), b"as it was");
}

#[test]
fn an_inbox_of_another_office_is_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(open(dir.path()));
    let other = Identity {
        office: [3; 32],
        ..WHO
    };
    let refused = Inbox::open(dir.path(), &other).err();
    let code = refused.and_then(|fault| fault.code());
    assert_eq!(code, Some("store-of-another-office"));
    open(dir.path());
}
