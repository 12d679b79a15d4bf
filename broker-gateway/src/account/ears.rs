//! What an office listens to in all its sessions: a subject comes in, a place goes out; and how many of its places hear a message, for each
//! has a copy of it at nats-server.

use std::sync::{Arc, Mutex};

use super::lock;
use crate::wire::Subject;

/// An office's places to listen at.
#[derive(Debug)]
pub struct Ears {
    most: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    all: Vec<(u64, Subject)>,
}

/// One place; it is free again when it is dropped.
#[derive(Debug)]
pub struct Ear {
    ears: Arc<Ears>,
    number: u64,
}

impl Ears {
    pub fn new(most: usize) -> Arc<Ears> {
        Arc::new(Ears {
            most,
            table: Mutex::default(),
        })
    }

    /// None where all places are taken.
    pub fn listen(self: &Arc<Self>, subject: Subject) -> Option<Ear> {
        let mut table = lock(&self.table);
        if table.all.len() >= self.most {
            return None;
        }
        let number = table.next;
        table.next = number.wrapping_add(1);
        table.all.push((number, subject));
        drop(table);
        let ears = self.clone();
        Some(Ear { ears, number })
    }

    /// How many hear what comes on a subject.
    pub fn copies(&self, subject: &Subject) -> usize {
        let table = lock(&self.table);
        let hears = |(_, heard): &&(u64, Subject)| heard.matches(subject.as_str());
        table.all.iter().filter(hears).count()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut table = lock(&self.ears.table);
        table.all.retain(|(number, _)| *number != self.number);
    }
}
