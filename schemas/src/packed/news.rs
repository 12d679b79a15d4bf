//! News: what an agent would otherwise have to ask for comes in and goes out: where the gateway's registry stands, and by which tag a feed's
//! counts are told now.

use super::field::{Fields, Malformed, put_count, put_text};
use super::hello::{put_registry, registry};
use super::limits::{FEEDS_MAX, WORD_BYTES_MAX};
use crate::registry::RegistryHead;
use crate::subject::FeedName;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub registry: Option<RegistryHead>,
    /// Of the feeds whose counts have changed.
    pub counts: Vec<(FeedName, String)>,
}

impl News {
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_registry(&mut out, self.registry);
        put_count(&mut out, self.counts.len());
        for (feed, tag) in &self.counts {
            put_text(&mut out, feed.as_str().as_bytes());
            put_text(&mut out, tag.as_bytes());
        }
        out
    }

    /// # Errors
    /// `Malformed`.
    pub fn read(body: &[u8]) -> Result<News, Malformed> {
        let mut fields = Fields::of(body);
        let registry = registry(&mut fields)?;
        let count = fields.count(FEEDS_MAX)?;
        let counts = std::iter::repeat_with(|| {
            let feed = fields
                .text(WORD_BYTES_MAX)?
                .parse()
                .map_err(|_| Malformed)?;
            Ok((feed, fields.text(WORD_BYTES_MAX)?.to_owned()))
        });
        Ok(News {
            registry,
            counts: counts.take(count).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Hash, Position};

    #[test]
    fn news_are_read_as_they_were_written() {
        let registry = RegistryHead {
            position: Position::FIRST,
            hash: Hash::of(b"registry"),
        };
        let counts = ("market-prices".parse().expect("a feed"), "t4".to_owned());
        for news in [
            News {
                registry: Some(registry),
                counts: vec![counts],
            },
            News {
                registry: None,
                counts: Vec::new(),
            },
        ] {
            let body = news.write();
            assert_eq!(News::read(&body), Ok(news));
            for cut in 0..body.len() {
                assert_eq!(News::read(&body[..cut]), Err(Malformed), "{cut}");
            }
        }
    }
}
