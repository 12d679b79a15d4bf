//! A client certificate in, the office it names out: one SPIFFE URI SAN, never the CN.
