//! What of a session goes to the broker: subscriptions, requests, and what it asks others. Verdicts come in, frames go up the session's
//! own connection, which is opened on first need.

use schemas::confirmation::{Said, signed_with};
use schemas::heal::{HEAL_PREFIX, HealRequest};
use schemas::refusal::{Hold, Refusal};

use super::desk::Desk;
use super::end::End;
use super::outgoing::Closed;
use super::upstream::Upstream;
use super::{Session, denial};
use crate::acl::Confirmable;
use crate::audit::Record;
use crate::judge::{Denial, Denied};
use crate::limits::READ_COPIES_MAX;
use crate::refuse::No;
use crate::request::{self, Pull, Renamed};
use crate::seldom::seldom;
use crate::wire::{Frame, Sid, Subject, Subscribe};

impl Session {
    pub(super) async fn subscribe(&mut self, subscribe: Subscribe) -> Result<(), End> {
        let Subscribe {
            subject,
            sid,
            queue,
        } = subscribe;
        let added = self.desk.subscriptions.add(sid.clone(), subject.clone());
        if added.is_err() {
            let no = denial::too_many_subscriptions();
            let denial = Denial {
                what: Denied::Subscription { queue },
                subject,
                no,
                reply: None,
            };
            return Ok(self.desk.deny(&denial, &self.policy).await?);
        }
        self.desk
            .record_allowed("subscribe", &subject, &self.policy)
            .await;
        if subject.as_str().starts_with(HEAL_PREFIX) && self.upstream.is_none() {
            // What others ask comes from the broker; an opening upstream begins with all subscriptions.
            let opened = self.open_upstream().await;
            self.upstream = Some(opened.map_err(|_no| End::BrokerGone)?);
            return Ok(());
        }
        self.upstream_say(Frame::new().subscribe(&subject, &sid))
            .await
    }

    /// Has a request looked at and passed on, unless its office asks all the time.
    pub(super) async fn ask_to_heal(&mut self, request: HealRequest) -> Result<(), End> {
        if self.desk.account.may_ask_to_heal(request.heard_bytes()) {
            let registry = self.policy.registry.clone();
            let asking = self.desk.clone().ask_to_heal(request, registry).await;
            self.answering.spawn(asking);
            return Ok(());
        }
        let denial = Denial {
            what: Denied::Publish,
            subject: Subject::parse(request.subject().as_bytes())?,
            no: Hold::AskedTooOften.into(),
            reply: None,
        };
        Ok(self.desk.deny(&denial, &self.policy).await?)
    }

    pub(super) async fn unsubscribe(&mut self, sid: &Sid, after: Option<usize>) -> Result<(), End> {
        self.desk.subscriptions.end(sid, after);
        self.upstream_say(Frame::new().unsubscribe(sid, after))
            .await
    }

    /// Where no upstream is open, the table alone knows; an opening one begins with the table.
    async fn upstream_say(&self, frame: Frame) -> Result<(), End> {
        if let Some(upstream) = &self.upstream {
            upstream.send(frame.finish()).await?;
        }
        Ok(())
    }

    pub(super) async fn forward(
        &mut self,
        subject: &Subject,
        reply: Option<&Subject>,
        body: &[u8],
        renamed: Option<Renamed>,
    ) -> Result<(), End> {
        let desk = self.desk.clone();
        let answers = request::answers_of(subject, body);
        if let Some(reply) = reply
            && answers == request::Answers::Many
            && desk.subscriptions.copies(reply) > READ_COPIES_MAX
        {
            let denial = denial::too_many_copies(subject, reply);
            return Ok(desk.deny(&denial, &self.policy).await?);
        }
        let Some(upstream) = self.way_up(subject, reply).await? else {
            return Ok(());
        };
        if let Some(reply) = reply {
            tokio::select! {
                () = desk.reads.begin(reply, answers, &desk.subscriptions) => {}
                () = upstream.ended() => return Err(End::BrokerGone),
            }
            desk.unanswered.ask(subject, reply, renamed);
        }
        let frame = Frame::new().publish(subject, reply, body).finish();
        upstream.send(frame).await.map_err(|Closed| End::BrokerGone)
    }

