//! An office as it should be: one event after the other, or in windows as an agent does it; what is held goes again.
//! In: a chain of signed events. Out: how long each took until it was stored. Never: a signature made while the clock runs.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use schemas::signing::SignedEvent;
use tests::raw::RawClient;

use super::frames;
use super::scene::{Scene, inbox};
use crate::events::{Chain, Kind};
use crate::rounds::waits_at;

/// What a flood may hold up for so long is no answer any more.
const ANSWER_WAIT: Duration = Duration::from_secs(60);
/// What a flood leaves behind longer than this is measured with what comes after it.
const SETTLING_WAIT: Duration = Duration::from_secs(20);
const HELD_PAUSE: Duration = Duration::from_millis(50);
/// Events under way at once when a log is filled: an agent's window.
const WINDOW: usize = 200;
/// How often what is held is sent again.
const TRIES: u32 = 1_000;

pub struct Office {
    client: RawClient,
    pub chain: Chain,
    inbox: String,
    asked: u64,
    /// How often this office was told to wait.
    pub held: u64,
}

impl Office {
    pub async fn connect(scene: &Scene, office: &str, kind: Kind) -> Result<Office> {
        let mut client = scene.bus.raw(office).await;
        let inbox = inbox(office);
        client
            .send(frames::subscribe(&format!("{inbox}.*"), "1"))
            .await;
        Ok(Office {
            client,
            chain: scene.chain(office, kind)?,
            inbox,
            asked: 0,
            held: 0,
        })
    }

    /// One event after the other for so long; how long each took.
    pub async fn publish_for(&mut self, time: Duration) -> Result<Vec<Duration>> {
        let (began, mut waits) = (Instant::now(), Vec::new());
        while began.elapsed() < time {
            let event = self.chain.sign(1)?;
            let sent = Instant::now();
            self.store(&event).await?;
            waits.push(sent.elapsed());
        }
        Ok(waits)
    }

    /// Until what a flood left behind is worked off: in some second half of the events wait no longer than usual.
    pub async fn settle(&mut self, usual: Duration) -> Result<()> {
        let began = Instant::now();
        loop {
            let waits = self.publish_for(Duration::from_secs(1)).await?;
            let settled = waits_at(&waits, 50) < usual + usual / 2;
            if settled || began.elapsed() > SETTLING_WAIT {
                return Ok(());
            }
        }
    }

    /// Stores events of the log, in order; an event that is held is sent again, with those behind it.
    pub async fn store(&mut self, events: &[SignedEvent]) -> Result<()> {
        for window in events.chunks(WINDOW) {
            let mut left = window;
            for _ in 0..TRIES {
                left = self.try_window(left).await?;
                if left.is_empty() {
                    break;
                }
                self.held += 1;
                tokio::time::sleep(HELD_PAUSE).await;
            }
            ensure!(left.is_empty(), "events are held for ever");
        }
        Ok(())
    }

    /// Sends events at once; what is left begins with the first that was not stored.
    async fn try_window<'e>(&mut self, events: &'e [SignedEvent]) -> Result<&'e [SignedEvent]> {
        let first = self.asked;
        let mut bytes = Vec::new();
        for event in events {
            let reply = format!("{}.{}", self.inbox, self.asked);
            bytes.extend_from_slice(&frames::event(event, &reply));
            self.asked += 1;
        }
        self.client.send(bytes).await;
        let mut refused = events.len();
        for _ in events {
            let answer = self.client.message_within(ANSWER_WAIT).await;
            let number = answer.subject.rsplit_once('.');
            let number = number.and_then(|(_, number)| number.parse::<u64>().ok());
            let place = number.and_then(|number| number.checked_sub(first));
            let json = answer.json();
            let told = &json["spean"];
            let held = !json["error"].is_null();
            ensure!(
                !held || told["answer"] == "held",
                "an honest office is refused: {told}"
            );
            if let Some(place) = place.filter(|_| held) {
                refused = refused.min(usize::try_from(place)?);
            }
        }
        Ok(events.get(refused..).unwrap_or_default())
    }
}
