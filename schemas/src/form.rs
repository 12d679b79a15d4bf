//! Forms: beside a feed's contract, what a person sees of it. The form's file and the contract come in; sections, labels, code lists,
//! columns of known sheets, what is plausible and what is expected go out, checked against the contract.
//!
//! One description makes the page, the empty sheet and the reader of sheets. It says nothing of what may pass: that is the contract's.

mod agree;
mod doubt;
mod expected;
mod known;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::contract::Contract;
use crate::subject::FeedName;

pub use self::doubt::{Doubt, Doubtful};
pub use self::expected::{Every, Expected};

/// What people read, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub km: String,
    pub en: String,
}

/// A form as its file has it; what is made by [`Form::compile`] agrees with its contract.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The form's URI, which ends in its version; what a URI means never changes.
    #[serde(rename = "form")]
    pub uri: String,
    pub feed: FeedName,
    /// The contract that its data follows.
    pub contract: String,
    pub title: Text,
    /// For the reader of the file.
    #[serde(default, rename = "note")]
    _note: String,
    /// Whether a second person looks at it before it is submitted.
    #[serde(default)]
    pub approval: bool,
    pub sections: Vec<Section>,
    /// The fields that tell what an event, or an entry of its list, is about: two with the same are one thing said twice.
    pub key: Vec<Place>,
    /// The fields that make the event's `subject`.
    pub subject: Vec<Place>,
    #[serde(default)]
    pub doubts: Vec<Doubtful>,
    /// The sheets that are known; the first is the office's own, which is written empty.
    pub layouts: Vec<Layout>,
    pub expected: Vec<Expected>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    pub title: Text,
    pub fields: Vec<Field>,
}

/// A member of the data, as a person fills it in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub at: Place,
    pub label: Text,
    pub kind: Kind,
    /// What must stand there, in words for a person, such as "a number, such as 12".
    pub expects: Text,
    #[serde(default)]
    pub required: bool,
    /// What need not be typed.
    #[serde(default)]
    pub known: Option<Known>,
    /// What it is where nothing is said; the same is meant by saying it.
    #[serde(default)]
    pub unless_said: Option<String>,
    #[serde(default)]
    pub unit: Option<Text>,
}

impl Field {
    /// Whether it says when something was: what changes from report to report.
    pub fn is_time(&self) -> bool {
        matches!(
            self.kind,
            Kind::Day | Kind::Month | Kind::Quarter | Kind::Period
        )
    }
}

/// How a field is typed and read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kind {
    Text,
    /// A name for programs, without blanks.
    Code,
    /// A decimal number, as text.
    Number,
    /// A whole number, as a number.
    Whole,
    /// Digits that are a name, and keep their zeros.
    Digits,
    Day,
    Month,
    Quarter,
    /// A year, a quarter or a month.
    Period,
    /// A province's P-code; or one of these, such as the whole country.
    Province(Vec<Code>),
    Codes(Codes),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    pub list: Vec<Code>,
    /// Codes that are not listed are taken as well, as they are.
    #[serde(default)]
    pub others: bool,
}

/// A code, its labels, and how it is called elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    pub code: String,
    pub km: String,
    pub en: String,
    #[serde(default)]
    pub also: Vec<String>,
}

/// What the office's agent knows by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    OwnProvince,
    CurrentPeriod,
}

/// A sheet that is known: which column stands for which fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    pub name: String,
    pub title: Text,
    pub columns: Vec<Column>,
    /// What is the same in all of its rows, or made of columns: `Market: {market}`.
    #[serde(default)]
    pub fill: BTreeMap<Place, String>,
    /// Rows of another kind are not this form's.
    #[serde(default)]
    pub only: Vec<Only>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// In lower case.
    pub name: String,
    #[serde(default)]
    pub also: Vec<String>,
    /// The fields that it says; where several columns say one, the first goes before the others, and they may not disagree.
    #[serde(default)]
    pub fields: Vec<Place>,
    /// It is known and not sent, for this reason.
    #[serde(default)]
    pub stays: Option<Text>,
    /// Its word for "yes" makes the row a bad one, for this reason.
    #[serde(default)]
    pub never: Option<Text>,
    /// Each row must fill it in, though it is no field of its own.
    #[serde(default)]
    pub needed: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    pub column: String,
    pub begins: Vec<String>,
    pub why: Text,
}

/// A JSON Pointer to a member; `-` stands for every entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Place(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in a document: write /member or /list/-/member")]
pub struct PlaceFault(String);

