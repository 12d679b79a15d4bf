//! A session's way to the broker: what was judged goes up, deliveries come down. Both directions wait for whoever is slow, and
//! an event is let down only while its reader may read it.

use std::sync::Arc;

use schemas::refusal::Hold;
use tokio::io::AsyncRead;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::desk::Desk;
use super::outgoing::{Closed, Outgoing};
use super::prices;
use super::pulls::{InVain, Passes};
use super::unanswered::Waiting;
use crate::acl::DeliveryRights;
use crate::judge::{Denial, Denied};
use crate::limits::STAMP_LOOK_INTERVAL;
use crate::policy::Policy;
use crate::seldom::seldom;
use crate::upstream::raw::{self, Connection, Outage};
use crate::wire::{Delivery, Frame, ServerFrame, ServerParser, Subject, Tongue};
use bytes::Bytes;

pub struct Upstream {
    up: Arc<Outgoing>,
    /// Reading and writing; both end with the session, at the latest.
    tasks: JoinSet<()>,
}

impl Upstream {
    /// Connects, and makes the session's subscriptions there.
    pub async fn open(
        desk: Arc<Desk>,
        name: &str,
        no_responders: bool,
        policies: watch::Receiver<Arc<Policy>>,
    ) -> Result<Upstream, Outage> {
        let opened = desk.gateway.broker.open(name, no_responders).await;
        let Connection { stream, parser, .. } = opened.inspect_err(|outage| {
            let peer = &desk.peer;
            seldom!(warn, peer.office(), "no-connection", %peer, %outage, "no connection to the broker");
        })?;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let up = Outgoing::new(Tongue::Nats);
        let queue = up.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = queue.write_to(&mut writer).await {
                seldom!(warn, "the broker", "takes-nothing", %error, "the broker takes nothing more");
            }
        });
        let rights = DeliveryRights::of(&policies.borrow().registry, &desk.peer);
        let mut deliveries = Deliveries {
            desk: desk.clone(),
            up: up.clone(),
            rights,
            policies,
            stamp_look: Instant::now(),
        };
        tasks.spawn(async move { deliveries.run(&mut reader, parser).await });
        let watcher = desk.clone();
        tasks.spawn(async move { tell_unanswered(&watcher).await });
        let (pulling, queue) = (desk.clone(), up.clone());
        tasks.spawn(async move {
            // What has to come at once is asked for when there is room for it.
            while queue.send(pulling.pulls.large().await).await.is_ok() {}
        });
        let forgetting = desk.clone();
        tasks.spawn(async move { forgetting.pulls.forget(&forgetting.subscriptions).await });
        let (pausing, queue) = (desk.clone(), up.clone());
        tasks.spawn(async move { resume(&pausing, &queue).await });
        let subscriptions = desk.subscriptions.operations();
        up.send(subscriptions)
            .await
            .map_err(|Closed| Outage::Silent)?;
        Ok(Upstream { up, tasks })
    }

    pub async fn send(&self, frame: Bytes) -> Result<(), Closed> {
        self.up.send(frame).await
    }

    /// Either direction has ended.
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}

/// Listens again to what was pushed faster than the client takes it, or than its office pays for it, when half of its line is free and
/// nothing is owed; until either takes nothing more.
async fn resume(desk: &Desk, up: &Outgoing) {
    loop {
        desk.subscriptions.paused().await;
        let resumed = async {
            desk.down.half_empty().await?;
            while desk.account.owes() {
                desk.account.paced().await;
            }
            up.send(desk.subscriptions.resume()).await
        };
        if resumed.await.is_err() {
            return;
        }
    }
}

/// Tells the client of requests that the broker leaves without an answer, until nothing can be told any more.
async fn tell_unanswered(desk: &Desk) {
    loop {
        let Waiting {
            subject,
            reply,
            shape,
            ..
        } = desk.unanswered.overdue().await;
        let peer = &desk.peer;
        seldom!(warn, peer.office(), "no-answer", %peer, %subject, "the broker does not answer");
        desk.reads.give_up(&reply);
        let denial = Denial {
            what: Denied::Publish,
            subject,
            no: Hold::BusUnavailable.into(),
            reply: Some((reply, shape)),
        };
        let policy = desk.gateway.policy.borrow().clone();
        if desk.deny(&denial, &policy).await.is_err() {
            return;
        }
    }
}

struct Deliveries {
    desk: Arc<Desk>,
    up: Arc<Outgoing>,
    rights: DeliveryRights,
    policies: watch::Receiver<Arc<Policy>>,
    /// When the stamp of what is delivered is looked at next.
    stamp_look: Instant,
}

