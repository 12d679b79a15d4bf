//! How soon what the authority takes back has ended: an office that is closed, a certificate that is revoked, a right that is withdrawn.
//! In: sessions at two gateways. Out: seconds from the command's end to the end of the last of them. Never: one that was gone before.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::join_all;
use tests::gateway::Gateway;
use tests::ports;
use tests::programs::{self, GATEWAY};
use tests::raw::{RawClient, ServerOp};
use tokio::time::timeout;

use super::bounds::connect_from;
use super::frames;
use super::scene::{HONEST, HOSTILE, READER, Scene, inbox};
use crate::Effort;
use crate::figure::{Figure, Outcome};

const SECONDS_MOST: f64 = 5.0;
/// Of one office at each gateway: as many as its account allows.
const SESSIONS: usize = 8;
/// So long each is waited for; what takes longer has missed the bound by far.
const WAIT: Duration = Duration::from_secs(30);
/// Between two questions of a session that tries whether it may still read: so few that the account slows none of them.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// What lets the reader read the hostile office's feed.
const RULE: &str = "labour-returns/read/economy-and-finance";

pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let scene = Scene::build().await?;
    let twin = scene.bus.folder().join("second");
    let twin = scene.bus.authority.twin(&twin, ports::free());
    let second = Gateway::start(&twin).await;
    let gateways = [scene.bus.gateway.address(), second.address()];
    let each = effort.pick(SESSIONS, 2);
    let certificate = scene.bus.bundle(HONEST).join("office.pem");
    let certificate = certificate.to_string_lossy();

    let takings: [(&str, &str, Vec<&str>); 3] = [
        (
            HOSTILE,
            "an office is closed",
            vec!["office", "close", HOSTILE],
        ),
        (
            HONEST,
            "a certificate is revoked",
            vec!["certificate", "revoke", &certificate],
        ),
        (READER, "a right is withdrawn", vec!["withdraw", RULE]),
    ];
    for (office, what, command) in takings {
        let mut sessions = sessions(&scene, &gateways, (office, each)).await?;
        let reads = office == READER;
        if reads {
            for session in &mut sessions {
                ensure!(may_read(session).await?, "{office} may not read before");
            }
        }
        let dir = scene.bus.authority.arg();
        let said = [&command[..], &["--yes", "--dir", &dir]].concat();
        let output = programs::output(GATEWAY, &said);
        ensure!(output.status.success(), "{said:?}: {output:?}");
        let since = Instant::now();
        let count = sessions.len();
        let ends = sessions.into_iter().map(|session| async move {
            let ended = async {
                match reads {
                    true => reads_no_more(session).await,
                    false => ends(session).await,
                }
            };
            timeout(WAIT, ended).await.context("it did not end")??;
            anyhow::Ok(since.elapsed().as_secs_f64())
        });
        let ends = join_all(ends).await.into_iter();
        let ends = ends.collect::<Result<Vec<f64>>>();
        let ends = ends.with_context(|| what.to_owned())?;
        let (first, last) = ends.iter().fold((f64::MAX, 0.0_f64), |(first, last), end| {
            (first.min(*end), last.max(*end))
        });
        let figure = Figure::new(
            format!("{what}: until the last session is out"),
            last,
            "s",
        )
        .at_most(SECONDS_MOST)
        .made_of(format!(
            "{count} sessions at {} gateways, from the command's end; the first one after {first:.2} s",
            gateways.len()
        ));
        outcome.show(figure);
    }
    Ok(())
}

async fn sessions(
    scene: &Scene,
    gateways: &[SocketAddr],
    (office, each): (&str, usize),
) -> Result<Vec<RawClient>> {
    let mut sessions = Vec::new();
    for gateway in gateways {
        for _ in 0..each {
            let credentials = scene.bus.credentials(office);
            let session = connect_from(Ipv4Addr::LOCALHOST, *gateway, credentials).await;
            let mut session = session.with_context(|| format!("{office} is not let in"))?;
            session
                .try_send(frames::subscribe(&inbox(office), "1"))
                .await?;
            sessions.push(session);
        }
    }
    Ok(sessions)
}

/// Until the connection is gone.
async fn ends(mut session: RawClient) -> Result<()> {
    loop {
        match session.next().await {
            None => return Ok(()),
            Some(ServerOp::Ping) => drop(session.try_send("PONG\r\n").await),
            Some(_) => {}
        }
    }
}

/// Until it is told that it may not.
async fn reads_no_more(mut session: RawClient) -> Result<()> {
    while may_read(&mut session).await? {
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(())
}

/// The last event of anybody on the feed: it is told that there is none, or that it may not ask.
async fn may_read(session: &mut RawClient) -> Result<bool> {
    let subject = "$JS.API.STREAM.MSG.GET.labour-returns";
    let question = format!(
        r#"{{"last_by_subj":"spean.log.labour-returns.{}"}}"#,
        HONEST.replace('/', ".")
    );
    session
        .try_send(frames::request(subject, &inbox(READER), &question))
        .await?;
    loop {
        match session.next().await {
            Some(ServerOp::Message(message)) => {
                return Ok(message.json()["spean"]["code"] != "request-forbidden");
            }
            Some(ServerOp::Ping) => session.try_send("PONG\r\n").await?,
            Some(_) => {}
            None => bail!("its session ended"),
        }
    }
}