/// Why a form is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormFault {
    #[error("it is no form: {0}")]
    Shape(String),
    #[error("the registry does not know its contract {0}")]
    ContractUnknown(String),
    #[error("it does not agree with its contract: {}", .0.join("; "))]
    Disagrees(Vec<String>),
}

impl TryFrom<String> for Place {
    type Error = PlaceFault;

    fn try_from(text: String) -> Result<Place, PlaceFault> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            ["", member] | ["", member, "-"] if !member.is_empty() && *member != "-" => {}
            ["", list, "-", member] if !list.is_empty() && !member.is_empty() => {}
            _ => return Err(PlaceFault(text)),
        }
        Ok(Place(text))
    }
}

impl Place {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The list that it lies in, and the member of each entry.
    pub fn in_list(&self) -> Option<(&str, &str)> {
        let (list, member) = self.0.split_once("/-")?;
        Some((list.trim_start_matches('/'), member.trim_start_matches('/')))
    }

    /// The member's name, within the document or within an entry of its list.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The place that a pointer into a document leads to: `/dataValues/3/value` is `/dataValues/-/value`.
    pub fn of_pointer(pointer: &str) -> String {
        let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let parts = pointer
            .split('/')
            .map(|part| if number(&part) { "-" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Form {
    /// Reads a form and holds it against its contract.
    ///
    /// # Errors
    /// [`FormFault`]; where it disagrees, all that does.
    pub fn compile(text: &str, contract: &Contract) -> Result<Form, FormFault> {
        Form::read(text)?.agreeing(contract)
    }

    fn read(text: &str) -> Result<Form, FormFault> {
        serde_json::from_str(text).map_err(|fault| FormFault::Shape(fault.to_string()))
    }

    fn agreeing(self, contract: &Contract) -> Result<Form, FormFault> {
        match agree::faults(&self, contract) {
            faults if faults.is_empty() => Ok(self),
            faults => Err(FormFault::Disagrees(faults)),
        }
    }

    /// In the order of the page.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.sections.iter().flat_map(|section| &section.fields)
    }

    pub fn field(&self, at: &Place) -> Option<&Field> {
        self.fields().find(|field| field.at == *at)
    }

    /// The form itself as a sheet, with a column for each field in the order of the page: what is typed into a page is read as a sheet is.
    pub fn as_sheet(mut self) -> Form {
        let columns = self.fields().enumerate().map(|(index, field)| Column {
            name: format!("field {index}"),
            also: Vec::new(),
            fields: vec![field.at.clone()],
            stays: None,
            never: None,
            needed: false,
        });
        let page = Layout {
            name: "page".to_owned(),
            title: self.title.clone(),
            columns: columns.collect(),
            fill: BTreeMap::new(),
            only: Vec::new(),
        };
        self.layouts = vec![page];
        self
    }

    /// The field that says for which period a report is.
    pub fn period(&self) -> Option<&Field> {
        let mut fields = self.fields();
        fields.find(|field| field.known == Some(Known::CurrentPeriod))
    }

    /// The list whose entries are the rows of a sheet; none where a row is an event.
    pub fn list(&self) -> Option<&str> {
        let mut lists = self.fields().filter_map(|field| field.at.in_list());
        lists.next().map(|(list, _)| list)
    }
}

impl Layout {
    /// The column of this name, or of one that it has elsewhere.
    pub fn column(&self, name: &str) -> Option<&Column> {
        let called =
            |column: &&Column| column.name == name || column.also.iter().any(|also| also == name);
        self.columns.iter().find(called)
    }

    /// The columns that say a field, in their order.
    pub fn says<'a>(&'a self, at: &'a Place) -> impl Iterator<Item = &'a Column> {
        self.columns
            .iter()
            .filter(move |column| column.fields.contains(at))
    }
}

impl Codes {
    /// The code that a word stands for: the code itself, one of its labels or what it is called elsewhere, in any case.
    pub fn of<'a>(&'a self, word: &'a str) -> Option<&'a str> {
        find(&self.list, word).or(self.others.then_some(word))
    }
}

/// As [`Codes::of`], in a closed list.
pub fn find<'a>(codes: &'a [Code], word: &str) -> Option<&'a str> {
    let word = word.to_lowercase();
    let is = |name: &str| name.to_lowercase() == word;
    // A code goes before another one's label.
    let by_code = codes.iter().find(|code| is(&code.code));
    let by_label = || {
        codes
            .iter()
            .find(|code| is(&code.km) || is(&code.en) || code.also.iter().any(|also| is(also)))
    };
    by_code.or_else(by_label).map(|code| &*code.code)
}

#[cfg(test)]
mod tests;
