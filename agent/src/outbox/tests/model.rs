//! A few lines of memory do what the outbox does on disk; after each random action both must say the same.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::outbox::receipts::tests::Notary;
use crate::store::log::tests::folds::assert_folds_alike;

#[derive(Debug, Clone)]
enum Action {
    Submit { feed: usize, id: u8, content: u8 },
    Settle { feed: usize, count: usize },
    TakeBack { feed: usize, id: u8 },
    PutBack { feed: usize, count: usize },
    Refuse { feed: usize },
    Release { feed: usize },
    Drop { feed: usize },
    Prune { feed: usize },
    Checkpoint,
    Reopen,
    Kill,
    LoseHints,
}

fn action() -> impl Strategy<Value = Action> {
    let feed = 0..2_usize;
    prop_oneof![
        8 => (feed.clone(), 0..20_u8, 0..2_u8).prop_map(|(feed, id, content)| Action::Submit { feed, id, content }),
        4 => (feed.clone(), 1..4_usize).prop_map(|(feed, count)| Action::Settle { feed, count }),
        1 => (feed.clone(), 20..30_u8).prop_map(|(feed, id)| Action::TakeBack { feed, id }),
        1 => (feed.clone(), 1..3_usize).prop_map(|(feed, count)| Action::PutBack { feed, count }),
        2 => feed.clone().prop_map(|feed| Action::Refuse { feed }),
        1 => feed.clone().prop_map(|feed| Action::Release { feed }),
        1 => feed.clone().prop_map(|feed| Action::Drop { feed }),
        2 => feed.prop_map(|feed| Action::Prune { feed }),
        2 => Just(Action::Checkpoint),
        1 => Just(Action::Reopen),
        2 => Just(Action::Kill),
        1 => Just(Action::LoseHints),
    ]
}

/// One feed: an event is its id and its content; the content of one taken back is known to the bus alone.
#[derive(Default, Clone)]
struct Model {
    line: BTreeMap<u64, (u8, u8)>,
    tray: BTreeMap<u64, (u8, u8)>,
    own: Vec<(u8, u8)>,
    /// So many of the first of them were pruned.
    pruned: usize,
}

impl Model {
    fn knows(&self, id: u8) -> Option<u8> {
        let all = self
            .line
            .values()
            .chain(self.tray.values())
            .chain(&self.own);
        all.filter(|event| event.0 == id)
            .map(|event| event.1)
            .next()
    }
}

struct Both {
    dirs: Vec<tempfile::TempDir>,
    outbox: Option<Outbox>,
    feeds: [(FeedName, Model); 2],
    notary: Notary,
}

const TEXT_BYTES: usize = 30_000;
const SMALL_BUDGET: u64 = 6 * 1024 * 1024;

fn text(id: u8, content: u8) -> String {
    let mut text = format!("{id}/{content} ");
    text.push_str(&"x".repeat(TEXT_BYTES));
    text
}

impl Both {
    fn outbox(&self) -> &Outbox {
        self.outbox.as_ref().expect("open")
    }

    /// Closes it; the state that each segment begins with leads to the one that was kept while it lived.
    fn close(&mut self) {
        let Some(outbox) = self.outbox.take() else {
            return;
        };
        let shared = Arc::clone(&outbox.inner.shared);
        drop(outbox);
        let dir = self.dirs.last().expect("a directory").path();
        assert_folds_alike::<kinds::Outbox>(&log_folder(dir), &WHO, &shared.state());
    }

    fn reopen(&mut self) {
        self.close();
        let dir = self.dirs.last().expect("a directory").path();
        let (outbox, report) =
            Outbox::open_keeping(dir, &WHO, SMALL_BUDGET, Duration::ZERO).expect("opens");
        assert_eq!(report.lost, 0);
        self.outbox = Some(outbox);
    }

    /// What dispatch does on each connect: the bus says what is settled.
    async fn match_with_the_bus(&self) {
        for (feed, model) in &self.feeds {
            let own = model.own.iter().zip(1..).map(|((id, content), position)| {
                settled(&id.to_string(), position, &text(*id, *content))
            });
            self.outbox()
                .settle(feed, own.collect::<Vec<_>>())
                .await
                .expect("settles");
        }
    }

