use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use Standing::{Acquainted, Newcomer};

const OWN: usize = HELLOS_MAX / ACQUAINTED_SHARE;
const OPEN: usize = HELLOS_MAX - OWN;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn come(strangers: &Strangers, from: &str, standing: Standing, count: usize) -> Vec<Place> {
    let from = address(from);
    (0..count)
        .map(|_| strangers.enter(from, standing))
        .collect()
}

/// How many still have their place.
fn left(places: &mut [Place]) -> usize {
    let stays = |place: &mut Place| place.needed.try_recv() == Err(TryRecvError::Empty);
    places.iter_mut().map(stays).filter(|stays| *stays).count()
}

#[test]
fn everybody_gets_a_place_and_the_flood_pays_for_it() {
    let strangers = Strangers::default();
    let mut flood = come(&strangers, "192.0.2.1", Newcomer, OPEN + 100);
    let mut oldest = flood.drain(..100).collect::<Vec<_>>();
    assert_eq!((left(&mut oldest), flood.len()), (0, OPEN));
    let mut others = come(&strangers, "198.51.100.1", Newcomer, 20);
    assert_eq!(left(&mut others), 20);
    let mut first = flood.drain(..20).collect::<Vec<_>>();
    assert_eq!((left(&mut first), left(&mut flood)), (0, OPEN - 20));
}

#[test]
fn one_from_elsewhere_stays_whatever_comes_from_250_addresses() {
    let strangers = Strangers::default();
    let mut one = come(&strangers, "192.0.2.1", Newcomer, 1);
    let addresses = (0..10_000).map(|number| format!("198.51.100.{}", 1 + number % 250));
    let flood = addresses.flat_map(|from| come(&strangers, &from, Newcomer, 1));
    let mut flood: Vec<Place> = flood.collect();
    assert_eq!((left(&mut one), left(&mut flood)), (1, OPEN - 1));
}

#[test]
fn who_goes_is_decided_by_48_then_56_then_64() {
    type Flood = fn(usize) -> String;
    let cases: [(Flood, &str); 3] = [
        (
            |number| format!("2001:db8:1:{number:x}::1"),
            "2001:db8:2::1",
        ),
        (
            |number| format!("2001:db8:1:1{:02x}::1", number % 256),
            "2001:db8:1:200::1",
        ),
        (
            |number| format!("2001:db8:1:100::{number:x}"),
            "2001:db8:1:101::1",
        ),
    ];
    for (flood, elsewhere) in cases {
        let strangers = Strangers::default();
        let mut one = come(&strangers, elsewhere, Newcomer, 1);
        let flood = (0..OPEN).flat_map(|number| come(&strangers, &flood(number), Newcomer, 1));
        let mut flood: Vec<Place> = flood.collect();
        assert_eq!(
            (left(&mut one), left(&mut flood)),
            (1, OPEN - 1),
            "{elsewhere}"
        );
    }
}

#[test]
fn acquaintances_have_places_of_their_own() {
    let strangers = Strangers::default();
    let mut flood = come(&strangers, "192.0.2.1", Newcomer, OPEN);
    let mut known = come(&strangers, "198.51.100.1", Acquainted, OWN);
    assert_eq!((left(&mut flood), left(&mut known)), (OPEN, OWN));
    // One more of them takes nothing from newcomers that have all their places taken.
    let mut another = come(&strangers, "198.51.100.2", Acquainted, 1);
    assert_eq!((left(&mut flood), left(&mut known)), (OPEN, OWN - 1));
    assert_eq!(left(&mut another), 1);
    // But what newcomers leave free is theirs.
    drop(flood);
    let mut more = come(&strangers, "198.51.100.3", Acquainted, OPEN);
    assert_eq!(left(&mut more), OPEN);
    assert_eq!(left(&mut known), OWN - 1);
}

#[test]
fn who_has_said_hello_is_not_pushed_out_by_those_who_have_not() {
    let strangers = Strangers::default();
    let mut one = come(&strangers, "192.0.2.1", Newcomer, 1);
    one.iter_mut().for_each(Place::has_said_hello);
    let mut silent = come(&strangers, "192.0.2.1", Newcomer, OPEN);
    assert_eq!((left(&mut one), left(&mut silent)), (1, OPEN));
    let handshakes = HANDSHAKES_MAX - HANDSHAKES_MAX / ACQUAINTED_SHARE;
    for place in &mut silent {
        place.has_said_hello();
    }
    assert_eq!(left(&mut one), 0);
    assert_eq!(left(&mut silent), handshakes);
}

#[test]
fn a_place_that_is_given_back_is_free() {
    let strangers = Strangers::default();
    for _ in 0..3 {
        let mut all = come(&strangers, "192.0.2.1", Newcomer, OPEN);
        assert_eq!(left(&mut all), OPEN);
        all.iter_mut().take(9).for_each(Place::has_said_hello);
    }
    let table = strangers.lock();
    let empty = [&table.hello, &table.handshake]
        .map(|rooms| rooms.newcomers.count() + rooms.acquaintances.count());
    assert_eq!(empty, [0, 0]);
}
