//! Events of two logs come in any order, again and again, with kills in between: arrivals are each log in order, once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Action {
    Keep(Vec<(usize, usize)>),
    Reopen,
    Kill,
}

const LENGTH: usize = 12;

fn action() -> impl Strategy<Value = Action> {
    let some = prop::collection::vec((0..2_usize, 0..LENGTH), 1..6);
    prop_oneof![6 => some.prop_map(Action::Keep), 1 => Just(Action::Reopen), 2 => Just(Action::Kill)]
}

#[derive(Default)]
struct Model {
    held: [BTreeSet<u64>; 2],
    arrived: Vec<(usize, u64)>,
    complete: [u64; 2],
}

impl Model {
    fn keep(&mut self, log: usize, position: u64) -> Kept {
        if !self.held[log].insert(position) {
            return Kept::Seen;
        }
        let kept = if position == self.complete[log] + 1 {
            Kept::New
        } else {
            Kept::Parked
        };
        while self.held[log].contains(&(self.complete[log] + 1)) {
            self.complete[log] += 1;
            self.arrived.push((log, self.complete[log]));
        }
        kept
    }
}

async fn compare(inbox: &Inbox, model: &Model, offices: &[Office; 2]) {
    let page = inbox
        .page(&offices[0].log.feed, 0, 1_000)
        .await
        .expect("reads");
    let logs: BTreeMap<_, _> = [(&offices[0].log, 0), (&offices[1].log, 1)].into();
    let said: Vec<_> = page
        .iter()
        .map(|arrived| (logs[&arrived.log], arrived.position.number()))
        .collect();
    assert_eq!(said, model.arrived);
    let first = page.first().map_or(0, |arrived| arrived.arrival);
    assert!(
        page.iter()
            .zip(first..)
            .all(|(arrived, number)| arrived.arrival == number)
    );
    for (log, office) in offices.iter().enumerate() {
        let said = inbox.completeness(&office.log).expect("reads");
        assert_eq!(said.complete, model.complete[log]);
        let missing: BTreeSet<u64> = said.missing.into_iter().flatten().collect();
        let known = model.held[log].last().copied().unwrap_or(0);
        let meant = (1..=known).filter(|position| !model.held[log].contains(position));
        assert_eq!(missing, meant.collect());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_simple_model_does(actions in prop::collection::vec(action(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let offices = [siem_reap(), Office::new("urn:spean:moh:takeo:health-quarterly")];
            let runs = [offices[0].run("a", LENGTH as u64), offices[1].run("b", LENGTH as u64)];
            let mut dirs = vec![tempfile::tempdir().expect("a directory")];
            let mut inbox = Some(open(dirs[0].path()));
            let mut model = Model::default();
            for action in actions {
                let living = inbox.as_ref().expect("open");
                match action {
                    Action::Keep(which) => {
                        let meant: Vec<_> = which.iter().map(|(log, at)| model.keep(*log, *at as u64 + 1)).collect();
                        let events: Vec<_> = which.iter().map(|(log, at)| runs[*log][*at].clone()).collect();
                        let kept = living.keep(&offices[0].log.feed, events, None).await.expect("keeps");
                        assert_eq!(kept, meant);
                    }
                    Action::Reopen => {
                        inbox = None;
                        inbox.replace(open(dirs.last().expect("one").path()));
                    }
                    Action::Kill => {
                        dirs.push(crash_image(dirs.last().expect("one").path()));
                        inbox.replace(open(dirs.last().expect("one").path()));
                    }
                }
                compare(inbox.as_ref().expect("open"), &model, &offices).await;
            }
        });
    }
}
