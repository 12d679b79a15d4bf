//! The network behind the lines: access nodes that fail with everybody behind them, a ring that is cut, a country that reconnects.

use anyhow::Result;

use crate::scenario::{CENTRE_NODE, Cast, HEALTH, Pace, Role, Scenario, Seat};
use crate::stage::Program::Gateway;
use crate::stage::Stage;

/// Battambang's access node carries eight remote nodes: the most of all.
const BATTAMBANG: &str = "batt";
/// The access node at NiDA carries Health and Labour.
const NIDA: &str = "nida";
const SIEM_REAP: &str = "srp";
/// Remote nodes of the National Information Infrastructure.
const REMOTE_NODES: usize = 132;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::full("access-node-down", "Battambang's access node fails with the eight offices behind it, then the one behind which Health and Labour sit", |stage| Box::pin(access_node_down(stage))).cast(eight_behind_battambang),
        Scenario::quick("ring-cut", "the ring of access nodes is cut in one place, mended, and cut in another: traffic goes the other way round", |stage| Box::pin(ring_cut(stage))).cast(in_a_ring),
        Scenario::full("132-reconnect", "132 agents, one for each remote node, lose their gateway at once, collect events, and reconnect at once", |stage| Box::pin(country_reconnects(stage))).cast(whole_country),
    ]
}

async fn access_node_down(stage: &mut Stage) -> Result<()> {
    for node in [BATTAMBANG, NIDA] {
        stage.pause(500..2_000).await;
        stage.cut_trunk(node, CENTRE_NODE)?;
        stage.pause(stage.pick(30_000..40_000, 4_000..6_000)).await;
        stage.mend_trunk(node, CENTRE_NODE)?;
    }
    Ok(())
}

async fn ring_cut(stage: &mut Stage) -> Result<()> {
    for (one, two) in [(CENTRE_NODE, BATTAMBANG), (SIEM_REAP, CENTRE_NODE)] {
        stage.cut_trunk(one, two)?;
        stage.pause(stage.pick(20_000..30_000, 6_000..8_000)).await;
        stage.mend_trunk(one, two)?;
        stage.pause(6_000..8_000).await;
    }
    Ok(())
}

async fn country_reconnects(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(3, 1) {
        stage.kill(Gateway(0)).await?;
        stage.pause(8_000..15_000).await;
        stage.start(Gateway(0)).await;
        stage.everyone_is_connected().await;
    }
    Ok(())
}

/// Eight publishing offices behind one node, the subscribers of Health behind another, Economy and Finance at the centre.
fn eight_behind_battambang() -> Cast {
    let health = Role::publishes(HEALTH, "KH02");
    let office = |number| {
        Seat::on_node(
            format!("moh/battambang-{number}"),
            BATTAMBANG,
            "KH02",
            health,
        )
    };
    let mut offices: Vec<Seat> = (1..=8).map(office).collect();
    offices.push(Seat::of("moh/siem-reap", Role::publishes(HEALTH, "KH17")));
    offices.push(Seat::of("moh/hq", Role::Reads).behind(NIDA));
    offices.push(Seat::of("mef/hq", Role::Reads));
    Cast::of(offices).pace(Pace {
        batch_max: 3,
        pause_ms_max: 1_500,
    })
}

fn in_a_ring() -> Cast {
    let usual = Cast::usual();
    let nodes = [SIEM_REAP, BATTAMBANG, BATTAMBANG, NIDA, CENTRE_NODE];
    let seats = usual.offices.into_iter().zip(nodes);
    Cast {
        offices: seats.map(|(seat, node)| seat.behind(node)).collect(),
        ring: true,
        ..usual
    }
}

fn whole_country() -> Cast {
    let health = Role::publishes(HEALTH, "KH17");
    let office = |number| Seat::on_node(format!("moh/node-{number}"), CENTRE_NODE, "KH17", health);
    let mut offices: Vec<Seat> = (1..=REMOTE_NODES).map(office).collect();
    offices.push(Seat::of("moh/hq", Role::Reads));
    offices.push(Seat::of("mef/hq", Role::Reads));
    Cast::of(offices).patience(300).pace(Pace {
        batch_max: 2,
        pause_ms_max: 20_000,
    })
}
