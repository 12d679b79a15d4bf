//! What is played: each test is a kind of fault, or the shortest run that once failed.

use crate::action::Action::{
    Arrive, ArriveLate, Bus, Down, Office, Pass, Reader, Send, Submit, Work,
};
use crate::action::{Action, BusFault, Faults, OfficeFault, ReaderFault};
use crate::play::{many, play};
use crate::reference::{Sight, Tally};
use crate::world::Cast;

pub const ONE: Cast = Cast {
    offices: 1,
    agents: 1,
    readers: 0,
    watched: true,
};
pub const READ: Cast = Cast { readers: 1, ..ONE };
const UNWATCHED: Cast = Cast {
    watched: false,
    ..READ
};
pub const TWO_AGENTS: Cast = Cast { agents: 2, ..ONE };
pub const ALL: Cast = Cast {
    offices: 2,
    agents: 1,
    readers: 2,
    watched: true,
};

#[test]
fn cut_links_and_kills_lose_double_and_move_nothing() {
    many("links", ONE, &[Faults::Links]);
    many("links, two agents", TWO_AGENTS, &[Faults::Links]);
}

#[test]
fn an_office_that_goes_back_cannot_fork_its_log() {
    let faults = [Faults::Links, Faults::Office];
    many("office back", ONE, &faults);
    many("office back, two agents", TWO_AGENTS, &faults);
}

#[test]
fn a_bus_that_goes_back_gets_the_same_events_again() {
    let faults = [Faults::Links, Faults::Bus];
    many("bus back", ONE, &faults);
    many("bus back, two agents", TWO_AGENTS, &faults);
}

#[test]
fn office_and_bus_that_both_go_back_agree_again() {
    let faults = [Faults::Links, Faults::Office, Faults::Bus];
    many("both back", ONE, &faults);
    many("both back, two agents", TWO_AGENTS, &faults);
}

#[test]
fn a_reader_gets_each_event_once_whatever_is_cut_or_killed() {
    many("read", READ, &[Faults::Links, Faults::Inbox]);
    let faults = [Faults::Links, Faults::Inbox, Faults::Office, Faults::Bus];
    many("read, both back", READ, &faults);
}

#[test]
fn holes_are_filled_or_declared() {
    let faults = [Faults::Links, Faults::Bus, Faults::Hole];
    many("holes", READ, &faults);
    let faults = [Faults::Links, Faults::Bus, Faults::Hole, Faults::Prune];
    many("holes, pruned", READ, &faults);
    let faults = [Faults::Links, Faults::Office, Faults::Bus, Faults::Hole];
    many("holes, both back", READ, &faults);
    many(
        "holes, unwatched",
        UNWATCHED,
        &[Faults::Links, Faults::Hole],
    );
}

#[test]
fn two_offices_and_two_readers_keep_what_is_left_of_all_of_it() {
    let faults = [
        Faults::Links,
        Faults::Office,
        Faults::Bus,
        Faults::Inbox,
        Faults::Hole,
        Faults::Prune,
        Faults::Leave,
    ];
    many("all", ALL, &faults);
}

/// Plays one run, which has to hold.
fn case(cast: Cast, actions: &[&[Action]]) -> (Tally, Sight) {
    let played = play(cast, &actions.concat());
    let played = played.unwrap_or_else(|breach| panic!("it holds: {breach}"));
    (played.tally, played.seen().clone())
}

/// The first office writes so many events.
fn write(count: usize) -> Vec<Action> {
    let mut actions = vec![Submit(0); count];
    actions.push(Work(0));
    actions
}

#[test]
fn what_had_a_receipt_goes_behind_under_its_ids_where_the_bus_has_another_history() {
    let (tally, seen) = case(
        ONE,
        &[
            &write(2),
            &[Office(0, OfficeFault::Copy(0)), Bus(BusFault::Backup)],
            &write(3),
            &[
                Office(0, OfficeFault::Copy(1)),
                Bus(BusFault::RestoreBackup),
                Office(0, OfficeFault::Restore(0)),
            ],
            &write(2),
            &[Office(0, OfficeFault::Restore(1))],
        ],
    );
    assert_eq!(
        (tally.on_bus, tally.gone, tally.notices),
        (7, 0, 1),
        "{seen:?}"
    );
    let office = &seen.offices[0];
    assert!(office.alarms.contains("fork-after-receipt"), "{office:?}");
    let kept: Vec<u64> = office
        .branched
        .iter()
        .map(|(position, _)| *position)
        .collect();
    assert_eq!(kept, [3, 4, 5]);
}

#[test]
fn an_office_that_lost_its_hints_behind_pruning_knows_its_log_and_goes_on() {
    let lost = [
        Office(0, OfficeFault::Prune),
        Submit(0),
        Office(0, OfficeFault::LoseHints),
    ];
    let (tally, seen) = case(ONE, &[&write(5), &lost]);
    assert_eq!((tally.on_bus, tally.notices), (6, 0), "{seen:?}");
    let office = &seen.offices[0];
    assert_eq!((office.last, office.pruned, office.own.len()), (6, 5, 1));
    assert!(!office.alarms.contains("own-log-pruned"), "{office:?}");
}

