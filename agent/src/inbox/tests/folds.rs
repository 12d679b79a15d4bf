//! Whatever comes, the state that is folded from any segment of the log is the one that was kept while living, also when segments were written
//! anew, and after a kill.

use proptest::prelude::*;

use super::*;
use crate::inbox::kinds::Records;
use crate::receive::Unbelieved;
use crate::store::log::Sizes;
use crate::store::log::tests::folds::assert_folds_alike;

#[derive(Debug, Clone)]
enum Action {
    /// Events of the log's own history, from a position on.
    Keep(u64, u64),
    /// One of another history.
    Other(u64),
    Aside(u64),
    Declare(u64, u64),
    Head(u64),
    Confirmed(u64),
    Agrees,
    Anew,
    Reopen,
    Kill,
}

const LENGTH: u64 = 24;

fn action() -> impl Strategy<Value = Action> {
    let position = || 1..=LENGTH;
    prop_oneof![
        8 => (position(), 1..6_u64).prop_map(|(first, count)| Action::Keep(first, count)),
        2 => position().prop_map(Action::Other),
        3 => position().prop_map(Action::Aside),
        2 => (position(), 0..3_u64).prop_map(|(first, more)| Action::Declare(first, more)),
        1 => (1..40_u64).prop_map(Action::Head),
        2 => position().prop_map(Action::Confirmed),
        1 => Just(Action::Agrees),
        2 => Just(Action::Anew),
        1 => Just(Action::Reopen),
        1 => Just(Action::Kill),
    ]
}

/// Some segments, whatever is written.
const SIZES: Sizes = Sizes {
    segment_bytes: 6 * 1024,
};

fn small(dir: &Path) -> Inbox {
    Inbox::open_sized(dir, &WHO, SIZES).expect("opens").0
}

struct Run {
    office: Office,
    own: Vec<VerifiedEvent>,
    other: Vec<VerifiedEvent>,
    dirs: Vec<tempfile::TempDir>,
    inbox: Option<Inbox>,
}

impl Run {
    fn new() -> Run {
        let office = siem_reap();
        let dir = tempfile::tempdir().expect("a directory");
        Run {
            own: office.run_of("e", LENGTH, 300),
            other: office.run("other", LENGTH),
            inbox: Some(small(dir.path())),
            dirs: vec![dir],
            office,
        }
    }

    fn dir(&self) -> &Path {
        self.dirs.last().expect("one").path()
    }

    async fn act(&mut self, action: Action) {
        let inbox = self.inbox.clone().expect("open");
        let (feed, log) = (&self.office.log.feed, &self.office.log);
        let at = |position: u64| usize::try_from(position - 1).expect("small");
        match action {
            Action::Keep(first, count) => {
                let last = (first + count - 1).min(LENGTH);
                let events = self.own[at(first)..=at(last)].to_vec();
                let cursor = Cursor {
                    stream_sequence: last,
                    hash: self.own[at(last)].signed().hash(),
                };
                let kept = inbox.keep(feed, events, Some(cursor)).await;
                kept.expect("keeps");
            }
            Action::Other(position) => {
                let event = self.other[at(position)].clone();
                inbox.keep(feed, vec![event], None).await.expect("keeps");
            }
            Action::Aside(position) => {
                let event = Unbelieved::new(self.own[at(position)].signed().clone());
                inbox.put_aside(vec![event]).await.expect("keeps");
            }
            Action::Declare(first, more) => {
                let last = (first + more).min(LENGTH);
                let hash = self.own[at(last)].signed().hash();
                let gap = self.office.declares(first, last, hash);
                inbox
                    .declare(feed, vec![gap], None)
                    .await
                    .expect("is written down");
            }
            Action::Head(known) => inbox.note_heads(&[(log.clone(), known)]).expect("notes"),
            Action::Confirmed(position) => {
                let position = Position::new(position).expect("a position");
                inbox.note_confirmed(log, position).expect("notes");
            }
            Action::Agrees => inbox.agrees(log).expect("notes"),
            Action::Anew => while inbox.write_one_anew().expect("the disk works") {},
            Action::Reopen => {
                drop(inbox);
                self.inbox = None;
                self.inbox = Some(small(self.dir()));
            }
            Action::Kill => {
                self.dirs.push(crash_image(self.dir()));
                self.inbox = Some(small(self.dir()));
            }
        }
    }

    /// By the records, by the state while living, and by what another start makes of the same files.
    fn compare(&self) {
        let inbox = self.inbox.as_ref().expect("open");
        let state = inbox.with_log(|log| Ok(log.state().clone()));
        let state = state.expect("it works");
        assert_folds_alike::<Records>(&self.dir().join("2/inbox"), &WHO, &state);
        let image = crash_image(self.dir());
        let again = small(image.path());
        assert_eq!(*again.shown(), state);
        let log = &self.office.log;
        assert_eq!(
            again.not_believed(log).expect("reads"),
            inbox.not_believed(log).expect("reads")
        );
        assert_eq!(
            again.declared(log).expect("reads"),
            inbox.declared(log).expect("reads")
        );
        assert_eq!(
            again.branches(log, 0, 100).expect("reads"),
            inbox.branches(log, 0, 100).expect("reads")
        );
        assert_eq!(again.alarms().list(), inbox.alarms().list());
        for position in (1..=LENGTH).filter_map(Position::new) {
            let both = [&again, inbox].map(|inbox| {
                let bytes = inbox.get(log, position).expect("reads");
                (bytes, inbox.arrived_at(log, position).expect("reads"))
            });
            assert_eq!(both[0], both[1]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn from_whichever_segment_it_is_folded_the_state_is_the_same(actions in prop::collection::vec(action(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut run = Run::new();
            for action in actions {
                run.act(action).await;
                run.compare();
            }
        });
    }
}

/// What came after some hundred batches of one event each is written anew without the cursors, and all else is found as before.
#[tokio::test]
async fn a_segment_that_is_written_anew_has_all_events_and_no_old_cursor() {
    let mut run = Run::new();
    for _ in 0..20 {
        for position in 1..=LENGTH {
            run.act(Action::Confirmed(position)).await;
        }
    }
    run.act(Action::Keep(3, 4)).await;
    run.act(Action::Aside(2)).await;
    run.act(Action::Other(3)).await;
    let bytes = || crate::store::disk::used_bytes(&run.dir().join("2/inbox"));
    let before = bytes();
    let inbox = run.inbox.clone().expect("open");
    while inbox.write_one_anew().expect("the disk works") {}
    assert!(bytes() * 2 < before, "{before} {}", bytes());
    drop(inbox);
    run.compare();
    run.act(Action::Keep(1, 1)).await;
    let inbox = run.inbox.as_ref().expect("open");
    assert_eq!(inbox.state(&run.office.log).expect("reads").complete, 6);
    run.compare();
}
