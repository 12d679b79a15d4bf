//! A log whose first events were pruned at the office: it goes on where it was, whatever else was lost.

use super::*;
use crate::dispatch::line::Stop;

/// Five events are on the bus and pruned here; one waits.
async fn pruned() -> World {
    let mut world = World::new(1, 1);
    for _ in 0..5 {
        world.submit(0).await;
    }
    world.drain().await;
    world.agents[0].prune().await;
    world.submit(0).await;
    world
}

#[tokio::test]
async fn an_office_that_lost_its_index_behind_pruning_takes_its_log_back_and_goes_on() {
    let mut world = pruned().await;
    world.agents[0].close().await;
    let index = crate::outbox::tests::index_folder(&world.agents[0].folder);
    std::fs::remove_dir_all(index).unwrap();
    world.agents[0].reopen();
    let last = world.agents[0].outbox().last_settled(&office::feed());
    assert_eq!(last.unwrap().map(|last| last.position.number()), Some(5));
    world.drain().await;
    world.check("index lost").await;
    assert_eq!(
        world.agents[0].own().len(),
        7,
        "six, and the notice of the taking"
    );
    let alarms = world.agents[0].outbox().alarms().list();
    assert!(
        alarms.iter().all(|alarm| alarm.code != "own-log-pruned"),
        "{alarms:?}"
    );
}

#[tokio::test]
async fn what_the_bus_lost_and_the_office_has_pruned_stops_the_log_until_readers_bring_it_back() {
    let mut world = pruned().await;
    let whole = world.bus.log.lock().unwrap().clone();
    let mut short = whole.clone();
    short.events.truncate(2);
    world.broker_back(short).await;
    for _ in 0..2 {
        world.connect(0).await;
        let (_, sending) = world.agents[0].session.as_mut().unwrap();
        sending.fill().await.unwrap();
        assert_eq!(sending.stopped(), Some(&Stop::ReadHead));
    }
    assert_eq!(world.bus.events().len(), 2, "nothing new goes before it");
    assert_eq!(world.agents[0].waiting().await.len(), 1);
    world.gone.clear();
    world.broker_back(whole).await;
    world.drain().await;
    world.check("brought back").await;
    assert_eq!(world.bus.events().len(), 6);
}

/// The bus has another event where the last pruned one was: it cannot go behind, and that is told.
#[tokio::test]
async fn a_fork_below_what_was_pruned_is_an_alarm_and_the_log_goes_on_from_the_bus() {
    let mut world = pruned().await;
    let mut forked = world.bus.log.lock().unwrap().clone();
    forked.events.truncate(4);
    let link = Head::of(&forked.events[3].event).next();
    let event = SignedEvent::sign(office::event("other"), link, &world.key);
    let sequence = forked.next + 1;
    forked.next = sequence;
    forked.events.push(OnBus { sequence, event });
    world.broker_back(forked).await;
    world.drain().await;
    let alarms = world.agents[0].outbox().alarms().list();
    assert!(
        alarms.iter().any(|alarm| alarm.code == "own-log-pruned"),
        "{alarms:?}"
    );
    world.gone.insert("event-5".into());
    world.check("forked").await;
}
