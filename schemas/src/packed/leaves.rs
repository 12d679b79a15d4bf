//! A JSON text comes in, its template and its leaves go out, and joined again they are the text, byte for byte. Nothing is understood of
//! it: a leaf is what stands between two quotes, or between two marks. What is no such text has no template.

use std::collections::HashMap;

use crate::limits::JSON_DEPTH_MAX;

/// Stands in a template for a string, whose quotes are not in its leaf.
const STRING: u8 = 1;
/// Stands in a template for any other value.
const OTHER: u8 = 2;

/// A text taken apart. No leaf holds a line feed, and no template but for white space a control character that is no mark.
#[derive(Debug, PartialEq, Eq)]
pub struct Parted<'t> {
    pub template: Vec<u8>,
    pub leaves: Vec<&'t [u8]>,
}

/// Takes a text apart; None where it is none that could be joined again.
pub fn part(text: &[u8]) -> Option<Parted<'_>> {
    let mut template = Vec::with_capacity(text.len() / 2);
    let mut leaves = Vec::new();
    let mut inside: Vec<u8> = Vec::new();
    // Whether a string that comes next is a key.
    let mut before_key = false;
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let mut taken = 1;
        match first {
            b'"' => {
                let string = string_end(behind)?;
                taken = string.saturating_add(2);
                if before_key && inside.last() == Some(&b'{') {
                    template.extend_from_slice(rest.get(..taken)?);
                } else {
                    template.push(STRING);
                    leaves.push(behind.get(..string)?);
                }
                before_key = false;
            }
            b'{' | b'[' => {
                inside.push(*first);
                template.push(*first);
                before_key = true;
            }
            b'}' | b']' => {
                inside.pop()?;
                template.push(*first);
            }
            b',' => {
                template.push(*first);
                before_key = true;
            }
            b':' | b' ' | b'\n' | b'\r' | b'\t' => template.push(*first),
            _ => {
                taken = value_end(rest)?;
                template.push(OTHER);
                leaves.push(rest.get(..taken)?);
            }
        }
        rest = rest.get(taken..)?;
    }
    Some(Parted { template, leaves })
}

/// Where a string ends whose first quote stands before this.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            0..=0x1f => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// How many bytes a value has that is no string; at least one.
fn value_end(bytes: &[u8]) -> Option<usize> {
    let marks = b"\",:{}[] \n\r\t";
    let end = bytes.iter().position(|byte| marks.contains(byte));
    let end = end.unwrap_or(bytes.len());
    let plain = bytes.get(..end)?.iter().all(|byte| *byte > 0x1f);
    Some(end).filter(|end| plain && *end > 0)
}

/// Puts a text together again behind what is there. None: there are not as many leaves as marks.
pub fn join<'l>(
    template: &[u8],
    mut leaves: impl Iterator<Item = &'l [u8]>,
    out: &mut Vec<u8>,
) -> Option<()> {
    for byte in template {
        match *byte {
            STRING => {
                out.push(b'"');
                out.extend_from_slice(leaves.next()?);
                out.push(b'"');
            }
            OTHER => out.extend_from_slice(leaves.next()?),
            other => out.push(other),
        }
    }
    leaves.next().is_none().then_some(())
}

/// The places at which the leaves of several templates stand, in the order in which they were met. What stands at one place in all of them
/// is one column: members of one name below members of one name, all elements of a list.
#[derive(Debug, Default)]
pub struct Places<'t> {
    /// A place's number by the number of the one above it and its name.
    below: HashMap<(usize, &'t [u8]), usize>,
    /// Of each place that has leaves.
    columns: HashMap<usize, usize>,
}

/// The place of a whole text.
const TOP: usize = 0;

impl<'t> Places<'t> {
    /// How many there are so far.
    pub fn count(&self) -> usize {
        self.columns.len()
    }

    /// The column of each leaf of a template. None: its brackets or quotes do not close, or lie too deep.
    pub fn of(&mut self, template: &'t [u8]) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let mut above: Vec<usize> = Vec::new();
        let mut place = TOP;
        let mut rest = template;
        while let Some((first, behind)) = rest.split_first() {
            let mut taken = 1;
            match *first {
                b'"' => {
                    let name = behind.get(..string_end(behind)?)?;
                    taken = name.len().saturating_add(2);
                    place = self.place(above.last().copied().unwrap_or(TOP), name);
                }
                b'{' => above.push(place),
                b'[' => {
                    above.push(place);
                    place = self.place(place, b"[");
                }
                b'}' | b']' => place = above.pop()?,
                STRING | OTHER => found.push(self.column(place)),
                _ => {}
            }
            if above.len() > JSON_DEPTH_MAX {
                return None;
            }
            rest = rest.get(taken..)?;
        }
        above.is_empty().then_some(found)
    }

    fn place(&mut self, above: usize, name: &'t [u8]) -> usize {
        let next = self.below.len().saturating_add(1);
        *self.below.entry((above, name)).or_insert(next)
    }

    fn column(&mut self, place: usize) -> usize {
        let next = self.columns.len();
        *self.columns.entry(place).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(parted: &Parted<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        join(&parted.template, parted.leaves.iter().copied(), &mut out).expect("as many");
        out
    }

    #[test]
    fn a_text_is_its_template_and_its_leaves() {
        let text = br#"{"a": "x\"y", "n":[1.50,-2e3,true,null,{"a":"z"}], "e":{},"l":[]}"#;
        let parted = part(text).expect("a text");
        let template =
            b"{\"a\": \x01, \"n\":[\x02,\x02,\x02,\x02,{\"a\":\x01}], \"e\":{},\"l\":[]}";
        assert_eq!(parted.template, template);
        let leaves = ["x\\\"y", "1.50", "-2e3", "true", "null", "z"];
        assert_eq!(parted.leaves, leaves.map(str::as_bytes));
        assert_eq!(joined(&parted), text);
        let mut places = Places::default();
        assert_eq!(places.of(template), Some(vec![0, 1, 1, 1, 1, 2]));
        assert_eq!(places.of(b"{\"n\":[\x02],\"a\":\x01}"), Some(vec![1, 0]));
    }

    #[test]
    fn what_cannot_be_joined_again_has_no_template() {
        let texts: [&[u8]; 8] = [
            b"\"a",
            b"{\"a\x01\":1}",
            b"\x01",
            b"1\x002",
            b"}",
            b"\"a\\",
            b"\"\n\"",
            b"\x0b",
        ];
        for text in texts {
            assert_eq!(part(text), None, "{text:?}");
        }
        let deep = "[".repeat(JSON_DEPTH_MAX + 1) + &"]".repeat(JSON_DEPTH_MAX + 1);
        assert_eq!(Places::default().of(deep.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_text_that_is_parted_is_joined_to_itself(text in r#"[\[\]{},:"\\0-9a-z \n\r\tកខ]{0,60}"#) {
            if let Some(parted) = part(text.as_bytes()) {
                prop_assert_eq!(joined(&parted), text.as_bytes());
                prop_assert!(parted.leaves.iter().all(|leaf| !leaf.contains(&b'\n')));
            }
        }

        #[test]
        fn any_bytes_as_a_template_have_an_end(template: Vec<u8>) {
            if let Some(columns) = Places::default().of(&template) {
                prop_assert!(columns.len() <= template.len());
            }
        }
    }
}
