//! Contracts: a feed's JSON Schema (2020-12) comes in and is compiled once; data comes in, and a checked value or every wrong field,
//! named in English and Khmer, goes out. The same at the agent, offline, and at the gateway.
//!
//! Nothing is ever fetched, no text repeats a value of the data, and the data's bytes are never altered.

use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, JsonType, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::json::{self, JsonFault, JsonFaultKind};
use crate::limits::FAULTS_NAMED_MAX;
use crate::refusal::Detail;

/// Whether data of this content type can be checked by a contract, which is one of JSON; parameters do not matter.
pub fn is_json(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    media == "application/json" || media == "text/json" || media.ends_with("+json")
}

/// A schema, ready to check with.
pub struct Contract {
    uri: String,
    schema: Value,
    validator: Validator,
}

/// Why a schema is no contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaFault {
    #[error("the contract {uri} is not strict JSON: {fault}")]
    Json { uri: String, fault: JsonFault },
    #[error("the contract {uri} calls itself {found:?}: its $id must be its URI")]
    Id { uri: String, found: String },
    #[error("the contract {uri} is no JSON Schema of draft 2020-12: {why}")]
    Dialect { uri: String, why: String },
}

/// A field that is wrong, and what is wrong with it, in one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractFault {
    /// JSON Pointer to the field; to where it should be, if it is missing.
    pub pointer: String,
    pub en: String,
    pub km: String,
}

