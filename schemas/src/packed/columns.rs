//! The data of a run's events comes in, one text with their values column by column goes out, and back. Data that is no JSON text, or has too
//! many shapes, goes row by row. What a peer declares is held against its bounds before anything is made of it.

use bytes::Bytes;

use super::field::{Fields, Malformed, put_count, put_text};
use super::leaves::{Parted, Places, join, part};
use super::limits::{COLUMNS_MAX, LEAVES_MAX, TEMPLATES_MAX, TEXTS_BYTES_MAX};

/// How the data lies; the first byte.
const ROWS: u8 = 0;
const COLUMNS: u8 = 1;

/// Writes data behind what is there.
pub fn write(data: &[&[u8]], out: &mut Vec<u8>) {
    match columns(data) {
        Some(columns) => {
            out.push(COLUMNS);
            out.extend_from_slice(&columns);
        }
        None => {
            out.push(ROWS);
            for one in data {
                put_text(out, one);
            }
        }
    }
}

fn columns(data: &[&[u8]]) -> Option<Vec<u8>> {
    let parted: Vec<Parted<'_>> = data.iter().map(|text| part(text)).collect::<Option<_>>()?;
    let leaves: usize = parted.iter().map(|one| one.leaves.len()).sum();
    if leaves > LEAVES_MAX {
        return None;
    }
    let mut templates: Vec<(&[u8], Vec<usize>)> = Vec::new();
    let mut places = Places::default();
    let mut columns: Vec<Vec<u8>> = Vec::new();
    let mut shapes = Vec::with_capacity(data.len());
    for Parted { template, leaves } in &parted {
        let known = templates.iter().position(|(known, _)| known == template);
        let shape = known.unwrap_or(templates.len());
        if known.is_none() {
            templates.push((template, places.of(template)?));
            columns.resize_with(places.count(), Vec::new);
        }
        put_count(&mut shapes, shape);
        let (_, at) = templates.get(shape)?;
        for (column, leaf) in at.iter().zip(leaves) {
            let column = columns.get_mut(*column)?;
            column.extend_from_slice(leaf);
            column.push(b'\n');
        }
    }
    if templates.len() > TEMPLATES_MAX || columns.len() > COLUMNS_MAX {
        return None;
    }
    let mut out = Vec::new();
    put_count(&mut out, templates.len());
    templates
        .iter()
        .for_each(|(text, _)| put_text(&mut out, text));
    out.append(&mut shapes);
    columns
        .iter()
        .for_each(|column| out.extend_from_slice(column));
    Some(out).filter(|out| out.len() <= TEXTS_BYTES_MAX)
}

/// Reads the data of so many events, of so many bytes in all; nothing may follow.
///
/// # Errors
/// `Malformed`.
pub fn read(fields: &mut Fields<'_>, events: usize, bytes: usize) -> Result<Vec<Bytes>, Malformed> {
    let data = match fields.byte()? {
        ROWS => rows(fields, events)?,
        COLUMNS => joined(fields, events, bytes)?,
        _ => return Err(Malformed),
    };
    fields.end()?;
    let whole: usize = data.iter().map(Bytes::len).sum();
    (whole == bytes).then_some(data).ok_or(Malformed)
}

fn rows(fields: &mut Fields<'_>, events: usize) -> Result<Vec<Bytes>, Malformed> {
    let rows = std::iter::repeat_with(|| fields.bytes(TEXTS_BYTES_MAX).map(Bytes::copy_from_slice));
    rows.take(events).collect()
}

fn joined(fields: &mut Fields<'_>, events: usize, bytes: usize) -> Result<Vec<Bytes>, Malformed> {
    let mut places = Places::default();
    let mut templates = Vec::new();
    for _ in 0..fields.count(TEMPLATES_MAX)? {
        let template = fields.bytes(TEXTS_BYTES_MAX)?;
        templates.push((template, places.of(template).ok_or(Malformed)?));
        if places.count() > COLUMNS_MAX {
            return Err(Malformed);
        }
    }
    let mut shapes = Vec::with_capacity(events);
    for _ in 0..events {
        let shape = fields.count(TEMPLATES_MAX)?;
        shapes.push(templates.get(shape).ok_or(Malformed)?);
    }
    let leaves: usize = shapes.iter().map(|(_, at)| at.len()).sum();
    // A long template that every event has is small in its frame: what will be joined is known before it is.
    let fixed: usize = shapes
        .iter()
        .map(|(text, at)| text.len().saturating_sub(at.len()))
        .sum();
    if leaves > LEAVES_MAX || fixed > bytes {
        return Err(Malformed);
    }
    let mut columns = columns_of(fields, &shapes, places.count())?;
    let mut data = Vec::with_capacity(events);
    for (template, at) in shapes {
        let mut text = Vec::with_capacity(template.len().saturating_mul(2));
        let leaves = at
            .iter()
            .filter_map(|column| columns.get_mut(*column)?.next());
        join(template, leaves, &mut text).ok_or(Malformed)?;
        data.push(text.into());
    }
    Ok(data)
}