#[test]
fn what_the_bus_lost_and_the_office_has_pruned_is_declared_before_the_log_goes_on() {
    let lost = [
        Office(0, OfficeFault::Prune),
        Bus(BusFault::LoseTail(2)),
        Submit(0),
        Work(0),
    ];
    let (tally, _) = case(ONE, &[&write(5), &lost]);
    assert_eq!((tally.on_bus, tally.gone, tally.declared), (3, 3, 1));
}

#[test]
fn what_the_bus_lost_and_the_office_has_pruned_comes_back_from_its_reader() {
    let lost = [
        Pass(20),
        Office(0, OfficeFault::Prune),
        Bus(BusFault::LoseTail(2)),
        Submit(0),
        Work(0),
    ];
    let (tally, _) = case(READ, &[&write(5), &lost]);
    assert_eq!((tally.on_bus, tally.delivered, tally.declared), (6, 6, 0));
}

#[test]
fn a_fork_below_what_was_pruned_is_an_alarm_and_the_log_goes_on_from_the_bus() {
    let (tally, seen) = case(
        ONE,
        &[
            &write(4),
            &[Office(0, OfficeFault::Copy(0)), Bus(BusFault::Backup)],
            &write(1),
            &[
                Office(0, OfficeFault::Prune),
                Office(0, OfficeFault::Copy(1)),
                Bus(BusFault::RestoreBackup),
                Office(0, OfficeFault::Restore(0)),
            ],
            &write(1),
            &[Office(0, OfficeFault::Restore(1))],
            &write(1),
        ],
    );
    let office = &seen.offices[0];
    assert!(office.alarms.contains("own-log-pruned"), "{office:?}");
    assert_eq!((tally.on_bus, tally.gone), (6, 1), "{seen:?}");
}

/// The refill stands behind what the broker loses next: the office appends the same event again, beside it.
#[test]
fn a_tail_lost_before_a_refill_comes_back_and_stays_one_chain() {
    let lose_second = Bus(BusFault::LoseMiddle(1, 1));
    let (tally, _) = case(READ, &[&write(3), &[lose_second, Pass(5), lose_second]]);
    assert_eq!(tally.delivered, 3);
}

/// Stored and not settled, then lost before it: the office cannot know which of its events stood there, and sends it under its id again.
#[test]
fn an_event_that_went_behind_and_then_came_back_is_delivered_once() {
    let lose_first = Bus(BusFault::LoseMiddle(0, 1));
    let sent = [Submit(0), Submit(0), Send(0), Pass(400), lose_first];
    let (tally, _) = case(READ, &[&sent]);
    assert_eq!(tally.delivered, 2);
}

/// An old gateway's head would fit the broker's sequences again: only the chain says that another event stands there.
#[test]
fn an_old_head_is_forgotten_with_the_broker_and_what_links_to_it_is_not_stored() {
    let under_way = [Submit(0), Send(0), Bus(BusFault::LoseTail(1))];
    let (tally, seen) = case(
        ONE,
        &[
            &[Office(0, OfficeFault::Copy(0))],
            &write(2),
            &under_way,
            &[Office(0, OfficeFault::Restore(0)), Work(0), ArriveLate(1)],
        ],
    );
    assert_eq!(
        (tally.on_bus, tally.gone, tally.notices),
        (1, 2, 1),
        "{seen:?}"
    );
}

/// A reader that holds another history is asked, too, and nobody but the gateway knows better.
#[test]
fn a_hole_takes_what_is_named_by_the_next_event_and_nothing_else() {
    let (tally, seen) = case(
        READ,
        &[
            &write(1),
            &[Office(0, OfficeFault::Copy(0)), Bus(BusFault::Backup)],
            &write(2),
            &[
                Pass(70),
                Bus(BusFault::RestoreBackup),
                Office(0, OfficeFault::Restore(0)),
            ],
            &write(2),
            &[Bus(BusFault::LoseMiddle(1, 1)), Down(0), Pass(400)],
        ],
    );
    assert_eq!((tally.on_bus, tally.branched), (3, 1), "{seen:?}");
}

#[test]
fn what_a_broker_that_hangs_did_not_store_is_not_settled() {
    let hangs = [
        Bus(BusFault::Hang),
        Submit(0),
        Work(0),
        Bus(BusFault::Restart),
    ];
    let (tally, seen) = case(ONE, &[&hangs]);
    assert_eq!((tally.on_bus, tally.notices), (1, 0), "{seen:?}");
}

/// It goes behind when nobody knows where it stood; then both places are lost, and a reader remembers the first.
#[test]
fn an_event_that_went_behind_comes_back_at_both_its_positions() {
    let sent = [Submit(0), Submit(0), Submit(0), Send(0), Pass(5)];
    let lost = [
        Bus(BusFault::LoseMiddle(1, 1)),
        Work(0),
        Bus(BusFault::LoseTail(1)),
    ];
    let (tally, seen) = case(READ, &[&sent, &lost]);
    assert_eq!((tally.on_bus, tally.delivered), (4, 3), "{seen:?}");
}

