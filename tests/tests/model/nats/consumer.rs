//! Throw-away pull consumers, in memory: they go with the server. A start behind the stream's end is taken, and what comes before it is
//! passed over, as nats-server does.

use broker_gateway::wire::Subject;
use serde_json::{Value, json};

use super::stream::{Stream, subject};
use super::{Said, Server};

pub(super) struct Consumer {
    stream: String,
    filters: Vec<Subject>,
    next: u64,
    delivered: u64,
    /// Where the open pull wants its messages, and how many more.
    pull: Option<(String, u64)>,
}

impl Consumer {
    /// The next message's sequence, and how many lie behind it.
    fn pending(&self, stream: &Stream) -> Option<(u64, usize)> {
        let wanted = |subject: &str| self.filters.iter().any(|filter| filter.matches(subject));
        let behind = stream.messages.range(self.next..);
        let mut behind = behind.filter(|(_, stored)| wanted(&stored.subject));
        let next = behind.next().map(|(sequence, _)| *sequence);
        next.map(|next| (next, behind.count()))
    }
}

impl Server {
    pub(super) fn create(&mut self, stream: &str, name: &str, body: &Value) -> Value {
        let config = &body["config"];
        // The gateway writes one filter otherwise than several.
        let many = config["filter_subjects"].as_array().into_iter().flatten();
        let filters = many
            .chain([&config["filter_subject"]])
            .filter_map(Value::as_str);
        let consumer = Consumer {
            stream: stream.to_owned(),
            filters: filters.map(subject).collect(),
            next: config["opt_start_seq"].as_u64().unwrap_or(1),
            delivered: 0,
            pull: None,
        };
        let pending = consumer.pending(&self.streams[stream]);
        let pending = pending.map_or(0, |(_, behind)| behind + 1);
        self.consumers.insert(format!("{stream}.{name}"), consumer);
        json!({ "name": name, "num_pending": pending })
    }

    pub(super) fn pull(&mut self, stream: &str, name: &str, body: &Value, said: &Said) {
        let batch = body["batch"].as_u64().unwrap_or(1);
        let inbox = said.reply.clone().expect("a pull names an inbox");
        if let Some(consumer) = self.consumers.get_mut(&format!("{stream}.{name}")) {
            consumer.pull = Some((inbox, batch));
            self.feed_consumers(stream);
        }
    }

    /// Gives the open pulls of a stream what there is.
    pub(super) fn feed_consumers(&mut self, stream: &str) {
        let mut deliveries = Vec::new();
        let there = &self.streams[stream];
        let of_stream = self.consumers.iter_mut();
        for (name, consumer) in of_stream.filter(|(_, consumer)| consumer.stream == stream) {
            while let Some((inbox, left)) = consumer.pull.clone().filter(|(_, left)| *left > 0)
                && let Some((sequence, behind)) = consumer.pending(there)
            {
                consumer.pull = Some((inbox.clone(), left - 1));
                consumer.next = sequence + 1;
                consumer.delivered += 1;
                let stored = &there.messages[&sequence];
                let count = consumer.delivered;
                let reply =
                    format!("$JS.ACK.{name}.1.{sequence}.{count}.1790000000000000000.{behind}");
                let said = Said {
                    subject: stored.subject.clone(),
                    reply: Some(reply),
                    headers: stored.headers.clone(),
                    payload: stored.payload.clone(),
                };
                deliveries.push((inbox, said));
            }
        }
        for (inbox, said) in deliveries {
            self.route(&inbox, &said);
        }
    }
}
