//! Answers: what became of a run comes in, one frame's body goes out, and back. Which log, position and hash a receipt is about both ends know,
//! and who signs; what is left is when, where the stream ends, and the signature. A no is told with the body that a stock client gets.

use bytes::Bytes;

use super::field::{Fields, Malformed, put_count, put_number, put_signed, put_text};
use super::hello::{GatewayHello, put_registry, registry};
use super::limits::{FRAME_BYTES_MAX, RUN_EVENTS_MAX, WORD_BYTES_MAX};
use crate::chain::Head;
use crate::event::Timestamp;
use crate::newest::Newest;
use crate::receipt::{Facts, Receipt, Stamp, is_gateway_name};
use crate::signing::Seal;
use crate::subject::LogName;

/// What became of some events of one run, or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Which run of the session, counted from 0.
    pub run: u64,
    pub said: Vec<Said>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It could not be read: its events are to be said in full. Nothing is known of them.
    InFull,
    /// These events are stored, each behind the one before it in the stream.
    Stored {
        /// The first one's place in the run, from 0.
        place: usize,
        count: usize,
        /// The first one's in the stream.
        sequence: u64,
        /// They stood there before.
        duplicate: bool,
        /// For the last of them.
        receipt: Option<SaidReceipt>,
    },
    /// One event was answered with this body.
    Told { place: usize, body: Bytes },
}

/// What of a receipt is not known without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidReceipt {
    pub stamp: Stamp,
    pub seal: Seal,
}

const IN_FULL: u8 = 0;
const STORED: u8 = 1;
const TOLD: u8 = 2;

/// What is said of stored events, in bits.
const DUPLICATE: u8 = 1;
const RECEIPT: u8 = 2;
/// The gateway that stored, the key that signs and the registry are not those of the greeting.
const OTHER_GATEWAY: u8 = 4;
const OTHER_KEY: u8 = 8;
const OTHER_REGISTRY: u8 = 16;
const NEWEST: u8 = 32;
const FLAGS: u8 = 63;

impl SaidReceipt {
    pub fn of(receipt: &Receipt) -> SaidReceipt {
        SaidReceipt {
            stamp: receipt.facts().stamp.clone(),
            seal: receipt.seal().clone(),
        }
    }

    /// The receipt for the event with which a log ends here.
    pub fn receipt(self, log: LogName, at: Head) -> Option<Receipt> {
        let facts = Facts {
            log,
            position: at.position?,
            hash: at.hash,
            stamp: self.stamp,
        };
        Some(Receipt::from_parts(facts, self.seal))
    }

    fn flags(&self, hello: &GatewayHello) -> u8 {
        let Stamp {
            gateway,
            registry,
            newest,
            admitted: _,
        } = &self.stamp;
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        RECEIPT
            | flag(*gateway != hello.gateway, OTHER_GATEWAY)
            | flag(self.seal.keyid() != hello.keyid, OTHER_KEY)
            | flag(*registry != hello.registry, OTHER_REGISTRY)
            | flag(newest.is_some(), NEWEST)
    }

    fn write(&self, flags: u8, out: &mut Vec<u8>) {
        let stamp = &self.stamp;
        put_signed(out, stamp.admitted.unix_seconds());
        if flags & OTHER_GATEWAY != 0 {
            put_text(out, stamp.gateway.as_bytes());
        }
        if flags & OTHER_KEY != 0 {
            put_text(out, self.seal.keyid().as_bytes());
        }
        if flags & OTHER_REGISTRY != 0 {
            put_registry(out, stamp.registry);
        }
        if let Some(newest) = stamp.newest {
            put_number(out, newest.number());
        }
        out.extend_from_slice(self.seal.signature());
    }

