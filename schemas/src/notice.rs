//! What an office says of its log and not in it: notices come in as values and go out as events, and back. They are admitted on
//! every feed, each by the one contract that stands here, and are never data.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::contract::Contract;
use crate::event::{AttributeFault, Classification, Core, Event, Hash, Timestamp};
use crate::feed::{Action, EventType};
use crate::json;
use crate::limits::GAP_POSITIONS_MAX;
use crate::receipt::Receipt;
use crate::refusal::{Detail, Refusal};
use crate::signing::SignedEvent;
use crate::subject::LogName;

/// The type of the event behind events that an office took back.
pub const LOG_RESUMED: &str = "kh.gov.nida.spean.log-resumed.v1";
/// The type of a gap declaration, which stands on `<log>.gap` and nowhere else.
pub const GAP_DECLARED: &str = "kh.gov.nida.spean.gap-declared.v1";
const LOG_RESUMED_CONTRACT: &str = "https://spean.gov.kh/contracts/log-resumed/1.0";
/// Without evidence, as declarations were written once.
const GAP_DECLARED_1_0: &str = "https://spean.gov.kh/contracts/gap-declared/1.0";
const GAP_DECLARED_1_1: &str = "https://spean.gov.kh/contracts/gap-declared/1.1";

static RESUMED: LazyLock<EventType> = LazyLock::new(|| EventType {
    name: LOG_RESUMED.into(),
    action: Action::Submitted,
    contracts: vec![LOG_RESUMED_CONTRACT.into()],
});
#[expect(
    clippy::expect_used,
    reason = "contracts/ is part of the program and tested"
)]
static CONTRACTS: LazyLock<[Arc<Contract>; 3]> = LazyLock::new(|| {
    let compile = |uri, schema| {
        let contract = Contract::compile(uri, schema);
        Arc::new(contract.expect("contracts/ is part of the program and tested"))
    };
    [
        compile(
            LOG_RESUMED_CONTRACT,
            include_str!("../contracts/log-resumed/1.0.json"),
        ),
        compile(
            GAP_DECLARED_1_0,
            include_str!("../contracts/gap-declared/1.0.json"),
        ),
        compile(
            GAP_DECLARED_1_1,
            include_str!("../contracts/gap-declared/1.1.json"),
        ),
    ]
});

/// The type of that name which stands in the logs of every feed.
pub fn on_every_feed(event_type: &str) -> Option<&'static EventType> {
    (event_type == LOG_RESUMED).then(|| &*RESUMED)
}

/// A notice's contract; every registry has these.
pub fn contract(uri: &str) -> Option<&'static Arc<Contract>> {
    CONTRACTS.iter().find(|contract| contract.uri() == uri)
}

/// An office took these positions of its log back from the bus: it did not remember them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogResumed {
    #[serde(deserialize_with = "json::whole")]
    pub first: u64,
    #[serde(deserialize_with = "json::whole")]
    pub last: u64,
    /// Of the last one.
    pub hash: String,
}

/// The bus has lost these positions, and the office no longer has them. The event's own place is the position behind them, its
/// `prevhash` the hash that the log goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapDeclared {
    pub first: u64,
    pub last: u64,
}

/// A declaration's data.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    #[serde(deserialize_with = "json::whole")]
    first: u64,
    #[serde(deserialize_with = "json::whole")]
    last: u64,
    /// A gateway's word that there was something at the last position, or behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

impl LogResumed {
    pub fn new(first: u64, last: u64, hash: Hash) -> LogResumed {
        let hash = hash.to_string();
        LogResumed { first, last, hash }
    }

    /// The same taking gives the same id.
    pub fn id(&self) -> String {
        format!("log-resumed-{}-{}-{}", self.first, self.last, self.hash)
    }

    /// The notice as an event that joins its log.
    ///
    /// # Errors
    /// Never, for a log with a name.
    pub fn event(&self, log: LogName, now: Timestamp) -> Result<Event, Vec<AttributeFault>> {
        notice(log, now, self.id(), LOG_RESUMED, LOG_RESUMED_CONTRACT, self)
    }

