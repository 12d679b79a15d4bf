//! An answer's body comes in, one of the four answers to a publish goes out. A body that nobody can read is no answer that
//! anything is lost or stored by: it holds.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use schemas::alarm::Alarm;
use schemas::code::CodeName;
use schemas::receipt::{Receipt, ReceiptFault};
use schemas::refusal::{Detail, Hold};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::oneshot;

/// What became of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The last of what was stored together carries the receipt for all of it; nothing is proved of it yet.
    Stored {
        sequence: u64,
        duplicate: bool,
        receipt: Option<Result<Box<Receipt>, ReceiptFault>>,
    },
    /// Final.
    Refused { code: CodeName, body: String },
    /// Not now. `head` is the log's last position, where the hold says that it is another than assumed.
    Held {
        code: CodeName,
        head: Option<u64>,
        text: String,
    },
    /// No answer: it may have happened.
    Unreachable,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    receipt: Option<Value>,
    error: Option<JetStreamError>,
    spean: Option<Spean>,
}

#[derive(Deserialize)]
struct JetStreamError {
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Spean {
    answer: String,
    code: String,
    #[serde(default)]
    head: Option<u64>,
    #[serde(default)]
    en: String,
    #[serde(default)]
    details: Vec<Detail>,
}

impl Spean {
    /// The code's sentence, and what exactly it is about.
    fn text(self) -> String {
        let details = self.details.into_iter().map(|detail| detail.en);
        [self.en]
            .into_iter()
            .chain(details)
            .collect::<Vec<_>>()
            .join(": ")
    }
}

impl Answer {
    pub fn read(payload: &Bytes) -> Answer {
        let text = String::from_utf8_lossy(payload).into_owned();
        match serde_json::from_slice(payload) {
            Ok(Body {
                error: None,
                seq,
                duplicate,
                receipt,
                spean: None,
            }) if seq > 0 => Answer::Stored {
                sequence: seq,
                duplicate,
                receipt: receipt.map(|told| {
                    let read = serde_json::from_value(told).map(Box::new);
                    read.map_err(|error| ReceiptFault::Unreadable(error.to_string()))
                }),
            },
            Ok(Body {
                spean: Some(spean), ..
            }) if spean.answer == "refused" => Answer::Refused {
                code: CodeName::read(&spean.code),
                body: text,
            },
            Ok(Body {
                spean: Some(spean), ..
            }) => Answer::Held {
                code: CodeName::read(&spean.code),
                head: spean.head,
                text: spean.text(),
            },
            Ok(Body {
                error: Some(error), ..
            }) => held(Hold::BusUnavailable.code(), error.description),
            Ok(_) | Err(_) => held(Alarm::AnswerUnreadable, text),
        }
    }

    /// Nobody listens on the subject.
    pub fn nobody_there() -> Answer {
        held(
            Hold::BusUnavailable.code(),
            "nobody takes events on this subject".into(),
        )
    }
}

fn held(code: impl Into<CodeName>, text: String) -> Answer {
    Answer::Held {
        code: code.into(),
        head: None,
        text,
    }
}

/// An answer to come. Gone sessions answer `Unreachable`.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Answer>);

impl Future for Pending {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|answer| answer.unwrap_or(Answer::Unreachable))
    }
}

impl Pending {
    /// An answer to come, and where it comes from.
    pub fn new() -> (oneshot::Sender<Answer>, Pending) {
        let (answer, pending) = oneshot::channel();
        (answer, Pending(pending))
    }

    /// The answer, if it is there.
    pub fn now(&mut self) -> Option<Answer> {
        match self.0.try_recv() {
            Ok(answer) => Some(answer),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Answer::Unreachable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Answer {
        Answer::read(&Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_stored_event_is_told_with_its_sequence() {
        assert_eq!(
            read(r#"{"stream":"market-prices","seq":7,"duplicate":true}"#),
            Answer::Stored {
                sequence: 7,
                duplicate: true,
                receipt: None,
            }
        );
    }

    #[test]
    fn a_receipt_is_read_and_one_that_cannot_be_is_told() {
        let receipt = include_str!("../../../schemas/vectors/receipt.json");
        let body =
            |receipt: &str| Bytes::from(format!(r#"{{"stream":"x","seq":7,"receipt":{receipt}}}"#));
        assert!(matches!(
            Answer::read(&body(receipt)),
            Answer::Stored { receipt: Some(Ok(read)), .. } if read.to_string() == receipt
        ));
        assert!(matches!(
            Answer::read(&body("{}")),
            Answer::Stored {
                receipt: Some(Err(ReceiptFault::Unreadable(_))),
                ..
            }
        ));
    }

    #[test]
    fn only_the_word_refused_is_final() {
        let refused =
            read(r#"{"error":{"code":400},"spean":{"answer":"refused","code":"not-json"}}"#);
        assert!(matches!(refused, Answer::Refused { code, .. } if code == "not-json"));
        let held = read(
            r#"{"error":{"code":503},"spean":{"answer":"held","code":"position-taken","head":9}}"#,
        );
        assert!(matches!(held, Answer::Held { head: Some(9), .. }));
    }

    #[test]
    fn a_hold_of_a_newer_gateway_is_carried_on_as_it_came() {
        let held = read(
            r#"{"error":{"code":503},"spean":{"answer":"held","code":"moon-in-the-way","en":"not now"}}"#,
        );
        let newer = CodeName::Newer("moon-in-the-way".into());
        assert!(
            matches!(held, Answer::Held { code, text, .. } if code == newer && text == "not now")
        );
    }

    #[test]
    fn what_cannot_be_read_holds() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"stream":"x","seq":0}"#,
            r#"{"seq":"7"}"#,
            r#"{"error":{"code":503,"description":"no space"},"seq":4}"#,
        ] {
            assert!(matches!(read(text), Answer::Held { .. }), "{text}");
        }
    }
}
