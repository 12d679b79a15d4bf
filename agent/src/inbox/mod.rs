//! VerifiedEvent in, New, Seen or Branch out; kept with the cursor in one fsync; gaps parked.
