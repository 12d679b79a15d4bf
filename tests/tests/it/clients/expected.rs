//! What becomes of each row, by client: nats-py, nats.js, async-nats, nats.c. Every cell is held exactly.

/// A row's name, and its outcomes in the order of `CLIENTS`.
type Row = (&'static str, [&'static str; 4]);

const fn all(outcome: &'static str) -> [&'static str; 4] {
    [outcome; 4]
}

pub const EXPECTED: &[Row] = &[
    ("connect", all("works")),
    ("publish a signed event", all("works")),
    ("publish it again", all("works")),
    ("publish the next one", all("works")),
    ("publish out of order", all("refused 60206")),
    ("publish without headers", all("refused 60107")),
    ("publish to another's log", all("refused 60116")),
    (
        "publish to foo through JetStream",
        ["no responders", "told", "StreamNotFound", "refused 10076"],
    ),
    ("publish to foo", all("told")),
    (
        "request foo",
        ["no responders", "told", "no responders", "no responders"],
    ),
    ("subscribe to foo", all("told")),
    ("subscribe with a queue group", all("told")),
    ("request the registry", all("works")),
    ("account info", all("works")),
    ("stream info", all("works")),
    ("stream name by subject", all("works")),
    ("stream list", all("works")),
    ("stream info, unknown stream", all("refused 10059")),
    ("stream info, feed not the office's", all("refused 10059")),
    ("stream create", all("refused 60124")),
    ("stream purge", all("refused 60124")),
    ("stream delete", all("refused 60124")),
    (
        "bucket bind",
        ["BucketNotFoundError", "refused 10059", "-", "none"],
    ),
    (
        "bucket create",
        ["refused 60124", "refused 60124", "-", "refused 60124"],
    ),
    ("pull, durable of its own name", all("works")),
    ("pull it again", all("works")),
    ("pull, without a durable name", all("works")),
    ("push, without a durable name", all("works")),
    ("ordered", all("works")),
    ("pull with nothing there", all("timeout")),
    ("nak, in progress, term", all("works")),
    ("message by subject, by sequence", all("works")),
    (
        "message that is not there",
        ["refused 10037", "none", "NoMessageFound", "refused 10037"],
    ),
    ("consumer beyond bounds", all("works")),
    ("consumer list", all("works")),
    (
        "consumer info, unknown consumer",
        [
            "refused 10014",
            "refused 10014",
            "NotFound",
            "refused 10014",
        ],
    ),
    (
        "consumer pause",
        ["refused 60124", "refused 60124", "refused 60124", "-"],
    ),
    ("consumer of a queue group", all("refused 60126")),
    ("consumer on logs of others", all("refused 60126")),
    ("consumer delete", all("works")),
    ("gateway stops", all("works")),
    ("gateway is back", all("works")),
    ("drain", all("works")),
];
