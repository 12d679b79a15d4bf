//! What a recording leaves open is taken from the disk; what it missed spoils it.

use super::*;

fn disk() -> Disk {
    let mut disk = Disk::new(Path::new("/d"));
    disk.apply(Call::MakeFolder("/d".into()), None);
    disk.apply(Call::MakeFolder("/d/store".into()), None);
    let open = Call::Open {
        fd: 3,
        path: "/d/store/db".into(),
        made: true,
        emptied: false,
        appends: false,
    };
    disk.apply(open, None);
    let bytes = b"seen".to_vec();
    let write = Call::Write {
        fd: 3,
        offset: None,
        bytes,
    };
    disk.apply(write, None);
    disk
}

fn left(bytes: &[u8]) -> Image {
    let files = BTreeMap::from([("store/db".into(), Arc::new(bytes.to_vec()))]);
    let folders = Vec::new();
    Image { folders, files }
}

#[test]
fn what_a_call_did_that_was_cut_short_is_taken_from_what_is_there() {
    let mut disk = disk();
    disk.process_ends(Path::new("store"), &left(b"seen and more"), 1)
        .expect("one call was cut short");
    let kept = |way| disk.cut(&["store".into()], &mut Keep::new(way, 1)).0;
    let name = Path::new("store/db");
    assert_eq!(*kept(Way::Kept).files[name], b"seen and more");
    assert!(!kept(Way::Dropped).files.contains_key(name));
}

#[test]
fn a_call_that_was_not_seen_spoils_the_recording() {
    disk()
        .process_ends(Path::new("store"), &left(b"seen"), 0)
        .expect("all was seen");
    let unseen = disk().process_ends(Path::new("store"), &left(b"seen and more"), 0);
    assert!(unseen.is_err());
}

#[test]
fn of_what_was_not_synced_at_most_the_last_write_is_left_and_that_in_part() {
    let mut disk = disk();
    disk.apply(
        Call::SyncBegins {
            thread: 1,
            fd: 3,
            path: "/d/store/db".into(),
        },
        None,
    );
    disk.apply(Call::SyncEnds { thread: 1 }, None);
    for folder in ["/d", "/d/store"] {
        disk.apply(
            Call::SyncBegins {
                thread: 1,
                fd: 9,
                path: folder.into(),
            },
            None,
        );
        disk.apply(Call::SyncEnds { thread: 1 }, None);
    }
    for byte in [b'1', b'2'] {
        let (offset, bytes) = (None, vec![byte; 2_048]);
        disk.apply(
            Call::Write {
                fd: 3,
                offset,
                bytes,
            },
            None,
        );
    }
    let mut in_part = 0;
    for seed in 0..20 {
        let (image, dropped) = disk.cut(&["store".into()], &mut Keep::new(Way::LastTorn, seed));
        let bytes = &image.files[Path::new("store/db")];
        assert!(bytes.starts_with(b"seen") && !bytes.contains(&b'1'));
        assert!((1..=2).contains(&dropped));
        in_part += usize::from(dropped == 2 && bytes.contains(&b'2'));
    }
    assert!(in_part > 0);
}
