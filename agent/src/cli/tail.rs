//! `tail`: a feed's stream comes in, a line of JSON for each event goes out, as its office signed it. A broken stream goes on
//! where it ended.

use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Response;
use schemas::subject::FeedName;
use tokio::time::sleep;

use super::client::{Agent, Told};
use super::terminal::{line, stop_signal};

/// Before a broken stream is opened again.
const RETRY: Duration = Duration::from_secs(2);
/// A line of a stream: the largest event, in base64.
const LINE_BYTES_MAX: usize = 2 * 1024 * 1024;

pub async fn run(agent: &Agent, feed: &FeedName, after: u64) -> anyhow::Result<ExitCode> {
    let stop = stop_signal()?;
    let mut after = after;
    let mut response = agent.stream(&path(feed), after).await?;
    loop {
        let followed = tokio::select! {
            () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
            followed = follow(response, &mut after) => followed?,
        };
        if followed == Followed::NobodyReads {
            return Ok(ExitCode::SUCCESS);
        }
        response = loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
                () = sleep(RETRY) => {}
            }
            match agent.stream(&path(feed), after).await {
                Ok(response) => break response,
                Err(error) if error.is::<Told>() => return Err(error),
                Err(error) => tracing::warn!("{error:#}"),
            }
        };
    }
}

fn path(feed: &FeedName) -> String {
    format!("/feeds/{feed}/events")
}

#[derive(PartialEq, Eq)]
enum Followed {
    Broken,
    NobodyReads,
}

async fn follow(response: Response, after: &mut u64) -> anyhow::Result<Followed> {
    let mut pieces = response.bytes_stream();
    let mut reader = Lines::default();
    while let Some(Ok(piece)) = pieces.next().await {
        reader.push(&piece);
        while let Some(said) = reader.next() {
            match said {
                Said::Id(id) => *after = id,
                Said::Data(event) if !line(&event)? => return Ok(Followed::NobodyReads),
                Said::Data(_) => {}
            }
        }
    }
    Ok(Followed::Broken)
}

/// What a line of a stream says, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Id(u64),
    Data(String),
}

/// Pieces of a stream come in, what its lines say goes out. An id comes before its data; the data are one line each.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
    id: Option<u64>,
}

impl Lines {
    fn push(&mut self, piece: &[u8]) {
        self.rest.extend_from_slice(piece);
        if self.rest.len() > LINE_BYTES_MAX {
            self.rest.clear();
        }
    }

    fn next(&mut self) -> Option<Said> {
        loop {
            let end = self.rest.iter().position(|byte| *byte == b'\n')?;
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            // The id counts only when its data were written.
            if line.is_empty()
                && let Some(id) = self.id.take()
            {
                return Some(Said::Id(id));
            }
            if let Some(id) = line.strip_prefix("id: ") {
                self.id = id.parse().ok();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some(Said::Data(data.to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_in_any_pieces_says_its_data_and_then_their_id() {
        let stream = b": keep-alive\n\nid: 7\ndata: {\"a\":1}\n\nid: 8\ndata: {}\n\n";
        let expected = [
            Said::Data("{\"a\":1}".into()),
            Said::Id(7),
            Said::Data("{}".into()),
            Said::Id(8),
        ];
        for size in 1..=stream.len() {
            let mut reader = Lines::default();
            let mut said = Vec::new();
            for piece in stream.chunks(size) {
                reader.push(piece);
                said.extend(std::iter::from_fn(|| reader.next()));
            }
            assert_eq!(said, expected, "in pieces of {size}");
        }
    }
}
