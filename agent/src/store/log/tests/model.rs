//! Random units, syncs, seals, stops, kills, cuts, lost and rotten hints and compaction, against maps in memory; compared after each step.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::super::steps::watched::copy;
use super::super::{Fate, Log, check};
use super::folds::assert_folds_alike;
use super::reference::Model;
use super::toy::{DONE, NOTE, PUT, RECEIPT, Toy, WHO, fate, head, id, open, stage};

#[derive(Debug, Clone)]
enum Action {
    Put {
        of: u32,
        count: u64,
        bytes: usize,
        sync: bool,
    },
    /// The oldest that waits; with a receipt in the same unit.
    Done {
        of: u32,
        sync: bool,
    },
    Note {
        of: u32,
        number: u64,
    },
    /// A PUT and the DONE of another as one unit.
    Swap {
        of: u32,
    },
    Sync,
    Seal,
    Reopen,
    /// The process is gone, the machine is not.
    Kill,
    /// So many hundredths of what was not synced are left.
    PowerCut {
        hundredths: u64,
    },
    LoseHints,
    FlipInHints {
        every: usize,
    },
    Clean {
        first: usize,
        count: usize,
        pure: bool,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let of = 1..4_u32;
    prop_oneof![
        6 => (of.clone(), 1..6_u64, 0..900_usize, any::<bool>()).prop_map(|(of, count, bytes, sync)| Action::Put { of, count, bytes, sync }),
        4 => (of.clone(), any::<bool>()).prop_map(|(of, sync)| Action::Done { of, sync }),
        2 => (of.clone(), 0..9_u64).prop_map(|(of, number)| Action::Note { of, number }),
        2 => of.prop_map(|of| Action::Swap { of }),
        1 => Just(Action::Sync),
        1 => Just(Action::Seal),
        1 => Just(Action::Reopen),
        1 => Just(Action::Kill),
        1 => (0..101_u64).prop_map(|hundredths| Action::PowerCut { hundredths }),
        1 => Just(Action::LoseHints),
        1 => (1..400_usize).prop_map(|every| Action::FlipInHints { every }),
        3 => (0..8_usize, 1..4_usize, any::<bool>()).prop_map(|(first, count, pure)| Action::Clean { first, count, pure }),
    ]
}

struct Both {
    dirs: Vec<tempfile::TempDir>,
    log: Option<Log<Toy>>,
    model: Model,
    /// The model at the last sync, and after each unit since.
    since_sync: Vec<Model>,
}

impl Both {
    fn dir(&self) -> &Path {
        self.dirs.last().expect("a folder").path()
    }

    fn log(&mut self) -> &mut Log<Toy> {
        self.log.as_mut().expect("open")
    }

    /// A unit is staged; the model goes on.
    fn went_on(&mut self, change: impl FnOnce(&mut Model)) {
        change(&mut self.model);
        self.since_sync.push(self.model.clone());
    }

    fn write(&mut self, sync: bool) {
        let log = self.log();
        if sync {
            log.commit().expect("commits")
        } else {
            log.append().expect("appends")
        }
        if log.synced() == log.written {
            self.since_sync = vec![self.model.clone()];
        }
    }

    fn put(&mut self, of: u32, bytes: usize) {
        let number = self.model.next.get(&of).copied().unwrap_or(1);
        let bytes = vec![number.to_le_bytes()[0]; bytes];
        stage(self.log(), PUT, of, number, &bytes);
        self.went_on(|model| model.put(of, number, bytes));
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Put {
                of,
                count,
                bytes,
                sync,
            } => {
                (0..count).for_each(|_| self.put(of, bytes));
                self.write(sync);
            }
            Action::Done { of, sync } => self.done(of, sync),
            Action::Note { of, number } => {
                stage(self.log(), NOTE, of, number, b"noted");
                self.went_on(|model| {
                    model.notes.push((of, number));
                    model.state.notes.insert(of, number);
                });
                self.write(true);
            }
            Action::Swap { of } => {
                let Some(old) = self.model.oldest(of) else {
                    return;
                };
                let new = self.model.next[&of];
                let (gone, came) = (head(of, old, &id(of, old)), head(of, new, &id(of, new)));
                let mut unit = self.log().unit();
                unit.record(DONE, &gone, b"").expect("fits");
                unit.record(PUT, &came, b"swapped").expect("fits");
                self.went_on(|model| {
                    model.done(of, old);
                    model.receipts.remove(&(of, old));
                    model.put(of, new, b"swapped".to_vec());
                });
                self.write(false);
            }
            Action::Sync => {
                self.log().sync().expect("syncs");
                self.since_sync = vec![self.model.clone()];
            }
            Action::Seal => {
                self.log().begin_next().expect("seals");
                self.since_sync = vec![self.model.clone()];
            }
            Action::Reopen => self.reopen(),
            Action::Kill => {
                let image = copy(self.dir());
                self.dirs.push(image);
                self.reopen();
            }
            Action::PowerCut { hundredths } => self.cut_power(hundredths),
            Action::LoseHints => {
                self.each_hint(|path| fs::remove_file(path).expect("removes"));
                self.reopen();
            }
            Action::FlipInHints { every } => self.each_hint(|path| {
                let mut bytes = fs::read(path).expect("reads");
                bytes.iter_mut().step_by(every).for_each(|byte| *byte ^= 4);
                fs::write(path, bytes).expect("writes");
            }),
            Action::Clean { first, count, pure } => self.clean(first, count, pure),
        }
    }

