//! The command line: init, run, submit, status, tail, export, verify.
