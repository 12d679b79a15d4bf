//! Addresses, browsers, people and wrong PINs, without a socket. In: files in a folder, clocks. Out: promises. Never: a mock.

use super::people::{Mistake, Role};
use super::*;
use crate::desk::limits::{ADDRESS_TIME, BROWSERS_MAX};

const NOW: u64 = 1_796_007_900_000;

fn secret_of(path: &str) -> &str {
    path.rsplit('/').next().expect("a path has a last part")
}

#[test]
fn an_address_is_good_once() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = address::offer(folder.path(), NOW).expect("offered");
    let secret = secret_of(&path);
    assert!(address::is_good(folder.path(), secret, NOW).expect("reads"));
    assert!(address::redeem(folder.path(), secret, NOW).expect("reads"));
    assert!(!address::redeem(folder.path(), secret, NOW).expect("reads"));
}

#[test]
fn an_address_is_good_for_ten_minutes_and_no_longer_whatever_the_clock_does() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = address::offer(folder.path(), NOW).expect("offered");
    let is_good = |now| address::is_good(folder.path(), secret_of(&path), now).expect("reads");
    let time = u64::try_from(ADDRESS_TIME.as_millis()).expect("fits");
    assert!(is_good(NOW + time - 1));
    assert!(!is_good(NOW + time));
    assert!(!is_good(NOW - 1), "the clock was put back");
}

#[test]
fn a_new_address_ends_the_one_before_and_a_guess_is_none() {
    let folder = tempfile::tempdir().expect("a directory");
    let first = address::offer(folder.path(), NOW).expect("offered");
    let second = address::offer(folder.path(), NOW).expect("offered");
    let is_good = |secret: &str| address::is_good(folder.path(), secret, NOW).expect("reads");
    assert!(!is_good(secret_of(&first)));
    assert!(is_good(secret_of(&second)));
    let digest = Secret::said(secret_of(&second)).expect("a secret").digest();
    for guess in ["", "x", &digest, "../address", "%00"] {
        assert!(!is_good(guess), "{guess}");
    }
}

fn door(folder: &Path) -> Door {
    Door::new(folder, &"moh/siem-reap".parse().expect("an office"))
}

#[test]
fn a_browser_stays_known_over_a_restart_and_its_old_secret_is_nobodys() {
    let folder = tempfile::tempdir().expect("a directory");
    let first = door(folder.path()).admit(None, NOW).expect("admitted");
    let again = door(folder.path());
    assert!(again.knows(&first).expect("reads"));
    let second = again.admit(Some(&first), NOW).expect("admitted");
    assert!(again.knows(&second).expect("reads"));
    assert!(!again.knows(&first).expect("reads"));
}

#[test]
fn the_oldest_browser_goes_where_there_are_too_many() {
    let folder = tempfile::tempdir().expect("a directory");
    let door = door(folder.path());
    let all: Vec<Secret> = (0..=BROWSERS_MAX)
        .map(|_| door.admit(None, NOW).expect("admitted"))
        .collect();
    assert!(!door.knows(&all[0]).expect("reads"));
    assert!(all[1..].iter().all(|one| door.knows(one).expect("reads")));
}

#[test]
fn who_signed_in_is_out_after_a_working_day_and_with_a_new_secret() {
    let folder = tempfile::tempdir().expect("a directory");
    let door = door(folder.path());
    let secret = door.admit(None, NOW).expect("admitted");
    door.sign_in(&secret, "សុខា", NOW);
    let day = u64::try_from(SIGNED_IN_TIME.as_millis()).expect("fits");
    assert_eq!(door.person(&secret, NOW + day - 1).as_deref(), Some("សុខា"));
    assert_eq!(door.person(&secret, NOW + day), None);
    let new = door.admit(Some(&secret), NOW).expect("admitted");
    assert_eq!(door.person(&secret, NOW), None);
    assert_eq!(door.person(&new, NOW), None);
}

#[test]
fn a_pin_is_taken_in_both_digits_and_kept_only_as_a_digest() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("people.json");
    let people = People::new(file.clone());
    people
        .add("Sok Dara", Role::Clerk, "២៧១៨២៨", NOW)
        .expect("added");
    let person = people.find("Sok Dara").expect("reads").expect("there");
    assert!(person.has_pin("271828") && person.has_pin(" ២៧១៨២៨ "));
    assert!(!person.has_pin("271829"));
    let text = std::fs::read_to_string(file).expect("there");
    assert!(
        text.contains("$argon2id$") && !text.contains("271828"),
        "{text}"
    );
}

#[test]
fn what_everybody_tries_first_is_no_pin() {
    let folder = tempfile::tempdir().expect("a directory");
    let people = People::new(folder.path().join("people.json"));
    for pin in [
        "",
        "12345",
        "000000",
        "123456",
        "987654",
        "27182a",
        "1234567890123",
    ] {
        let added = people.add("Sok Dara", Role::Clerk, pin, NOW);
        assert!(matches!(added, Err(Mistake::Pin)), "{pin}");
    }
    for name in ["", " ", "a\nb"] {
        let added = people.add(name, Role::Clerk, "271828", NOW);
        assert!(matches!(added, Err(Mistake::Name)), "{name:?}");
    }
    assert_eq!(people.all().expect("reads"), []);
    assert!(matches!(people.remove("Sok Dara"), Err(Mistake::Nobody(_))));
}

#[test]
fn wrong_pins_cost_more_and_more_and_a_new_pin_ends_it() {
    let mut tries = Tries::default();
    let mut waits = Vec::new();
    for _ in 0..6 {
        tries.count("a", 1, NOW);
        waits.push(tries.wait_ms("a", 1, NOW) / 1_000);
    }
    assert_eq!(waits, [0, 0, 10, 60, 900, 900]);
    assert_eq!(tries.wait_ms("b", 1, NOW), 0, "another is not kept out");
    assert_eq!(tries.wait_ms("a", 2, NOW), 0, "a new PIN");
    assert_eq!(tries.wait_ms("a", 1, NOW + 900_000), 0);
    assert_eq!(tries.wait_ms("a", 1, 0), 900_000, "the clock was put back");
    tries.forget("a");
    assert_eq!(tries.wait_ms("a", 1, NOW), 0);
}

#[test]
fn a_file_that_cannot_be_read_lets_nobody_in() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("people.json");
    std::fs::write(&file, "{").expect("written");
    assert!(People::new(file).all().is_err());
}