    /// A reader's word goes to its stream as it is written anew here; beside it stands the key of whoever has signed what it names.
    pub(super) async fn confirm(
        &mut self,
        confirmable: &Confirmable,
        (subject, reply): (&Subject, Option<&Subject>),
    ) -> Result<(), End> {
        let desk = self.desk.clone();
        let Some(upstream) = self.way_up(subject, reply).await? else {
            return Ok(());
        };
        if let Some(reply) = reply {
            desk.unanswered.ask(subject, reply, None);
        }
        let body = confirmable.confirmation().to_string();
        let frame = match confirmable.signed_with() {
            Some(keyid) => {
                let headers = signed_with(keyid);
                Frame::new().publish_with_headers(
                    subject,
                    reply,
                    headers.as_bytes(),
                    body.as_bytes(),
                )
            }
            None => Frame::new().publish(subject, reply, body.as_bytes()),
        };
        let sent = upstream.send(frame.finish()).await;
        let said = confirmable.confirmation().said();
        if let Some(newest) = said.newest {
            let (ends, who) = (desk.gateway.commits.ends(), said.reader.to_string());
            ends.names(&said.log.feed, &who, newest);
        }
        if confirmable.signed_with().is_none() {
            self.record_unproved(confirmable, subject).await;
        }
        sent.map_err(|Closed| End::BrokerGone)
    }

    /// A word for which nothing is shown binds nobody, and somebody has to look at the reader.
    async fn record_unproved(&self, confirmable: &Confirmable, subject: &Subject) {
        let Desk { gateway, peer, .. } = &*self.desk;
        let Said { log, position, .. } = confirmable.confirmation().said();
        seldom!(error, peer.office(), "confirmation-unproved", %peer, %log, %position, "a confirmation without evidence: it holds nobody");
        let record = Record {
            op: "confirm",
            subject: Some(subject.as_str()),
            answer: "unproved",
            code: Some(Refusal::ConfirmationUnproved.code().name),
            registry: self.policy.position(),
            id: None,
            position: Some(position.number()),
        };
        gateway.audit.record(Some(peer), [record]).await;
    }

    /// The same for a pull, which may wait for long and is watched meanwhile.
    pub(super) async fn pull(&mut self, pull: &Pull, reply: &Subject) -> Result<(), End> {
        let desk = self.desk.clone();
        if desk.subscriptions.copies(reply) > READ_COPIES_MAX {
            let denial = denial::too_many_copies(pull.subject(), reply);
            return Ok(desk.deny(&denial, &self.policy).await?);
        }
        let Some(upstream) = self.way_up(pull.subject(), Some(reply)).await? else {
            return Ok(());
        };
        match desk.pulls.ask(pull, reply) {
            Ok(piece) => {
                let sent = upstream.send(piece).await;
                sent.map_err(|Closed| End::BrokerGone)
            }
            Err(why) => {
                let denial = denial::pull_not_asked(pull.subject(), reply, why);
                Ok(desk.deny(&denial, &self.policy).await?)
            }
        }
    }

    /// Where a request goes; None where it may not go now, which the client is told.
    async fn way_up(
        &mut self,
        subject: &Subject,
        reply: Option<&Subject>,
    ) -> Result<Option<&mut Upstream>, End> {
        let opened = match (self.has_room(subject).await, self.upstream.take()) {
            (Ok(()), Some(upstream)) => Ok(upstream),
            (Ok(()), None) => self.open_upstream().await,
            (Err(no), upstream) => {
                self.upstream = upstream;
                Err(no)
            }
        };
        match opened {
            Ok(upstream) => {
                self.desk.record_request(subject, &self.policy).await;
                Ok(Some(self.upstream.insert(upstream)))
            }
            Err(no) => {
                let shape = request::shape_of(subject);
                let denial = Denial {
                    what: Denied::Publish,
                    subject: subject.clone(),
                    no,
                    reply: reply.map(|reply| (reply.clone(), shape)),
                };
                self.desk.deny(&denial, &self.policy).await?;
                Ok(None)
            }
        }
    }

    /// For the consumer that a request makes; any other request needs none.
    async fn has_room(&self, subject: &Subject) -> Result<(), No> {
        let Some((feed, name)) = request::consumer_made(subject) else {
            return Ok(());
        };
        let gateway = &self.desk.gateway;
        let room = gateway
            .consumers
            .room(&gateway.broker, &self.desk.peer, &feed, name);
        room.await
    }

    async fn open_upstream(&self) -> Result<Upstream, No> {
        let no_responders = self
            .connect
            .as_ref()
            .is_some_and(|connect| connect.no_responders);
        let name = format!("{} #{}", self.desk.peer, self.client.id);
        Upstream::open(
            self.desk.clone(),
            &name,
            no_responders,
            self.policies.clone(),
        )
        .await
        .map_err(|_outage| No::Held(Hold::BusUnavailable))
    }
}
