//! A form is held against its contract: both come in, every place where they differ goes out, in words for whoever writes forms.
//! A form that leaves out what the contract asks for could never be submitted; a code list of its own would promise what is refused.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Form, Kind, Text};
use crate::contract::Contract;
use crate::period::Period;

pub fn faults(form: &Form, contract: &Contract) -> Vec<String> {
    let members = members(contract.schema());
    let mut faults = Vec::new();
    if form.contract != contract.uri() {
        faults.push(format!("it is written for {}", form.contract));
    }
    shape(form, &mut faults);
    for member in &members {
        let field = form.fields().find(|field| field.at.as_str() == member.at);
        match field {
            None if member.required => {
                faults.push(format!("{} is required, and no field", member.at))
            }
            None => {}
            Some(field) if field.required != member.required => {
                faults.push(format!(
                    "{}: the contract says whether it is required",
                    member.at
                ));
            }
            Some(field) => faults.extend(codes(&field.kind, member)),
        }
    }
    let known: BTreeSet<&str> = members.iter().map(|member| &*member.at).collect();
    for field in form.fields() {
        if !known.contains(field.at.as_str()) {
            faults.push(format!("the contract has no {}", field.at));
        }
    }
    for layout in &form.layouts {
        layouts(form, layout, &mut faults);
    }
    faults
}

/// What must hold of a form by itself.
fn shape(form: &Form, faults: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for field in form.fields() {
        if !seen.insert(&field.at) {
            faults.push(format!("{} stands there twice", field.at));
        }
        if let (Some(list), Some((own, _))) = (form.list(), field.at.in_list())
            && list != own
        {
            faults.push(format!("{} lies in a second list", field.at));
        }
    }
    for place in form.key.iter().chain(&form.subject) {
        if form.field(place).is_none() {
            faults.push(format!("{place} is no field of it"));
        }
    }
    if form.subject.iter().any(|place| place.in_list().is_some()) {
        faults.push("its subject lies in a list".to_owned());
    }
    if form.layouts.is_empty() {
        faults.push("it knows no sheet".to_owned());
    }
    for text in texts(form) {
        if text.en.trim().is_empty() || !text.km.chars().any(is_khmer) {
            faults.push(format!("{:?} is not said in both languages", text.en));
        }
    }
    for expected in &form.expected {
        let since = expected.since.parse::<Period>();
        if !since.is_ok_and(|since| expected.every.takes(since)) {
            faults.push(format!("{:?} is no period of its kind", expected.since));
        }
    }
}

fn is_khmer(character: char) -> bool {
    ('\u{1780}'..='\u{17ff}').contains(&character)
}

/// Everything in it that a person reads. A name that is the same in every language needs no Khmer letters, and is no text.
fn texts(form: &Form) -> Vec<Text> {
    let mut texts = vec![form.title.clone()];
    for section in &form.sections {
        texts.push(section.title.clone());
    }
    for field in form.fields() {
        texts.push(field.label.clone());
        texts.push(field.expects.clone());
        texts.extend(field.unit.clone());
        let codes = match &field.kind {
            Kind::Codes(codes) => codes.list.as_slice(),
            Kind::Province(codes) => codes,
            Kind::Text | Kind::Code | Kind::Number | Kind::Whole | Kind::Digits => &[],
            Kind::Day | Kind::Month | Kind::Quarter | Kind::Period => &[],
        };
        texts.extend(codes.iter().map(|code| Text {
            km: code.km.clone(),
            en: code.en.clone(),
        }));
    }
    texts.extend(form.doubts.iter().map(|doubtful| doubtful.text().clone()));
    for layout in &form.layouts {
        texts.push(layout.title.clone());
        texts.extend(layout.only.iter().map(|only| only.why.clone()));
        for column in &layout.columns {
            texts.extend(column.stays.clone());
            texts.extend(column.never.clone());
        }
    }
    texts
}

fn codes(kind: &Kind, member: &Member) -> Option<String> {
    let own: BTreeSet<String> = match kind {
        Kind::Codes(codes) if codes.others => return None,
        Kind::Codes(codes) => codes.list.iter().map(|code| code.code.clone()).collect(),
        Kind::Province(more) => {
            let provinces = crate::tables::PROVINCES.iter();
            let provinces = provinces.map(|province| province.pcode.clone());
            provinces
                .chain(more.iter().map(|code| code.code.clone()))
                .collect()
        }
        Kind::Text | Kind::Code | Kind::Number | Kind::Whole | Kind::Digits => BTreeSet::new(),
        Kind::Day | Kind::Month | Kind::Quarter | Kind::Period => BTreeSet::new(),
    };
    (own != member.codes).then(|| format!("{}: its codes are not the contract's", member.at))
}

fn layouts(form: &Form, layout: &super::Layout, faults: &mut Vec<String>) {
    let name = &layout.name;
    let mut fault = |why: String| faults.push(format!("the sheet {name}: {why}"));
    let mut names = BTreeSet::new();
    for column in &layout.columns {
        for called in [&column.name].into_iter().chain(&column.also) {
            if !names.insert(called) || *called != called.to_lowercase() {
                fault(format!("{called} stands there twice, or not in lower case"));
            }
        }
        let used = !column.fields.is_empty() || column.needed;
        if !used && column.stays.is_none() && column.never.is_none() {
            fault(format!("{} is left out, and nothing says why", column.name));
        }
        let unknown = column.fields.iter().find(|at| form.field(at).is_none());
        if let Some(at) = unknown {
            fault(format!("{} says {at}, which is no field", column.name));
        }
    }
    for field in form.fields().filter(|field| field.required) {
        let said = layout.says(&field.at).next().is_some() || layout.fill.contains_key(&field.at);
        if !said && field.unless_said.is_none() {
            fault(format!("nothing in it says {}", field.at));
        }
    }
    for place in layout.fill.keys() {
        if form.field(place).is_none() {
            fault(format!("it fills in {place}, which is no field"));
        }
    }
    for only in &layout.only {
        if layout.column(&only.column).is_none() {
            fault(format!("it asks for {}, which is no column", only.column));
        }
    }
}

/// A member of a contract's documents.
struct Member {
    at: String,
    required: bool,
    /// Empty where the contract lists none.
    codes: BTreeSet<String>,
}

/// Every member of the document and of its lists' entries.
fn members(schema: &Value) -> Vec<Member> {
    let mut found = Vec::new();
    collect(schema, schema, "", &mut found);
    found
}

fn collect(root: &Value, object: &Value, below: &str, found: &mut Vec<Member>) {
    let required: Vec<&str> = object
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = object.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let property = resolved(root, property);
        let at = format!("{below}/{name}");
        match property.get("items").map(|items| resolved(root, items)) {
            Some(items) if items.get("properties").is_some() => {
                collect(root, items, &format!("{at}/-"), found);
            }
            Some(items) => found.push(member(
                format!("{at}/-"),
                required.contains(&&**name),
                items,
            )),
            None => found.push(member(at, required.contains(&&**name), property)),
        }
    }
}

fn member(at: String, required: bool, property: &Value) -> Member {
    let codes = property.get("enum").and_then(Value::as_array);
    let codes = codes.into_iter().flatten().filter_map(Value::as_str);
    Member {
        at,
        required,
        codes: codes.map(str::to_owned).collect(),
    }
}

/// What a reference within the contract leads to; one level, as our contracts have them.
fn resolved<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|reference| root.pointer(reference.strip_prefix('#')?));
    target.unwrap_or(schema)
}
