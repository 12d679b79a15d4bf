use super::*;

const LOG: &str = "urn:spean:moh:siem-reap:health-quarterly";

fn content(data: &str) -> Content {
    Content::of("a.type", "KH17/2026Q3", "application/json", data.as_bytes())
}

/// Events by id, sequence and data; what was submitted has its id as its data.
fn tally(events: &[(&str, u64, &str)], named: bool) -> Tally {
    let ids = ["a", "b", "c"].map(str::to_owned);
    let accepted = Accepted::from([(LOG.to_owned(), ids.to_vec())]);
    let contents = ids.map(|id| (id.clone(), content(&id)));
    let asked = Asked::from([(LOG.to_owned(), BTreeMap::from(contents))]);
    let arrived = |(id, sequence, data): &(&str, u64, &str)| Arrived {
        source: LOG.to_owned(),
        id: (*id).to_owned(),
        sequence: *sequence,
        content: content(data),
    };
    let logs = BTreeMap::from([(LOG.to_owned(), events.iter().map(arrived).collect())]);
    let named = named.then(|| LOG.to_owned()).into_iter().collect();
    let name = "";
    Tally::of(
        &accepted,
        &asked,
        &Application {
            name,
            logs: &logs,
            named,
        },
    )
}

const A: (&str, u64, &str) = ("a", 1, "a");
const B: (&str, u64, &str) = ("b", 2, "b");
const C: (&str, u64, &str) = ("c", 3, "c");

#[test]
fn a_whole_log_is_received() {
    let whole = Tally {
        received: 3,
        ..Tally::default()
    };
    assert_eq!(tally(&[A, B, C], false), whole);
}

#[test]
fn each_kind_of_harm_is_counted_as_itself() {
    let harms = |events: &[_]| tally(events, true).harms().map(|(_, count)| count);
    assert_eq!(harms(&[A, C]), [1, 0, 0, 0, 0, 0], "lost and named");
    assert_eq!(
        harms(&[A, B, ("b", 3, "b"), ("c", 4, "c")]),
        [0, 1, 0, 0, 0, 0]
    );
    assert_eq!(
        harms(&[A, ("b", 2, "B"), C]),
        [0, 0, 1, 0, 0, 0],
        "one byte is another"
    );
    assert_eq!(
        harms(&[A, ("c", 2, "c"), ("b", 3, "b")]),
        [0, 0, 0, 1, 0, 0]
    );
    assert_eq!(harms(&[B, A, C]), [0, 0, 0, 1, 0, 0]);
    assert_eq!(harms(&[A, B, C, ("d", 4, "d")]), [0, 0, 0, 0, 0, 1]);
    let unsaid = tally(&[A, C], false);
    assert_eq!((unsaid.lost, unsaid.undetected, unsaid.received), (1, 1, 2));
}

#[test]
fn a_line_and_a_request_with_the_same_event_have_the_same_content() {
    let data = "{\n  \"note\": \"\\u1796\"\n}";
    let base64 = BASE64_STANDARD.encode(data);
    let head = r#""source":"urn:spean:a:b:c","id":"x-1","sequence":"00000000000000000007","type":"t","subject":"s","datacontenttype":"application/json""#;
    let line = format!(r#"{{{head},"data_base64":"{base64}"}}"#);
    let headers = [
        ("ce-source", "urn:spean:a:b:c"),
        ("ce-id", "x-1"),
        ("ce-sequence", "00000000000000000007"),
        ("ce-type", "t"),
        ("ce-subject", "s"),
        ("content-type", "application/json"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let posted = Arrived::of_request(&HashMap::from(headers), data.as_bytes());
    let expected = Arrived {
        source: "urn:spean:a:b:c".to_owned(),
        id: "x-1".to_owned(),
        sequence: 7,
        content: Content::of("t", "s", "application/json", data.as_bytes()),
    };
    assert_eq!(posted.expect("it is an event"), expected);
    assert_eq!(
        Arrived::of_line(line.as_bytes()).expect("it is one"),
        expected
    );
    let plain = format!(r#"{{{head},"data":{{"a" :1}}}}"#);
    let plain = Arrived::of_line(plain.as_bytes()).expect("it is one");
    let bytes = br#"{"a" :1}"#;
    assert_eq!(
        plain.content,
        Content::of("t", "s", "application/json", bytes)
    );
}
