//! Names, keys and positions come in, what the registry has of them goes out. Nothing is changed here.

use super::*;

impl Registry {
    /// How many events of the registry's log this is the fold of.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// What the first event of every log is linked to: another one under another authority.
    pub fn genesis(&self) -> Hash {
        self.genesis
    }

    pub fn ministry(&self, code: &str) -> Option<&Ministry> {
        self.ministries.get(code)
    }

    pub fn ministries(&self) -> impl Iterator<Item = &Ministry> {
        self.ministries.values()
    }

    /// The province of an NCDD code.
    pub fn province(&self, code: &str) -> Option<&Province> {
        self.provinces.get(code)
    }

    pub fn provinces(&self) -> impl Iterator<Item = &Province> {
        self.provinces.values()
    }

    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    pub fn office(&self, id: &OfficeId) -> Option<&Office> {
        self.offices.get(id)
    }

    pub fn offices(&self) -> impl Iterator<Item = &Office> {
        self.offices.values()
    }

    pub fn feed(&self, name: &FeedName) -> Option<&Feed> {
        self.feeds.get(name)
    }

    pub fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.feeds.values()
    }

    pub fn contract(&self, uri: &str) -> Option<&Arc<Contract>> {
        self.contracts
            .get(uri)
            .or_else(|| crate::notice::contract(uri))
    }

    pub fn key(&self, keyid: &str) -> Option<&Key> {
        self.keys.get(keyid)
    }

    /// An office's keys, the newest first.
    pub fn keys_of(&self, office: &OfficeId) -> impl Iterator<Item = &Key> {
        let keyids = self.keyids.get(office).map_or(&[][..], Vec::as_slice);
        keyids.iter().rev().filter_map(|keyid| self.keys.get(keyid))
    }

    /// The key that an office signs a position of its log with: the newest that is honoured there.
    pub fn key_for(&self, office: &OfficeId, feed: &FeedName, position: Position) -> Option<&Key> {
        self.keys_of(office)
            .find(|key| key.honoured(feed, position))
    }

    /// The gateway that signs receipts with a key.
    pub fn gateway_key(&self, keyid: &str) -> Option<&Gateway> {
        self.gateways.get(keyid)
    }

    /// The `keyid`s of what was registered as a key and is none.
    pub fn no_keys(&self) -> impl Iterator<Item = &str> {
        self.no_keys.iter().map(String::as_str)
    }

    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.values()
    }
}
