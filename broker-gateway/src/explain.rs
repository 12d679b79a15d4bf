//! The codes that a gateway can tell: what both programs know, and what its door and its sessions add.

use schemas::explain::{Chapter, Codes, Page};

use crate::limits::{MINISTRY_SESSIONS_MAX, OFFICE_SESSIONS_MAX};
use crate::listen::Cause;
use crate::peer::PeerFault;
use crate::session::end;

pub fn codes() -> Codes {
    let peers = PeerFault::ALL.iter();
    let peers =
        peers.map(|fault| Page::plain(fault.code(), Chapter::Certificates, &fault.to_string()));
    let full = format!(
        "maximum connections exceeded: an office has {OFFICE_SESSIONS_MAX} sessions, a ministry {MINISTRY_SESSIONS_MAX}. A session that \
         has been silent makes room for a new one, and hears this"
    );
    let full = Page::plain("too-many-sessions", Chapter::Certificates, &full);
    let strangers = Cause::ALL.iter();
    let strangers =
        strangers.map(|cause| Page::plain(cause.code(), Chapter::Strangers, cause.meaning()));
    Codes::shared()
        .with(end::pages())
        .with(peers)
        .with([full])
        .with(strangers)
}
