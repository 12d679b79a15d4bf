//! How the line to the gateways is used: words come in, a checked choice goes out.

use super::reader::Reader;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Whether frames are spoken with gateways that do.
    pub packed: bool,
}

impl Link {
    pub(super) fn read(link: &mut Reader<'_>) -> Link {
        let packed = match link.text("packed").as_deref() {
            None | Some("off") => false,
            Some("on") => true,
            Some(_) => {
                link.mistake("packed", "must be \"on\" or \"off\"");
                false
            }
        };
        Link { packed }
    }
}
