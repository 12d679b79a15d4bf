//! A store of somebody else, and one of format 1 beside one of this format, are left as they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::store::Fault;

fn bytes_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = names(folder).into_iter();
    files
        .map(|name| {
            let bytes = std::fs::read(folder.join(&name)).expect("reads");
            (name, bytes)
        })
        .collect()
}

#[test]
fn a_store_of_format_1_beside_one_of_this_format_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(open(dir.path()));
    for (file, bytes) in [
        ("outbox/journal/0000000001.journal", "records"),
        ("outbox/index-000001/db", "pages"),
        ("outbox/lock", ""),
    ] {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
        std::fs::write(path, bytes).expect("writes");
    }
    let before = bytes_of(dir.path());
    for _ in 0..2 {
        let fault = Outbox::open(dir.path(), &WHO, BUDGET)
            .err()
            .expect("refused");
        assert_eq!(fault.code(), Some("store-of-format-1"));
        assert!(matches!(fault, Fault::OfFormat1(of) if of == dir.path().join("outbox")));
    }
    assert_eq!(bytes_of(dir.path()), before);
}

#[tokio::test]
async fn a_store_of_another_office_or_authority_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    accept(&outbox, "a", "a").await.expect("accepts");
    drop(outbox);
    let before = bytes_of(dir.path());
    for (who, code) in [
        (
            Identity {
                office: [9; 32],
                ..WHO
            },
            "store-of-another-office",
        ),
        (
            Identity {
                authority: [9; 32],
                ..WHO
            },
            "store-of-another-authority",
        ),
    ] {
        let fault = Outbox::open(dir.path(), &who, BUDGET)
            .err()
            .expect("refused");
        assert_eq!(fault.code(), Some(code));
    }
    assert_eq!(bytes_of(dir.path()), before);
    assert_eq!(ids(&open(dir.path()).0, &health()).await, ["a"]);
}
