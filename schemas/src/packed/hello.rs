//! Greetings: the first frame in each direction. Who is there, what it can, and where the office's logs end on the bus come in and go out.
//! What a newer version says behind it is not read.

use super::field::{Fields, Malformed, put_count, put_number, put_text};
use super::limits::{FEEDS_MAX, WORD_BYTES_MAX};
use crate::chain::Head;
use crate::event::{Hash, Position};
use crate::receipt::is_gateway_name;
use crate::registry::RegistryHead;
use crate::subject::FeedName;

/// Runs are squeezed with zstd; another way gets another number.
pub const CODEC_ZSTD: u64 = 1;

/// What an agent says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeHello {
    /// How its runs are squeezed.
    pub codec: u64,
}

/// What a gateway says first. What its receipts have in common stands here once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayHello {
    /// How it reads runs.
    pub codec: u64,
    pub gateway: String,
    /// Of the key with which it signs receipts.
    pub keyid: String,
    /// By what it judges as the session begins.
    pub registry: Option<RegistryHead>,
    /// Of the office's own logs; one that is not told is asked for as ever.
    pub heads: Vec<(FeedName, Head)>,
}

impl OfficeHello {
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.codec);
        out
    }

    /// # Errors
    /// `Malformed`.
    pub fn read(body: &[u8]) -> Result<OfficeHello, Malformed> {
        let codec = Fields::of(body).number()?;
        Ok(OfficeHello { codec })
    }
}

impl GatewayHello {
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.codec);
        put_text(&mut out, self.gateway.as_bytes());
        put_text(&mut out, self.keyid.as_bytes());
        put_registry(&mut out, self.registry);
        put_count(&mut out, self.heads.len());
        for (feed, head) in &self.heads {
            put_text(&mut out, feed.as_str().as_bytes());
            put_number(&mut out, head.number());
            out.extend_from_slice(head.hash.as_bytes());
        }
        out
    }

    /// # Errors
    /// `Malformed`.
    pub fn read(body: &[u8]) -> Result<GatewayHello, Malformed> {
        let mut fields = Fields::of(body);
        let codec = fields.number()?;
        let gateway = fields.text(WORD_BYTES_MAX)?.to_owned();
        let keyid = fields.text(WORD_BYTES_MAX)?.to_owned();
        if !is_gateway_name(&gateway) {
            return Err(Malformed);
        }
        let registry = registry(&mut fields)?;
        let count = fields.count(FEEDS_MAX)?;
        let heads = std::iter::repeat_with(|| head(&mut fields)).take(count);
        Ok(GatewayHello {
            codec,
            gateway,
            keyid,
            registry,
            heads: heads.collect::<Result<_, _>>()?,
        })
    }
}

fn head(fields: &mut Fields<'_>) -> Result<(FeedName, Head), Malformed> {
    let feed = fields
        .text(WORD_BYTES_MAX)?
        .parse()
        .map_err(|_| Malformed)?;
    let position = match fields.number()? {
        0 => None,
        number => Some(Position::new(number).ok_or(Malformed)?),
    };
    let hash = Hash::from_bytes(fields.array()?);
    Ok((feed, Head { position, hash }))
}

/// A registry's head, or 0 where there is none.
pub(super) fn put_registry(out: &mut Vec<u8>, head: Option<RegistryHead>) {
    match head {
        None => put_number(out, 0),
        Some(RegistryHead { position, hash }) => {
            put_number(out, position.number());
            out.extend_from_slice(hash.as_bytes());
        }
    }
}

pub(super) fn registry(fields: &mut Fields<'_>) -> Result<Option<RegistryHead>, Malformed> {
    let number = fields.number()?;
    if number == 0 {
        return Ok(None);
    }
    let position = Position::new(number).ok_or(Malformed)?;
    let hash = Hash::from_bytes(fields.array()?);
    Ok(Some(RegistryHead { position, hash }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::tests::golden_hex;

    #[test]
    fn a_greeting_is_read_as_it_was_written_and_cut_nowhere() {
        let hello = GatewayHello {
            codec: CODEC_ZSTD,
            gateway: "gateway-1".into(),
            keyid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".into(),
            registry: Some(RegistryHead {
                position: Position::new(261).expect("a position"),
                hash: Hash::of(b"registry"),
            }),
            heads: vec![
                (
                    "market-prices".parse().expect("a feed"),
                    Head::empty(Hash::of(b"genesis")),
                ),
                (
                    "labour-returns".parse().expect("a feed"),
                    Head {
                        position: Position::new(4_711),
                        hash: Hash::of(b"head"),
                    },
                ),
            ],
        };
        let body = hello.write();
        golden_hex("packed-hello.hex", &body);
        assert_eq!(GatewayHello::read(&body), Ok(hello));
        for cut in 0..body.len() {
            assert_eq!(GatewayHello::read(&body[..cut]), Err(Malformed), "{cut}");
        }
        let newer = [&body[..], b"more"].concat();
        assert!(GatewayHello::read(&newer).is_ok());
    }

    #[test]
    fn an_office_s_greeting_is_read_as_it_was_written() {
        let hello = OfficeHello { codec: 300 };
        let body = hello.write();
        assert_eq!(body, [0xac, 2]);
        assert_eq!(OfficeHello::read(&body), Ok(hello));
        assert_eq!(OfficeHello::read(&[]), Err(Malformed));
    }
}
