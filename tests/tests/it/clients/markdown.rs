//! What became of the plan comes in, the page that docs/clients.md is goes out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use time::OffsetDateTime;

use super::expected::EXPECTED;
use super::{CLIENTS, Client, Rows};

const HEAD: &str = "\
# Stock NATS clients

Software that nobody of the project wrote, with an office's certificate and nothing else of the project's. Written by
`make clients MARKDOWN=docs/clients.md`; `make test` holds every cell against [the table](../tests/tests/it/clients/expected.rs).
The programs are [tests/clients](../tests/clients) and [rust.rs](../tests/tests/it/clients/rust.rs): each does what its client's
documentation does first, without a word about consumers' names.

";

const FOOT: &str = "
*works*: the client did it, and what came was right. *refused N*: the client showed the error at once, with JetStream's `err_code` N
(60,000 and above: [codes.md](codes.md); below: nats-server's own, or the client's word for it). *told*: the client showed a permissions
violation. *no responders*: nobody answers on such a subject here. *none*, *timeout*: there is nothing, said in the client's own time. *-*: the
client has no such call, or was built without it.

How an event is signed and what a client does after each answer says [protocol.md](protocol.md). `tests/clients/protocol.py` is a client of 300 lines
that was written from it, on nats-py; `make test` holds it against the gateway and against agents.

What is different from a nats-server of one's own:

- A consumer's name lies below its office's: `report` of `moh/hq` is `moh_hq_report` on the bus, and each office may have one. Answers and
  lists say the name that the client said; the metadata of messages says the whole one. Both names are taken.
- Settings beyond a bound are brought to it, and the answer shows it: `max_ack_pending` at most 20,000, `ack_wait` and `backoff` at least
  1 s, heartbeats at least 100 ms. Who asks `pedantic` is refused instead.
- An office that reads its own log alone sees of a stream the count of that log. A feed that it neither reads nor fills is not there.
- Inboxes begin with `_INBOX.<ministry>.<office>.`: set the client's inbox prefix.
- Streams and buckets are made by the operator; queue groups, pauses and priority groups are not open to offices.
- Where an error is told beside an answer, it names the code: `Permissions Violation for Publish to \"foo\" (subject-forbidden)`.
";

pub fn page(columns: &BTreeMap<Client, Rows>) -> String {
    let day = OffsetDateTime::now_utc().date();
    let mut page = format!("{HEAD}{day}, nats-server 2.15.1 behind the gateway.\n\n| |");
    let cell = |client: &Client, row: &str| {
        let rows = columns.get(client);
        rows.map(|rows| rows.get(row).map_or("?", String::as_str).to_owned())
    };
    for client in &CLIENTS {
        let version = cell(client, "version").unwrap_or_default();
        let _ = write!(page, " {} {version} |", client.name());
    }
    page.push_str("\n|---|---|---|---|---|\n");
    for (row, _) in EXPECTED {
        let _ = write!(page, "| {row} |");
        for client in &CLIENTS {
            let cell = cell(client, row).unwrap_or_else(|| "not here".to_owned());
            let _ = write!(page, " {cell} |");
        }
        page.push('\n');
    }
    page.push_str(FOOT);
    page
}
