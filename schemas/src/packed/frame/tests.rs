//! Promises of frames: they arrive as they were sent, in whatever pieces, and what is none is named.

use proptest::prelude::*;

use super::super::limits::PIECE_BYTES;
use super::*;

fn read(bytes: &[u8], at_once: usize) -> Result<Vec<Frame>, FrameFault> {
    let (mut frames, mut read) = (Frames::default(), Vec::new());
    let mut arrived = BytesMut::new();
    for piece in bytes.chunks(at_once) {
        arrived.extend_from_slice(piece);
        while let Some(frame) = frames.next(&mut arrived)? {
            read.push(frame);
        }
    }
    Ok(read)
}

fn frame(kind: Kind, body: &[u8]) -> Frame {
    let body = Bytes::copy_from_slice(body);
    Frame { kind, body }
}

#[test]
fn frames_arrive_whole_from_pieces_of_one_byte() {
    let long = vec![7; 3 * PIECE_BYTES];
    let mut sent = Vec::new();
    for (kind, body) in [
        (Kind::Beat, &b""[..]),
        (Kind::Text, b"PING\r\n"),
        (Kind::Run, &long),
    ] {
        write(kind, body)
            .iter()
            .for_each(|bytes| sent.extend_from_slice(bytes));
    }
    assert_eq!(sent[..10], *b"\x04\x00\x07\x06PING\r\n");
    let all = vec![
        frame(Kind::Beat, b""),
        frame(Kind::Text, b"PING\r\n"),
        frame(Kind::Run, &long),
    ];
    for at_once in [1, 2, 4_096, sent.len()] {
        assert_eq!(read(&sent, at_once), Ok(all.clone()), "{at_once}");
    }
}

#[test]
fn other_frames_pass_between_the_parts_of_a_long_one() {
    let long = vec![7; 2 * PIECE_BYTES];
    let parts = write(Kind::Run, &long);
    assert!(parts.iter().all(|part| part.len() <= PIECE_BYTES + 3));
    let beat = &write(Kind::Beat, b"")[0];
    let sent: Vec<u8> = parts
        .iter()
        .flat_map(|part| [&part[..], beat].concat())
        .collect();
    let read = read(&sent, 100).expect("read");
    assert_eq!(read.len(), parts.len() + 1);
    assert_eq!(read[parts.len() - 1], frame(Kind::Run, &long));
}

#[test]
fn a_newer_frame_is_passed_over_if_its_type_is_even() {
    let newer = [&[200, 3][..], b"new", &[4, 0]].concat();
    assert_eq!(read(&newer, 1), Ok(vec![frame(Kind::Beat, b"")]));
    assert_eq!(read(&[201, 0], 1), Err(FrameFault::Unknown(201)));
    let in_part = [9, 4, 0, 200, 1, 7, 4, 0];
    assert_eq!(read(&in_part, 1), Ok(vec![frame(Kind::Beat, b"")]));
}

#[test]
fn what_is_no_frame_is_named_before_its_body_has_come() {
    let mut too_long = vec![Kind::Text.number()];
    put_count(&mut too_long, FRAME_BYTES_MAX + 1);
    for (bytes, fault) in [
        (&too_long[..], FrameFault::TooLong),
        (&[3, 0xff, 0xff, 0xff], FrameFault::TooLong),
        (&[2, 0xff, 0xff, 0xff], FrameFault::TooLong),
        (&[7, 0x80, 0], FrameFault::Length),
        // A part without a byte, of nothing more, of itself, with more than its frame, with less.
        (&[9, 0], FrameFault::Part),
        (&[9, 1, 2], FrameFault::Part),
        (&[9, 3, 1, 9, 0], FrameFault::Part),
        (&[9, 4, 1, 4, 0, 0], FrameFault::Part),
        (&[9, 4, 0, 7, 5, 0], FrameFault::Part),
        (&[9, 2, 1, 201], FrameFault::Unknown(201)),
    ] {
        assert_eq!(read(bytes, 1), Err(fault), "{bytes:?}");
    }
}

#[test]
fn how_long_a_frame_will_be_is_known_from_its_beginning() {
    let mut frames = Frames::default();
    assert_eq!((frames.wants(b""), frames.announced(b"\x03")), (0, 0));
    let begun = [3, 0xe8, 7, 0];
    assert_eq!(
        (frames.wants(&begun), frames.announced(&begun)),
        (999, 1_003)
    );
    let mut part = BytesMut::from(&[9, 5, 1, 3, 0xe8, 7, 0][..]);
    assert_eq!(frames.next(&mut part), Ok(None));
    assert_eq!((frames.announced(b""), frames.buffered(b"xy")), (1_003, 6));
}

proptest! {
    #[test]
    fn any_body_arrives(body in proptest::collection::vec(any::<u8>(), 0..10_000), at_once in 1..5_000_usize) {
        let sent = write(Kind::Answers, &body).concat();
        prop_assert_eq!(read(&sent, at_once), Ok(vec![frame(Kind::Answers, &body)]));
    }

    #[test]
    fn any_bytes_end_in_frames_or_a_fault(bytes: Vec<u8>, at_once in 1..9_usize) {
        if let Ok(frames) = read(&bytes, at_once) {
            prop_assert!(frames.len() <= bytes.len());
        }
    }
}
