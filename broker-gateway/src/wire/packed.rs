//! Frames of the packed link come in, the operations go out that a client of NATS would have said: a run is as many publishes, each with a
//! reply that names its run and its place. A run is unpacked when there is room for what it declares, and not before.

use std::collections::VecDeque;

use bytes::buf::Limit;
use bytes::{Bytes, BytesMut};
use schemas::envelope::nats;
use schemas::packed::hello::CODEC_ZSTD;
use schemas::packed::run::{Reader, Size};
use schemas::packed::{Frame, FrameFault, Frames, Kind, OfficeHello};
use schemas::signing::SignedEvent;
use schemas::subject::OfficeId;

use super::WireFault;
use super::buffer::ReadBuffer;
use super::client::{ClientOp, ClientParser, Publish};
use super::subject::Subject;
use super::tongue::Heard;
use crate::limits::{ANNOUNCED_BYTES_FREE, EVENT_HEADERS_USUAL};

/// Where in a packed session an event came: the run, counted from 0, and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceInRun {
    pub run: u64,
    pub place: usize,
}

/// The token of an inbox behind which a reply names a place in a run.
const RUN_TOKEN: &str = "run";

impl PlaceInRun {
    /// The reply subject that stands for it.
    fn reply(self, office: &OfficeId) -> Option<Subject> {
        let (ministry, place) = (office.ministry(), office.place());
        let PlaceInRun { run, place: at } = self;
        let text = format!("_INBOX.{ministry}.{place}.{RUN_TOKEN}.{run}.{at}");
        Subject::parse(text.as_bytes()).ok()
    }

    /// The place that a reply subject stands for.
    pub fn of(reply: &Subject) -> Option<PlaceInRun> {
        let mut tokens = reply.as_str().split('.').skip(3);
        let (RUN_TOKEN, run, place) = (tokens.next()?, tokens.next()?, tokens.next()?) else {
            return None;
        };
        Some(PlaceInRun {
            run: run.parse().ok()?,
            place: place.parse().ok()?,
        })
    }
}

#[derive(Debug)]
pub struct PackedParser {
    office: OfficeId,
    buffer: ReadBuffer,
    frames: Frames,
    text: ClientParser,
    greeted: bool,
    runs: Reader,
    /// The number of the next run.
    next_run: u64,
    waiting: Option<Waiting>,
    /// Unpacked and not taken yet.
    unpacked: VecDeque<(PlaceInRun, SignedEvent)>,
}

/// A run that has come whole and waits for room.
#[derive(Debug)]
struct Waiting {
    body: Bytes,
    bytes: usize,
    has_room: bool,
}

impl From<FrameFault> for WireFault {
    fn from(fault: FrameFault) -> WireFault {
        match fault {
            FrameFault::Unknown(_) => WireFault::FrameUnknown,
            FrameFault::TooLong => WireFault::FrameTooLong,
            FrameFault::Length => WireFault::FrameLength,
            FrameFault::Part => WireFault::FramePart,
        }
    }
}

impl PackedParser {
    pub fn new(office: &OfficeId) -> PackedParser {
        PackedParser {
            office: office.clone(),
            buffer: ReadBuffer::new(),
            frames: Frames::default(),
            text: ClientParser::new(),
            greeted: false,
            runs: Reader::default(),
            next_run: 0,
            waiting: None,
            unpacked: VecDeque::new(),
        }
    }

    pub fn room(&mut self) -> Limit<&mut BytesMut> {
        let wants = self.frames.wants(self.buffer.bytes());
        self.buffer.room(wants)
    }

    pub fn pace(&mut self, read: usize) {
        self.buffer.pace(read);
    }

    pub fn is_half_way(&self) -> bool {
        self.buffered() > 0 || self.text.is_half_way() || self.waiting.is_some()
    }

    pub fn announced(&self) -> usize {
        let frame = self.frames.announced(self.buffer.bytes());
        let frame = Some(frame).filter(|bytes| *bytes > ANNOUNCED_BYTES_FREE);
        frame.unwrap_or_default().max(self.text.announced())
    }

    pub fn waits_for_room(&self) -> Option<usize> {
        let waiting = self.waiting.as_ref().filter(|waiting| !waiting.has_room)?;
        Some(waiting.bytes)
    }

    pub fn has_room(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.has_room = true;
        }
    }

    pub fn buffered(&self) -> usize {
        let frames = self.frames.buffered(self.buffer.bytes());
        frames.saturating_add(self.text.buffered())
    }

    pub fn next_heard(&mut self) -> Result<Option<Heard>, WireFault> {
        loop {
            if let Some((place, event)) = self.unpacked.pop_front() {
                return Ok(Some(Heard::Op(self.publish(place, &event)?)));
            }
            if let Some(op) = self.text.next_op()? {
                return Ok(Some(Heard::Op(op)));
            }
            match self.waiting.take() {
                Some(waiting) if !waiting.has_room => {
                    self.waiting = Some(waiting);
                    return Ok(None);
                }
                Some(waiting) => {
                    if let Some(unread) = self.unpack(&waiting.body) {
                        return Ok(Some(unread));
                    }
                }
                None => match self.frames.next(self.buffer.bytes_mut())? {
                    Some(frame) => self.take(frame)?,
                    None => return Ok(None),
                },
            }
        }
    }

    fn take(&mut self, Frame { kind, body }: Frame) -> Result<(), WireFault> {
        match (kind, self.greeted) {
            (Kind::Hello, false) => {
                let hello = OfficeHello::read(&body).ok();
                let hello = hello.filter(|hello| hello.codec == CODEC_ZSTD);
                hello.ok_or(WireFault::Hello)?;
                self.greeted = true;
            }
            (Kind::Text, true) => self.text.feed(&body),
            (Kind::Run, true) => {
                // What cannot be read takes no room.
                let bytes = self.runs.size(&body).map_or(0, bytes_of);
                self.waiting = Some(Waiting {
                    has_room: bytes <= ANNOUNCED_BYTES_FREE,
                    body,
                    bytes,
                });
            }
            (Kind::Beat | Kind::News, _) => {}
            (Kind::Hello | Kind::Answers | Kind::Part, true) => {
                return Err(WireFault::FrameUnexpected);
            }
            (Kind::Run | Kind::Text | Kind::Answers | Kind::Part, false) => {
                return Err(WireFault::Hello);
            }
        }
        Ok(())
    }

    fn unpack(&mut self, body: &[u8]) -> Option<Heard> {
        let run = self.next_run;
        self.next_run = self.next_run.saturating_add(1);
        match self.runs.unpack(body) {
            Ok(events) => {
                let placed = events.into_iter().enumerate();
                let placed = placed.map(|(place, event)| (PlaceInRun { run, place }, event));
                self.unpacked.extend(placed);
                None
            }
            Err(why) => {
                tracing::debug!(run, %why, "a packed run is not read");
                let bytes = body.len();
                Some(Heard::Unread { run, bytes })
            }
        }
    }

    /// What a client of NATS would say of the event.
    fn publish(&self, place: PlaceInRun, event: &SignedEvent) -> Result<ClientOp, WireFault> {
        Ok(ClientOp::Publish(Publish {
            subject: Subject::parse(event.event().log().subject().as_bytes())?,
            reply: place.reply(&self.office),
            headers: Some(nats::encode(event).into()),
            payload: event.event().data().clone(),
        }))
    }
}

/// What a run will occupy until it is submitted.
fn bytes_of(Size { events, bytes }: Size) -> usize {
    bytes.saturating_add(events.saturating_mul(EVENT_HEADERS_USUAL))
}

#[cfg(test)]
mod tests;
