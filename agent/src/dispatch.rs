//! The bus's head and the oldest accepted in, the next run out: numbered late, chained, signed.
