//! A reader's applications: a file that is read where it stands, a webhook in the office's own network, a file that is moved away. Each has an
//! account of its own.
//! In: a cast, a reader. Out: where its agent delivers, and what each application has. Never: an application that knows of another.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::net::TcpListener;

use super::desk::Desk;
use super::mover::Mover;
use super::net::on_lan;
use super::office::{DELIVERED, Office, Target};
use super::part::Disturbed;
use crate::arrivals::Arrivals;
use crate::scenario::{Applying, Cast};

const PORT: u16 = 8080;
/// The file that is moved away.
const HANDED_OVER: &str = "handed-over.ndjson";

/// Everything but the file that is read where it stands: that one needs nobody.
pub struct Applications {
    desk: Option<Desk>,
    mover: Option<Mover>,
}

fn has_desk(cast: &Cast, index: usize) -> bool {
    cast.offices[index].reads() && cast.applications == Applying::All
}

/// Where the agent of this office delivers.
pub fn targets(cast: &Cast, index: usize) -> Vec<Target> {
    let mut targets = Vec::new();
    if cast.offices[index].reads() {
        targets.push(Target::File(DELIVERED));
    }
    if has_desk(cast, index) {
        targets.push(Target::Webhook(format!("http://{}/events", door(index))));
    }
    if has_desk(cast, index) {
        targets.push(Target::File(HANDED_OVER));
    }
    targets
}

fn door(index: usize) -> SocketAddr {
    SocketAddr::new(on_lan(index, 1), PORT)
}

impl Applications {
    /// They are there before the agent runs.
    pub async fn open(
        cast: &Cast,
        (office, index): (&Office, usize),
        (seed, quick): (u64, bool),
        disturbed: Disturbed,
    ) -> Result<Applications> {
        let desk = match has_desk(cast, index) {
            true => {
                let listener = TcpListener::bind(door(index)).await?;
                Some(Desk::open(listener, seed, quick, disturbed))
            }
            false => None,
        };
        let path = office.folder.join(HANDED_OVER);
        let mover = has_desk(cast, index).then(|| Mover::begin(path, seed));
        Ok(Applications { desk, mover })
    }

    pub fn arrivals(&self, office: &Office, index: usize) -> Vec<Arrivals> {
        let name = |kind: &str| format!("{} {kind}", office.name);
        let mut all = Vec::new();
        if office.is_subscriber() {
            all.push(Arrivals::of_file(name("file"), index, &office.delivered()));
        }
        let desk = self.desk.iter().map(|desk| desk.shelf.clone());
        all.extend(desk.map(|shelf| Arrivals::of_shelf(name("webhook"), index, shelf)));
        let mover = self.mover.iter().map(|mover| mover.shelf.clone());
        all.extend(mover.map(|shelf| Arrivals::of_shelf(name("moved file"), index, shelf)));
        all
    }
}
