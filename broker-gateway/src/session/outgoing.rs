//! Whole frames come in from several tasks, bytes go out on one socket in order. What waits is bounded: who sends more than the
//! peer reads is made to wait, and a peer that reads nothing loses its connection.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use schemas::packed::limits::PIECE_BYTES;
use schemas::packed::{Kind, frame};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, Semaphore};

use crate::limits::{OUTGOING_BYTES_MAX, WRITE_BYTES_MAX, WRITE_WAIT};
use crate::wire::Tongue;

/// The queue of one connection. It is closed by either end.
#[derive(Debug)]
pub struct Outgoing {
    tongue: Tongue,
    frames: Mutex<VecDeque<Bytes>>,
    ready: Notify,
    room: Semaphore,
}

/// The connection takes nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl Outgoing {
    pub fn new(tongue: Tongue) -> Arc<Outgoing> {
        Arc::new(Outgoing {
            tongue,
            frames: Mutex::new(VecDeque::new()),
            ready: Notify::new(),
            room: Semaphore::new(OUTGOING_BYTES_MAX),
        })
    }

    pub fn tongue(&self) -> Tongue {
        self.tongue
    }

    /// Puts a frame of NATS in line; waits while the line is full.
    pub async fn send(&self, frame: Bytes) -> Result<(), Closed> {
        self.send_as_it_is(self.told(frame)).await
    }

    /// The same with a frame that only packed sessions have. Its parts stay together: those of another task's frame may not come between.
    pub async fn send_packed(&self, kind: Kind, body: &[u8]) -> Result<(), Closed> {
        let parts = frame::write(kind, body).concat();
        self.send_as_it_is(parts.into()).await
    }

    async fn send_as_it_is(&self, frame: Bytes) -> Result<(), Closed> {
        let permit = self.room.acquire_many(weight(&frame)).await;
        permit.map_err(|_| Closed)?.forget();
        self.put(frame);
        Ok(())
    }

    /// Whether a frame would have to wait.
    pub fn is_full_for(&self, frame: &Bytes) -> bool {
        self.room.available_permits() < frame.len().min(OUTGOING_BYTES_MAX)
    }

    /// Waits until half of the line is free.
    pub async fn half_empty(&self) -> Result<(), Closed> {
        let half = u32::try_from(OUTGOING_BYTES_MAX / 2).unwrap_or(u32::MAX);
        let room = self.room.acquire_many(half).await;
        room.map(drop).map_err(|_| Closed)
    }

    /// The last words: sent behind what waits, with no regard to room, and nothing after them.
    pub fn finish(&self, frame: Option<Bytes>) {
        if self.room.is_closed() {
            return;
        }
        if let Some(frame) = frame {
            self.put(self.told(frame));
        }
        self.room.close();
        self.ready.notify_one();
    }

    /// Lets what waits go unsent.
    pub fn forget(&self) {
        self.frames().clear();
    }

    /// NATS as the peer hears it.
    fn told(&self, frame: Bytes) -> Bytes {
        match self.tongue {
            Tongue::Nats => frame,
            Tongue::Packed => {
                let pieces = frame.chunks(PIECE_BYTES / 2);
                let frames = pieces.flat_map(|piece| frame::write(Kind::Text, piece));
                frames.collect::<Vec<_>>().concat().into()
            }
        }
    }

    fn put(&self, frame: Bytes) {
        self.frames().push_back(frame);
        self.ready.notify_one();
    }

    fn frames(&self) -> std::sync::MutexGuard<'_, VecDeque<Bytes>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until the queue is finished and empty, or the peer takes no more.
    ///
    /// # Errors
    /// What the socket says, or `TimedOut` where it made no progress.
    pub async fn write_to(&self, socket: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let written = self.write_all(socket).await;
        self.room.close();
        self.frames().clear();
        written
    }

    async fn write_all(&self, socket: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        loop {
            let mut batch = self.take();
            if batch.is_empty() {
                if self.room.is_closed() {
                    return progress(socket.shutdown()).await;
                }
                // A frame put between `take` and here has left its notice.
                self.ready.notified().await;
                continue;
            }
            while !batch.is_empty() {
                progress(socket.write_buf(&mut batch)).await?;
            }
            progress(socket.flush()).await?;
        }
    }

    /// The next bytes to write: small frames together, a large one by itself.
    fn take(&self) -> Bytes {
        let mut frames = self.frames();
        let Some(first) = frames.pop_front() else {
            return Bytes::new();
        };
        let mut freed = weight(&first);
        let mut batch = BytesMut::from(first);
        while let Some(next) = frames.front() {
            if batch.len().saturating_add(next.len()) > WRITE_BYTES_MAX {
                break;
            }
            freed = freed.saturating_add(weight(next));
            batch.extend_from_slice(next);
            frames.pop_front();
        }
        if frames.is_empty() {
            frames.shrink_to(0);
        }
        drop(frames);
        self.room
            .add_permits(usize::try_from(freed).unwrap_or(OUTGOING_BYTES_MAX));
        batch.freeze()
    }
}