    /// Reads it back; None for any other event.
    pub fn read(event: &Event) -> Option<LogResumed> {
        let data = (event.core().event_type == LOG_RESUMED).then(|| event.data())?;
        serde_json::from_slice(data).ok()
    }
}

impl GapDeclared {
    /// The declaration as an event, to be signed at the position behind the range. Where nothing stands behind it, a receipt shows
    /// that it was there.
    ///
    /// # Errors
    /// Never, for a log with a name.
    pub fn event(
        &self,
        log: LogName,
        now: Timestamp,
        receipt: Option<Receipt>,
    ) -> Result<Event, Vec<AttributeFault>> {
        let GapDeclared { first, last } = *self;
        let id = format!("gap-declared-{first}-{last}");
        let data = Declaration {
            first,
            last,
            receipt,
        };
        notice(log, now, id, GAP_DECLARED, GAP_DECLARED_1_1, &data)
    }

    /// Reads a declaration that stands where it must. Gateways, offices and readers all ask this, so that one that says too much, and is
    /// stored all the same, is nobody's word.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(signed: &SignedEvent) -> Result<GapDeclared, Refusal> {
        GapDeclared::read_with_receipt(signed).map(|(gap, _receipt)| gap)
    }

    /// The same, with the receipt that it carries; it is not believed yet.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_with_receipt(
        signed: &SignedEvent,
    ) -> Result<(GapDeclared, Option<Receipt>), Refusal> {
        let core = signed.event().core();
        if core.event_type != GAP_DECLARED {
            return Err(Refusal::TypeNotOfFeed);
        }
        let known = [GAP_DECLARED_1_0, GAP_DECLARED_1_1].contains(&core.data_schema.as_str());
        let contract = contract(&core.data_schema).filter(|_| known);
        let contract = contract.ok_or(Refusal::SchemaNotOfFeed)?;
        let checked = contract.check(&core.data).map_err(|faults| {
            let details = faults.into_iter().map(Detail::from).collect();
            Refusal::ContractViolated(details)
        })?;
        let read = serde_json::from_value(checked).map_err(|why| {
            let km = "ត្រូវមានចំនួនគត់ first និង last ហើយ receipt ជាបង្កាន់ដៃរបស់ច្រក";
            violated("", why.to_string(), km.to_owned())
        })?;
        let Declaration {
            first,
            last,
            receipt,
        } = read;
        let gap = GapDeclared { first, last };
        let end = signed.link().position.before();
        if gap.first > gap.last || end.is_none_or(|end| end.number() != gap.last) {
            let en = "must be the position before the declaration's own sequence, and not before the first";
            let km = "ត្រូវជាទីតាំងមុន sequence របស់សេចក្តីប្រកាស";
            return Err(violated("/last", en, km));
        }
        if gap.last.saturating_sub(gap.first) >= GAP_POSITIONS_MAX {
            let en = format!("one declaration names at most {GAP_POSITIONS_MAX} positions");
            let km = format!("សេចក្តីប្រកាសមួយមានយ៉ាងច្រើន {GAP_POSITIONS_MAX} ទីតាំង");
            return Err(violated("/first", en, km));
        }
        Ok((gap, receipt))
    }
}

fn violated(at: &str, en: impl Into<String>, km: impl Into<String>) -> Refusal {
    Refusal::ContractViolated(vec![Detail::new(at, en, km)])
}

