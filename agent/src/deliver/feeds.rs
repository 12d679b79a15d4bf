//! Whether what is to be delivered can arrive at all: the targets of the settings and the registry come in, a mistake for each that gets nothing
//! because of its feed goes out. A right that was taken while something had arrived is no mistake of the settings: that is delivered.

use schemas::registry::Registry;
use schemas::subject::OfficeId;

use crate::inbox::Inbox;
use crate::settings::{Deliver, Mistake, Mistakes};

/// # Errors
/// All targets whose feed the registry does not know, or does not open to the office.
pub fn check(
    all: &[Deliver],
    registry: &Registry,
    office: &OfficeId,
    inbox: &Inbox,
) -> Result<(), Mistakes> {
    let readable = registry.readable_feeds(office);
    let open: Vec<&str> = readable.iter().map(|feed| feed.name.as_str()).collect();
    let mut mistakes = Vec::new();
    for (index, Deliver { name, feed, .. }) in all.iter().enumerate() {
        let (code, en, km) = match registry.feed(feed) {
            None => (
                "feed-unknown",
                "the registry knows no such feed",
                "បញ្ជីមិនស្គាល់ feed នេះទេ",
            ),
            Some(_) if open.contains(&feed.as_str()) || inbox.last_arrival(feed) > 0 => continue,
            Some(_) => (
                "feed-not-readable",
                "this office may not read it; ask the feed's owner",
                "ការិយាល័យនេះមិនមានសិទ្ធិអាន feed នេះទេ សូមសួរម្ចាស់ feed",
            ),
        };
        let open = open.join(", ");
        mistakes.push(Mistake {
            at: format!("deliver[{}].feed", index + 1),
            what: format!(
                "{code}: {feed:?} of {name}: {en}; open to {office}: {open}\n    {km}",
                feed = feed.as_str()
            ),
        });
    }
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(Mistakes(mistakes)),
    }
}
