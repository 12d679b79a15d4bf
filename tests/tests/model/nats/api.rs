//! JetStream's API: questions come in on `$JS.API.`, answers go out on their reply subjects, in the forms of nats-server 2.15.1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker_gateway::authority::streams::{self, NewStreams};
use bytes::Bytes;
use serde_json::{Value, json};

use super::stream::{Stored, Stream};
use super::{Said, Server};

impl Server {
    pub(super) fn ask(&mut self, asked: &str, said: &Said) {
        let body: Value = serde_json::from_slice(&said.payload).unwrap_or(Value::Null);
        let reply = said.reply.as_ref();
        let tokens: Vec<&str> = asked.split('.').collect();
        let answer = match tokens[..] {
            ["STREAM", "MSG", "GET", stream] => message(&self.streams[stream], &body),
            ["STREAM", "INFO", stream] => info(stream, &self.streams[stream], &body),
            ["DIRECT", "GET", stream] => return self.direct(stream, &body, reply),
            ["CONSUMER", "CREATE", stream, name] => self.create(stream, name, &body),
            ["CONSUMER", "DELETE", stream, name] => {
                self.consumers.remove(&format!("{stream}.{name}"));
                json!({ "success": true })
            }
            ["CONSUMER", "MSG", "NEXT", stream, name] => {
                return self.pull(stream, name, &body, said);
            }
            _ => panic!("a question that the model's server does not know: {asked}"),
        };
        self.answer(reply, Bytes::new(), answer.to_string());
    }

    /// Many messages from any replica, and the end of the batch.
    fn direct(&self, stream: &str, body: &Value, reply: Option<&String>) {
        let there = &self.streams[stream];
        let batch = usize::try_from(body["batch"].as_u64().unwrap_or(1)).expect("small");
        let found: Vec<(u64, &Stored)> = match body["multi_last"].as_array() {
            Some(filters) => {
                let filters = filters.iter().filter_map(Value::as_str);
                let logs = filters.flat_map(|filter| there.counts(filter).into_keys());
                let mut last: Vec<_> = logs.filter_map(|log| there.last_of(log)).collect();
                last.sort_by_key(|(sequence, _)| *sequence);
                last
            }
            None => {
                let from = body["seq"].as_u64().unwrap_or(1);
                let filter = body["next_by_subj"].as_str().expect("a subject");
                there.from(from, filter).collect()
            }
        };
        let end = match found.is_empty() {
            true => "NATS/1.0 404 Message Not Found\r\n\r\n",
            false => "NATS/1.0 204 EOB\r\n\r\n",
        };
        for (sequence, stored) in found.into_iter().take(batch) {
            let headers = with_place(stream, sequence, stored);
            self.answer(reply, headers, stored.payload.clone());
        }
        self.answer(reply, Bytes::from_static(end.as_bytes()), Bytes::new());
    }
}

fn message(stream: &Stream, body: &Value) -> Value {
    let found = match (body["last_by_subj"].as_str(), body["next_by_subj"].as_str()) {
        (Some(subject), _) => stream.last_of(subject),
        (None, Some(subject)) => {
            let from = body["seq"].as_u64().unwrap_or(1);
            stream.from(from, subject).next()
        }
        (None, None) => {
            let at = body["seq"].as_u64().expect("a sequence or a subject");
            stream.messages.get(&at).map(|stored| (at, stored))
        }
    };
    match found {
        Some((sequence, stored)) => json!({ "message": {
            "subject": stored.subject,
            "seq": sequence,
            "hdrs": STANDARD.encode(&stored.headers),
            "data": STANDARD.encode(&stored.payload),
        }}),
        None => json!({ "error": {
            "code": 404, "err_code": 10037, "description": "no message found",
        }}),
    }
}

fn info(name: &str, stream: &Stream, body: &Value) -> Value {
    let name = name.parse().expect("a token");
    let new = NewStreams {
        replicas: 1,
        room_gib: 1,
    };
    let subjects = body["subjects_filter"].as_str();
    let subjects = subjects.map(|filter| stream.counts(filter));
    json!({
        "config": streams::configuration(&name, new),
        "total": subjects.as_ref().map_or(0, |counts| counts.len()),
        "state": {
            "messages": stream.messages.len(),
            "first_seq": stream.first(),
            "last_seq": stream.last,
            "subjects": subjects.unwrap_or_default(),
        },
    })
}

fn with_place(stream: &str, sequence: u64, stored: &Stored) -> Bytes {
    let block = String::from_utf8(stored.headers.to_vec()).expect("text");
    let block = block.strip_suffix("\r\n").unwrap_or("NATS/1.0\r\n");
    let subject = &stored.subject;
    let place = format!(
        "{block}Nats-Stream: {stream}\r\nNats-Subject: {subject}\r\nNats-Sequence: {sequence}\r\n\r\n"
    );
    place.into()
}
