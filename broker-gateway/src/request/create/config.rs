//! A consumer's settings, by nats-server's names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Every setting that a client may write, by the server's names. What is not here is refused.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durable_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub deliver_policy: DeliverPolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_start_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_start_time: Option<String>,
    pub ack_policy: AckPolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_wait: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_deliver: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Vec<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_subjects: Option<Vec<String>>,
    pub replay_policy: ReplayPolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_bps: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_waiting: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ack_pending: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_batch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_expires: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inactive_threshold: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_replicas: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem_storage: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_control: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_heartbeat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliver_subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeliverPolicy {
    #[default]
    All,
    Last,
    New,
    ByStartSequence,
    ByStartTime,
    LastPerSubject,
}

#[derive(Debug, Default, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AckPolicy {
    None,
    All,
    #[default]
    Explicit,
}

impl AckPolicy {
    pub fn acknowledges(self) -> bool {
        match self {
            AckPolicy::None => false,
            AckPolicy::All | AckPolicy::Explicit => true,
        }
    }
}

#[derive(Debug, Default, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReplayPolicy {
    #[default]
    Instant,
    Original,
}
