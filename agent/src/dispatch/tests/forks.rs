//! Bus and office both went back, other events were written and receipted in the same places, and the first store is there again.

use bytes::Bytes;
use schemas::envelope::nats;

use super::*;

impl World {
    async fn write(&mut self, count: usize) -> Vec<String> {
        let before = self.accepted.len();
        for _ in 0..count {
            self.submit(0).await;
        }
        self.drain().await;
        (before + 1..=before + count)
            .map(|number| format!("event-{number}"))
            .collect()
    }

    /// Puts a copy of the office's store in its place.
    async fn put_in_place(&mut self, copy: &std::path::Path) {
        let agent = &mut self.agents[0];
        agent.close().await;
        std::fs::remove_dir_all(&agent.folder).unwrap();
        copy_folder(copy, &agent.folder);
        agent.reopen();
    }

    async fn copy_to(&mut self, name: &str) -> std::path::PathBuf {
        let agent = &mut self.agents[0];
        let copy = agent.folder.with_extension(name);
        agent.close().await;
        copy_folder(&agent.folder, &copy);
        agent.reopen();
        copy
    }

    fn alarms(&self, code: &str) -> Vec<String> {
        let alarms = self.agents[0].outbox().alarms().list().into_iter();
        let of_code = alarms.filter(|alarm| alarm.code == code);
        of_code.map(|alarm| alarm.text).collect()
    }
}

#[tokio::test]
async fn what_had_a_receipt_goes_behind_under_its_ids_and_is_kept_as_it_was_signed() {
    let mut world = World::new(1, 1);
    world.write(2).await;
    let bus = world.bus.log.lock().unwrap().clone();
    let old = world.copy_to("old").await;
    let first = world.write(3).await;
    let branch: Vec<SignedEvent> = world.bus.events()[2..]
        .iter()
        .map(|on_bus| on_bus.event.clone())
        .collect();
    let first_store = world.copy_to("first").await;

    world.broker_back(bus).await;
    world.put_in_place(&old).await;
    world.write(2).await;
    assert_eq!(world.alarms("fork-after-receipt"), Vec::<String>::new());

    world.put_in_place(&first_store).await;
    world.drain().await;
    let ids: Vec<String> = world.bus.events()[5..]
        .iter()
        .map(|on_bus| on_bus.event.id().to_owned())
        .collect();
    assert_eq!(ids, first, "behind the notice, in their order");
    world.gone.clear();
    world.check("fork").await;
    let told = world.alarms("fork-after-receipt");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("positions 3 to 5"), "{told:?}");

    let outbox = world.agents[0].outbox();
    let status = outbox.status().unwrap();
    assert_eq!(status.feeds[0].branched.to_string(), "3-5");
    let kept = outbox.branches(&office::feed(), 0, 100).unwrap();
    let hash = |bytes: &Bytes| nats::read_stored(bytes).unwrap().hash();
    let kept: Vec<Hash> = kept.iter().map(|(_, bytes)| hash(bytes)).collect();
    let displaced: Vec<Hash> = branch.iter().map(SignedEvent::hash).collect();
    assert_eq!(kept, displaced);
}
