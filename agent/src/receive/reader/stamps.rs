//! What came of a feed comes in; the newest registry by which a gateway has stored any of it goes out, to whoever keeps the registry here.

use schemas::receipt::Stamp;
use schemas::registry::Beside;

use super::Reader;
use crate::link::Delivery;

impl Reader<'_> {
    /// By which registry gateways have stored what came: one that has more lines than are here was not shown to this office.
    pub(super) fn hear_registry(&self, messages: &[(u64, Delivery)]) {
        let stamps = messages.iter().rev();
        let stamps = stamps.filter_map(|(_, message)| Stamp::read(&message.headers));
        let newest = stamps.max_by_key(|stamp| stamp.registry.map(|head| head.position));
        if let Some((gateway, head)) =
            newest.and_then(|stamp| Some((stamp.gateway, stamp.registry?)))
            && [Beside::Newer, Beside::Forked].contains(&self.registry.borrow().beside(head))
        {
            let gateway = format!("gateway {gateway}");
            self.session.names_registry(&gateway, head);
        }
    }
}