    fn read(
        flags: u8,
        fields: &mut Fields<'_>,
        hello: &GatewayHello,
    ) -> Result<SaidReceipt, Malformed> {
        let is = |flag: u8| flags & flag != 0;
        let admitted = Timestamp::from_unix_seconds(fields.signed()?).ok_or(Malformed)?;
        let gateway = match is(OTHER_GATEWAY) {
            true => fields.text(WORD_BYTES_MAX)?.to_owned(),
            false => hello.gateway.clone(),
        };
        let keyid = match is(OTHER_KEY) {
            true => fields.text(WORD_BYTES_MAX)?,
            false => &hello.keyid,
        };
        let registry = match is(OTHER_REGISTRY) {
            true => registry(fields)?,
            false => hello.registry,
        };
        let newest = match is(NEWEST) {
            true => Some(Newest::new(fields.number()?).ok_or(Malformed)?),
            false => None,
        };
        if !is_gateway_name(&gateway) {
            return Err(Malformed);
        }
        let seal = Seal::of(keyid, fields.array()?).map_err(|_| Malformed)?;
        let stamp = Stamp {
            admitted,
            gateway,
            registry,
            newest,
        };
        Ok(SaidReceipt { stamp, seal })
    }
}

impl Said {
    fn write(&self, hello: &GatewayHello, out: &mut Vec<u8>) {
        match self {
            Said::InFull => out.push(IN_FULL),
            Said::Stored {
                place,
                count,
                sequence,
                duplicate,
                receipt,
            } => {
                out.push(STORED);
                put_count(out, *place);
                put_count(out, *count);
                put_number(out, *sequence);
                let flags = receipt.as_ref().map_or(0, |receipt| receipt.flags(hello));
                out.push(flags | if *duplicate { DUPLICATE } else { 0 });
                if let Some(receipt) = receipt {
                    receipt.write(flags, out);
                }
            }
            Said::Told { place, body } => {
                out.push(TOLD);
                put_count(out, *place);
                put_text(out, body);
            }
        }
    }

    fn read(fields: &mut Fields<'_>, hello: &GatewayHello) -> Result<Said, Malformed> {
        let last_place = RUN_EVENTS_MAX.saturating_sub(1);
        match fields.byte()? {
            IN_FULL => Ok(Said::InFull),
            STORED => {
                let place = fields.count(last_place)?;
                let count = fields.count(RUN_EVENTS_MAX.saturating_sub(place))?;
                let sequence = fields.number()?;
                let flags = fields.byte()?;
                let of_receipt = flags & !(RECEIPT | DUPLICATE);
                if count == 0 || flags & !FLAGS != 0 || (flags & RECEIPT == 0 && of_receipt != 0) {
                    return Err(Malformed);
                }
                let receipt = match flags & RECEIPT {
                    0 => None,
                    _ => Some(SaidReceipt::read(flags, fields, hello)?),
                };
                Ok(Said::Stored {
                    place,
                    count,
                    sequence,
                    duplicate: flags & DUPLICATE != 0,
                    receipt,
                })
            }
            TOLD => Ok(Said::Told {
                place: fields.count(last_place)?,
                body: Bytes::copy_from_slice(fields.bytes(FRAME_BYTES_MAX)?),
            }),
            _ => Err(Malformed),
        }
    }
}

impl Answers {
    /// What stands in the gateway's greeting is not said again.
    pub fn write(&self, hello: &GatewayHello) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.run);
        self.said
            .iter()
            .for_each(|said| said.write(hello, &mut out));
        out
    }

    /// # Errors
    /// `Malformed`.
    pub fn read(body: &[u8], hello: &GatewayHello) -> Result<Answers, Malformed> {
        let mut fields = Fields::of(body);
        let run = fields.number()?;
        let mut said = Vec::new();
        while !fields.is_empty() {
            // Each of them is about one event at least, and none is told twice.
            if said.len() >= RUN_EVENTS_MAX {
                return Err(Malformed);
            }
            said.push(Said::read(&mut fields, hello)?);
        }
        Ok(Answers { run, said })
    }
}

#[cfg(test)]
mod tests;
