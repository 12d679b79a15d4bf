//! Admitted runs in, stored positions out: one writer for each feed's stream, singles or atomic batches.
