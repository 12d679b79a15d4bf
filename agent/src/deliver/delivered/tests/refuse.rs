//! Marks that are not opened: they stay as they are, byte for byte.

use super::*;

#[test]
fn a_newer_format_is_left_as_it_is() {
    let store = tempfile::tempdir().expect("a directory");
    drop(opened(store.path()));
    for file in files(store.path()) {
        let mut bytes = fs::read(&file).expect("reads");
        bytes[7] = 3;
        bytes[8..12].copy_from_slice(&3_u32.to_le_bytes());
        bytes[12..16].copy_from_slice(&(!3_u32).to_le_bytes());
        fs::write(&file, bytes).expect("written");
    }
    let before = files(store.path()).map(|file| fs::read(file).expect("reads"));
    let refused = Delivered::open(store.path(), &bus("live"), &WHO).err();
    assert!(
        matches!(refused, Some(Fault::Newer { found: 3, .. })),
        "{refused:?}"
    );
    let after = files(store.path()).map(|file| fs::read(file).expect("reads"));
    assert_eq!(before, after);
}

/// Whichever of its two forms it has.
#[test]
fn what_was_delivered_in_format_1_beside_this_format_is_refused_and_left_byte_for_byte() {
    for name in ["delivered", "deliveries/bus-1/marks"] {
        let store = tempfile::tempdir().expect("a directory");
        drop(opened(store.path()));
        let file = store.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(&file, "1234abcd {}\n").expect("written");
        let refused = Delivered::open(store.path(), &bus("live"), &WHO).err();
        let code = refused.and_then(|fault| fault.code());
        assert_eq!(code, Some("store-of-format-1"));
        assert_eq!(fs::read(&file).expect("reads"), b"1234abcd {}\n");
    }
}
