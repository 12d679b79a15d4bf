//! Deliveries in, VerifiedEvent out: checked end to end.
