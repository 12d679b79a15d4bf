//! The bare thing that the outbox is measured against: append, fdatasync, answer, one sync for all who wait.
//! In: records. Out: an answer when they are on disk. Never: an index, a check, a way to read them back.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::sync::oneshot;

/// As many as share one sync in the outbox.
const GROUP_RECORDS_MAX: usize = agent::store::limits::GROUP_EVENTS_MAX;

type Record = (Bytes, oneshot::Sender<()>);

pub struct GroupCommit {
    records: Sender<Record>,
    _writer: JoinHandle<()>,
}

impl GroupCommit {
    pub fn begin(file: &Path) -> Result<GroupCommit> {
        let file = File::create(file).context("cannot make a file to append to")?;
        let (records, receive) = channel();
        let writer = std::thread::spawn(move || write(file, &receive));
        Ok(GroupCommit {
            records,
            _writer: writer,
        })
    }

    /// Returns when the record is on disk.
    pub async fn append(&self, record: Bytes) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.records
            .send((record, answer))
            .context("the writer ended")?;
        answered.await.context("the disk failed")
    }
}

/// Ends when nobody can send any more, or the disk fails; whoever waits then learns it from the lost answer.
fn write(mut file: File, records: &Receiver<Record>) {
    while let Ok(first) = records.recv() {
        let others = records.try_iter().take(GROUP_RECORDS_MAX - 1);
        let group: Vec<Record> = std::iter::once(first).chain(others).collect();
        let bytes: Vec<u8> = group
            .iter()
            .flat_map(|(record, _)| record.iter().copied())
            .collect();
        if file
            .write_all(&bytes)
            .and_then(|()| file.sync_data())
            .is_err()
        {
            return;
        }
        for (_, answer) in group {
            // A submitter that no longer waits has lost nothing.
            answer.send(()).ok();
        }
    }
}
