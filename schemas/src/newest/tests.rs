use super::*;

fn newest(number: u64) -> Newest {
    Newest::new(number).expect("a sequence")
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_newest_has_one_form_and_a_bound() {
    assert_eq!(Newest::read(newest(0).header().as_bytes()), Some(newest(0)));
    let block = format!("NATS/1.0\r\n{}\r\n", newest(POSITION_MAX).header());
    assert_eq!(Newest::read(block.as_bytes()), Some(newest(POSITION_MAX)));
    for other in ["", "+1", "01", "1 ", "-1", "9007199254740992", "1e3"] {
        assert!(other.parse::<Newest>().is_err(), "{other:?}");
    }
    assert!(serde_json::from_str::<Newest>("9007199254740992").is_err());
}

#[test]
fn who_named_more_a_while_ago_is_contradicted_once_until_the_bus_has_as_much() {
    let (mut witnesses, began) = (Witnesses::default(), Instant::now());
    witnesses.name("moh/hq", newest(25), began);
    witnesses.name("moh/hq", newest(20), began);
    assert_eq!(witnesses.of("moh/hq"), Some(newest(25)));
    let soon = began + NEWEST_LAG_MAX - SECOND;
    assert!(
        witnesses.hold_against(newest(12), soon).is_empty(),
        "what is young may be on its way"
    );
    assert!(!witnesses.doubt(Some(newest(12)), soon));
    let later = began + NEWEST_LAG_MAX;
    assert!(witnesses.doubt(Some(newest(12)), later) && witnesses.doubt(None, later));
    let told = witnesses.hold_against(newest(12), later);
    let expected = Contradicted {
        who: "moh/hq".into(),
        newest: newest(25),
        before: NEWEST_LAG_MAX,
    };
    assert_eq!(told, [expected]);
    assert!(!witnesses.doubt(Some(newest(12)), later));
    assert!(
        witnesses
            .hold_against(newest(24), later + SECOND)
            .is_empty()
    );
    assert!(
        witnesses
            .hold_against(newest(25), later + SECOND)
            .is_empty(),
        "it is over"
    );
    assert_eq!(
        witnesses.hold_against(newest(3), later + SECOND).len(),
        1,
        "told again"
    );
}

#[test]
fn one_who_names_what_never_was_hides_nobody() {
    let (mut witnesses, began) = (Witnesses::default(), Instant::now());
    witnesses.name("mlvt/kampot", newest(POSITION_MAX), began);
    let later = began + NEWEST_LAG_MAX;
    assert_eq!(witnesses.hold_against(newest(30), later).len(), 1);
    witnesses.name("moh/hq", newest(30), later);
    let latest = later + NEWEST_LAG_MAX;
    let told = witnesses.hold_against(newest(12), latest);
    assert_eq!(told[0].who, "moh/hq");
    assert_eq!(told.len(), 1);
    for number in 0..2 * WITNESSES_MAX {
        witnesses.name(&format!("office {number}"), newest(1), latest);
    }
    assert_eq!(witnesses.0.len(), WITNESSES_MAX);
}

#[test]
fn ends_are_read_as_they_are_written_and_what_is_written_otherwise_is_passed_over() {
    let end = |feed: &str, number, seconds| End {
        feed: feed.parse().expect("a feed"),
        newest: newest(number),
        ago: Duration::from_secs(seconds),
    };
    let line = End::header(&[end("health-quarterly", 25, 0), end("market-prices", 7, 59)]);
    assert_eq!(
        line,
        "Spean-Ends: health-quarterly 25 1, market-prices 7 60\r\n"
    );
    let read = [end("health-quarterly", 25, 1), end("market-prices", 7, 60)];
    assert_eq!(End::read(line.as_bytes()), read);
    let others = b"Spean-Ends: , a, a 1, a x 1, a 1 x, a 1 1 1, market-prices 7 60\r\n";
    assert_eq!(End::read(others), [end("market-prices", 7, 60)]);
    assert_eq!(End::header(&[]), "");
    assert!(End::read(b"").is_empty());
}

#[test]
fn a_person_is_told_who_said_what() {
    let contradicted = |who: &str| Contradicted {
        who: who.into(),
        newest: newest(25),
        before: 31 * SECOND,
    };
    let feed = "health-quarterly".parse().expect("a feed");
    let bus = ("gateway phnom-penh-1", newest(12));
    assert_eq!(contradiction(&feed, bus, &[]), None);
    let all: Vec<Contradicted> = ["a/1", "a/2", "a/3", "a/4", "a/5"].map(contradicted).into();
    assert_eq!(
        contradiction(&feed, bus, &all).as_deref(),
        Some(
            "health-quarterly: gateway phnom-penh-1 says that the stream ends at sequence 12, and a/1 named 25 (31 s before), \
             a/2 named 25 (31 s before), a/3 named 25 (31 s before), and 2 others named more, too: \
             the bus was put back to an older copy, or somebody is shown one"
        )
    );
}