/// A frame larger than the line takes all of it.
fn weight(frame: &Bytes) -> u32 {
    u32::try_from(frame.len().min(OUTGOING_BYTES_MAX)).unwrap_or(u32::MAX)
}

async fn progress<T>(write: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(WRITE_WAIT, write).await {
        Ok(written) => written,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use schemas::packed::Frames;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn frames_arrive_in_order_and_the_last_words_end_the_connection() {
        let (mut ours, mut theirs) = tokio::io::duplex(1000);
        let outgoing = Outgoing::new(Tongue::Nats);
        let writer = outgoing.clone();
        let writing = tokio::spawn(async move { writer.write_to(&mut ours).await });
        let mut expected = Vec::new();
        let mut reading = tokio::spawn(async move {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).await.map(|_| all)
        });
        for number in 0..500_u32 {
            let frame = vec![u8::try_from(number % 251).expect("small"); 7 * 1024];
            expected.extend_from_slice(&frame);
            outgoing.send(frame.into()).await.expect("open");
        }
        outgoing.finish(Some(Bytes::from_static(b"bye")));
        expected.extend_from_slice(b"bye");
        assert_eq!(outgoing.send(Bytes::new()).await, Err(Closed));
        let all = (&mut reading).await.expect("no panic").expect("read");
        assert!(all == expected, "{} of {}", all.len(), expected.len());
        writing.await.expect("no panic").expect("written");
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_loses_the_connection_and_who_sends_waits() {
        let (mut ours, _theirs) = tokio::io::duplex(1000);
        let outgoing = Outgoing::new(Tongue::Nats);
        let writer = outgoing.clone();
        let writing = tokio::spawn(async move { writer.write_to(&mut ours).await });
        let sender = outgoing.clone();
        let sending =
            tokio::spawn(
                async move { while sender.send(vec![0; 64 * 1024].into()).await.is_ok() {} },
            );
        let end = writing.await.expect("no panic");
        assert_eq!(end.map_err(|e| e.kind()), Err(io::ErrorKind::TimedOut));
        sending.await.expect("told that it is closed");
    }

    #[tokio::test]
    async fn frames_of_several_tasks_arrive_whole() {
        let (mut ours, mut theirs) = tokio::io::duplex(1000);
        let outgoing = Outgoing::new(Tongue::Packed);
        let writer = outgoing.clone();
        let writing = tokio::spawn(async move { writer.write_to(&mut ours).await });
        let mut sending = tokio::task::JoinSet::new();
        for task in 0..8_u8 {
            let outgoing = outgoing.clone();
            sending.spawn(async move {
                for _ in 0..20 {
                    let body = [task; 9_000];
                    outgoing
                        .send_packed(Kind::Answers, &body)
                        .await
                        .expect("open");
                    outgoing
                        .send(Bytes::from_static(b"PONG\r\n"))
                        .await
                        .expect("open");
                }
            });
        }
        let (mut frames, mut arrived) = (Frames::default(), BytesMut::new());
        let (mut answers, mut texts) = (0, 0);
        while answers + texts < 320 {
            match frames.next(&mut arrived).expect("frames") {
                None => assert_ne!(theirs.read_buf(&mut arrived).await.expect("read"), 0),
                Some(frame) if frame.kind == Kind::Answers => {
                    assert_eq!(frame.body, [frame.body[0]; 9_000][..]);
                    answers += 1;
                }
                Some(frame) => {
                    assert_eq!(
                        (frame.kind, &frame.body[..]),
                        (Kind::Text, &b"PONG\r\n"[..])
                    );
                    texts += 1;
                }
            }
        }
        assert_eq!((answers, texts), (160, 160));
        outgoing.finish(None);
        writing.await.expect("no panic").expect("written");
    }
}
