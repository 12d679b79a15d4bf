//! What a person has to know of: a code goes in, what it means, what to do now and whom to call come out, in English and Khmer.
//! One list for both programs. A code never changes its meaning, and none is ever given to another.

mod deliveries;
mod openings;
mod own_log;
mod readers;
mod receipts;
mod stores;

use serde::Serialize;

use crate::text::Text;

/// How soon somebody has to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It is over, and nothing is to be done.
    Info,
    /// It goes on by itself; whoever has time looks why.
    Warning,
    /// Something stands still, or is not delivered, until somebody acts.
    Error,
    /// What was accepted is lost or in doubt, or somebody else has the office's identity: today.
    Critical,
}

/// Who can help, where the office itself cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    Nobody,
    /// Whoever looks after the machine that says so.
    Technician,
    /// Whoever runs gateways and nats-server.
    Operator,
    Authority,
    /// The one that the text names.
    OtherOffice,
    /// Whoever looks after the program that is delivered to.
    Application,
}

/// What it does to the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It is told, and nothing waits for it.
    Tells,
    /// A feed or a log waits for it; what waits is kept.
    Holds,
    /// The program does not start, and has changed nothing.
    Ends,
}

/// All that is to be said of one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Help {
    /// Stable and kebab-case.
    pub code: &'static str,
    pub severity: Severity,
    pub effect: Effect,
    pub meaning: Text,
    pub to_do: Text,
    pub call: Call,
}

/// Where in the work a code belongs: a chapter of `docs/codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Receipts,
    OwnLog,
    Readers,
    Deliveries,
    Stores,
    Openings,
}

/// The codes, each in its room, with its help. The list of all cannot miss one.
macro_rules! alarms {
    ($($room:ident { $($alarm:ident => $help:path,)+ })+) => {
        /// Every alarm, every hold that is not an answer of the gateway, and every reason why a store does not open.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Alarm {
            $($($alarm,)+)+
        }

        impl Alarm {
            pub const ALL: &[Alarm] = &[$($(Alarm::$alarm,)+)+];

            pub const fn help(self) -> &'static Help {
                match self {
                    $($(Alarm::$alarm => &$help,)+)+
                }
            }

            pub const fn room(self) -> Room {
                match self {
                    $($(Alarm::$alarm)|+ => Room::$room,)+
                }
            }
        }
    };
}

alarms! {
    Receipts {
        ReceiptMissing => receipts::RECEIPT_MISSING,
        ReceiptInvalid => receipts::RECEIPT_INVALID,
        ReaderOnABranch => receipts::READER_ON_A_BRANCH,
        ReaderAhead => receipts::READER_AHEAD,
        ConfirmationNotTaken => receipts::CONFIRMATION_NOT_TAKEN,
        ClocksApart => receipts::CLOCKS_APART,
        AnswerUnreadable => receipts::ANSWER_UNREADABLE,
        ConsumerLost => receipts::CONSUMER_LOST,
        StreamWentBack => receipts::STREAM_WENT_BACK,
        FeedBehind => receipts::FEED_BEHIND,
        PositionsTwice => receipts::POSITIONS_TWICE,
        RegistryBehind => receipts::REGISTRY_BEHIND,
        RegistryOutgrown => receipts::REGISTRY_OUTGROWN,
        RegistryForked => receipts::REGISTRY_FORKED,
    }
    OwnLog {
        LogShared => own_log::LOG_SHARED,
        LogFull => own_log::LOG_FULL,
        HeadMoves => own_log::HEAD_MOVES,
        OwnEventsLost => own_log::OWN_EVENTS_LOST,
        OwnEventsTakenBack => own_log::OWN_EVENTS_TAKEN_BACK,
        OwnLogGap => own_log::OWN_LOG_GAP,
        OwnLogUnreadable => own_log::OWN_LOG_UNREADABLE,
        OwnLogPruned => own_log::OWN_LOG_PRUNED,
        OwnLogBranched => own_log::OWN_LOG_BRANCHED,
        ForkAfterReceipt => own_log::FORK_AFTER_RECEIPT,
        IdOnBusWithOtherData => own_log::ID_ON_BUS_WITH_OTHER_DATA,
        SettledPrunedEarly => own_log::SETTLED_PRUNED_EARLY,
    }
    Readers {
        Gap => readers::GAP,
        GapDeclared => readers::GAP_DECLARED,
        GapRefilled => readers::GAP_REFILLED,
        Branch => readers::BRANCH,
        ChainBroken => readers::CHAIN_BROKEN,
        EventNotBelieved => readers::EVENT_NOT_BELIEVED,
        LogResumed => readers::LOG_RESUMED,
    }
    Deliveries {
        DeliveryWaits => deliveries::DELIVERY_WAITS,
        DeliverySlow => deliveries::DELIVERY_SLOW,
        DeliveryFileFailed => deliveries::DELIVERY_FILE_FAILED,
        DeliveredBranch => deliveries::DELIVERED_BRANCH,
        DeliveredDamaged => deliveries::DELIVERED_DAMAGED,
        DeliveryBegins => deliveries::DELIVERY_BEGINS,
        DeliveredOtherBus => deliveries::DELIVERED_OTHER_BUS,
        DeliveredFileForeign => deliveries::DELIVERED_FILE_FOREIGN,
        DeliveredUndecided => deliveries::DELIVERED_UNDECIDED,
        WebhookRetired => deliveries::WEBHOOK_RETIRED,
    }
    Stores {
        AcceptedEventsLost => stores::ACCEPTED_EVENTS_LOST,
        OutboxUnreadable => stores::OUTBOX_UNREADABLE,
        LogDamaged => stores::LOG_DAMAGED,
        LogSegmentMissing => stores::LOG_SEGMENT_MISSING,
        SettledEventUnread => stores::SETTLED_EVENT_UNREAD,
        InboxDamaged => stores::INBOX_DAMAGED,
        DiskFull => stores::DISK_FULL,
    }
    Openings {
        StoreInUse => openings::STORE_IN_USE,
        StoreNewer => openings::STORE_NEWER,
        StoreOfFormat1 => openings::STORE_OF_FORMAT_1,
        StoreMigrationRoom => openings::STORE_MIGRATION_ROOM,
        StoreOfAnotherOffice => openings::STORE_OF_ANOTHER_OFFICE,
        StoreOfAnotherAuthority => openings::STORE_OF_ANOTHER_AUTHORITY,
        StoreInWrongPlace => openings::STORE_IN_WRONG_PLACE,
        StoreLost => openings::STORE_LOST,
        StoreSwapped => openings::STORE_SWAPPED,
        StoreOlder => openings::STORE_OLDER,
        StoreBranched => openings::STORE_BRANCHED,
    }
}

impl Alarm {
    /// Stable and kebab-case.
    pub const fn code(self) -> &'static str {
        self.help().code
    }

    pub fn named(code: &str) -> Option<Alarm> {
        let mut all = Alarm::ALL.iter().copied();
        all.find(|alarm| alarm.code() == code)
    }
}

impl std::fmt::Display for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests;