fn notice(
    log: LogName,
    now: Timestamp,
    id: String,
    event_type: &str,
    data_schema: &str,
    data: &impl Serialize,
) -> Result<Event, Vec<AttributeFault>> {
    let core = Core {
        id,
        event_type: event_type.into(),
        subject: None,
        time: now,
        data_content_type: "application/json".into(),
        data_schema: data_schema.into(),
        causation_id: None,
        data_classification: Classification::Internal,
        data: json::text(data).into(),
    };
    Event::new(log, core, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Link;
    use crate::event::Position;
    use crate::signing::SigningKey;

    fn log() -> LogName {
        LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a log")
    }

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000).expect("a time")
    }

    fn declared(gap: GapDeclared, at: u64) -> SignedEvent {
        let (key, _) = SigningKey::generate().expect("a key");
        let event = gap.event(log(), now(), None).expect("well formed");
        let position = Position::new(at).expect("a position");
        let prev = Hash::of(b"the last lost one");
        SignedEvent::sign(event, Link { position, prev }, &key)
    }

    #[test]
    fn a_declaration_stands_behind_its_range_or_is_none() {
        let gap = GapDeclared {
            first: 41,
            last: 43,
        };
        assert_eq!(GapDeclared::read(&declared(gap, 44)), Ok(gap));
        for (gap, at) in [
            (gap, 43),
            (gap, 45),
            (
                GapDeclared {
                    first: 44,
                    last: 43,
                },
                44,
            ),
            (GapDeclared { first: 0, last: 43 }, 44),
        ] {
            let read = GapDeclared::read(&declared(gap, at));
            assert!(matches!(read, Err(Refusal::ContractViolated(_))), "{gap:?}");
        }
    }

    fn written(data: &str, at: u64) -> SignedEvent {
        let (first, last) = (41, 43);
        let gap = GapDeclared { first, last };
        let event = gap.event(log(), now(), None).expect("well formed");
        let mut core = event.core().clone();
        core.data = data.to_owned().into();
        let event = Event::new(log(), core, now()).expect("well formed");
        let (key, _) = SigningKey::generate().expect("a key");
        let position = Position::new(at).expect("a position");
        let prev = Hash::of(b"the last lost one");
        SignedEvent::sign(event, Link { position, prev }, &key)
    }

    #[test]
    fn a_declaration_is_read_as_its_contract_reads_it() {
        let gap = GapDeclared {
            first: 41,
            last: 77,
        };
        for data in [
            r#"{"first":41,"last":77}"#,
            r#"{"first":41.0,"last":77.0}"#,
            r#"{"first":4.1e1,"last":77e0}"#,
        ] {
            assert_eq!(GapDeclared::read(&written(data, 78)), Ok(gap), "{data}");
        }
        for data in [
            r#"{"first":41.5,"last":77}"#,
            r#"{"first":-41,"last":77}"#,
            r#"{"first":"41","last":77}"#,
            r#"{"first":41,"last":18446744073709551615}"#,
            r#"{"first":41}"#,
            r#"[41,77]"#,
            "",
        ] {
            let read = GapDeclared::read(&written(data, 78));
            assert!(matches!(read, Err(Refusal::ContractViolated(_))), "{data}");
        }
        let resumed = LogResumed::new(6, 9, Hash::of(b"9"));
        let event = resumed.event(log(), now()).expect("well formed");
        let mut core = event.core().clone();
        let hash = &resumed.hash;
        core.data = format!(r#"{{"first":6.0,"last":9e0,"hash":"{hash}"}}"#).into();
        let event = Event::new(log(), core, now()).expect("well formed");
        let contract = contract(LOG_RESUMED_CONTRACT).expect("a contract");
        assert!(contract.check(event.data()).is_ok());
        assert_eq!(LogResumed::read(&event), Some(resumed));
    }

    #[test]
    fn a_declaration_of_more_than_a_log_can_have_lost_is_nobodys_word() {
        let gap = |last| GapDeclared { first: 3, last };
        let most = 2 + GAP_POSITIONS_MAX;
        let read = GapDeclared::read(&declared(gap(most), most + 1));
        assert_eq!(read, Ok(gap(most)));
        for last in [most + 1, crate::limits::POSITION_MAX - 1] {
            let read = GapDeclared::read(&declared(gap(last), last + 1));
            assert!(matches!(read, Err(Refusal::ContractViolated(_))), "{last}");
        }
    }

    #[test]
    fn a_resumed_log_says_so_under_one_contract_on_every_feed() {
        let resumed = LogResumed::new(6, 9, Hash::of(b"9"));
        let event = resumed.event(log(), now()).expect("well formed");
        assert_eq!(LogResumed::read(&event), Some(resumed));
        let known = on_every_feed(&event.core().event_type).expect("known");
        assert!(known.takes(&event.core().data_schema));
        let contract = contract(&event.core().data_schema).expect("a contract");
        assert!(contract.check(event.data()).is_ok());
        assert_eq!(on_every_feed(GAP_DECLARED), None);
    }
}
