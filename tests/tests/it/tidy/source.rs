//! The project's files as the tidy rules see them.
//! In: the workspace folder. Out: paths relative to it, sources as lines. Never: anything built or fetched.

use std::path::{Path, PathBuf};

pub struct Source {
    /// Relative to the workspace, with `/`.
    pub path: String,
    pub lines: Vec<String>,
}

pub struct Function {
    pub place: String,
    pub lines: usize,
}

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the tests crate lies in the workspace")
}

/// Every file of the project, without what was built or fetched.
pub fn project_files() -> Vec<String> {
    let root = workspace();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .expect("a folder of the project can be read")
            .flatten()
        {
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().expect("a file of the project has a type");
            if kind.is_dir()
                && !["target", ".git", ".tools", ".demo", "__pycache__"]
                    .iter()
                    .any(|built| name == *built)
            {
                folders.push(path);
            } else if kind.is_file() && name != ".git" {
                let relative = path
                    .strip_prefix(&root)
                    .expect("the walk began at the root");
                found.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

pub fn rust_sources() -> Vec<Source> {
    let paths = project_files()
        .into_iter()
        .filter(|path| path.ends_with(".rs"));
    let read = |path: String| {
        let text = std::fs::read_to_string(workspace().join(&path))
            .expect("a source that was just listed can be read");
        Source {
            path,
            lines: text.lines().map(str::to_owned).collect(),
        }
    };
    paths.map(read).collect()
}

pub fn assert_none(what: &str, found: impl IntoIterator<Item = String>) {
    let found: Vec<String> = found.into_iter().collect();
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

impl Source {
    /// The places whose line is guilty; the judge is told whether the line is test code.
    pub fn places(&self, guilty: impl Fn(bool, &str) -> bool) -> Vec<String> {
        let tests_from = self.tests_from();
        let numbered = self.lines.iter().enumerate();
        let guilty = numbered.filter(|(at, line)| guilty(*at >= tests_from, line));
        guilty
            .map(|(at, line)| format!("{}:{}: {}", self.path, at + 1, line.trim()))
            .collect()
    }

    /// The codes before any test code that are raised as text, each with its place.
    pub fn raised(&self) -> Vec<(String, String)> {
        let lines = self.lines[..self.tests_from()].iter().enumerate();
        let raised = lines.filter_map(|(index, line)| {
            let (_, code) = [".raise(\"", ".stands(\""]
                .iter()
                .find_map(|call| line.split_once(call))?;
            let code = code.split('"').next()?.to_owned();
            Some((format!("{}:{}", self.path, index + 1), code))
        });
        raised.collect()
    }

    pub fn is_unit_tests(&self) -> bool {
        self.path.ends_with("tests.rs")
            || self.path.contains("/tests/") && self.path.contains("/src/")
    }

    /// The first line of test code: tests stand last in their file, or in a file of their own.
    fn tests_from(&self) -> usize {
        if self.is_unit_tests() || self.path.starts_with("tests/") {
            return 0;
        }
        let opens = |pair: &[String]| {
            pair[0].trim() == "#[cfg(test)]"
                && pair[1].starts_with("mod ")
                && pair[1].ends_with('{')
        };
        self.lines
            .windows(2)
            .position(opens)
            .unwrap_or(self.lines.len())
    }

    /// Every function with its length. rustfmt puts the closing brace under the line that opened the function.
    pub fn functions(&self) -> Vec<Function> {
        let starts = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| opens_function(line));
        let measured = starts.map(|(at, line)| {
            let indent = &line[..line.len() - line.trim_start().len()];
            let lines = 1 + self.lines[at..]
                .iter()
                .position(|line| closes(line, indent))
                .unwrap_or_default();
            Function {
                place: format!("{}:{}", self.path, at + 1),
                lines,
            }
        });
        measured.collect()
    }
}

fn opens_function(line: &str) -> bool {
    let words = line
        .split_whitespace()
        .take_while(|word| !word.starts_with("//"));
    let before: Vec<&str> = words.take_while(|word| *word != "fn").collect();
    let prefix = |word: &&str| {
        word.starts_with("pub")
            || ["const", "async", "unsafe", "extern", "in", "\"C\""].contains(word)
            || word.ends_with(')')
    };
    line.split_whitespace().any(|word| word == "fn") && before.iter().all(prefix)
}

fn closes(line: &str, indent: &str) -> bool {
    let Some(rest) = line.strip_prefix(indent) else {
        return false;
    };
    if opens_function(line) {
        return rest.ends_with('}') || rest.ends_with(';');
    }
    rest == "}" || (rest.starts_with(')') && rest.ends_with(';'))
}

#[test]
fn a_function_is_measured_from_its_first_line_to_its_brace() {
    let text = "impl A {\n    pub(crate) async fn long(\n        a: u8,\n    ) -> u8 {\n        if a > 0 {\n        }\n        a\n    }\n    fn short() {}\n}";
    let source = Source {
        path: "a.rs".into(),
        lines: text.lines().map(str::to_owned).collect(),
    };
    let lengths: Vec<usize> = source
        .functions()
        .into_iter()
        .map(|function| function.lines)
        .collect();
    assert_eq!(lengths, [7, 1]);
}
