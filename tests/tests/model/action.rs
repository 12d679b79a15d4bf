//! What can be done in a run. Each names what it acts on by a small number, taken modulo how many there are, so that any list of actions is a
//! run, and a shorter one, too.

use proptest::prelude::*;

/// One step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An application hands an event in.
    Submit(usize),
    /// Dispatch begins over the open session, or sends on; nothing of it arrives yet.
    Send(usize),
    /// The gateway takes so many of the events that are under way, together.
    Arrive(usize, usize),
    /// Dispatch takes the answers that have come.
    Settle(usize),
    /// Dispatch works until nothing waits, or something holds it.
    Work(usize),
    /// All rooms but dispatch work for so many seconds.
    Pass(u64),
    /// Time goes by in which nobody works.
    Sleep(u64),
    /// The session of an office ends; what is under way arrives later, or never.
    Cut(usize, bool),
    /// So much of what was under way at a cut arrives.
    ArriveLate(usize),
    /// Somebody's link goes down and stays down.
    Down(usize),
    Up(usize),
    Office(usize, OfficeFault),
    Reader(usize, ReaderFault),
    Bus(BusFault),
}

/// What happens to an office's agent and its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfficeFault {
    Kill,
    /// Somebody makes the copy of the store with this number.
    Copy(usize),
    /// It is put in the store's place.
    Restore(usize),
    Empty,
    /// What is made from the log is gone, and the log is there.
    LoseHints,
    /// All that is settled is past the horizon.
    Prune,
    /// The office is given up, with its store.
    Leave,
}

/// What happens to a reader's agent and its inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderFault {
    Kill,
    Copy(usize),
    Restore(usize),
    Empty,
}

/// What happens to the broker. It goes down for each but the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusFault {
    Backup,
    /// Its disk hangs: what is published is neither stored nor answered until it goes down.
    Hang,
    Restart,
    RestoreBackup,
    /// All behind so many messages is gone.
    LoseTail(usize),
    /// Behind so many messages so many are gone.
    LoseMiddle(usize, usize),
    Wipe,
}

/// What may happen in a run besides the ordinary road.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    Links,
    Office,
    Bus,
    Inbox,
    Hole,
    Prune,
    Leave,
}

fn one() -> impl Strategy<Value = usize> {
    0_usize..2
}

/// The ordinary road of events.
fn road(reads: bool) -> BoxedStrategy<Action> {
    use Action::{Arrive, Pass, Send, Settle, Submit, Work};
    let writes = prop_oneof![
        3 => one().prop_map(Submit),
        3 => one().prop_map(Send),
        3 => (one(), 1_usize..4).prop_map(|(office, count)| Arrive(office, count)),
        2 => one().prop_map(Settle),
        2 => one().prop_map(Work),
    ];
    match reads {
        true => prop_oneof![
            4 => writes,
            1 => prop_oneof![Just(5_u64), Just(20), Just(70)].prop_map(Pass),
        ]
        .boxed(),
        false => writes.boxed(),
    }
}

fn faults(kind: Faults) -> BoxedStrategy<Action> {
    use Action::{ArriveLate, Bus, Cut, Down, Office, Pass, Reader, Sleep, Up};
    let office = |fault| one().prop_map(move |who| Office(who, fault));
    let reader = |fault| one().prop_map(move |who| Reader(who, fault));
    match kind {
        Faults::Links => prop_oneof![
            (one(), any::<bool>()).prop_map(|(who, arrives)| Cut(who, arrives)),
            (1_usize..3).prop_map(ArriveLate),
            office(OfficeFault::Kill),
            reader(ReaderFault::Kill),
            (0_usize..4).prop_map(Down),
            (0_usize..4).prop_map(Up),
        ]
        .boxed(),
        Faults::Office => prop_oneof![
            3 => (one(), one()).prop_map(|(who, copy)| Office(who, OfficeFault::Copy(copy))),
            3 => (one(), one()).prop_map(|(who, copy)| Office(who, OfficeFault::Restore(copy))),
            1 => office(OfficeFault::Empty),
            1 => office(OfficeFault::LoseHints),
        ]
        .boxed(),
        Faults::Bus => prop_oneof![
            2 => (0_usize..8).prop_map(|keep| Bus(BusFault::LoseTail(keep))),
            2 => Just(Bus(BusFault::Backup)),
            2 => Just(Bus(BusFault::RestoreBackup)),
            1 => Just(Bus(BusFault::Wipe)),
            2 => Just(Bus(BusFault::Hang)),
            1 => Just(Bus(BusFault::Restart)),
        ]
        .boxed(),
        Faults::Inbox => prop_oneof![
            2 => (one(), one()).prop_map(|(who, copy)| Reader(who, ReaderFault::Copy(copy))),
            2 => (one(), one()).prop_map(|(who, copy)| Reader(who, ReaderFault::Restore(copy))),
            1 => reader(ReaderFault::Empty),
        ]
        .boxed(),
        Faults::Hole => (0_usize..6, 1_usize..3)
            .prop_map(|(skip, count)| Bus(BusFault::LoseMiddle(skip, count)))
            .boxed(),
        Faults::Prune => prop_oneof![
            2 => office(OfficeFault::Prune),
            1 => prop_oneof![Just(400_u64), Just(4_000)].prop_map(Sleep),
            1 => Just(Pass(400)),
        ]
        .boxed(),
        Faults::Leave => office(OfficeFault::Leave).boxed(),
    }
}

/// Runs of up to so many actions, one in three of them a fault of these kinds.
pub fn runs(reads: bool, kinds: &[Faults], length: usize) -> BoxedStrategy<Vec<Action>> {
    let kinds = kinds.iter().map(|kind| faults(*kind));
    let faults = proptest::strategy::Union::new(kinds);
    let action = prop_oneof![2 => road(reads), 1 => faults];
    proptest::collection::vec(action, 1..length).boxed()
}