    async fn act(&mut self, action: &Action) {
        match *action {
            Action::Submit { feed, id, content } => self.submit(feed, id, content).await,
            Action::Settle { feed, count } => self.settle(feed, count).await,
            Action::TakeBack { feed, id } => {
                let (feed, model) = &mut self.feeds[feed];
                if model.knows(id).is_none() {
                    model.own.push((id, 0));
                    let position = model.own.len() as u64;
                    let event = settled(&id.to_string(), position, &text(id, 0));
                    let outbox = self.outbox.as_ref().expect("open");
                    outbox
                        .take_back(feed, vec![event], Telling::Due)
                        .await
                        .expect("takes back");
                }
            }
            Action::PutBack { feed, count } => self.put_back(feed, count).await,
            Action::Refuse { feed } => {
                let (feed, model) = &mut self.feeds[feed];
                if let Some((number, event)) = model.line.pop_first() {
                    model.tray.insert(number, event);
                    let outbox = self.outbox.as_ref().expect("open");
                    outbox.refuse(feed, number, "no").await.expect("refuses");
                }
            }
            Action::Release { feed } => {
                let (feed, model) = &mut self.feeds[feed];
                if let Some((number, event)) = model.tray.pop_first() {
                    model.line.insert(number, event);
                    let outbox = self.outbox.as_ref().expect("open");
                    outbox.release(feed, number).await.expect("releases");
                }
            }
            Action::Drop { feed } => {
                let (feed, model) = &mut self.feeds[feed];
                if let Some((number, _)) = model.tray.pop_first() {
                    let outbox = self.outbox.as_ref().expect("open");
                    outbox.drop_from_tray(feed, number).await.expect("drops");
                }
            }
            Action::Prune { feed } => self.prune(feed).await,
            Action::Checkpoint => self.outbox().checkpoint().await.expect("syncs"),
            Action::Reopen => self.reopen(),
            Action::Kill => {
                let image = crash_image(self.dirs.last().expect("a directory").path());
                self.close();
                self.dirs.push(image);
                self.reopen();
                self.match_with_the_bus().await;
            }
            Action::LoseHints => {
                self.close();
                let dir = self.dirs.last().expect("a directory").path();
                for hint in files(dir, "hint") {
                    std::fs::remove_file(hint).expect("removes");
                }
                self.reopen();
            }
        }
    }

    async fn submit(&mut self, feed: usize, id: u8, content: u8) {
        let (feed, model) = &mut self.feeds[feed];
        let submission = submission(feed, &id.to_string(), &text(id, content));
        let outbox = self.outbox.as_ref().expect("open");
        match (outbox.accept(submission).await, model.knows(id)) {
            (Ok(accepted), None) => {
                assert!(!accepted.again);
                let line = outbox.waiting(feed, 0, 1_000).await.expect("reads");
                let number = line.last().expect("in line").number;
                assert!(model.line.keys().all(|before| *before < number));
                model.line.insert(number, (id, content));
            }
            (Ok(accepted), Some(known)) => assert!(accepted.again && known == content),
            (Err(AcceptError::IdTaken { .. }), Some(known)) => assert_ne!(known, content),
            (Err(AcceptError::DiskBudget { .. }), None) => {}
            (answer, known) => panic!("{answer:?} where {known:?} was known"),
        }
    }

    async fn settle(&mut self, feed: usize, count: usize) {
        let (feed, model) = &mut self.feeds[feed];
        let mut sent = Vec::new();
        for _ in 0..count {
            let Some((_, (id, content))) = model.line.pop_first() else {
                break;
            };
            model.own.push((id, content));
            sent.push(settled(
                &id.to_string(),
                model.own.len() as u64,
                &text(id, content),
            ));
        }
        let outbox = self.outbox.as_ref().expect("open");
        outbox.settle(feed, sent).await.expect("settles");
    }

