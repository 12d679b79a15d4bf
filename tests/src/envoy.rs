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

    /// Publishes letters in one write, and returns their answers in the letters' order.
    pub async fn publish_all(&mut self, subject: &str, letters: &[Letter]) -> Vec<Value> {
        let (mut bytes, mut replies) = (Vec::new(), Vec::new());
        for letter in letters {
            let reply = self.next_inbox();
            bytes.extend(publish(subject, &reply, &letter.headers(), &letter.data));
            replies.push(reply);
        }
        self.client.send(bytes).await;
        let mut answers = vec![Value::Null; letters.len()];
        for _ in letters {
            let message = self.client.message().await;
            let asked = replies.iter().position(|reply| *reply == message.subject);
            answers[asked.expect("an answer to one of them")] = message.json();
        }
        answers
    }

    /// Publishes any headers and data.
    pub async fn publish_as(&mut self, subject: &str, headers: &str, data: &[u8]) -> Value {
        let reply = self.next_inbox();
        let bytes = publish(subject, &reply, headers, data);
        self.client.send(bytes).await;
        self.hear(&reply).await.json()
    }

    /// Publishes letters in one write, so that they are judged together; the answers in the order of the letters.
    pub async fn publish_together(&mut self, subject: &str, letters: &[Letter]) -> Vec<Value> {
        let (mut bytes, mut replies) = (Vec::new(), Vec::new());
        for letter in letters {
            let (reply, headers) = (self.next_inbox(), letter.headers());
            let (first, total) = (headers.len(), headers.len() + letter.data.len());
            let line = format!("HPUB {subject} {reply} {first} {total}\r\n{headers}");
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(&letter.data);
            bytes.extend_from_slice(b"\r\n");
            replies.push(reply);
        }
        self.client.send(bytes).await;
        let mut answers = vec![Value::Null; letters.len()];
        for _ in letters {
            let message = self.client.message().await;
            let place = replies.iter().position(|reply| *reply == message.subject);
            answers[place.expect("an answer to one of them")] = message.json();
        }
        answers
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

fn publish(subject: &str, reply: &str, headers: &str, data: &[u8]) -> Vec<u8> {
    let total = headers.len() + data.len();
    let line = format!(
        "HPUB {subject} {reply} {} {total}\r\n{headers}",
        headers.len()
    );
    [line.as_bytes(), data, b"\r\n"].concat()
}
