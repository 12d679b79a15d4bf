//! Reading TOML with patience: a table comes in, values go out, and every mistake is remembered instead of ending the reading.
//! A key that nobody asked for is a mistake, too.

use std::fmt::Display;
use std::str::FromStr;

use toml::{Table, Value};

/// One thing that is wrong: where, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct Mistake {
    pub at: String,
    pub what: String,
}

/// A table being read. Whatever is left in it at the end is unknown.
pub struct Reader<'m> {
    at: String,
    table: Table,
    mistakes: &'m mut Vec<Mistake>,
}

impl<'m> Reader<'m> {
    pub fn new(table: Table, mistakes: &'m mut Vec<Mistake>) -> Reader<'m> {
        Reader {
            at: String::new(),
            table,
            mistakes,
        }
    }

    pub fn mistake(&mut self, key: &str, what: impl Display) {
        let at = self.path(key);
        self.mistakes.push(Mistake {
            at,
            what: what.to_string(),
        });
    }

    /// Says that a setting is missing, unless something else was already said of it.
    pub fn missing(&mut self, key: &str, what: &str) {
        let at = self.path(key);
        if !self.mistakes.iter().any(|mistake| mistake.at == at) {
            self.mistake(key, format!("is missing: {what}"));
        }
    }

    fn path(&self, key: &str) -> String {
        match (self.at.as_str(), key) {
            ("", key) => key.to_owned(),
            (at, "") => at.to_owned(),
            (at, key) => format!("{at}.{key}"),
        }
    }

    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.table.remove(key)? {
            Value::String(text) => Some(text),
            _ => self.wrong(key, "must be text in quotes"),
        }
    }

    /// A text that reads as `T`; what `T` says of others is the mistake.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        let text = self.text(key)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(why) => self.wrong(key, &why.to_string()),
        }
    }

    pub fn number(&mut self, key: &str) -> Option<u64> {
        match self.table.remove(key)? {
            Value::Integer(number) if number >= 0 => u64::try_from(number).ok(),
            _ => self.wrong(key, "must be a whole number, not negative"),
        }
    }

    pub fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let all = match self.table.remove(key)? {
            Value::Array(all) => all,
            _ => return self.wrong(key, "must be a list of texts"),
        };
        let texts: Option<Vec<String>> = all
            .into_iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect();
        if texts.is_none() {
            return self.wrong(key, "must be a list of texts");
        }
        texts
    }

    /// Reads the table under `key`, an empty one if there is none.
    pub fn table<T>(&mut self, key: &str, read: impl FnOnce(&mut Reader<'_>) -> T) -> T {
        let table = match self.table.remove(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(_) => {
                self.mistake(key, format!("must be a table: [{key}]"));
                Table::new()
            }
        };
        self.below(self.path(key), table, read)
    }

    /// Reads each table of the list under `key`.
    pub fn tables<T>(&mut self, key: &str, read: impl Fn(&mut Reader<'_>) -> T) -> Vec<T> {
        let all = match self.table.remove(key) {
            None => Vec::new(),
            Some(Value::Array(all)) if all.iter().all(Value::is_table) => all,
            Some(_) => {
                self.mistake(key, format!("must be a list of tables: [[{key}]]"));
                Vec::new()
            }
        };
        let tables = all.into_iter().enumerate();
        tables
            .filter_map(|(index, value)| match value {
                Value::Table(table) => {
                    Some(self.below(format!("{}[{}]", self.path(key), index + 1), table, &read))
                }
                _ => None,
            })
            .collect()
    }

    fn below<T>(&mut self, at: String, table: Table, read: impl FnOnce(&mut Reader<'_>) -> T) -> T {
        let mut reader = Reader {
            at,
            table,
            mistakes: self.mistakes,
        };
        let value = read(&mut reader);
        reader.finish();
        value
    }

    /// Names every key that nobody asked for.
    pub fn finish(mut self) {
        for key in std::mem::take(&mut self.table).keys() {
            self.mistake(key, "there is no such setting");
        }
    }

    fn wrong<T>(&mut self, key: &str, what: &str) -> Option<T> {
        self.mistake(key, what);
        None
    }
}
