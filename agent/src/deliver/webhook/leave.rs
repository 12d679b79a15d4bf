//! The target's leave (webhook specification §4, abuse protection): a wish comes in, the target's consent and the pace that it
//! allows go out. Consent is read from the headers made for it and never from a status; without it nothing is delivered.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};

use crate::link::said;
use crate::settings::AskLeave;

const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const REQUEST_RATE: HeaderName = HeaderName::from_static("webhook-request-rate");
const ALLOWED_ORIGIN: &str = "webhook-allowed-origin";
const ALLOWED_RATE: &str = "webhook-allowed-rate";

/// What is asked of a target, and what it has said.
pub struct Leave {
    wish: AskLeave,
    /// How long its answer may take.
    patience: Duration,
    given: Option<Pace>,
}

impl Leave {
    pub fn new(wish: AskLeave, patience: Duration) -> Leave {
        Leave {
            wish,
            patience,
            given: None,
        }
    }

    /// Waits until the next delivery may go, asking for leave where there is none yet; the header that it must carry.
    ///
    /// # Errors
    /// Why there is no leave.
    pub async fn turn(
        &mut self,
        client: &Client,
        url: &str,
    ) -> Result<(HeaderName, HeaderValue), String> {
        let origin = HeaderValue::from_str(self.wish.origin.as_str());
        let origin = origin.map_err(|error| error.to_string())?;
        let pace = match &mut self.given {
            Some(pace) => pace,
            None => self
                .given
                .insert(ask(client, url, (&self.wish, self.patience), &origin).await?),
        };
        tokio::time::sleep_until(pace.turn(Instant::now()).into()).await;
        Ok((REQUEST_ORIGIN, origin))
    }

    /// The target has taken it back; it is asked again before the next delivery.
    pub fn end(&mut self) {
        self.given = None;
    }
}

async fn ask(
    client: &Client,
    url: &str,
    (wish, patience): (&AskLeave, Duration),
    origin: &HeaderValue,
) -> Result<Pace, String> {
    let mut request = client
        .request(Method::OPTIONS, url)
        .timeout(patience)
        .header(REQUEST_ORIGIN, origin.clone());
    if let Some(rate) = wish.rate {
        request = request.header(REQUEST_RATE, rate.get());
    }
    let answer = request.send().await;
    let answer = answer.map_err(|error| said(&error.without_url()))?;
    consent(answer.headers(), wish)
}

/// The target names the origin that asked, or everybody; a pace that it does not name is the one that was asked for.
fn consent(answer: &HeaderMap, wish: &AskLeave) -> Result<Pace, String> {
    let said = |name| answer.get(name).and_then(|value| value.to_str().ok());
    match said(ALLOWED_ORIGIN).map(str::trim) {
        Some("*") => {}
        Some(name) if name.eq_ignore_ascii_case(wish.origin.as_str()) => {}
        Some(_) | None => return Err("the target gives no leave (WebHook-Allowed-Origin)".into()),
    }
    match said(ALLOWED_RATE).map(str::trim) {
        Some("*") => Ok(Pace::of(None)),
        Some(rate) => match rate.parse() {
            Ok(rate @ 1..) => Ok(Pace::of(Some(rate))),
            Ok(0) | Err(_) => Err(format!("the target allows no rate ({rate:?})")),
        },
        None => Ok(Pace::of(wish.rate.map(|rate| rate.get()))),
    }
}

/// How far apart deliveries are.
#[derive(Debug, PartialEq, Eq)]
struct Pace {
    every: Duration,
    next: Option<Instant>,
}

impl Pace {
    fn of(per_minute: Option<u32>) -> Pace {
        let every = per_minute.map_or(Duration::ZERO, |rate| Duration::from_secs(60) / rate);
        Pace { every, next: None }
    }

    /// When a delivery may go that is ready now.
    fn turn(&mut self, now: Instant) -> Instant {
        let turn = self.next.map_or(now, |next| next.max(now));
        self.next = Some(turn + self.every);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(rate: u32) -> AskLeave {
        AskLeave {
            origin: "spean.moh.gov.kh".parse().expect("a name"),
            rate: std::num::NonZeroU32::new(rate),
        }
    }

    fn said(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn leave_is_what_names_this_origin_or_everybody() {
        for (origin, rate, per_minute) in [
            ("spean.moh.gov.kh", "100", Some(100)),
            ("SPEAN.moh.gov.kh", "*", None),
            ("*", "1", Some(1)),
        ] {
            let answer = said(&[(ALLOWED_ORIGIN, origin), (ALLOWED_RATE, rate)]);
            assert_eq!(consent(&answer, &wish(120)), Ok(Pace::of(per_minute)));
        }
        let silent_of_rate = said(&[(ALLOWED_ORIGIN, "*")]);
        assert_eq!(
            consent(&silent_of_rate, &wish(120)),
            Ok(Pace::of(Some(120)))
        );
    }

    #[test]
    fn anything_else_is_no_leave() {
        for headers in [
            &[][..],
            &[(ALLOWED_RATE, "*")],
            &[(ALLOWED_ORIGIN, "moh.gov.kh")],
            &[(ALLOWED_ORIGIN, "*.gov.kh")],
            &[(ALLOWED_ORIGIN, "*"), (ALLOWED_RATE, "0")],
            &[(ALLOWED_ORIGIN, "*"), (ALLOWED_RATE, "many")],
        ] {
            assert!(consent(&said(headers), &wish(120)).is_err(), "{headers:?}");
        }
    }

    #[test]
    fn deliveries_keep_the_pace_and_a_pause_is_not_made_up_for() {
        let mut pace = Pace::of(Some(120));
        let now = Instant::now();
        let after = |ms| now + Duration::from_millis(ms);
        assert_eq!(pace.turn(now), now);
        assert_eq!(pace.turn(now), after(500));
        assert_eq!(pace.turn(after(600)), after(1_000));
        assert_eq!(pace.turn(after(9_000)), after(9_000));
        assert_eq!(pace.turn(after(9_001)), after(9_500));
    }
}
