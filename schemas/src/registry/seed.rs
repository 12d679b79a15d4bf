//! The first words of a new authority: the program's own tables, contracts, feeds and grants come in, registry events go out.
//! No offices and no keys: those are enrolled one by one. A running registry is never filled from here again.

use super::{ContractRecord, FeedFile, Office, Registry, RegistryEvent, Standing};
use crate::subject::OfficeId;
use crate::tables::{MINISTRIES, NODES, PROVINCES};

const CONTRACTS: [&str; 5] = [
    include_str!("../../contracts/health-quarterly/1.0.json"),
    include_str!("../../contracts/market-prices/1.0.json"),
    include_str!("../../contracts/price-bulletin/1.0.json"),
    include_str!("../../contracts/labour-returns/1.0.json"),
    include_str!("../../contracts/withdrawal/1.0.json"),
];

const FEEDS: [&str; 4] = [
    include_str!("../../feeds/health-quarterly.json"),
    include_str!("../../feeds/market-prices.json"),
    include_str!("../../feeds/price-bulletin.json"),
    include_str!("../../feeds/labour-returns.json"),
];

/// Feeds that no authority begins with, and that one adds when they are wanted: the contract, and the feed with its rules.
const LATER: [(&str, &str); 3] = [
    (
        include_str!("../../contracts/ict-readiness/1.0.json"),
        include_str!("../../feeds/ict-readiness.json"),
    ),
    (
        include_str!("../../contracts/labour-instructions/1.0.json"),
        include_str!("../../feeds/labour-instructions.json"),
    ),
    (
        include_str!("../../contracts/ordinances/1.0.json"),
        include_str!("../../feeds/ordinances.json"),
    ),
];

/// The events that every new registry begins with.
pub fn seed() -> Vec<RegistryEvent> {
    let ministries = MINISTRIES.iter().cloned().map(RegistryEvent::MinistryAdded);
    let provinces = PROVINCES.iter().cloned().map(RegistryEvent::ProvinceAdded);
    let nodes = NODES.iter().cloned().map(RegistryEvent::NodeAdded);
    let contracts = CONTRACTS.into_iter().map(contract);
    let feeds = FEEDS.into_iter().flat_map(feed);
    ministries
        .chain(provinces)
        .chain(nodes)
        .chain(contracts)
        .chain(feeds)
        .collect()
}

/// The events by which an authority adds the feeds that none begins with, to a registry that was begun by [`seed`].
pub fn later() -> Vec<RegistryEvent> {
    let files = LATER.into_iter();
    let events = files.flat_map(|(schema, rules)| [vec![contract(schema)], feed(rules)]);
    events.flatten().collect()
}

#[expect(
    clippy::expect_used,
    reason = "contracts/ is part of the program and tested"
)]
fn contract(text: &str) -> RegistryEvent {
    let schema = serde_json::from_str(text).expect("a contract is JSON");
    let record = ContractRecord::of_schema(schema).expect("a contract has an $id");
    RegistryEvent::ContractAdded(record)
}

#[expect(
    clippy::expect_used,
    reason = "feeds/ is part of the program and tested"
)]
fn feed(text: &str) -> Vec<RegistryEvent> {
    let file: FeedFile = serde_json::from_str(text).expect("a feed is JSON");
    let grants = file.grants().map(RegistryEvent::GrantAdded);
    [RegistryEvent::FeedAdded(file.feed().clone())]
        .into_iter()
        .chain(grants)
        .collect()
}

impl Registry {
    /// An office as its name suggests it: `hq` is a ministry's headquarters, a province's name its provincial office. None for
    /// an unknown ministry or another place, of which somebody must say what it is.
    pub fn usual_office(&self, id: &OfficeId) -> Option<Office> {
        let ministry = self.ministry(id.ministry())?;
        let province = self
            .provinces()
            .find(|province| province.place == id.place());
        let (standing, place_en, place_km) = match province {
            None if id.place() == "hq" => (
                Standing::Headquarters,
                "headquarters".to_owned(),
                "ទីស្តីការ".to_owned(),
            ),
            None => return None,
            Some(capital) if capital.code == "12" => (
                Standing::Provincial,
                capital.name_en.clone(),
                format!("រាជធានី{}", capital.name_km),
            ),
            Some(province) => (
                Standing::Provincial,
                province.name_en.clone(),
                format!("ខេត្ត{}", province.name_km),
            ),
        };
        Some(Office {
            id: id.clone(),
            title_en: format!("{}, {place_en}", ministry.name_en),
            title_km: format!("{} {place_km}", ministry.name_km),
            standing,
            province: province.map(|province| province.code.clone()),
            node: None,
            agents: None,
        })
    }
}
