//! The checks alone, where no run can form: each event is of another log, so each signature is verified.
//! In: 64 offices, one event in flight each, and the same events in this process. Out: gateway CPU an event over the CPU of one
//! verification, one parse and one schema check. Never: another machine's figures for one of them.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use schemas::contract::Contract;
use schemas::envelope::nats::{self, Origin};
use schemas::signing::SigningKey;

use crate::Effort;
use crate::events::{CONTRACT, FEED};
use crate::figure::{Figure, Median, Outcome};
use crate::load::Load;
use crate::rounds::Side;
use crate::stage::Stage;
use crate::usage;

const SCHEMA: &str = include_str!("../../../../schemas/contracts/labour-returns/1.0.json");

pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let load = Load {
        offices: 64,
        in_flight: 1,
        events: effort.pick(250, 50),
        events_straight: 0,
        rounds: effort.pick(5, 1),
    };
    let stage = Stage::build(load.offices).await?;
    let mut lane = stage.lane(Side::Gateway).await?;
    let mut chain = stage.chain()?;
    let contract = Contract::compile(CONTRACT, SCHEMA)?;
    let (mut gateway, mut checks) = (Vec::new(), Vec::new());
    for _ in 0..load.rounds {
        gateway.push(
            load.round(&stage, Side::Gateway, &mut lane, load.events)
                .await?
                .gateway_cpu,
        );
        let events = chain.sign(effort.pick(4_000, 500))?;
        let written = events.iter().map(|event| Written {
            headers: nats::encode(event),
            data: event.event().data().clone(),
        });
        checks.push(Checks::of(
            &written.collect::<Vec<_>>(),
            chain.key(),
            &contract,
        )?);
    }
    let gateway = Median::of(gateway);
    let median = |of: fn(&Checks) -> f64| Median::of(checks.iter().map(of).collect());
    let all = median(|checks| checks.parse + checks.verification + checks.schema);
    let figure = Figure::new(
        "no runs: gateway CPU / the three checks",
        gateway.value / all.value,
        "times",
    )
    .at_most(1.2)
    .made_of(format!(
        "{} / {} us; parse with digests {}, verification {}, schema {}",
        gateway.words(),
        all.words(),
        median(|checks| checks.parse).words(),
        median(|checks| checks.verification).words(),
        median(|checks| checks.schema).words()
    ));
    outcome.show(figure);
    Ok(())
}

struct Written {
    headers: Vec<u8>,
    data: Bytes,
}

/// Microseconds an event.
struct Checks {
    parse: f64,
    verification: f64,
    schema: f64,
}

impl Checks {
    fn of(written: &[Written], key: &SigningKey, contract: &Contract) -> Result<Checks> {
        let began = usage::own_thread_cpu()?;
        let parse = |event: &Written| {
            nats::decode(
                &event.headers,
                event.data.clone(),
                Origin::Client { stream: FEED },
            )
        };
        let parsed = written.iter().map(parse).collect::<Result<Vec<_>, _>>();
        let parsed = parsed.map_err(|refusal| anyhow!("{refusal:?}"))?;
        let after_parse = usage::own_thread_cpu()?;
        let good = parsed
            .iter()
            .all(|event| event.verify(key.public()).is_ok());
        let after_verification = usage::own_thread_cpu()?;
        let fits = parsed
            .iter()
            .all(|event| contract.check(event.event().data()).is_ok());
        let after_schema = usage::own_thread_cpu()?;
        (good && fits)
            .then_some(())
            .context("a good event did not pass")?;
        let an_event = |used: Duration| used.as_secs_f64() * 1e6 / written.len() as f64;
        Ok(Checks {
            parse: an_event(after_parse - began),
            verification: an_event(after_verification - after_parse),
            schema: an_event(after_schema - after_verification),
        })
    }
}