#[test]
fn a_gap_of_an_office_that_is_gone_stays_open_and_is_named() {
    let lost = [
        Office(0, OfficeFault::Leave),
        Bus(BusFault::LoseMiddle(0, 1)),
    ];
    let (tally, seen) = case(READ, &[&write(2), &lost]);
    assert_eq!((tally.on_bus, tally.delivered), (1, 0), "{seen:?}");
    assert!(seen.readers[0].alarms.contains("gap"), "{seen:?}");
}

/// Bus, office and inbox have all forgotten the first event, which the application has: what takes its place has another hash.
#[test]
fn what_takes_the_place_of_a_delivered_event_that_all_have_forgotten_is_told_and_delivered() {
    let (tally, seen) = case(
        READ,
        &[
            &[Bus(BusFault::Backup)],
            &write(1),
            &[
                Pass(20),
                Bus(BusFault::RestoreBackup),
                Office(0, OfficeFault::Empty),
                Reader(0, ReaderFault::Empty),
            ],
            &write(1),
        ],
    );
    assert_eq!((tally.on_bus, tally.delivered), (1, 2), "{seen:?}");
    let delivered = &seen.readers[0].delivered;
    assert_eq!((&*delivered[0].2, &*delivered[1].2), ("event-1", "event-2"));
    let alarms = &seen.readers[0].alarms;
    assert!(alarms.contains("delivered-branch"), "{seen:?}");
}

#[test]
fn what_a_reader_confirmed_is_kept_free_for_it() {
    let lost = [
        Pass(70),
        Bus(BusFault::LoseTail(0)),
        Office(0, OfficeFault::Empty),
    ];
    let (tally, seen) = case(READ, &[&write(2), &lost, &write(1)]);
    assert_eq!(
        (tally.on_bus, tally.delivered, tally.notices),
        (3, 3, 1),
        "{seen:?}"
    );
}

/// The office brings its own events back, by its signature and their link: those that stood there before what was confirmed did.
#[test]
fn another_history_does_not_come_back_where_a_reader_has_confirmed() {
    let (tally, seen) = case(
        READ,
        &[
            &write(1),
            &[Office(0, OfficeFault::Copy(0)), Bus(BusFault::Backup)],
            &write(1),
            &[
                Office(0, OfficeFault::Copy(1)),
                Bus(BusFault::RestoreBackup),
                Office(0, OfficeFault::Restore(0)),
            ],
            &write(1),
            &[
                Pass(70),
                Bus(BusFault::LoseTail(1)),
                Office(0, OfficeFault::Restore(1)),
                Work(0),
            ],
        ],
    );
    assert_eq!((tally.on_bus, tally.delivered), (3, 3), "{seen:?}");
}

/// What an office had not settled it looks for where its log goes on, and not beside it.
#[test]
fn an_event_that_was_refilled_before_it_was_settled_is_delivered_once() {
    let sent = [Submit(0), Submit(0), Submit(0), Send(0), Pass(5)];
    let lost = [Bus(BusFault::LoseMiddle(0, 1)), Pass(20)];
    let (tally, seen) = case(READ, &[&sent, &lost]);
    assert_eq!((tally.on_bus, tally.delivered), (4, 3), "{seen:?}");
}

/// What stood in a hole was one message, and so is its declaration: behind a wipe the cursor finds the same event at the same place.
fn a_wiped_stream_that_looks_the_same() -> [Vec<Action>; 2] {
    let parked = [Submit(0), Submit(0), Send(0), Arrive(0, 2)];
    let parked = [&parked[..], &[Bus(BusFault::LoseMiddle(0, 2)), Pass(5)]];
    [parked.concat(), vec![Work(0), Bus(BusFault::Wipe)]]
}

#[test]
fn a_declaration_before_the_cursor_of_a_stream_that_began_anew_is_read() {
    let [parked, wiped] = a_wiped_stream_that_looks_the_same();
    let (tally, seen) = case(READ, &[&parked, &wiped]);
    assert_eq!((tally.delivered, tally.declared), (2, 1), "{seen:?}");
}

#[test]
fn so_it_is_where_the_reader_was_away_meanwhile() {
    let [parked, wiped] = a_wiped_stream_that_looks_the_same();
    let away = [Work(0), Pass(400), Work(0), Work(0)];
    let (tally, seen) = case(READ, &[&parked, &[Down(1)], &wiped, &away]);
    assert_eq!((tally.delivered, tally.declared), (2, 1), "{seen:?}");
}

/// Nor below the head, where that is its own.
#[test]
fn an_event_that_came_back_before_it_was_settled_is_delivered_once() {
    let sent = [Submit(0), Submit(0), Send(0), Pass(5)];
    let lost = [Bus(BusFault::LoseMiddle(0, 1)), Send(0)];
    let back = [Bus(BusFault::RestoreBackup)];
    let (tally, seen) = case(READ, &[&[Bus(BusFault::Backup)], &sent, &lost, &back]);
    assert_eq!((tally.on_bus, tally.delivered), (3, 2), "{seen:?}");
}
