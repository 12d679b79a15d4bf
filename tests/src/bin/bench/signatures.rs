//! What one signature costs, verified alone and among others, of one key and of many.
//! In: signed events in this process. Out: CPU of one verification each way. Never: a batch with a bad signature in it.

use anyhow::{Context, Result};
use schemas::chain::{Head, Link};
use schemas::event::{Hash, Timestamp};
use schemas::notice::LogResumed;
use schemas::signing::{Claim, SignedEvent, SigningKey, verify_all};

use crate::Effort;
use crate::events::{FEED, places};
use crate::figure::{Figure, Median, Outcome};
use crate::usage;

/// How many come together: a short run, some sessions, what a reader and a gateway take at once.
const TOGETHER: [usize; 4] = [8, 16, 64, 256];

pub fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let count = effort.pick(2_048, 256);
    let one = [SigningKey::generate()?.0];
    let many = (0..count).map(|_| Ok(SigningKey::generate()?.0));
    let many = many.collect::<Result<Vec<_>>>()?;
    for (what, keys) in [("one key", &one[..]), ("a key each", &many)] {
        let claims = claims(count, keys)?;
        let rounds = effort.pick(7, 1);
        let rounds = (0..rounds).map(|_| Ok((alone(&claims)?, together(&claims)?)));
        let (alone, together): (Vec<f64>, Vec<[f64; 4]>) =
            rounds.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let alone = Median::of(alone);
        let words = TOGETHER.iter().enumerate().map(|(at, size)| {
            let median = Median::of(together.iter().map(|round| round[at]).collect());
            (median.value, format!("{size} together {}", median.words()))
        });
        let (values, words): (Vec<f64>, Vec<String>) = words.unzip();
        let largest = values.last().copied().unwrap_or_default();
        let figure = Figure::new(
            format!("{what}: verifying one of 256 together"),
            largest,
            "us",
        );
        outcome.show(figure.made_of(format!("alone {}; {}", alone.words(), words.join("; "))));
    }
    Ok(())
}

/// Signatures over as much as any event's, by these keys in turn.
fn claims(count: usize, keys: &[SigningKey]) -> Result<Vec<Claim>> {
    let place = places(1).pop().context("an office")?;
    let log = place.log(FEED)?;
    let time = Timestamp::from_unix_seconds(1_790_000_000).context("a time")?;
    let mut head = Head::empty(Hash::of(b"genesis"));
    let claims = (0..count).zip(keys.iter().cycle()).map(|(number, key)| {
        let link: Link = head.next().expect("room");
        let notice = LogResumed::new(number as u64 + 1, number as u64 + 1, head.hash);
        let event = notice.event(log.clone(), time);
        let event = event.ok().context("well formed")?;
        let signed = SignedEvent::sign(event, link, key);
        head = Head::of(&signed);
        Ok(signed.claim(key.public()))
    });
    claims.collect()
}

/// Microseconds a signature.
fn alone(claims: &[Claim]) -> Result<f64> {
    a_claim(claims, claims.chunks(1))
}

fn together(claims: &[Claim]) -> Result<[f64; 4]> {
    let mut all = [0.0; TOGETHER.len()];
    for (used, size) in all.iter_mut().zip(TOGETHER) {
        *used = a_claim(claims, claims.chunks(size))?;
    }
    Ok(all)
}

fn a_claim<'a>(all: &[Claim], parts: impl Iterator<Item = &'a [Claim]>) -> Result<f64> {
    let began = usage::own_thread_cpu()?;
    for part in parts {
        let good = verify_all(part).iter().all(Result::is_ok);
        good.then_some(())
            .context("a good signature did not pass")?;
    }
    let used = usage::own_thread_cpu()? - began;
    Ok(used.as_secs_f64() * 1e6 / all.len() as f64)
}
