//! What an operation costs those who share the gateway: a verdict comes in, a time goes out that is taken off the office's account.
//! Storing good events is free: there, offices take turns. All else is paid for by its bytes, too, for they were read and decrypted
//! whatever becomes of them. The prices are about what each costs the gateway and nats-server together on a machine of two cores;
//! what cannot be told before is paid for when it is known.

use std::time::Duration;

use schemas::refusal::Hold;

use crate::judge::Verdict;
use crate::refuse::Answer;
use crate::request::{self, Look};
use crate::wire::Subject;

/// To read, judge and answer something here.
const JUDGED: Duration = Duration::from_micros(20);
/// To change what a session listens to, at nats-server too.
const LISTENING: Duration = Duration::from_micros(50);
/// A question to nats-server.
const ASKED: Duration = Duration::from_micros(300);
/// The next piece of a pull.
pub const PULLED_ON: Duration = ASKED;
/// A message that was looked at in search of what is missing.
pub const LOOKED: Duration = Duration::from_micros(100);
/// A question that a stream has to be counted for, or looked at in several places.
const COUNTED: Duration = Duration::from_millis(1);
/// A page of consumers, each of them asked for.
const LISTED: Duration = Duration::from_millis(10);
/// nats-server syncs it to its disk, beside what is stored.
const SYNCED: Duration = Duration::from_millis(4);
/// A consumer is files and memory at nats-server.
const CONSUMER_MADE: Duration = Duration::from_millis(3);
/// And for each log of its filter the stream's blocks are searched for what lies before it.
const FILTERED: Duration = Duration::from_micros(250);
/// TLS, a name looked up, a session.
pub const CONNECTED: Duration = Duration::from_millis(2);
/// An event that came and was not stored: a log's head was read for it, at least. What it took to judge comes beside it.
const IN_VAIN: Duration = Duration::from_micros(200);
/// An event of a packed run that was not stored, besides: its texts were unsqueezed and its digests made for nothing.
pub const UNPACKED: Duration = Duration::from_micros(20);
/// A message that was delivered, besides its bytes.
const DELIVERED: Duration = Duration::from_micros(5);
/// A kilobyte on its way up or down: TLS, and the copies between two sockets.
const KILOBYTE: Duration = Duration::from_micros(5);

/// A kilobyte that came on the wire besides what is in it: 45 records, each of which wakes its session.
const RECORDS_KILOBYTE: Duration = Duration::from_micros(200);

/// What readers have confirmed of a log was read again, a message of each reader: the feed's writer waits for it.
const PROVED: Duration = Duration::from_millis(10);

/// What was judged, how many bytes came for it, and how long judging took.
pub fn of(verdict: &Verdict, heard_bytes: usize, judging: Duration) -> Duration {
    let work = match verdict {
        // By what becomes of it.
        Verdict::Submit { .. } | Verdict::Refill { .. } => return Duration::ZERO,
        Verdict::Declare { .. } => return COUNTED,
        Verdict::Ping | Verdict::Pong | Verdict::Close(_) => JUDGED,
        Verdict::Deny(_) => JUDGED.max(judging),
        Verdict::Subscribe(_) | Verdict::Unsubscribe { .. } => LISTENING,
        Verdict::Forward { subject, body, .. } => forwarded(subject, body),
        Verdict::Confirm { .. } => SYNCED,
        Verdict::Pull { .. } => ASKED,
        Verdict::Answer { body, .. } => JUDGED + bytes(body.len()),
        Verdict::Look {
            look: Look::Consumers(_),
            ..
        } => LISTED,
        Verdict::Look { .. } | Verdict::Count { .. } | Verdict::AskToHeal(_) => COUNTED,
    };
    work.saturating_add(bytes(heard_bytes))
}

/// So many bytes on the wire besides what was in them.
pub fn records(besides: usize) -> Duration {
    RECORDS_KILOBYTE.mul_f64(besides as f64 / 1_000.0)
}

/// Something of so many bytes that came and was not even looked at.
pub fn thrown_away(heard_bytes: usize) -> Duration {
    JUDGED.saturating_add(bytes(heard_bytes))
}

/// An event of so many bytes that came and was not stored, and what it was told.
pub fn in_vain(answer: &Answer, heard_bytes: usize) -> Duration {
    let read_for_it = match answer {
        Answer::Held(Hold::PositionConfirmed { .. }) => PROVED,
        Answer::Held(_) | Answer::Refused(_) | Answer::Stored { .. } => IN_VAIN,
    };
    read_for_it.saturating_add(bytes(heard_bytes))
}

fn forwarded(subject: &Subject, body: &[u8]) -> Duration {
    match subject.as_str() {
        subject if subject.starts_with("$JS.ACK.") || subject.starts_with("$JS.FC.") => LISTENING,
        subject if subject.starts_with("$JS.API.STREAM.INFO.") => COUNTED,
        _ if request::consumer_made(subject).is_some() => {
            CONSUMER_MADE.saturating_add(FILTERED.saturating_mul(request::filters_of(body)))
        }
        _ => ASKED,
    }
}

/// A delivery of so many bytes.
pub fn delivery(frame_bytes: usize) -> Duration {
    DELIVERED + bytes(frame_bytes)
}

fn bytes(count: usize) -> Duration {
    KILOBYTE.mul_f64(count as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use schemas::event::Position;

    use super::*;

    #[test]
    fn a_consumer_costs_as_much_more_as_it_has_filters() {
        let made = Subject::parse(b"$JS.API.CONSUMER.CREATE.market-prices.maff_hq_1");
        let made = made.expect("a subject");
        let all = br#"{"config":{"filter_subject":"spean.log.market-prices.>"}}"#;
        assert_eq!(forwarded(&made, all), CONSUMER_MADE + FILTERED);
        let name = r#""spean.log.market-prices.maff.kampot""#;
        let many = format!(r#"{{"filter_subjects":[{}]}}"#, [name; 200].join(","));
        let many = forwarded(&made, many.as_bytes());
        assert_eq!(many, CONSUMER_MADE + 200 * FILTERED);
    }

    #[test]
    fn what_has_to_be_proved_costs_more_than_any_other_hold() {
        let confirmed = Answer::Held(Hold::PositionConfirmed {
            position: Position::FIRST,
            reader: "moh/hq".parse().expect("an office"),
        });
        let ahead = Answer::Held(Hold::PositionAhead { head: 7 });
        let (confirmed, ahead) = (in_vain(&confirmed, 0), in_vain(&ahead, 0));
        assert_eq!((confirmed, ahead), (PROVED, IN_VAIN));
        assert!(confirmed > 10 * ahead);
        let large = in_vain(&Answer::Held(Hold::PositionAhead { head: 7 }), 1_000_000);
        assert!(large > ahead, "its bytes were read");
    }
}
