//! The office's own log as the bus has it: a session comes in, the head and authentic events go out. Nothing is written.
//! The bus is not believed: every event is the office's by its signature, and linked to the one before it.

use schemas::alarm::Alarm;
use schemas::chain::Head;
use schemas::envelope::format;
use schemas::envelope::nats::{self, Origin};
use schemas::event::{Hash, Position};
use schemas::head::{self, Answer, Ask, HeadSearch, Step};
use schemas::notice::GapDeclared;
use schemas::receipt::{Receipt, ReceiptFault};
use schemas::refusal::Hold;
use schemas::signing::SignedEvent;
use schemas::subject::{LogName, LogSubject};

use super::Trouble;
use crate::link::{Answer as LinkAnswer, Get, Session, StoredMessage};

/// An event of the own log, and where the stream has it.
#[derive(Debug, Clone)]
pub struct OnBus {
    pub sequence: u64,
    pub event: SignedEvent,
}

/// Where the log ends on the bus.
#[derive(Debug, Clone)]
pub struct BusHead {
    /// The last event, or the end of what was declared lost behind it.
    pub head: Head,
    /// None where the log has no event.
    pub last: Option<OnBus>,
    /// The gap declarations behind the last event.
    pub declared: Vec<SignedEvent>,
}

/// What was told of a receipt: none, one that is not believed yet, or why there was no answer.
pub type Answered = Result<Option<Result<Box<Receipt>, ReceiptFault>>, Trouble>;

/// A log, asked for over a session.
pub struct SessionLog<'s> {
    pub session: &'s Session,
    pub log: &'s LogName,
    pub genesis: Hash,
}

