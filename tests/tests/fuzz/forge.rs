//! Letters made wrong in the places where programs count, compare and parse: a seed comes in, a few letters of one log go out, each
//! signed as it then stands. Most of a letter is right, so that what is wrong is reached.

use fastrand::Rng;
use serde_json::json;
use tests::letter::{Letter, LogOf};

use super::rooms::{FEED, OFFICE, Rooms};

/// Ways to say a number, of which some are none, and some more than a program holds.
const NUMBERS: [&str; 24] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "7",
    "77",
    "77.0",
    "1e0",
    "7.7e1",
    "-0.0",
    "-1",
    "1.5",
    "1e-1",
    "100000",
    "1000001",
    "9007199254740990",
    "9007199254740991",
    "9007199254740992",
    "9.007199254740991e15",
    "18446744073709551614",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
];
const TYPES: [&str; 5] = [
    "kh.gov.moh.quarterly-report.submitted.v1",
    "kh.gov.moh.quarterly-report.corrected.v1",
    "kh.gov.nida.spean.log-resumed.v1",
    "kh.gov.nida.spean.gap-declared.v1",
    "kh.gov.nida.nothing.v1",
];
const CONTRACTS: [&str; 5] = [
    "https://spean.gov.kh/contracts/health-quarterly/1.0",
    "https://spean.gov.kh/contracts/withdrawal/1.0",
    "https://spean.gov.kh/contracts/log-resumed/1.0",
    "https://spean.gov.kh/contracts/gap-declared/1.0",
    "https://spean.gov.kh/contracts/gap-declared/1.1",
];
const WORDS: [&str; 10] = [
    "",
    " ",
    "-",
    "%00",
    "%E1%9E%80",
    "%FF",
    "a",
    "2026-10-05T08:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
];
const ATTRIBUTES: [&str; 13] = [
    "id",
    "source",
    "specversion",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "causationid",
    "sequence",
    "prevhash",
    "recordedtime",
    "dataclassification",
];
/// Letters of one run: enough for a batch.
const LETTERS_MAX: usize = 12;

pub struct Forge<'r> {
    lot: Rng,
    rooms: &'r Rooms,
}

impl<'r> Forge<'r> {
    pub fn new(seed: u64, rooms: &'r Rooms) -> Forge<'r> {
        let lot = Rng::with_seed(seed);
        Forge { lot, rooms }
    }

    /// Consecutive publishes of one office.
    pub fn letters(&mut self) -> Vec<Letter> {
        let mut position = self.position();
        let mut previous = self.rooms.genesis();
        let count = self.lot.usize(1..=LETTERS_MAX);
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            let letter = self.letter(position, &previous);
            if self.lot.u8(..8) > 0 {
                previous = letter.hash();
            }
            position = match self.lot.u8(..8) {
                0 => self.position(),
                _ => position.saturating_add(1),
            };
            all.push(letter);
        }
        all
    }

    fn letter(&mut self, position: u64, previous: &str) -> Letter {
        let log = LogOf {
            office: OFFICE,
            feed: FEED,
            event_type: TYPES[0],
        };
        let id = format!("letter-{:x}", self.lot.u64(..));
        let letter = Letter::new(&log, position, previous, &report()).set("id", &id);
        let mut letter = match self.lot.u8(..8) {
            0 => self.declaration(letter, position),
            1 => self.resumed(letter, position),
            _ => letter,
        };
        if self.lot.u8(..3) == 0 {
            for _ in 0..self.lot.usize(1..=2) {
                letter = self.mistaken(letter);
            }
        }
        letter.sign(&self.rooms.key)
    }

    /// Mostly behind its range, as it must be.
    fn declaration(&mut self, letter: Letter, position: u64) -> Letter {
        let last = match self.lot.bool() {
            true => self.written(position.saturating_sub(1)),
            false => self.number().to_owned(),
        };
        let first = self.number();
        let data = match self.lot.u8(..6) {
            0 => format!(r#"{{"first":{first},"last":{last},"receipt":{{}}}}"#),
            _ => format!(r#"{{"first":{first},"last":{last}}}"#),
        };
        let contract = self.one(&CONTRACTS[3..]);
        letter
            .set("type", TYPES[3])
            .set("dataschema", contract)
            .with_data(data)
    }

    fn resumed(&mut self, letter: Letter, position: u64) -> Letter {
        let (first, last) = (self.number(), self.written(position));
        let hash = self.rooms.genesis();
        letter
            .set("type", TYPES[2])
            .set("dataschema", CONTRACTS[2])
            .with_data(format!(
                r#"{{"first":{first},"last":{last},"hash":"{hash}"}}"#
            ))
    }

    /// One thing is another than it should be.
    fn mistaken(&mut self, letter: Letter) -> Letter {
        let name = self.one(&ATTRIBUTES);
        match self.lot.u8(..10) {
            0 => letter.without(name),
            1 | 2 => letter.set(name, self.one(&WORDS)),
            3 => letter.set("sequence", &format!("{:0>20}", self.one(&NUMBERS))),
            4 => letter.set("prevhash", &self.rooms.genesis()),
            5 => letter.set("type", self.one(&TYPES)),
            6 => letter.set("dataschema", self.one(&CONTRACTS)),
            7 => letter.set(name, &"x".repeat(self.lot.usize(..400))),
            _ => {
                let data = self.spoilt(letter.data.clone());
                letter.with_data(data)
            }
        }
    }

    /// Some bytes are others, are not there, or stand there twice; or a number is said in another way.
    fn spoilt(&mut self, mut data: Vec<u8>) -> Vec<u8> {
        let at = self.lot.usize(..=data.len().saturating_sub(1));
        let piece = data.get(at..).unwrap_or_default();
        let piece = piece[..piece.len().min(self.lot.usize(..8))].to_vec();
        match self.lot.u8(..5) {
            0 => data.truncate(at),
            1 => drop(data.splice(at..at, piece)),
            2 => drop(data.splice(at..at + piece.len(), [])),
            3 => drop(data.splice(at..at, self.one(&NUMBERS).bytes())),
            _ => {
                let other = self.lot.u8(..);
                data.iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte = other);
            }
        }
        data
    }

    /// A position of which there is mostly one more.
    fn position(&mut self) -> u64 {
        match self.lot.u8(..4) {
            0 => self.number().parse().unwrap_or(u64::MAX),
            1 => self.lot.u64(1..200),
            _ => 1,
        }
    }

    fn number(&mut self) -> &'static str {
        self.one(&NUMBERS)
    }

    /// The same number, said in one way or another.
    fn written(&mut self, number: u64) -> String {
        match self.lot.u8(..3) {
            0 => format!("{number}.0"),
            1 => format!("{number}e0"),
            _ => number.to_string(),
        }
    }

    fn one(&mut self, of: &'static [&'static str]) -> &'static str {
        of[self.lot.usize(..of.len())]
    }
}

fn report() -> serde_json::Value {
    json!({
        "dataSet": "DENGUE_Q", "period": "2026Q3", "orgUnit": "KH17",
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "39" }],
    })
}