impl Deliveries {
    async fn run(&mut self, reader: &mut (impl AsyncRead + Unpin), mut parser: ServerParser) {
        loop {
            // A read that has not ended has read nothing, so that listening may end before it.
            let next = raw::next(reader, &mut parser);
            let is_heard = |reply: &Subject| self.desk.subscriptions.hears(reply);
            let taken = match self.desk.pulls.listen(next, is_heard).await {
                Ok(Ok(frame)) => self.take(frame).await,
                Ok(Err(outage)) => {
                    let peer = &self.desk.peer;
                    seldom!(warn, peer.office(), "connection-ended", %peer, %outage, "the broker's connection ended");
                    return;
                }
                Err(in_vain) => self.tell_in_vain(&in_vain).await,
            };
            if taken.is_err() {
                return;
            }
        }
    }

    async fn take(&mut self, frame: ServerFrame) -> Result<(), Closed> {
        match frame {
            ServerFrame::Message(delivery) => self.deliver(delivery).await,
            ServerFrame::Ping => self.up.send(Frame::new().pong().finish()).await,
            ServerFrame::Error(text) => {
                let peer = &self.desk.peer;
                seldom!(warn, peer.office(), "complaint", %peer, text, "the broker complains");
                Ok(())
            }
            ServerFrame::Info(_) | ServerFrame::Ok | ServerFrame::Pong => Ok(()),
        }
    }

    async fn tell_in_vain(&self, pulls: &[InVain]) -> Result<(), Closed> {
        for pull in pulls {
            let (peer, consumer) = (&self.desk.peer, &pull.consumer);
            seldom!(warn, peer.office(), "consumer-silent", %peer, %consumer, "the broker says nothing more of a consumer");
            self.desk.tell_in_vain(pull).await?;
        }
        Ok(())
    }

    /// What is pushed is asked for by nobody, and does not wait at nats-server for a client that takes nothing, or an office that owes
    /// something: it is not listened to there until this has found room. What a consumer has not delivered it delivers then.
    async fn hold_back(&self, delivery: &Delivery) -> Result<(), Closed> {
        let Desk { down, account, .. } = &*self.desk;
        if !down.is_full_for(&delivery.frame) && !account.owes() {
            return Ok(());
        }
        match self.desk.subscriptions.pause(&delivery.sid) {
            Some(unsubscribe) => self.up.send(unsubscribe).await,
            None => Ok(()),
        }
    }

    /// By which registry what comes was stored; now and then, for it takes a search in its headers.
    fn look_at_stamp(&mut self, delivery: &Delivery) {
        let now = Instant::now();
        if now < self.stamp_look || !delivery.subject().starts_with(b"spean.log.") {
            return;
        }
        self.stamp_look = now + STAMP_LOOK_INTERVAL;
        let body = delivery.body();
        let end = body.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(headers) = end.and_then(|end| body.get(..end)) {
            let policy = self.policies.borrow();
            self.desk.gateway.behind.look(headers, &policy);
        }
    }

    async fn deliver(&mut self, delivery: Delivery) -> Result<(), Closed> {
        if self.policies.has_changed().unwrap_or(false) {
            let policy = self.policies.borrow_and_update().clone();
            self.rights = DeliveryRights::of(&policy.registry, &self.desk.peer);
        }
        // Given back at the end of this, when the client's line has it.
        let (mut asked, mut _read) = (None, None);
        if delivery.subject().starts_with(b"_INBOX.") {
            asked = self.desk.unanswered.hear(delivery.subject());
            if let Some(searched) = self.desk.reads.searched(&delivery) {
                self.desk.account.pay(searched);
            }
            _read = self.desk.reads.ended(&delivery);
        }
        let passes = self.desk.pulls.hear(&delivery);
        let pushed = passes == Passes::Pushed;
        match passes {
            Passes::On | Passes::Pushed => {}
            Passes::NoFurther => return Ok(()),
            Passes::GoesOn(piece) => {
                self.desk.account.pay(prices::PULLED_ON);
                return self.up.send(piece).await;
            }
            Passes::Ended { reply, told } => return self.desk.tell_ended(&reply, &told).await,
        }
        self.look_at_stamp(&delivery);
        if !self.rights.open(delivery.subject()) {
            self.desk.withhold(delivery.subject()).await;
            return Ok(());
        }
        match self.desk.subscriptions.deliver(&delivery.sid) {
            Some(()) => {
                let account = &self.desk.account;
                account.pay(prices::delivery(delivery.frame.len()));
                if pushed {
                    self.hold_back(&delivery).await?;
                }
                account.paced().await;
                let told = asked.and_then(|asked| told(asked, &delivery));
                self.desk.down.send(told.unwrap_or(delivery.frame)).await
            }
            None => Ok(()),
        }
    }
}

/// An answer about a consumer that has another name for its client; None where it is told as it came.
fn told(asked: Waiting, delivery: &Delivery) -> Option<Bytes> {
    let body = asked.renamed?.tell(&delivery.body())?;
    let frame = Frame::new().message(&asked.reply, &delivery.sid, &body);
    Some(frame.finish())
}
