//! One office's connection: its operations come in, answers and deliveries go out. Publishes are gathered into runs for
//! admission and commit; requests go over the session's own upstream connection. Every wait has an end, and a client that does
//! not read is not read from.

mod broker;
mod brought;
mod denial;
mod desk;
pub(crate) mod end;
mod ends;
mod gather;
mod greeting;
mod half;
mod intake;
mod leave;
mod outgoing;
mod prices;
mod pulls;
mod reads;
mod records;
mod runs;
mod subscriptions;
mod unanswered;
mod upstream;

use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use schemas::refusal::Hold;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use crate::account::{OverBudget, Seat};
use crate::gateway::{Client, Gateway};
use crate::judge::{self, Verdict};
use crate::limits::{FAREWELL_WAIT, RECORDS_LOOK_INTERVAL};
use crate::peer::Peer;
use crate::policy::Policy;
use crate::seldom::seldom;
use crate::wire::{ClientOp, Connect, Frame, Heard, Parser, Tongue};

use brought::Declaration;
use desk::Desk;
use end::{End, ended, failed};
use gather::{Fill, Gathered};
use half::Half;
use outgoing::Outgoing;
use records::Records;
use upstream::Upstream;

pub use prices::CONNECTED;
pub use records::OnTheWire;

/// Serves a peer until it leaves or is asked to. INFO has been sent. However it ends, also by a fault of ours, the audit says so in
/// one line, and the socket is closed: whoever writes to it ends with this, at the latest.
pub async fn run(
    gateway: Arc<Gateway>,
    peer: Peer,
    seat: Seat,
    (mut reader, mut writer, tongue, wire): (
        impl AsyncRead + Unpin,
        impl AsyncWrite + Unpin + Send + 'static,
        Tongue,
        OnTheWire,
    ),
    client: Client,
    shutdown: CancellationToken,
) {
    let down = Outgoing::new(tongue);
    let queue = down.clone();
    let writing = tokio::spawn(async move { queue.write_to(&mut writer).await });
    let mut writing = AbortOnDropHandle::new(writing);
    let shutting_out = leave::shut_out(gateway.policy.clone(), peer.clone());
    let leave = CancellationToken::new();
    let leaving = leave::in_turn(
        gateway.clone(),
        client,
        down.clone(),
        shutdown,
        leave.clone(),
    );
    let mut session = Session::new(gateway, peer, (seat, wire), client, down.clone());
    let end = {
        let serving = AssertUnwindSafe(session.serve(&mut reader, &leave));
        tokio::select! {
            served = serving.catch_unwind() => served.unwrap_or(End::Failed),
            written = &mut writing => written.map_or(End::Failed, |_| End::Gone),
            end = shutting_out => end,
            () = leaving => End::Stopped,
        }
    };
    let (peer, client_id) = (&session.desk.peer, client.id);
    match end {
        End::Failed => {
            seldom!(error, peer.office(), "session-failed", %peer, client_id, "a session ended by a fault of the gateway")
        }
        end => debug!(%peer, client_id, %end, "session ended"),
    }
    session.desk.record_end(end.code()).await;
    if let End::ShutOut(_) = end {
        down.forget();
    } else if end != End::Gone {
        // What was submitted before is answered still, if it is soon.
        let answered = async { while session.answering.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FAREWELL_WAIT, answered).await;
    }
    down.finish(end.words().map(|words| Frame::new().error(&words).finish()));
    // A writer that has ended was waited for above, and a task is waited for once.
    if !writing.is_finished() {
        let _ = tokio::time::timeout(end.farewell(), &mut writing).await;
    }
    session.answering.shutdown().await;
}

struct Session {
    desk: Arc<Desk>,
    tongue: Tongue,
    client: Client,
    policies: watch::Receiver<Arc<Policy>>,
    policy: Arc<Policy>,
    connect: Option<Connect>,
    gathered: Gathered,
    /// Answers that are still to come, one task for each gathering.
    answering: JoinSet<()>,
    upstream: Option<Upstream>,
    pings_unanswered: u32,
    seat: Seat,
    records: Records,
    half: Option<Half>,
}

