//! What a form posts: a body comes in, its fields go out, once its token is the one of the browser that sent it.

use axum::body::{Body, Bytes, to_bytes};
use percent_encoding::percent_decode;

use crate::desk::limits::FORM_BYTES_MAX;
use crate::desk::trouble::Trouble;

/// Reads a form within its bound. The connection's own deadline ends one that does not come.
pub async fn body(body: Body) -> Result<Fields, Trouble> {
    let bytes = to_bytes(body, FORM_BYTES_MAX).await;
    bytes
        .map(|bytes| Fields::read(&bytes))
        .map_err(|_| Trouble::FormOld)
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

    pub fn text(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map_or("", |(_, value)| value)
    }
}

fn decoded(bytes: &[u8]) -> String {
    let spaced: Vec<u8> = bytes
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}