    /// All that is settled is past the horizon.
    async fn prune(&mut self, feed: usize) {
        let (feed, model) = &mut self.feeds[feed];
        let Some((id, content)) = model.own.last() else {
            return;
        };
        let last = settled(
            &id.to_string(),
            model.own.len() as u64,
            &text(*id, *content),
        );
        let outbox = self.outbox.as_ref().expect("open");
        let vouched = self.notary.vouch_for(feed, vec![last], -1_000);
        outbox.settle(feed, vouched).await.expect("settles");
        outbox.tidy().await.expect("tidies");
        model.pruned = model.own.len();
    }

    async fn put_back(&mut self, feed: usize, count: usize) {
        let (feed, model) = &mut self.feeds[feed];
        let from = model.own.len().saturating_sub(count).max(model.pruned);
        let events = model.own.split_off(from);
        let back = events
            .iter()
            .zip(from + 1..)
            .map(|((id, content), position)| PutBack {
                position: Position::new(position as u64).expect("a position"),
                hash: settled(&id.to_string(), position as u64, "").hash,
                signed: Bytes::from(format!("signed {}", text(*id, *content))),
                id: id.to_string(),
                data: Hash::of(text(*id, *content).as_bytes()),
                bytes: Bytes::from(text(*id, *content)),
            });
        let outbox = self.outbox.as_ref().expect("open");
        let back = back.collect();
        outbox.put_back(feed, back).await.expect("puts back");
        let line = outbox.waiting(feed, 0, 1_000).await.expect("reads");
        for (waiting, event) in line.iter().zip(events) {
            assert!(model.line.keys().all(|other| *other != waiting.number));
            model.line.insert(waiting.number, event);
        }
    }

    async fn compare(&self) {
        for (feed, model) in &self.feeds {
            let outbox = self.outbox();
            let waiting = outbox.waiting(feed, 0, 1_000).await.expect("reads");
            let said: Vec<_> = waiting
                .iter()
                .map(|one| (one.number, one.bytes.clone()))
                .collect();
            let meant: Vec<_> = (model.line.iter())
                .map(|(number, (id, content))| (*number, Bytes::from(text(*id, *content))))
                .collect();
            assert!(
                said == meant,
                "{:?} wait, not {:?}",
                short(&said),
                short(&meant)
            );
            let tray = outbox.tray().expect("reads");
            let said = tray
                .iter()
                .filter(|one| one.feed == *feed)
                .map(|one| one.number);
            let meant = model.tray.keys().copied();
            assert!(said.eq(meant), "{tray:?}");
            let head = outbox.last_settled(feed).expect("reads");
            assert_eq!(
                head.map_or(0, |head| head.position.number()),
                model.own.len() as u64
            );
            for ((id, content), position) in model.own.iter().zip(1..) {
                let position = Position::new(position).expect("a position");
                let own = outbox.own(feed, position).expect("reads");
                let signed = Bytes::from(format!("signed {}", text(*id, *content)));
                let pruned = position.number() <= model.pruned as u64;
                assert!(own.map_or(pruned, |own| own == signed));
                let hash = settled(&id.to_string(), position.number(), "").hash;
                assert_eq!(outbox.own_hash(feed, position).expect("reads"), Some(hash));
                let known = outbox.known(feed, &id.to_string()).expect("reads");
                assert_eq!(known.expect("known").stage, Stage::Settled { position });
            }
            let status = outbox.status().expect("reads");
            let counts = status.feeds.iter().find(|one| one.feed == *feed);
            let counts = counts.map_or((0, 0), |one| (one.waiting, one.refused));
            assert_eq!(counts, (model.line.len() as u64, model.tray.len() as u64));
        }
    }
}

fn short(line: &[(u64, Bytes)]) -> Vec<(u64, Bytes)> {
    line.iter()
        .map(|(number, bytes)| (*number, bytes.slice(..4)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_simple_model_does(actions in prop::collection::vec(action(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut both = Both {
                dirs: vec![tempfile::tempdir().expect("a directory")],
                outbox: None,
                feeds: [(feed("health-quarterly"), Model::default()), (feed("market-prices"), Model::default())],
                notary: Notary::new(),
            };
            both.reopen();
            for action in &actions {
                both.act(action).await;
                both.compare().await;
            }
        });
    }
}
