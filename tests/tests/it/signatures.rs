//! One rule for every signature: gateway, reader and `verify` say the same of each event, alone or in company, at each place of a run; what
//! is not signed gets in nowhere, and a log that has such an event already is the same to all who read it.
//! In: events under signatures that no honest program makes. Out: one verdict. Never: a verdict that depends on a neighbour.

mod log;
mod rule;
