//! An application behind a webhook: a real HTTP server, in which a suite decides what each delivery is answered.
//! In: requests of an agent, one connection each. Out: what was posted, and an answer, a late one or none. Never: an answer of its own.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// The longest body that is read: events are bounded far below.
const BODY_BYTES: usize = 8 * 1024 * 1024;

/// One delivery.
pub struct Posted {
    /// By their names in small letters.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// What it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Taken,
    /// A status, and nothing else.
    Status(u16),
    /// 503, with a time to come back in seconds.
    NotNow(u64),
    /// The connection ends without a word.
    Nothing,
    /// The connection stays, and no word comes until the agent has had enough.
    Silence,
}

/// Serves whoever connects, until the handle is dropped.
pub fn serve<Decide, Decision>(listener: TcpListener, decide: Decide) -> AbortOnDropHandle<()>
where
    Decide: Fn(Posted) -> Decision + Send + Sync + 'static,
    Decision: Future<Output = Result<Answer>> + Send + 'static,
{
    let decide = Arc::new(decide);
    AbortOnDropHandle::new(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let decide = Arc::clone(&decide);
            tokio::spawn(async move { connection(stream, &*decide).await });
        }
    }))
}

/// Requests of one connection, until either side ends it.
async fn connection<Decide, Decision>(stream: TcpStream, decide: &Decide) -> Result<()>
where
    Decide: Fn(Posted) -> Decision,
    Decision: Future<Output = Result<Answer>>,
{
    let mut stream = BufReader::new(stream);
    loop {
        let posted = read(&mut stream).await?;
        let answer = match decide(posted).await? {
            Answer::Taken => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            Answer::Status(status) => {
                format!("HTTP/1.1 {status} As Told\r\ncontent-length: 0\r\n\r\n")
            }
            Answer::NotNow(seconds) => format!(
                "HTTP/1.1 503 Service Unavailable\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n"
            ),
            Answer::Nothing => return Ok(()),
            Answer::Silence => {
                stream.read_u8().await.ok();
                return Ok(());
            }
        };
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Result<Posted> {
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        ensure!(stream.read_line(&mut line).await? > 0, "the agent is gone");
        match line.trim_end().split_once(": ") {
            Some((name, value)) => {
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let length = headers.get("content-length").map_or("0", String::as_str);
    let length: usize = length.parse().context("a length is a number")?;
    ensure!(length <= BODY_BYTES, "a body of {length} bytes");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Posted { headers, body })
}
