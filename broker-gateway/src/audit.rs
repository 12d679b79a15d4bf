//! One JSON line for each decision.
