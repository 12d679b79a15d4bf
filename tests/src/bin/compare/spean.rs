//! Spean as it comes: an office's agent, a gateway, one nats-server, and the agent of the ministry that reads.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tests::broker::Broker;
use tests::bus::Bus;
use tests::office::Office;
use tests::proxy::FaultProxy;

use crate::system::System;

pub const NAME: &str = "Spean";
const OFFICE: &str = "maff/siem-reap";
const READER: &str = "maff/hq";
const FEED: &str = "market-prices";

pub struct Spean {
    // Processes stand before the folder that they write into: fields drop in order.
    office: Office,
    reader: Office,
    reads: bool,
    bus: Bus,
    after: u64,
    delivered: Vec<String>,
}

impl Spean {
    pub async fn start() -> Result<Spean> {
        let bus = Bus::start(&[OFFICE, READER]).await;
        Ok(Spean {
            office: bus.office(OFFICE).await,
            reader: bus.office(READER).await,
            reads: true,
            bus,
            after: 0,
            delivered: Vec::new(),
        })
    }
}

impl System for Spean {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn submit(&mut self, id: &str) -> Result<()> {
        let body = crate::system::event(id).to_string();
        let answer = self
            .office
            .post("/events", "application/cloudevents+json", body)
            .await;
        ensure!(answer.status == 202, "{id}: {}", answer.body);
        Ok(())
    }

    fn line(&self) -> &FaultProxy {
        &self.office.line
    }

    fn office_store(&self) -> PathBuf {
        self.office.folder().join("store")
    }

    async fn start_office(&mut self) -> Result<()> {
        self.office.resume().await;
        Ok(())
    }

    async fn stop_office(&mut self) -> Result<()> {
        self.office.stop().await;
        Ok(())
    }

    async fn kill_office(&mut self) -> Result<()> {
        self.office.kill().await;
        Ok(())
    }

    fn centre_store(&self) -> PathBuf {
        self.bus.authority.folder().join("nats/data")
    }

    async fn start_centre(&mut self) -> Result<()> {
        self.bus.nats.resume().await;
        self.bus.authority.create_streams();
        Ok(())
    }

    async fn stop_centre(&mut self) -> Result<()> {
        self.bus.nats.kill().await;
        Ok(())
    }

    async fn held(&self) -> Result<u64> {
        let broker = Broker::connect(&self.bus.authority).await?;
        Ok(broker.counts(FEED).await?.values().sum())
    }

    async fn stop_reader(&mut self) -> Result<()> {
        self.delivered().await?;
        self.reader.stop().await;
        self.reads = false;
        Ok(())
    }

    async fn start_reader(&mut self) -> Result<()> {
        self.reader.resume().await;
        self.reads = true;
        Ok(())
    }

    async fn lose(&mut self, sequences: std::ops::Range<u64>) -> Result<()> {
        let broker = Broker::connect(&self.bus.authority).await?;
        for sequence in sequences {
            broker.lose(FEED, sequence).await?;
        }
        Ok(())
    }

    async fn delivered(&mut self) -> Result<Vec<String>> {
        if self.reads {
            let new = self.reader.received_after(FEED, &mut self.after).await;
            let id = |event: &Value| Some(event["id"].as_str()?.to_owned());
            let ids: Option<Vec<String>> = new.iter().map(id).collect();
            self.delivered.extend(ids.context("an event has an id")?);
        }
        Ok(self.delivered.clone())
    }

    async fn tells(&mut self) -> Result<bool> {
        let alarms = |status: &Value| {
            status["alarms"]
                .as_array()
                .is_some_and(|alarms| !alarms.is_empty())
        };
        Ok(alarms(&self.reader.status().await) || alarms(&self.office.status().await))
    }
}
