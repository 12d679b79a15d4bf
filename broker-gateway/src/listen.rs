//! Sockets in, sessions out: TLS-first and INFO-first, bounds on peers that have shown no identity.