impl Session {
    fn new(
        gateway: Arc<Gateway>,
        peer: Peer,
        (seat, wire): (Seat, OnTheWire),
        client: Client,
        down: Arc<Outgoing>,
    ) -> Session {
        let mut policies = gateway.policy.clone();
        let policy = policies.borrow_and_update().clone();
        let tongue = down.tongue();
        let hello = greeting::of(&gateway, &policy, tongue);
        Session {
            desk: Desk::new(gateway, peer, down, hello),
            tongue,
            client,
            policies,
            policy,
            connect: None,
            gathered: Gathered::default(),
            answering: JoinSet::new(),
            upstream: None,
            pings_unanswered: 0,
            seat,
            records: Records::new(wire),
            half: None,
        }
    }

    /// What has come half is paid for, too: who says it again and again, and never whole, has had it read.
    async fn serve(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        leave: &CancellationToken,
    ) -> End {
        if self.desk.greet().await.is_err() {
            return End::Gone;
        }
        let mut parser = Parser::new(self.tongue, self.desk.peer.office());
        let end = self.listen(reader, &mut parser, leave).await;
        let half = prices::thrown_away(parser.buffered());
        self.desk.account.pay(half);
        end
    }

    async fn listen(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        parser: &mut Parser,
        leave: &CancellationToken,
    ) -> End {
        let began = Instant::now();
        let mut heard = began;
        let mut looks = tokio::time::interval(RECORDS_LOOK_INTERVAL);
        loop {
            self.pay_for_records().await;
            if let Err(end) = self.take_all(reader, parser).await {
                return end;
            }
            match self.make_room(parser).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(end) => return end,
            }
            if let Err(end) = self.follow_half(parser).await {
                return end;
            }
            let deadline = self.deadline(began, heard, parser);
            let mut room = parser.room();
            // Each arm may be dropped half-way: a read that has not ended has read nothing.
            tokio::select! {
                read = reader.read_buf(&mut room) => match read {
                    Ok(bytes @ 1..) => {
                        parser.pace(bytes);
                        self.records.read(bytes);
                        heard = Instant::now();
                        self.seat.hear();
                        self.pings_unanswered = 0;
                    }
                    Ok(0) | Err(_) => return End::Gone,
                },
                () = tokio::time::sleep_until(deadline) => {
                    if let ControlFlow::Break(end) = self.overdue(parser.is_half_way()).await {
                        return end;
                    }
                }
                changed = self.policies.changed() => match changed {
                    // From here everything is judged by the new registry.
                    Ok(()) => self.policy = self.policies.borrow_and_update().clone(),
                    Err(_) => return End::Stopped,
                },
                // What is in records that are empty is never read.
                _ = looks.tick() => {}
                () = ended(&mut self.upstream) => return End::BrokerGone,
                () = failed(&mut self.answering) => return End::Failed,
                () = leave.cancelled() => return End::Stopped,
                () = self.seat.given_up.cancelled() => return End::GaveWay,
            }
        }
    }

    /// Takes what has arrived whole. Publishes that arrived together are judged together: one read gives 16 KiB at most, so
    /// what lies behind it already is read on. A full gathering is submitted, and then nothing is read on.
    async fn take_all(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        parser: &mut Parser,
    ) -> Result<(), End> {
        loop {
            let mut reading = Instant::now();
            while let Some(heard) = parser.next_heard()? {
                self.half = None;
                match heard {
                    Heard::Op(op) => self.take(op).await?,
                    Heard::Unread { run, bytes } => {
                        self.ask_in_full(run, bytes, reading.elapsed()).await?;
                    }
                }
                reading = Instant::now();
            }
            if self.gathered.is_empty() {
                return Ok(());
            }
            // A large payload needs room first, and what is gathered would wait with it.
            if parser.announced() > 0 || parser.waits_for_room().is_some() {
                return self.submit().await;
            }
            match reader.read_buf(&mut parser.room()).now_or_never() {
                Some(Ok(bytes @ 1..)) => {
                    parser.pace(bytes);
                    self.records.read(bytes);
                }
                Some(Ok(0) | Err(_)) => {
                    self.submit().await?;
                    return Err(End::Gone);
                }
                None => return self.submit().await,
            }
        }
    }

    async fn take(&mut self, op: ClientOp) -> Result<(), End> {
        if self.connect.is_none() {
            return self.open(op).await;
        }
        let account = self.desk.account.clone();
        if let Err(over) = account.solvent().await {
            return self.over_budget(op, over).await;
        }
        let acknowledged = !matches!(op, ClientOp::Ping | ClientOp::Pong);
        let (heard_bytes, judging) = (op.bytes(), Instant::now());
        let verdict = judge::judge(op, &self.desk.peer, &self.policy);
        account.pay(prices::of(&verdict, heard_bytes, judging.elapsed()));
        if !matches!(verdict, Verdict::Submit { .. } | Verdict::Refill { .. }) {
            // What was said before is judged before.
            self.submit().await?;
        }
        self.act(verdict).await?;
        self.say_ok(acknowledged).await
    }

    /// Nothing of it is done, and its client is told when to ask again.
    async fn over_budget(&mut self, op: ClientOp, over: OverBudget) -> Result<(), End> {
        self.submit().await?;
        let account = self.desk.account.clone();
        account.throw_away(prices::thrown_away(op.bytes())).await;
        let no = Hold::from(over).into();
        match judge::turn_down(op, no, &self.desk.peer) {
            Verdict::Ping => Ok(self.desk.down.send(Frame::new().pong().finish()).await?),
            verdict => self.act(verdict).await,
        }
    }

    async fn act(&mut self, verdict: Verdict) -> Result<(), End> {
        match verdict {
            Verdict::Ping => Ok(self.desk.down.send(Frame::new().pong().finish()).await?),
            Verdict::Pong => Ok(()),
            Verdict::Subscribe(subscribe) => self.subscribe(subscribe).await,
            Verdict::Unsubscribe { sid, after } => self.unsubscribe(&sid, after).await,
            Verdict::Forward {
                subject,
                reply,
                body,
                renamed,
            } => self.forward(&subject, reply.as_ref(), &body, renamed).await,
            Verdict::Look {
                look,
                subject,
                reply,
            } => {
                let turn = self.desk.gateway.overview.turn().await;
                let told = self.desk.clone().look(turn, look, (subject, reply));
                self.answering.spawn(told);
                Ok(())
            }
            Verdict::Confirm {
                confirmable,
                subject,
                reply,
            } => self.confirm(&confirmable, (&subject, reply.as_ref())).await,
            Verdict::Pull { pull, reply } => self.pull(&pull, &reply).await,
            Verdict::Answer {
                subject,
                reply,
                headers,
                body,
            } => {
                let headers = self.desk.with_ends(&subject, headers, &self.policy);
                let told = (&headers[..], &body[..]);
                Ok(self.desk.tell(&subject, &reply, told, &self.policy).await?)
            }
            Verdict::Count {
                right,
                question,
                subject,
                reply,
            } => {
                let waits = self.desk.gateway.counts.ask(right.feed()).await;
                let desk = self.desk.clone();
                let told = desk.count(waits, right, question, (subject, reply));
                self.answering.spawn(told);
                Ok(())
            }
            Verdict::AskToHeal(request) => self.ask_to_heal(request).await,
            Verdict::Deny(denial) => Ok(self.desk.deny(&denial, &self.policy).await?),
            Verdict::Close(breach) => Err(breach.into()),
            Verdict::Declare { permit, event } => {
                let declaration = Declaration { permit, event };
                let answering = self.desk.clone().take_in(declaration).await;
                self.answering.spawn(answering);
                Ok(())
            }
            Verdict::Submit { permit, event } => match self.gathered.put(permit, event) {
                Fill::Room => Ok(()),
                Fill::Full => self.submit().await,
            },
            Verdict::Refill { permit, event } => match self.gathered.put_refill(permit, event) {
                Fill::Room => Ok(()),
                Fill::Full => self.submit().await,
            },
        }
    }

    async fn submit(&mut self) -> Result<(), End> {
        while let Some(told) = self.answering.try_join_next() {
            told.map_err(|_panicked| End::Failed)?;
        }
        let (submissions, refills) = self.gathered.take(&self.desk.peer);
        for submission in submissions {
            let answering = self.desk.clone().take_in(submission).await;
            self.answering.spawn(answering);
        }
        for refills in refills {
            let answering = self.desk.clone().take_in(refills).await;
            self.answering.spawn(answering);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
