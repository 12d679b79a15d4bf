//! One control line comes in, its verb and its arguments go out; what is no number is no length.

use super::WireFault;

/// How control lines and payloads end.
pub const LINE_END: &[u8] = b"\r\n";
/// The most arguments that any operation has: `HMSG subject sid reply headers total`.
const ARGUMENTS_MAX: usize = 5;

/// Cuts a line into verb and the rest. Space and tab separate, as in nats-server's parser.
pub fn verb(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line
        .iter()
        .position(|byte| is_space(*byte))
        .unwrap_or(line.len());
    line.split_at(end)
}

/// The arguments of one line, kept without an allocation.
pub struct Arguments<'a> {
    parts: [&'a [u8]; ARGUMENTS_MAX],
    count: usize,
}

impl<'a> Arguments<'a> {
    pub fn of(rest: &'a [u8]) -> Result<Arguments<'a>, WireFault> {
        let mut parts: [&[u8]; ARGUMENTS_MAX] = [&[]; ARGUMENTS_MAX];
        let mut count = 0;
        let mut words = rest
            .split(|byte| is_space(*byte))
            .filter(|word| !word.is_empty());
        for (number, (part, word)) in (1..).zip(parts.iter_mut().zip(&mut words)) {
            (*part, count) = (word, number);
        }
        match words.next() {
            None => Ok(Arguments { parts, count }),
            Some(_) => Err(WireFault::Arguments),
        }
    }

    pub fn as_slice(&self) -> &[&'a [u8]] {
        self.parts.get(..self.count).unwrap_or(&self.parts)
    }

    pub fn none(&self) -> Result<(), WireFault> {
        match self.as_slice() {
            [] => Ok(()),
            _ => Err(WireFault::Arguments),
        }
    }
}

/// A length: digits only, no sign, no leading zero, at most 32 bits.
pub fn length(digits: &[u8]) -> Result<usize, WireFault> {
    let number = match digits {
        [b'0'] | [b'1'..=b'9', ..] => std::str::from_utf8(digits).ok(),
        _ => None,
    };
    number
        .and_then(|number| number.parse::<u32>().ok())
        .and_then(|number| usize::try_from(number).ok())
        .ok_or(WireFault::Length)
}

/// The lengths of a message: all of it, and the part that is headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    pub headers: Option<usize>,
    pub total: usize,
}

impl Lengths {
    /// What of it is no header.
    pub fn payload(&self) -> usize {
        self.total.saturating_sub(self.headers.unwrap_or(0))
    }

    /// With its end.
    pub fn whole(&self) -> usize {
        self.total.saturating_add(LINE_END.len())
    }

    pub fn plain(total: &[u8], total_max: usize) -> Result<Lengths, WireFault> {
        let total = length(total)?;
        if total > total_max {
            return Err(WireFault::PayloadTooLarge);
        }
        Ok(Lengths {
            headers: None,
            total,
        })
    }

    pub fn with_headers(
        headers: &[u8],
        total: &[u8],
        total_max: usize,
    ) -> Result<Lengths, WireFault> {
        let headers = length(headers)?;
        let Lengths { total, .. } = Lengths::plain(total, total_max)?;
        if headers > total {
            return Err(WireFault::HeadersTooLong);
        }
        // nats.js says that a message without headers has 0 bytes of them, and nats-server takes it.
        Ok(Lengths {
            headers: Some(headers).filter(|bytes| *bytes > 0),
            total,
        })
    }
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
