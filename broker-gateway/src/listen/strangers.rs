//! Peers that have not shown who they are: an address comes in, a place goes out, always. Where all places are taken somebody has to
//! go: of the network that has most of them, the oldest. So a flood pays for itself, and who comes from elsewhere gets in.

mod room;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::network::{Network, Networks};
use crate::limits::{ACQUAINTED_SHARE, HANDSHAKES_MAX, HELLOS_MAX};

use room::{Member, Room};

/// Whether an office came from this address lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Newcomer,
    Acquainted,
}

/// How far a stranger has come. Those who have said nothing whole cannot push out those who have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Hello,
    Handshake,
}

#[derive(Debug, Clone, Default)]
pub struct Strangers(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    hello: Rooms,
    handshake: Rooms,
    /// Numbers rise, so that the lowest is the oldest.
    next: u64,
}

/// Acquaintances have a part of the places to themselves.
#[derive(Debug, Default)]
struct Rooms {
    newcomers: Room,
    acquaintances: Room,
}

/// One stranger's place; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    strangers: Strangers,
    seat: Seat,
    /// Resolves when somebody else needs the place.
    needed: oneshot::Receiver<()>,
}

/// Where a stranger sits.
#[derive(Debug, Clone, Copy)]
struct Seat {
    stage: Stage,
    room: Standing,
    network: Network,
    number: u64,
}

impl Strangers {
    /// A place among those whose ClientHello is awaited.
    pub fn enter(&self, address: IpAddr, standing: Standing) -> Place {
        let (stays, needed) = oneshot::channel();
        let member = Member::new(Networks::of(address), stays);
        let mut table = self.lock();
        let number = table.next;
        table.next = table.next.saturating_add(1);
        let seat = table.seat(Stage::Hello, standing, number, member);
        drop(table);
        Place {
            strangers: self.clone(),
            seat,
            needed,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The ClientHello is there: from here on the place is among those that shake hands.
    pub fn has_said_hello(&mut self) {
        let mut table = self.strangers.lock();
        let Seat { room, number, .. } = self.seat;
        // Who was shown out just now hears of it through `needed`.
        if let Some(member) = table.rise(self.seat) {
            self.seat = table.seat(Stage::Handshake, room, number, member);
        }
    }

    /// Ends when somebody else needs the place.
    pub async fn needed(&mut self) {
        // Nothing is ever sent: the other end goes away.
        let _ = (&mut self.needed).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.strangers.lock().rise(self.seat));
    }
}

impl Table {
    /// Takes a seat, and shows somebody out where that is one too many.
    fn seat(&mut self, stage: Stage, standing: Standing, number: u64, member: Member) -> Seat {
        let (rooms, places) = self.rooms(stage);
        let own = places / ACQUAINTED_SHARE;
        let (for_acquaintances, for_newcomers) = (own, places.saturating_sub(own));
        // Acquaintances that are many take what is free elsewhere, and push out only each other.
        let room = match standing {
            Standing::Acquainted
                if rooms.acquaintances.count() >= for_acquaintances
                    && rooms.newcomers.count() < for_newcomers =>
            {
                Standing::Newcomer
            }
            standing => standing,
        };
        let network = member.networks.of_48;
        let (all, places) = match room {
            Standing::Newcomer => (&mut rooms.newcomers, for_newcomers),
            Standing::Acquainted => (&mut rooms.acquaintances, for_acquaintances),
        };
        all.put(number, member);
        if all.count() > places {
            all.show_out();
        }
        Seat {
            stage,
            room,
            network,
            number,
        }
    }

    /// Gives the seat back; None where it was needed before.
    fn rise(&mut self, seat: Seat) -> Option<Member> {
        let (rooms, _) = self.rooms(seat.stage);
        let room = match seat.room {
            Standing::Newcomer => &mut rooms.newcomers,
            Standing::Acquainted => &mut rooms.acquaintances,
        };
        room.take(seat.network, seat.number)
    }

    fn rooms(&mut self, stage: Stage) -> (&mut Rooms, usize) {
        match stage {
            Stage::Hello => (&mut self.hello, HELLOS_MAX),
            Stage::Handshake => (&mut self.handshake, HANDSHAKES_MAX),
        }
    }
}

#[cfg(test)]
mod tests;
