//! Settings that are closed to offices: a body that holds them comes in, one without them goes out. Stock clients write them all; what
//! means nothing may stand there, and anything else is named in the refusal.

use serde_json::Value;

use super::forbidden;
use crate::refuse::No;

/// Takes them out of an object; what is none is refused by its type.
///
/// # Errors
/// The first one that is set.
pub fn take_out(object: Option<&mut Value>, closed: &[&str]) -> Result<(), No> {
    let Some(Value::Object(members)) = object else {
        return Ok(());
    };
    for name in closed {
        if let Some(value) = members.remove(*name)
            && !means_nothing(&value)
        {
            return Err(forbidden(
                name,
                "this setting is not open to offices",
                "ការកំណត់នេះមិនបើកសម្រាប់ការិយាល័យទេ",
            ));
        }
    }
    Ok(())
}

fn means_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => text.is_empty() || text == "none",
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}