    fn done(&mut self, of: u32, sync: bool) {
        let Some(number) = self.model.oldest(of) else {
            return;
        };
        let head = head(of, number, &id(of, number));
        let mut unit = self.log().unit();
        unit.record(RECEIPT, &head, b"receipt").expect("fits");
        unit.record(DONE, &head, b"").expect("fits");
        self.went_on(|model| model.done(of, number));
        self.write(sync);
    }

    fn reopen(&mut self) {
        self.log = None;
        self.log = Some(open(self.dir()).0);
        self.since_sync = vec![self.model.clone()];
    }

    fn each_hint(&mut self, harm: impl Fn(&Path)) {
        self.log().end_sealing();
        for entry in fs::read_dir(self.dir()).expect("reads") {
            let path = entry.expect("reads").path();
            if path.extension().is_some_and(|end| end == "hint") {
                harm(&path);
            }
        }
    }

    /// Of what was not synced, a part of the file is there.
    fn cut_power(&mut self, hundredths: u64) {
        self.log().end_sealing();
        let image = copy(self.dir());
        let log = self.log.take().expect("open");
        let path = image.path().join(format!("{:010}.log", log.active.number));
        let end = u64::from(log.end);
        drop(log);
        let unsynced = self.since_sync.len() - 1;
        if unsynced > 0 {
            let synced = synced_bytes(&path, unsynced);
            let left = synced + (end - synced) * hundredths / 100;
            fs::File::options()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_len(left))
                .expect("cuts");
        }
        self.dirs.push(image);
        let (log, _) = open(self.dir());
        let came = self
            .since_sync
            .iter()
            .rposition(|model| model.state == *log.state());
        let came =
            came.unwrap_or_else(|| panic!("{:?} is none of {:?}", log.state(), self.since_sync));
        self.model = self.since_sync.swap_remove(came);
        self.since_sync = vec![self.model.clone()];
        self.log = Some(log);
    }

    /// Where what is dead is only shrunk, or a mere copy.
    fn clean(&mut self, first: usize, count: usize, pure: bool) {
        let log = self.log();
        let sealed = log.reading().segments();
        let Some(first) = sealed.get(first % sealed.len().max(1)) else {
            return;
        };
        let last = sealed
            .iter()
            .filter(|one| one.segment >= first.segment)
            .take(count)
            .last()
            .expect("one");
        let Some(cleaning) = log.cleaning(first.segment, last.segment).expect("syncs") else {
            return;
        };
        let cleaned = if pure {
            cleaning.run(|_, _, _| Fate::Lives)
        } else {
            cleaning.run(fate)
        };
        let cleaned = cleaned.expect("cleans").expect("reads");
        let reading = log.reading();
        for (from, to) in cleaned.moved {
            assert!(reading.record(from).is_err());
            assert_eq!(reading.record(to).expect("there").kind, NOTE);
        }
        self.since_sync = vec![self.model.clone()];
    }

    fn compare(&mut self) {
        let log = self.log.as_ref().expect("open");
        assert_eq!(*log.state(), self.model.state);
        self.model.compare_keys(log);
        self.model.compare_pages(log);
        self.model.compare_tables(log);
        assert_folds_alike::<Toy>(self.dir(), &WHO, log.state());
        let checked = check::<Toy>(self.dir(), &WHO).expect("reads");
        assert!(checked.is_good(), "{checked:?}");
    }
}

/// Bytes of a segment before its last `units` units.
fn synced_bytes(path: &Path, units: usize) -> u64 {
    let file = fs::File::open(path).expect("opens");
    let name = path.file_stem().expect("a name").to_string_lossy();
    let mut begins = Vec::new();
    let walked = super::super::walk::units::<std::io::Error>(
        &file,
        name.parse().expect("a number"),
        |met| {
            if let super::super::walk::Met::Unit(members) = met {
                begins.push(members[0].offset);
            }
            Ok(())
        },
    );
    walked.expect("reads");
    u64::from(begins[begins.len() - units])
}

fn play(actions: &[Action], clean_after_each: bool) {
    let dirs = vec![tempfile::tempdir().expect("a folder")];
    let log = Some(open(dirs[0].path()).0);
    let since_sync = vec![Model::default()];
    let mut both = Both {
        dirs,
        log,
        model: Model::default(),
        since_sync,
    };
    for action in actions {
        both.act(action);
        both.compare();
        if clean_after_each {
            both.log().end_sealing();
            both.clean(0, 1_000, false);
            both.compare();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_maps_in_memory_do(actions in prop::collection::vec(action(), 1..50)) {
        play(&actions, false);
    }

    #[test]
    fn it_does_so_when_all_is_written_anew_after_each_step(actions in prop::collection::vec(action(), 1..30)) {
        play(&actions, true);
    }
}