type Column<'a> = std::vec::IntoIter<&'a [u8]>;

/// The leaves of each column, as many as the events have there.
fn columns_of<'a>(
    fields: &mut Fields<'a>,
    shapes: &[&(&[u8], Vec<usize>)],
    count: usize,
) -> Result<Vec<Column<'a>>, Malformed> {
    let mut due = vec![0_usize; count];
    for column in shapes.iter().flat_map(|(_, at)| at) {
        let due = due.get_mut(*column).ok_or(Malformed)?;
        *due = due.saturating_add(1);
    }
    let columns = due.into_iter().map(|due| {
        let leaves = std::iter::repeat_with(|| fields.line()).take(due);
        leaves.collect::<Result<Vec<_>, _>>().map(Vec::into_iter)
    });
    columns.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(data: &[&[u8]]) -> (Vec<u8>, Result<Vec<Bytes>, Malformed>) {
        let mut out = Vec::new();
        write(data, &mut out);
        let bytes = data.iter().map(|one| one.len()).sum();
        let read = read(&mut Fields::of(&out), data.len(), bytes);
        (out, read)
    }

    #[test]
    fn rows_of_one_shape_lie_in_columns() {
        let (out, read) = back(&[br#"{"a":"1","b":2}"#, br#"{"a":"3","b":4}"#]);
        assert_eq!(
            out,
            b"\x01\x01\x0d{\"a\":\x01,\"b\":\x02}\x00\x001\n3\n2\n4\n"
        );
        assert_eq!(
            read.expect("read"),
            [&br#"{"a":"1","b":2}"#[..], br#"{"a":"3","b":4}"#]
        );
    }

    #[test]
    fn data_that_has_no_columns_lies_in_rows() {
        let (many, wide) = (
            "[1,".to_owned() + &"1,".repeat(LEAVES_MAX) + "1]",
            vec![b' '; 100],
        );
        for data in [&b"\xff\x00"[..], b"{", many.as_bytes()] {
            let (out, read) = back(&[data, &wide]);
            assert_eq!(out[0], ROWS);
            assert_eq!(read.expect("read"), [data, &wide]);
        }
        let shapes: Vec<String> = (0..=TEMPLATES_MAX)
            .map(|n| format!(r#"{{"m{n}":1}}"#))
            .collect();
        let shapes: Vec<&[u8]> = shapes.iter().map(|shape| shape.as_bytes()).collect();
        let (out, read) = back(&shapes);
        assert_eq!(
            (out[0], read.expect("read").len()),
            (ROWS, TEMPLATES_MAX + 1)
        );
        let (out, _) = back(&shapes[1..]);
        assert_eq!(out[0], COLUMNS);
    }

    #[test]
    fn a_long_template_that_every_event_has_is_no_bomb() {
        let template = vec![b' '; 500_000];
        let mut out = vec![COLUMNS, 1];
        put_text(&mut out, &template);
        out.extend_from_slice(&[0; 256]);
        assert_eq!(
            read(&mut Fields::of(&out), 256, TEXTS_BYTES_MAX),
            Err(Malformed)
        );
        out.truncate(out.len() - 255);
        let read = read(&mut Fields::of(&out), 1, template.len());
        assert_eq!(read.expect("honest").len(), 1);
    }

    #[test]
    fn more_columns_shapes_or_leaves_than_there_may_be_are_not_read() {
        let wide: Vec<String> = (0..=COLUMNS_MAX)
            .map(|n| format!("\"{n}\":\u{2}"))
            .collect();
        let template = format!("{{{}}}", wide.join(","));
        let mut out = vec![COLUMNS, 1];
        put_text(&mut out, template.as_bytes());
        out.push(0);
        out.extend_from_slice("1\n".repeat(COLUMNS_MAX + 1).as_bytes());
        assert_eq!(read(&mut Fields::of(&out), 1, 1 << 20), Err(Malformed));
        let list = [&b"["[..], &[2; LEAVES_MAX + 1], b"]"].concat();
        let mut out = vec![COLUMNS, 1];
        put_text(&mut out, &list);
        out.push(0);
        out.extend_from_slice("1\n".repeat(LEAVES_MAX + 1).as_bytes());
        assert_eq!(read(&mut Fields::of(&out), 1, 1 << 20), Err(Malformed));
        for shapes in [TEMPLATES_MAX + 1, 1 << 40] {
            let mut out = vec![COLUMNS];
            put_count(&mut out, shapes);
            assert_eq!(read(&mut Fields::of(&out), 1, 9), Err(Malformed));
        }
    }
}
