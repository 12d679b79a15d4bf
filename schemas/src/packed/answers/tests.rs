//! Promises of answers: they are read as they were written, cut nowhere, and a receipt comes back whole.

use super::*;
use crate::event::{Hash, Position};
use crate::registry::RegistryHead;
use crate::signing::tests::{golden_hex, key, signed};

fn registry(number: u64) -> Option<RegistryHead> {
    Some(RegistryHead {
        position: Position::new(number).expect("a position"),
        hash: Hash::of(&number.to_be_bytes()),
    })
}

fn hello() -> GatewayHello {
    GatewayHello {
        codec: 1,
        gateway: "gateway-1".into(),
        keyid: key().keyid().into(),
        registry: registry(261),
        heads: Vec::new(),
    }
}

fn receipt(gateway: &str, registry: Option<RegistryHead>, newest: Option<u64>) -> Receipt {
    let stamp = Stamp {
        admitted: "2026-10-02T03:00:09Z".parse().expect("a time"),
        gateway: gateway.into(),
        registry,
        newest: newest.and_then(Newest::new),
    };
    Receipt::sign(Facts::of(&signed("id-1", b"{}"), stamp), &key())
}

fn stored(receipt: Option<SaidReceipt>) -> Said {
    Said::Stored {
        place: 0,
        count: 256,
        sequence: 4_711,
        duplicate: false,
        receipt,
    }
}

#[test]
fn a_receipt_comes_back_whole_and_costs_its_signature_and_little_more() {
    let event = signed("id-1", b"{}");
    for (receipt, bytes) in [
        (receipt("gateway-1", registry(261), Some(4_966)), 64 + 5 + 2),
        (receipt("gateway-1", registry(261), None), 64 + 5),
        (receipt("gateway-2", registry(262), None), 64 + 5 + 10 + 34),
        (receipt("gateway-1", None, None), 64 + 5 + 1),
    ] {
        let said = SaidReceipt::of(&receipt);
        let without = Answers {
            run: 3,
            said: vec![stored(None)],
        }
        .write(&hello());
        let answers = Answers {
            run: 3,
            said: vec![stored(Some(said))],
        };
        let body = answers.write(&hello());
        assert_eq!(body.len() - without.len(), bytes);
        let read = Answers::read(&body, &hello()).expect("read");
        assert_eq!(read, answers);
        let Some(Said::Stored {
            receipt: Some(said),
            ..
        }) = read.said.into_iter().next()
        else {
            panic!("stored");
        };
        let log = event.event().log().clone();
        assert_eq!(said.receipt(log, Head::of(&event)), Some(receipt));
    }
}

#[test]
fn answers_are_read_as_they_were_written_and_cut_only_between_two() {
    let receipt = receipt("gateway-1", registry(261), Some(4_966));
    let answers = Answers {
        run: 300,
        said: vec![
            Said::Told {
                place: 255,
                body: Bytes::from_static(br#"{"error":{"code":400}}"#),
            },
            stored(Some(SaidReceipt::of(&receipt))),
            Said::InFull,
        ],
    };
    let body = answers.write(&hello());
    golden_hex("packed-answers.hex", &body);
    assert_eq!(Answers::read(&body, &hello()), Ok(answers.clone()));
    let whole = |said: usize| Answers {
        run: 300,
        said: answers.said[..said].to_vec(),
    };
    let ends: Vec<usize> = (0..3)
        .map(|said| whole(said).write(&hello()).len())
        .collect();
    for cut in 0..body.len() {
        let read = Answers::read(&body[..cut], &hello());
        assert_eq!(read.is_ok(), ends.contains(&cut), "{cut}");
    }
}

#[test]
fn what_no_gateway_says_is_not_read() {
    let read = |said: &[u8]| Answers::read(&[&[0], said].concat(), &hello());
    for said in [
        &[9][..],
        &[STORED, 0, 0, 1, 0],
        &[STORED, 0x80, 2, 1, 1, 0],
        &[STORED, 0xff, 1, 2, 1, 0],
        &[STORED, 0, 1, 1, OTHER_KEY],
        &[STORED, 0, 1, 1, 64],
    ] {
        assert_eq!(read(said), Err(Malformed), "{said:?}");
    }
    assert_eq!(
        read(&[IN_FULL; RUN_EVENTS_MAX]).map(|a| a.said.len()),
        Ok(RUN_EVENTS_MAX)
    );
    assert_eq!(read(&[IN_FULL; RUN_EVENTS_MAX + 1]), Err(Malformed));
}
