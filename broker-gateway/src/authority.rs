//! The authority's folder: init, enrol, streams, check, explain.
