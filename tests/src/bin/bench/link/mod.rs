//! The link between an office and the bus: how soon it is back after a silent cut, what it costs idle, and on a slow line.
//! In: namespaces of this process's own, with a line between them that can be cut. Out: seconds and bytes, by the interface's
//! counters. Never: a change to the machine's own network.

mod line;
mod road;
mod cuts;

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tests::deadline::eventually_within;

use self::line::Line;
use self::road::Road;
use crate::Effort;
use crate::figure::{Figure, Outcome, plain};

/// How long the waiting events may take on the slow line.
const SLOW_WAIT: Duration = Duration::from_secs(900);
const SLOW_KBIT: u32 = 256;

/// Measures in a process of its own, whose network nobody else sees; says why where that is not permitted.
pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    if let Err(why) = line::permitted() {
        bail!("network namespaces are not permitted here: {why}");
    }
    let mut command = tokio::process::Command::new("unshare");
    command
        .args(line::UNSHARE)
        .arg(std::env::current_exe()?)
        .arg("--inside");
    if effort.quick {
        command.arg("--quick");
    }
    let command = command.args(["--minutes", &effort.idle_minutes.to_string()]);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "the link could not be measured");
    *outcome = serde_json::from_slice(&output.stdout).context("the link's figures")?;
    Ok(())
}

/// What runs in the namespaces.
pub async fn inside(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let line = Line::lay()?;
    let mut road = Road::build().await?;
    idle(effort, &line, outcome).await?;
    for seconds in effort.pick(&[10, 25, 60][..], &[10]) {
        cuts::measure(&line, &mut road, *seconds, outcome).await?;
    }
    let plain = slow(effort, &line, &road, "NATS", outcome).await?;
    road.speak_frames().await?;
    let packed = slow(effort, &line, &road, "frames", outcome).await?;
    let ratio = Figure::new(
        "the same in NATS, by the bytes of frames",
        plain / packed,
        "times",
    );
    outcome.show(
        ratio.made_of("rows that are alike but for a number and a note: real ones pack less well"),
    );
    Ok(())
}

async fn idle(effort: Effort, line: &Line, outcome: &mut Outcome) -> Result<()> {
    let minutes = if effort.quick {
        effort.idle_minutes.min(0.5)
    } else {
        effort.idle_minutes
    };
    let before = line.bytes()?;
    tokio::time::sleep(Duration::from_secs_f64(minutes * 60.0)).await;
    let bytes = line.bytes()? - before;
    let an_hour = bytes as f64 * 60.0 / minutes / 1000.0;
    outcome.show(
        Figure::new(
            "idle link, both ways with all headers",
            an_hour,
            "kB an hour",
        )
        .at_most(100.0)
        .made_of(format!(
            "{} bytes in {} minutes",
            plain(bytes as f64),
            plain(minutes)
        )),
    );
    Ok(())
}

/// Bytes an event that waited, on a slow line.
async fn slow(
    effort: Effort,
    line: &Line,
    road: &Road,
    tongue: &str,
    outcome: &mut Outcome,
) -> Result<f64> {
    let events: u64 = effort.pick(2_000, 200);
    line.cut()?;
    let stored = road.stored().await?;
    for number in 0..events / 100 {
        road.agent
            .submit_batch(&format!("slow-{tongue}-{number}"), 100)
            .await?;
    }
    let before = line.bytes()?;
    line.throttle(SLOW_KBIT)?;
    let began = Instant::now();
    let stands = async |wanted: u64| road.stored().await.ok().filter(|now| *now >= wanted);
    eventually_within(SLOW_WAIT, "the first event on a slow line", || {
        stands(stored + 1)
    })
    .await;
    let first = began.elapsed().as_secs_f64();
    eventually_within(SLOW_WAIT, "the last event on a slow line", || {
        stands(stored + events)
    })
    .await;
    let seconds = began.elapsed().as_secs_f64();
    let bytes = line.bytes()? - before;
    line.restore()?;
    let bytes = bytes as f64 / events as f64;
    let what = format!(
        "{} waiting, {SLOW_KBIT} kbit/s, {tongue}",
        plain(events as f64)
    );
    let first = format!("the first stored after {} s", plain(first));
    outcome.show(Figure::new(format!("{what}: time"), seconds, "s").made_of(first));
    outcome.show(Figure::new(
        format!("{what}: bytes an event"),
        bytes,
        "bytes",
    ));
    Ok(bytes)
}