impl Contract {
    /// Compiles a schema for checking offline: formats are checked, unknown ones and look-around in patterns are refused.
    ///
    /// # Errors
    /// [`SchemaFault`], the first that applies.
    pub fn compile(uri: &str, schema: &str) -> Result<Contract, SchemaFault> {
        let uri = uri.to_owned();
        let schema = match json::parse(schema.as_bytes()) {
            Ok(schema) => schema,
            Err(fault) => return Err(SchemaFault::Json { uri, fault }),
        };
        match schema.get("$id") {
            Some(Value::String(id)) if *id == uri => {}
            found => {
                let found = found.map_or("nothing".to_owned(), Value::to_string);
                return Err(SchemaFault::Id { uri, found });
            }
        }
        let dialect = schema.get("$schema").and_then(Value::as_str);
        if dialect != Some("https://json-schema.org/draft/2020-12/schema") {
            let why = "its $schema is another".to_owned();
            return Err(SchemaFault::Dialect { uri, why });
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_pattern_options(PatternOptions::regex())
            .build(&schema);
        match validator {
            Ok(validator) => Ok(Contract {
                uri,
                schema,
                validator,
            }),
            Err(error) => Err(SchemaFault::Dialect {
                uri,
                why: error.to_string(),
            }),
        }
    }

    pub fn uri(&self) -> &str {
        &self.uri
    }

    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Checks data and says all that is wrong with it, at most [`FAULTS_NAMED_MAX`] fields.
    ///
    /// # Errors
    /// The wrong fields, in the order of the schema.
    pub fn check(&self, data: &[u8]) -> Result<Value, Vec<ContractFault>> {
        let value = json::parse(data).map_err(|fault| vec![ContractFault::from(fault)])?;
        // Most data is good, and saying so is several times faster than looking for faults.
        if self.validator.is_valid(&value) {
            return Ok(value);
        }
        let faults = self
            .validator
            .iter_errors(&value)
            .flat_map(|error| self.faults(&error));
        Err(faults.take(FAULTS_NAMED_MAX).collect())
    }

    fn faults(&self, error: &ValidationError<'_>) -> Vec<ContractFault> {
        let at = error.instance_path().as_str();
        let fault = |pointer: String, (en, km): (String, String)| ContractFault { pointer, en, km };
        match error.kind() {
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                vec![fault(
                    below(at, name),
                    say("this field is missing", "ខ្វះវាលនេះ"),
                )]
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => unexpected
                .iter()
                // More are not named.
                .take(FAULTS_NAMED_MAX)
                .map(|name| {
                    fault(
                        below(at, name),
                        say("the contract has no such field", "កិច្ចសន្យាគ្មានវាលនេះទេ"),
                    )
                })
                .collect(),
            kind => vec![fault(at.to_owned(), self.sentence(error, kind))],
        }
    }

    fn sentence(&self, error: &ValidationError<'_>, kind: &Kind) -> (String, String) {
        match kind {
            Kind::Type { .. }
            | Kind::Enum { .. }
            | Kind::Constant { .. }
            | Kind::Pattern { .. }
            | Kind::Format { .. } => self.described(error).unwrap_or_else(|| undescribed(kind)),
            _ => bounds(kind),
        }
    }

    /// What the contract's author says that the field must be: `description` and `x-km` beside the keyword that failed.
    fn described(&self, error: &ValidationError<'_>) -> Option<(String, String)> {
        let keyword = error.schema_path().as_str();
        let (parent, _) = keyword.rsplit_once('/')?;
        let beside = self.schema.pointer(parent)?;
        let (en, km) = (beside["description"].as_str()?, beside["x-km"].as_str()?);
        Some((format!("must be {en}"), format!("ត្រូវតែជា {km}")))
    }
}

fn say(en: &str, km: &str) -> (String, String) {
    (en.to_owned(), km.to_owned())
}

/// A member's pointer (RFC 6901).
fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn undescribed(kind: &Kind) -> (String, String) {
    match kind {
        Kind::Type {
            kind: TypeKind::Single(expected),
        } => type_words(*expected),
        Kind::Enum { options } => (
            format!("must be one of {options}"),
            format!("ត្រូវតែជាតម្លៃមួយក្នុងចំណោម {options}"),
        ),
        Kind::Constant { expected_value } => (
            format!("must be {expected_value}"),
            format!("ត្រូវតែជា {expected_value}"),
        ),
        Kind::Pattern { pattern } => (
            format!("must be written as {pattern}"),
            format!("ត្រូវតែសរសេរតាមទម្រង់ {pattern}"),
        ),
        Kind::Format { format } => (
            format!("is no valid {format}"),
            format!("មិនមែនជា {format} ត្រឹមត្រូវទេ"),
        ),
        _ => say(
            "is of another type than the contract says",
            "ប្រភេទមិនត្រូវតាមកិច្ចសន្យា",
        ),
    }
}

fn type_words(expected: JsonType) -> (String, String) {
    let (en, km) = match expected {
        JsonType::String => ("text in quotes", "អក្សរក្នុងសញ្ញាសម្រង់"),
        JsonType::Number => ("a number", "លេខ"),
        JsonType::Integer => ("a whole number", "ចំនួនគត់"),
        JsonType::Boolean => ("true or false", "true ឬ false"),
        JsonType::Array => ("a list", "បញ្ជី"),
        JsonType::Object => ("an object of named fields", "វត្ថុដែលមានវាល"),
        JsonType::Null => ("null", "null"),
    };
    (format!("must be {en}"), format!("ត្រូវតែជា{km}"))
}

fn bounds(kind: &Kind) -> (String, String) {
    let both = |en: &str, km: &str, limit: &dyn fmt::Display| {
        (
            en.replace('#', &limit.to_string()),
            km.replace('#', &limit.to_string()),
        )
    };
    match kind {
        Kind::MinLength { limit } => both(
            "must have at least # characters",
            "ត្រូវមានយ៉ាងតិច # តួអក្សរ",
            limit,
        ),
        Kind::MaxLength { limit } => both(
            "must have at most # characters",
            "ត្រូវមានយ៉ាងច្រើន # តួអក្សរ",
            limit,
        ),
        Kind::MinItems { limit } => {
            both("must have at least # entries", "ត្រូវមានយ៉ាងតិច # ធាតុ", limit)
        }
        Kind::MaxItems { limit } => {
            both("must have at most # entries", "ត្រូវមានយ៉ាងច្រើន # ធាតុ", limit)
        }
        Kind::MinProperties { limit } => {
            both("must have at least # fields", "ត្រូវមានយ៉ាងតិច # វាល", limit)
        }
        Kind::MaxProperties { limit } => {
            both("must have at most # fields", "ត្រូវមានយ៉ាងច្រើន # វាល", limit)
        }
        Kind::Minimum { limit } => both("must be # or more", "ត្រូវតែ # ឬច្រើនជាងនេះ", limit),
        Kind::Maximum { limit } => both("must be # or less", "ត្រូវតែ # ឬតិចជាងនេះ", limit),
        Kind::ExclusiveMinimum { limit } => both("must be more than #", "ត្រូវតែច្រើនជាង #", limit),
        Kind::ExclusiveMaximum { limit } => both("must be less than #", "ត្រូវតែតិចជាង #", limit),
        Kind::MultipleOf { multiple_of } => {
            both("must be a multiple of #", "ត្រូវតែជាពហុគុណនៃ #", multiple_of)
        }
        Kind::UniqueItems => say("has an entry twice", "មានធាតុមួយពីរដង"),
        Kind::FalseSchema => say("the contract has no such field", "កិច្ចសន្យាគ្មានវាលនេះទេ"),
        other => both(
            "does not fit the contract's rule #",
            "មិនត្រូវតាមវិធាន # នៃកិច្ចសន្យា",
            &other.keyword(),
        ),
    }
}

impl From<JsonFault> for ContractFault {
    fn from(fault: JsonFault) -> ContractFault {
        let (en, km) = match &fault.kind {
            JsonFaultKind::NotUtf8(_) => {
                say("the data is not UTF-8 text", "ទិន្នន័យមិនមែនជាអក្សរ UTF-8 ទេ")
            }
            JsonFaultKind::ByteOrderMark => say(
                "the data begins with a byte order mark; leave it out",
                "ទិន្នន័យផ្តើមដោយសញ្ញា BOM សូមដកចេញ",
            ),
            JsonFaultKind::DuplicateKey => say("this field is given twice", "វាលនេះមានពីរដង"),
            JsonFaultKind::TooDeep => say("the data is nested too deep", "ទិន្នន័យមានច្រើនជាន់ពេក"),
            JsonFaultKind::Syntax(why) => (
                format!("the data is no JSON document: {why}"),
                format!("ទិន្នន័យមិនមែនជាឯកសារ JSON ត្រឹមត្រូវទេ៖ {why}"),
            ),
        };
        ContractFault {
            pointer: fault.pointer,
            en,
            km,
        }
    }
}

impl From<ContractFault> for Detail {
    fn from(fault: ContractFault) -> Detail {
        Detail::new(fault.pointer, fault.en, fault.km)
    }
}

impl fmt::Display for ContractFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.en)
    }
}

impl fmt::Debug for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contract({})", self.uri)
    }
}

#[cfg(test)]
mod tests;
