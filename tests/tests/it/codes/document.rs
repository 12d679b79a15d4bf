//! `docs/codes.md`: the pages of all codes come in, the document goes out. What stands above a chapter's table is said here.

use std::fmt::Write as _;

use schemas::alarm::{Call, Effect};
use schemas::explain::{Chapter, Page};

const HEAD: &str = "\
# The codes

A code never changes its meaning, and its number is never given to another. Gateway and agent use the same codes; every answer says
the text in English and Khmer, and names each field at fault. `spean-agent explain CODE` and `spean-gateway explain CODE` tell the same on a terminal,
in the language that `--lang` or `LANG` says.

| severity | how soon somebody has to look |
|---|---|
| info | it is over, and nothing is to be done |
| warning | it goes on by itself; whoever has time looks why |
| error | something stands still, or is not delivered, until somebody acts |
| critical | what was accepted is lost or in doubt, or somebody else has the office's identity: today |

*Holds* says that something waits for it, and is kept; *ends*, that the program does not start, and has changed nothing. An alarm without either stops
nothing. The Khmer was written by machine, and no native reader has read it yet.

<!-- Written by `make codes` from the enums in schemas, agent and broker-gateway: a change by hand is lost. -->
";

/// The whole document.
pub fn written(pages: &[Page]) -> String {
    let mut document = HEAD.to_owned();
    for chapter in Chapter::ALL {
        add(&mut document, &format!("\n## {}\n", chapter.title().en));
        add(&mut document, &format!("\n{}\n", about(chapter)));
        let columns = columns(chapter);
        let bars = "|---".repeat(columns.len());
        add(
            &mut document,
            &format!("\n| {} |\n{bars}|\n", columns.join(" | ")),
        );
        for page in pages.iter().filter(|page| page.chapter == chapter) {
            add(&mut document, &format!("| {} |\n", cells(page).join(" | ")));
        }
    }
    document
}

fn add(document: &mut String, text: &str) {
    write!(document, "{text}").expect("a string takes all");
}

fn columns(chapter: Chapter) -> &'static [&'static str] {
    match chapter {
        Chapter::Refused => &["number", "code", "what it says"],
        Chapter::Held => &["number", "code", "severity", "what it says", "whom to call"],
        Chapter::Receipts
        | Chapter::OwnLog
        | Chapter::Readers
        | Chapter::Deliveries
        | Chapter::Stores
        | Chapter::Openings => &[
            "code",
            "severity",
            "what it says",
            "what to do",
            "whom to call",
        ],
        Chapter::Http => &["status", "code", "what it says"],
        Chapter::Breaches => &["code", "`-ERR`"],
        Chapter::Sessions => &["code", "why it ended"],
        Chapter::Certificates => &["code", "what is wrong"],
        Chapter::Strangers => &["code", "what happened"],
    }
}

fn cells(page: &Page) -> Vec<String> {
    let code = format!("`{}`", page.code);
    let number = page
        .number
        .map_or(String::new(), |number| number.to_string());
    let says = match page.km {
        Some(km) => format!("{} {km}", page.en),
        None => page.en.clone(),
    };
    match page.chapter {
        Chapter::Refused | Chapter::Http => vec![number, code, says],
        Chapter::Held => vec![number, code, severity(page), says, call(page)],
        Chapter::Receipts
        | Chapter::OwnLog
        | Chapter::Readers
        | Chapter::Deliveries
        | Chapter::Stores
        | Chapter::Openings => {
            let to_do = page
                .what_to_do
                .map(|text| format!("{} {}", text.en, text.km));
            vec![
                code,
                severity(page),
                says,
                to_do.unwrap_or_default(),
                call(page),
            ]
        }
        Chapter::Breaches | Chapter::Sessions | Chapter::Certificates | Chapter::Strangers => {
            vec![code, says]
        }
    }
}

fn severity(page: &Page) -> String {
    let severity = page.severity.text().en;
    match page.effect {
        Effect::Tells => severity.to_owned(),
        // The chapter says it of all.
        Effect::Holds if page.chapter == Chapter::Held => severity.to_owned(),
        Effect::Holds => format!("{severity}, holds"),
        Effect::Ends => format!("{severity}, ends"),
    }
}

fn call(page: &Page) -> String {
    match page.call {
        Call::Nobody => "-".to_owned(),
        call => call.text().en.to_owned(),
    }
}

fn about(chapter: Chapter) -> &'static str {
    match chapter {
        Chapter::Refused => {
            "The event goes to the office's tray and stays there until it is corrected; those behind it go on."
        }
        Chapter::Held => {
            "A check could not be made, or something before the event is missing. The office keeps everything, shows it, and asks again slowly."
        }
        Chapter::Receipts | Chapter::OwnLog => {
            "Those that hold are shown as `held` in `/status` and `/events/{id}`: nothing settles, and the gateway is asked again within a minute. \
             Alarms stand in `status`, in `/status` and in the agent's log."
        }
        Chapter::Readers => {
            "Alarms of the reader that says so; nothing of it stops what it sends, and other logs go on."
        }
        Chapter::Deliveries => {
            "What is promised stands in [receiving.md](receiving.md). Nothing of it holds up sending or receiving. At the start `store-newer` ends the \
             agent where what was delivered is written by a newer program: nothing is changed; start that one. `feed-unknown` and \
             `feed-not-readable` end it where a `[[deliver]]` table names a feed on which nothing can arrive."
        }
        Chapter::Stores => {
            "Told at the start, and where a store is read. Nothing damaged is deleted: what cannot be read is kept beside what was begun in its place."
        }
        Chapter::Openings => {
            "Those that end the agent have touched nothing; the agent says them with the folder's name. The logs of [one log \
             underneath](decisions/one-log-underneath.md) tell them; today's stores tell the first alone. The last four compare a store with the \
             note outside of it, once the stores lie on these logs."
        }
        Chapter::Http => {
            "As `application/problem+json` (RFC 9457). The refusals and holds above are answered there, too, where the agent can tell offline."
        }
        Chapter::Breaches => {
            "The peer is told with `-ERR` and the code, the audit keeps the code, and the connection ends."
        }
        Chapter::Sessions => {
            "However a session ends, the audit has one line for it (`\"op\":\"session\",\"answer\":\"ended\"`), with the code of a breach above or one of \
             these."
        }
        Chapter::Certificates => {
            "The peer is told with `-ERR` behind the handshake, the audit keeps the code, and the connection ends. A certificate of another CA, an \
             expired one or none at all ends the handshake itself with TLS's own alert (`UnknownCA`, `CertificateExpired`, `CertificateRequired`)."
        }
        Chapter::Strangers => {
            "Whoever has shown no certificate hears nothing but TLS's own alert. The audit counts them: op `strangers`, with the code, how many since \
             when, from which networks, and the serial numbers of certificates that were not believed. There is a line at the first, tenth, hundredth \
             ... of each code in an hour, and one at its end."
        }
    }
}
