//! (peer, subject) in, a permit out: the only place where permits are made.
