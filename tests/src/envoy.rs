//! A stock client as the wire sees it: connected, with an inbox of its own, hearing every answer.
//! In: subjects, letters, requests. Out: the JSON that came back on the reply subject. Never: the agent's code.

use serde_json::Value;

use crate::letter::Letter;
use crate::raw::{Message, RawClient};

pub struct Envoy {
    pub client: RawClient,
    inbox: String,
    asked: u64,
}

impl Envoy {
    pub async fn new(mut client: RawClient, office: &str) -> Envoy {
        let inbox = format!("_INBOX.{}.envoy", office.replace('/', "."));
        client.send(format!("SUB {inbox}.* 1\r\n")).await;
        Envoy {
            client,
            inbox,
            asked: 0,
        }
    }

    /// Publishes a letter and returns the answer on the reply subject.
    pub async fn publish(&mut self, subject: &str, letter: &Letter) -> Value {
        self.publish_as(subject, &letter.headers(), &letter.data)
            .await
    }

    /// Publishes any headers and data.
    pub async fn publish_as(&mut self, subject: &str, headers: &str, data: &[u8]) -> Value {
        let reply = self.next_inbox();
        let total = headers.len() + data.len();
        let mut bytes = format!(
            "HPUB {subject} {reply} {} {total}\r\n{headers}",
            headers.len()
        )
        .into_bytes();
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(b"\r\n");
        self.client.send(bytes).await;
        self.hear(&reply).await.json()
    }

    /// A request without headers, as to JetStream's API.
    pub async fn request(&mut self, subject: &str, body: &str) -> Value {
        let reply = self.next_inbox();
        self.client
            .send(format!(
                "PUB {subject} {reply} {}\r\n{body}\r\n",
                body.len()
            ))
            .await;
        self.hear(&reply).await.json()
    }

    async fn hear(&mut self, reply: &str) -> Message {
        let message = self.client.message().await;
        assert_eq!(message.subject, reply, "an answer to another question");
        message
    }

    fn next_inbox(&mut self) -> String {
        self.asked += 1;
        format!("{}.{}", self.inbox, self.asked)
    }
}