impl SessionLog<'_> {
    /// The head, from the leader, by the rule that gateways go by.
    pub async fn head(&self) -> Result<BusHead, Trouble> {
        let (subject, gaps) = (self.log.subject(), head::gap_subject(self.log));
        let (mut search, mut ask) = HeadSearch::begin();
        let mut last_read: Option<StoredMessage> = None;
        let mut declared = Vec::new();
        let found = loop {
            let answer = match ask {
                Ask::Count => {
                    let count = self.session.count(&self.log.feed, &subject).await?;
                    Answer::Count {
                        messages: count.messages,
                        first: count.first,
                        last: count.last,
                    }
                }
                Ask::Last => self.ask(Get::Last(&subject), &mut last_read).await?,
                Ask::From(from) => self.ask(Get::From(from, &subject), &mut last_read).await?,
                Ask::Gap(from) => {
                    let message = self.message(Get::From(from, &gaps)).await?;
                    let headers = message.as_ref().map(|message| &message.headers[..]);
                    if let Some(newer) = headers.and_then(format::newer_in_headers) {
                        return Err(newer.into());
                    }
                    let sequence = message.as_ref().map(|message| message.sequence);
                    let read = message.map(|message| self.event(message, &gaps));
                    // One that cannot be read is as good as none.
                    declared.extend(read.and_then(Result::ok).map(|on| on.event));
                    sequence.map_or(Answer::None, Answer::Message)
                }
            };
            match search.answer(answer) {
                Step::Ask(next) => ask = next,
                Step::Found(found) => break found,
            }
        };
        let read = last_read.filter(|message| Some(message.sequence) == found);
        let last = match (found, read) {
            (None, _) => None,
            (Some(_), Some(message)) => Some(self.own(message)?),
            (Some(sequence), None) => Some(self.from(sequence).await?.ok_or_else(changed)?),
        };
        let head = last
            .as_ref()
            .map_or(Head::empty(self.genesis), |last| Head::of(&last.event));
        Ok(BusHead {
            head: head::behind(head, &declared),
            last,
            declared,
        })
    }

    /// The first event from a sequence on, from the leader.
    pub async fn from(&self, sequence: u64) -> Result<Option<OnBus>, Trouble> {
        let subject = self.log.subject();
        let get = Get::From(sequence, &subject);
        let message = self.session.message(&self.log.feed, get).await?;
        message.map(|message| self.own(message)).transpose()
    }

    /// Some events from a sequence on; may end early, and even be empty.
    pub async fn page(&self, sequence: u64) -> Result<Vec<OnBus>, Trouble> {
        let subject = self.log.subject();
        let page = self
            .session
            .page(&self.log.feed, &subject, sequence)
            .await?;
        page.into_iter().map(|message| self.own(message)).collect()
    }

    /// The gateway's word that an event which is there is durable: the same event sent again is answered with it.
    pub async fn receipt(&self, event: &SignedEvent) -> Answered {
        match self.session.publish(event).await.await {
            LinkAnswer::Stored { receipt, .. } => Ok(receipt),
            LinkAnswer::Refused { code, .. } => Err(Trouble::Held {
                code,
                text: format!(
                    "{}: position {} is on the bus, and its receipt is refused",
                    self.log,
                    event.link().position
                ),
            }),
            LinkAnswer::Held { code, text, .. } => Err(Trouble::Held { code, text }),
            LinkAnswer::Unreachable => Err(Trouble::Ended),
        }
    }

    /// The log's gap declarations, as far as they can be read.
    pub async fn declarations(&self) -> Result<Vec<(SignedEvent, GapDeclared)>, Trouble> {
        let subject = LogSubject::Gap(self.log.clone()).to_string();
        let (mut all, mut next) = (Vec::new(), 1);
        while let Some(message) = self.message(Get::From(next, &subject)).await? {
            next = message.sequence.saturating_add(1);
            match self.event(message, &subject) {
                Ok(on) => all.extend(GapDeclared::read(&on.event).ok().map(|gap| (on.event, gap))),
                Err(why) => tracing::warn!(%why, "a gap declaration cannot be read"),
            }
        }
        Ok(all)
    }

    /// An event that was put back at its position's own subject.
    pub async fn refilled(&self, position: Position) -> Result<Option<OnBus>, Trouble> {
        let subject = LogSubject::Refill(self.log.clone(), position).to_string();
        let message = self.message(Get::Last(&subject)).await?;
        message
            .map(|message| self.event(message, &subject))
            .transpose()
    }

    async fn message(&self, get: Get<'_>) -> Result<Option<StoredMessage>, Trouble> {
        Ok(self.session.message(&self.log.feed, get).await?)
    }

    async fn ask(
        &self,
        get: Get<'_>,
        last_read: &mut Option<StoredMessage>,
    ) -> Result<Answer, Trouble> {
        let message = self.session.message(&self.log.feed, get).await?;
        let answer = message.as_ref().map(|message| message.sequence);
        if message.is_some() {
            *last_read = message;
        }
        Ok(answer.map_or(Answer::None, Answer::Message))
    }

    fn own(&self, message: StoredMessage) -> Result<OnBus, Trouble> {
        self.event(message, &self.log.subject())
    }

    fn event(&self, message: StoredMessage, subject: &str) -> Result<OnBus, Trouble> {
        let unreadable = |why: String| Trouble::Held {
            code: Alarm::OwnLogUnreadable.into(),
            text: format!(
                "{} has at sequence {} what is no event of it: {why}",
                self.log, message.sequence
            ),
        };
        let event =
            nats::decode(&message.headers, message.data, Origin::Bus).map_err(|refusal| {
                match format::newer_in_headers(&message.headers) {
                    Some(hold) => hold.into(),
                    None => unreadable(refusal.to_string()),
                }
            })?;
        if event.event().log() != self.log || message.subject != subject {
            return Err(unreadable("it is of another log".into()));
        }
        Ok(OnBus {
            sequence: message.sequence,
            event,
        })
    }
}

fn changed() -> Trouble {
    Trouble::Held {
        code: Hold::LogUnreadable.code().into(),
        text: "the log changed while its head was looked for".into(),
    }
}
