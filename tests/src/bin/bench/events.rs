//! Events signed and chained before the clock runs: labour figures of about 1 KiB, each in its office's own log.
//! In: an office's bundle. Out: messages as any client would send them. Never: a signature made while something is measured.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use async_nats::HeaderMap;
use bytes::Bytes;
use schemas::chain::Head;
use schemas::envelope::nats;
use schemas::event::{Classification, Core, Event, Hash, Timestamp};
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::{FeedName, LogName, OfficeId};
use schemas::tables::PROVINCES;
use serde_json::{Value, json};

pub const FEED: &str = "labour-returns";
pub const CONTRACT: &str = "https://spean.gov.kh/contracts/labour-returns/1.0";
/// The P-code of the province whose offices the agents are.
pub const SIEM_REAP: &str = "KH17";
/// Pads the figure's data to 1 KiB.
const NOTE_BYTES: usize = 780;

/// An office of the benchmark: all of them write logs of one feed.
#[derive(Clone, Debug)]
pub struct Place {
    pub office: String,
    pub pcode: String,
}

impl Place {
    pub fn log(&self, feed: &str) -> Result<LogName> {
        Ok(LogName {
            feed: feed.parse::<FeedName>()?,
            office: self.office.parse::<OfficeId>()?,
        })
    }
}

/// Provincial offices of three ministries, at most 75.
pub fn places(count: usize) -> Vec<Place> {
    let of_ministry = |ministry: &'static str| {
        PROVINCES.iter().map(move |province| Place {
            office: format!("{ministry}/{}", province.place),
            pcode: province.pcode.clone(),
        })
    };
    let all = ["mlvt", "moh", "maff"].into_iter().flat_map(of_ministry);
    let places: Vec<Place> = all.take(count).collect();
    assert_eq!(
        places.len(),
        count,
        "three ministries have 75 provincial offices"
    );
    places
}

/// A message as it goes to the bus.
#[derive(Clone)]
pub struct Message {
    pub subject: String,
    pub headers: HeaderMap,
    pub data: Bytes,
}

/// What a log is made of: its feed's name, type, contract, and where a row comes from.
#[derive(Clone, Copy)]
pub struct Kind {
    pub feed: &'static str,
    pub event_type: &'static str,
    pub contract: &'static str,
    pub classification: Classification,
    pub data: fn(pcode: &str, number: u64) -> Value,
}

pub const LABOUR: Kind = Kind {
    feed: FEED,
    event_type: "kh.gov.mlvt.labour-return.submitted.v1",
    contract: CONTRACT,
    classification: Classification::Internal,
    data: labour_figure,
};

pub const PRICES: Kind = Kind {
    feed: "market-prices",
    event_type: "kh.gov.maff.market-price.submitted.v1",
    contract: "https://spean.gov.kh/contracts/market-prices/1.0",
    classification: Classification::Internal,
    data: price,
};

pub const BULLETIN: Kind = Kind {
    feed: "price-bulletin",
    event_type: "kh.gov.maff.price-bulletin.submitted.v1",
    contract: "https://spean.gov.kh/contracts/price-bulletin/1.0",
    classification: Classification::Public,
    data: bulletin,
};

/// An office's log as far as it was signed.
pub struct Chain {
    place: Place,
    kind: Kind,
    log: LogName,
    key: SigningKey,
    head: Head,
}

impl Chain {
    pub fn begin(place: &Place, kind: Kind, bundle: &Path, genesis: Hash) -> Result<Chain> {
        let document =
            std::fs::read(bundle.join("signing.pk8")).context("a bundle holds a signing key")?;
        Ok(Chain {
            log: place.log(kind.feed)?,
            kind,
            place: place.clone(),
            key: SigningKey::from_pkcs8(&document)?,
            head: Head::empty(genesis),
        })
    }

    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The next events of the log.
    pub fn sign(&mut self, count: usize) -> Result<Vec<SignedEvent>> {
        (0..count).map(|_| self.sign_one()).collect()
    }

    pub fn messages(&mut self, count: usize) -> Result<Vec<Message>> {
        self.sign(count)?.iter().map(message).collect()
    }

    fn sign_one(&mut self) -> Result<SignedEvent> {
        let link = self.head.next().expect("room");
        let number = link.position.number();
        let data = (self.kind.data)(&self.place.pcode, number).to_string();
        let now = Timestamp::from_unix_seconds(1_790_000_000).context("a time in 2026")?;
        let core = Core {
            id: format!("bench-{}-{number}", self.place.office),
            event_type: self.kind.event_type.to_owned(),
            subject: Some(format!("{}/2026Q3", self.place.pcode)),
            time: now,
            data_content_type: "application/json".to_owned(),
            data_schema: self.kind.contract.to_owned(),
            causation_id: None,
            data_classification: self.kind.classification,
            data: data.into(),
        };
        let event =
            Event::new(self.log.clone(), core, now).map_err(|faults| anyhow!("{faults:?}"))?;
        let signed = SignedEvent::sign(event, link, &self.key);
        self.head = Head::of(&signed);
        Ok(signed)
    }
}

fn message(event: &SignedEvent) -> Result<Message> {
    let block = String::from_utf8(nats::encode(event)).context("a header block is UTF-8")?;
    let mut headers = HeaderMap::new();
    for line in block.lines().skip(1).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").context("a header has a value")?;
        headers.insert(name, value);
    }
    Ok(Message {
        subject: event.event().log().subject(),
        headers,
        data: event.event().data().clone(),
    })
}

fn labour_figure(pcode: &str, number: u64) -> Value {
    json!({
        "ref_area": pcode,
        "source": "WFP price monitoring",
        "indicator": "EAR_DAILY_NONQUALIFIED_NB",
        "sex": "_T",
        "disability": "_T",
        "classif1": "CUR_TYPE_LCU",
        "time": "2026-07",
        "obs_value": format!("{}", 38_000 + number % 7_000),
        "note_source": format!("figure {number:010} {}", "of a provincial office ".repeat(NOTE_BYTES / 23)),
    })
}

/// A row in WFP's columns, its names as long as they may be: 1 KiB.
fn price(pcode: &str, number: u64) -> Value {
    let long = |name: &str| format!("{name} {}", "of the province ".repeat(6));
    json!({
        "period": "2026-07",
        "date": "2026-07-15",
        "admin1_code": pcode,
        "admin1": long("Siem Reap"),
        "admin2": long("Krong Siem Reap"),
        "market": long("Psar Leu"),
        "market_id": format!("{}", 1_000 + number % 97),
        "latitude": "13.3633",
        "longitude": "103.8564",
        "category": long("cereals and tubers"),
        "commodity": long("Rice (mixed, low quality)"),
        "commodity_id": "71",
        "unit": "KG",
        "priceflag": "actual",
        "pricetype": "Retail",
        "currency": "KHR",
        "price": format!("{}", 1_800 + number % 1_400),
        "usdprice": format!("0.{:04}", 4_500 + number % 900),
    })
}

fn bulletin(pcode: &str, number: u64) -> Value {
    json!({
        "bulletin": format!("2026-07-{number}"),
        "period": "2026-07",
        "released": "2026-08-03",
        "title_en": "Prices of July",
        "title_km": "តម្លៃខែកក្កដា",
        "prices": [{
            "admin1_code": pcode,
            "commodity": "Rice (mixed, low quality)",
            "unit": "KG",
            "pricetype": "Retail",
            "currency": "KHR",
            "price": "2400",
        }],
    })
}
