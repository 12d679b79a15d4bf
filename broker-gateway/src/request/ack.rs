//! What a client tells its consumers: acknowledgements and flow control, to its own ones only.

use super::consumer;
use super::{Asker, Request, malformed};
use crate::refuse::No;
use crate::wire::Subject;
use bytes::Bytes;

/// A reason or a delay stands behind an acknowledgement's word.
const ACK_BYTES_MAX: usize = 512;

/// `$JS.ACK.<stream>.<consumer>.<5 numbers>`, or the longer form with domain and account in front.
pub fn acknowledge(
    asker: Asker<'_>,
    subject: &Subject,
    rest: &[&str],
    body: &[u8],
) -> Result<Request, No> {
    let (stream, name) = match rest {
        [stream, name, _, _, _, _, _] => (stream, name),
        [_domain, _account, stream, name, _, _, _, _, _, ..] => (stream, name),
        _ => {
            return Err(malformed(
                "subject",
                "this is no acknowledgement's subject",
                "មិនមែនជាប្រធានបទបញ្ជាក់ការទទួលទេ",
            ));
        }
    };
    consumer::own_whole(asker, stream, name)?;
    // `+NXT` is left out: it would be a pull with a body that nobody has read.
    let word = body.split(|byte| *byte == b' ').next().unwrap_or_default();
    if !matches!(word, b"" | b"+ACK" | b"-NAK" | b"+WPI" | b"+TERM") || body.len() > ACK_BYTES_MAX {
        return Err(malformed(
            "",
            "an acknowledgement is +ACK, -NAK, +WPI or +TERM",
            "ការបញ្ជាក់គឺ +ACK, -NAK, +WPI ឬ +TERM",
        ));
    }
    Ok(Request::Forward {
        subject: subject.clone(),
        body: Bytes::copy_from_slice(body),
        renamed: None,
    })
}

/// `$JS.FC.<stream>.<consumer>.<id>`: a push consumer asks whether its reader keeps up.
pub fn flow(asker: Asker<'_>, subject: &Subject, rest: &[&str]) -> Result<Request, No> {
    let [stream, name, _] = rest else {
        return Err(malformed(
            "subject",
            "this is no flow control's subject",
            "មិនមែនជាប្រធានបទគ្រប់គ្រងលំហូរទេ",
        ));
    };
    consumer::own_whole(asker, stream, name)?;
    Ok(Request::Forward {
        subject: subject.clone(),
        body: Bytes::new(),
        renamed: None,
    })
}
