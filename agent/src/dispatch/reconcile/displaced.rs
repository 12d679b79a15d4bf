//! Why events leave the own log comes in, the words of the alarm go out. They go back into line, and are kept as they were signed.

use schemas::alarm::Alarm;

/// Why events of the own log cannot stand where they stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Displaced {
    /// Bus and office both went back, and other events were stored there meanwhile. What is settled had a receipt.
    ByAnother,
    /// They do not link to what the bus has, or it takes them no longer.
    Unfit,
}

impl Displaced {
    /// The alarm, and what it says of the positions.
    pub(super) fn words(self) -> (Alarm, &'static str) {
        match self {
            Displaced::ByAnother => (
                Alarm::ForkAfterReceipt,
                "had receipts, and the bus has other events there now; ours go behind under the same ids, and both are kept",
            ),
            Displaced::Unfit => (
                Alarm::OwnLogBranched,
                "can no longer stand on the bus where they stood; their events go behind, under the same ids",
            ),
        }
    }
}
