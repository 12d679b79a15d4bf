//! What a form posts: a body comes in, its fields go out, once its token is the one of the browser that sent it.

use axum::body::{Body, Bytes, to_bytes};
use percent_encoding::percent_decode;

use crate::desk::trouble::Trouble;

/// Reads a form within its bound. The connection's own deadline ends one that does not come.
///
/// # Errors
/// It is larger than that, or ends before its end.
pub async fn body(body: Body, bytes_max: usize) -> Result<Fields, Trouble> {
    let bytes = to_bytes(body, bytes_max).await;
    bytes
        .map(|bytes| Fields::read(&bytes))
        .map_err(|_| Trouble::TooLarge)
}

/// The fields of a form, in their order.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// `application/x-www-form-urlencoded`; what is no UTF-8 is replaced, and then fits nothing.
    pub fn read(body: &Bytes) -> Fields {
        let pairs = body.split(|byte| *byte == b'&');
        let pairs = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let name = decoded(parts.next().unwrap_or_default());
            (name, decoded(parts.next().unwrap_or_default()))
        });
        Fields(pairs.collect())
    }

    /// None where the form has no such field.
    pub fn find(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.as_str())
    }

    pub fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }
}

fn decoded(bytes: &[u8]) -> String {
    let spaced: Vec<u8> = bytes
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}
