//! Bytes in, client operations out (and server frames back), within limits; no socket here.
