//! Waits between tries, and what a failed try says.

use super::*;

fn silent() -> NoSession {
    NoSession::Silent("gateway:4443".into())
}

fn refused() -> NoSession {
    NoSession::Unreachable {
        address: "gateway:4443".into(),
        error: std::io::ErrorKind::ConnectionRefused.into(),
    }
}

#[test]
fn a_line_that_returns_after_days_is_knocked_at_within_seconds() {
    let now = Instant::now();
    let mut tries = Tries::new(now);
    let day = now + Duration::from_secs(86_400);
    let wait = (0..1_000).map(|_| tries.failed(&silent(), 1.0, day)).max();
    assert!(wait.expect("there were tries") + KNOCK_TIME < Duration::from_secs(4));
}

#[test]
fn a_gateway_that_is_down_is_asked_less_often_after_a_while() {
    let now = Instant::now();
    let mut tries = Tries::new(now);
    let waits = (0..50).map(|_| tries.failed(&refused(), 1.0, now));
    assert_eq!(waits.max(), Some(RETRY_EARLY));
    let later = tries.failed(&refused(), 1.0, now + EARLY);
    assert_eq!(later, RETRY_LATE);
    let jitter = tries.failed(&refused(), 0.0, now + EARLY);
    assert!(jitter < RETRY_LATE / 2);
}

#[test]
fn a_gateway_that_takes_and_drops_is_asked_less_and_less() {
    let now = Instant::now();
    let mut tries = Tries::new(now);
    let dropped = || NoSession::Session(Outage::Ended);
    let waits: Vec<Duration> = (0..8).map(|_| tries.failed(&dropped(), 1.0, now)).collect();
    let seconds: Vec<u64> = waits.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 15, 15, 15, 15]);
    tries.succeeded(Duration::from_secs(1), now);
    assert_eq!(tries.failed(&dropped(), 1.0, now), RETRY_SILENT);
}

#[test]
fn a_clock_that_is_wrong_is_named_and_what_to_set() {
    let unix = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let failed = |fault: CertificateError| {
        let tls = rustls::Error::InvalidCertificate(fault);
        not_taken("gateway:4443", &std::io::Error::other(tls)).to_string()
    };
    let behind = failed(CertificateError::NotValidYetContext {
        time: unix(1_795_879_179),
        not_before: unix(1_795_965_579),
    });
    assert_eq!(
        behind,
        "this machine's clock says 2026-11-28T15:19:39Z, and the certificate of gateway:4443 begins on 2026-11-29T15:19:39Z: \
         set the clock (timedatectl set-time)"
    );
    let ahead = failed(CertificateError::ExpiredContext {
        time: unix(1_795_965_579),
        not_after: unix(1_795_879_179),
    });
    assert!(ahead.contains("ended on 2026-11-28T15:19:39Z: set the clock"));
}

#[test]
fn who_is_turned_away_for_the_registrys_sake_knows_it() {
    let not_taken = |reason: &str| NoSession::NotTaken {
        address: "gateway:4443".into(),
        reason: reason.into(),
    };
    let closed = not_taken("authorization: the authority has closed this office (office-closed)");
    assert_eq!(closed.turned_away(), Some(Hold::OfficeClosed.code()));
    assert_eq!(
        not_taken("Maximum Connections Exceeded").turned_away(),
        None
    );
    assert_eq!(silent().turned_away(), None);
}

#[test]
fn a_slow_line_gets_time_for_its_handshake_and_keeps_it() {
    let now = Instant::now();
    let mut tries = Tries::new(now);
    let slow = || NoSession::HandshakeTimedOut("gateway:4443".into());
    for _ in 0..3 {
        tries.failed(&slow(), 0.5, now);
    }
    assert!(tries.handshake > Duration::from_secs(15));
    tries.succeeded(Duration::from_secs(12), now);
    assert!(tries.handshake > Duration::from_secs(30));
}
