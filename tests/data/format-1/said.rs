//! All that an agent's stores say through their public interfaces, one fact a line: an open store comes in, lines go out. The same file is compiled by
//! the build that wrote format 1 and by this one, so that both are asked the same.

use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName};

use crate::deliver::delivered::Delivered;
use crate::inbox::Inbox;
use crate::outbox::{Outbox, Stage};
use crate::settings::TargetName;
use crate::store::alarms::Alarms;

/// Positions that are asked for of each log.
const POSITIONS: u64 = 12;
pub const FEEDS: [&str; 2] = ["health-quarterly", "market-prices"];
pub const IDS: [&str; 16] = [
    "old-1",
    "old-2",
    "new-1",
    "new-2",
    "back-1",
    "taken-1",
    "waits-1",
    "waits-2",
    "refused-1",
    "released-1",
    "dropped-1",
    "lost-1",
    "keyed-1",
    "price-1",
    "news-1",
    "news-2",
];
pub const OFFICES: [&str; 4] = ["siem-reap", "kampot", "takeo", "kep"];
pub const TARGET: &str = "desk";

fn position(number: u64) -> Position {
    Position::new(number).expect("a position")
}

fn of(bytes: &[u8]) -> Hash {
    Hash::of(bytes)
}

/// The numbers of places in line are not told: they are the store's own.
pub async fn outbox(outbox: &Outbox) -> Vec<String> {
    let mut said = Vec::new();
    for name in FEEDS {
        let feed: FeedName = name.parse().expect("a feed");
        for one in outbox.waiting(&feed, 0, 100).await.expect("reads") {
            said.push(format!(
                "{name} waits {} {} {}",
                one.id,
                one.at_ms,
                of(&one.bytes)
            ));
        }
        for id in IDS {
            let known = outbox.known(&feed, id).expect("reads");
            let known = known.map(|known| {
                let digests = (known.content, known.data);
                // Of one that is lost they are not kept: whatever is submitted under its id is accepted.
                (
                    known.stage,
                    known.at_ms,
                    (known.stage != Stage::Lost).then_some(digests),
                )
            });
            said.push(format!("{name} {id} {known:?}"));
        }
        for number in 1..=POSITIONS {
            let own = outbox.own(&feed, position(number)).expect("reads");
            let hash = outbox.own_hash(&feed, position(number)).expect("reads");
            let receipt = outbox.receipt_for(&feed, position(number)).expect("reads");
            let receipt = receipt.map(|receipt| receipt.to_string());
            said.push(format!(
                "{name} own {number} {:?} {hash:?} {receipt:?}",
                own.map(|own| of(&own))
            ));
        }
        said.push(format!(
            "{name} last {:?}",
            outbox.last_settled(&feed).expect("reads")
        ));
        said.push(format!(
            "{name} pruned {:?}",
            outbox.pruned(&feed).expect("reads")
        ));
        said.push(format!(
            "{name} untold {:?}",
            outbox.untold(&feed).expect("reads")
        ));
        for (at, signed) in outbox.branches(&feed, 0, 100).expect("reads") {
            said.push(format!("{name} branch {at} {}", of(&signed)));
        }
        for reader in outbox.readers(&feed).expect("reads") {
            said.push(format!("{name} reader {reader:?}"));
        }
    }
    for one in outbox.tray().expect("reads") {
        let entry = one.entry;
        said.push(format!(
            "{} tray {} {} {}",
            one.feed, entry.id, entry.at_ms, entry.refusal
        ));
    }
    for one in outbox.status().expect("reads").feeds {
        said.push(format!(
            "{} {} wait, {} refused",
            one.feed, one.waiting, one.refused
        ));
    }
    said.extend(alarms(outbox.alarms()));
    said
}

pub async fn inbox(inbox: &Inbox) -> Vec<String> {
    let mut said = Vec::new();
    let name = FEEDS[0];
    let feed: FeedName = name.parse().expect("a feed");
    for one in inbox.page(&feed, 0, 100).await.expect("reads") {
        let (log, at, for_whom) = (one.log.source(), one.position, one.for_applications);
        said.push(format!(
            "{} {log} {at} {for_whom} {}",
            one.arrival,
            of(&one.bytes)
        ));
    }
    for office in OFFICES {
        let log =
            LogName::from_source(&format!("urn:spean:moh:{office}:{name}")).expect("a source");
        for number in 1..=POSITIONS {
            let bytes = inbox.get(&log, position(number)).expect("reads");
            said.push(format!(
                "{office} {number} {:?}",
                bytes.map(|bytes| of(&bytes))
            ));
        }
        said.push(format!("{office} {:?}", inbox.state(&log).expect("reads")));
        said.push(format!(
            "{office} lost {}",
            inbox.declared(&log).expect("reads")
        ));
        said.push(format!(
            "{office} declarations {}",
            inbox.declarations(&log).expect("reads")
        ));
        said.push(format!(
            "{office} not believed {}",
            inbox.not_believed(&log).expect("reads")
        ));
        said.push(format!(
            "{office} confirmed {}",
            inbox.confirmed(&log).expect("reads")
        ));
        said.push(format!(
            "{office} on a branch {}",
            inbox.is_on_branch(&log).expect("reads")
        ));
        let ends = (position(1), position(POSITIONS));
        said.push(format!(
            "{office} held {:?}",
            inbox.held_within(&log, ends).expect("reads")
        ));
        for (at, signed) in inbox.branches(&log, 0, 100).expect("reads") {
            said.push(format!("{office} branch {at} {}", of(&signed)));
        }
    }
    said.push(format!(
        "{name} cursor {:?}",
        inbox.cursor(&feed).expect("reads")
    ));
    said.push(format!("{name} {:?}", inbox.status(&feed).expect("reads")));
    said.extend(alarms(inbox.alarms()));
    said
}

pub fn marks(delivered: &Delivered) -> Vec<String> {
    let mut said = Vec::new();
    let target: TargetName = TARGET.parse().expect("a name");
    for office in OFFICES {
        let log = LogName::from_source(&format!("urn:spean:moh:{office}:{}", FEEDS[0]));
        let log = log.expect("a source");
        said.push(format!("{office} {:?}", delivered.up_to(&target, &log)));
        for number in 1..=POSITIONS {
            said.push(format!(
                "{office} {number} {:?}",
                delivered.hash_of(&target, &log, number)
            ));
        }
    }
    said.push(format!("known {}", delivered.knows(&target)));
    said.push(format!("file {:?}", delivered.file(&target)));
    for order in delivered.orders(&target) {
        said.push(format!("order {order:?}"));
    }
    said
}

fn alarms(alarms: &Alarms) -> Vec<String> {
    let mut said = vec![format!("{} alarms", alarms.raised())];
    let list = alarms.list().into_iter();
    said.extend(list.map(|one| format!("alarm {} {} {}", one.at_ms, one.code, one.text)));
    said
}
