//! What the compiler does not see: the arrows between layers, calls that a library must not make, sizes, and the facts
//! that the documents repeat.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files, and fails where it cannot"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first: a layer names only layers before it. Those on one line do not name each other.
const LAYERS: &[&[&str]] = &[
    &["source"],
    &["host"],
    &["finding"],
    &["settings"],
    &["syntax"],
    &["project"],
    &["model"],
    &["page"],
    &["rules"],
    &["suppress"],
    &["analyze"],
    &["fix", "triage"],
    &["report"],
];

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 60;

/// A Rust file: its path below the package and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Its layer: the module below `src/`, `bin`, or `lib`.
    fn layer(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        rest.split(['/', '.']).next()
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.starts_with("tests/")
            || self.path.starts_with("benches/")
    }

    /// The lines before the unit tests, comments and doc examples left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self
            .text
            .find("\n#[cfg(test)]\nmod tests {")
            .unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate();
        lines
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(at, line)| (at + 1, line))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, sorted; none if there is no such folder.
fn files_below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn below_root(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .to_str()
        .unwrap()
        .replace('\\', "/")
}

fn sources() -> Vec<Source> {
    let folders = ["src", "tests", "benches"]
        .into_iter()
        .flat_map(files_below);
    folders
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| Source {
            text: fs::read_to_string(&path).unwrap(),
            path: below_root(&path),
        })
        .collect()
}

fn report(offences: &[String]) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

#[test]
fn layers_name_only_layers_before_them() {
    let rank = |layer: &str| LAYERS.iter().position(|row| row.contains(&layer));
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let Some(own) = source
            .layer()
            .filter(|layer| !matches!(*layer, "bin" | "lib"))
        else {
            continue;
        };
        let Some(own_rank) = rank(own) else {
            offences.push(format!("{}: `{own}` is in no row of LAYERS", source.path));
            continue;
        };
        for named in modules_named(source) {
            let allowed = named == own || rank(&named).is_some_and(|other| other < own_rank);
            if !allowed {
                offences.push(format!("{}: `{own}` names `{named}`", source.path));
            }
        }
    }
    report(&offences);
}

/// The modules of the crate that a file names: `crate::a::…` in code, and every branch of `use crate::{a::…, b}`.
fn modules_named(source: &Source) -> Vec<String> {
    let code: String = source.code().flat_map(|(_, line)| [line, "\n"]).collect();
    let mut named = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + start.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            named.extend(branches(group));
        } else {
            named.extend(word(rest));
        }
    }
    named
}

/// First names of the branches of a `{…}` whose opening brace is gone.
fn branches(group: &str) -> Vec<String> {
    let (mut depth, mut starts) = (0_i32, vec![0]);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    starts
        .into_iter()
        .filter_map(|at| word(group[at..].trim_start()))
        .collect()
}

fn word(text: &str) -> Option<String> {
    let word: String = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

#[test]
fn branches_of_a_use_are_seen() {
    let source = Source {
        path: "src/x.rs".to_owned(),
        text: "use crate::{a::{B, c}, d::E,\n  f};\n// crate::no\nfn g() { crate::h::i() }\npub(crate) fn j() {}".to_owned(),
    };
    assert_eq!(modules_named(&source), ["a", "d", "f", "h"]);
}

#[test]
fn the_library_touches_nothing_outside() {
    const FORBIDDEN: &[&str] = &[
        "std::fs",
        "std::env",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "ToSocketAddrs",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant::now",
        "println!",
        "eprintln!",
        "print!(",
        "eprint!(",
        "stdout()",
        "stderr()",
    ];
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        if source.layer().is_none_or(|layer| layer == "bin") {
            continue;
        }
        for (number, line) in source.code() {
            for call in FORBIDDEN.iter().filter(|call| line.contains(**call)) {
                offences.push(format!(
                    "{}:{number}: `{call}` belongs in src/bin",
                    source.path
                ));
            }
        }
    }
    report(&offences);
}

/// The languages inside scalars have grammars; a split by hand forgets quotes, escapes and brackets sooner or later.
/// Where there is nothing to forget, the line says so: `// plain: reason`, on it or above it.
#[test]
fn values_are_read_by_grammars() {
    const SPLITS: &[&str] = &[
        ".split(",
        ".splitn(",
        ".rsplit(",
        ".split_once(",
        ".rsplit_once(",
        ".split_whitespace(",
    ];
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        if !matches!(source.layer(), Some("project" | "model")) {
            continue;
        }
        let excused: Vec<usize> = source
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains("// plain: "))
            .map(|(at, _)| at + 1)
            .collect();
        for (number, line) in source.code() {
            let splits = SPLITS.iter().any(|split| line.contains(split));
            if splits && !excused.contains(&number) && !excused.contains(&(number - 1)) {
                offences.push(format!("{}:{number}: splits a text by hand", source.path));
            }
        }
    }
    report(&offences);
}

#[test]
fn files_and_functions_are_short() {
    let mut offences = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            offences.push(format!(
                "{}: {lines} lines, at most {LONGEST_FILE}",
                source.path
            ));
        }
        for (line, name, length) in functions(&source.text) {
            if length > LONGEST_FUNCTION {
                offences.push(format!(
                    "{}:{line}: `{name}` has {length} lines, at most {LONGEST_FUNCTION}",
                    source.path
                ));
            }
        }
    }
    report(&offences);
}

/// Line, name and length of every function, as rustfmt lays them out: it ends with the first `}` that is indented as its
/// `fn` is.
fn functions(text: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let Some(after) = body
            .find("fn ")
            .filter(|at| body[..*at].split_whitespace().all(is_modifier))
            .map(|at| &body[at + 3..])
        else {
            continue;
        };
        let indent = &line[..line.len() - body.len()];
        let closing = format!("{indent}}}");
        if let Some(length) = lines[at..].iter().position(|line| **line == closing) {
            found.push((at + 1, word(after).unwrap_or_default(), length + 1));
        }
    }
    found
}

fn is_modifier(word: &str) -> bool {
    matches!(
        word,
        "pub" | "pub(crate)" | "pub(super)" | "const" | "async"
    )
}

#[test]
fn every_file_says_why_it_exists() {
    let silent = sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "));
    let offences: Vec<String> = silent
        .map(|source| format!("{}: no `//!` at its top", source.path))
        .collect();
    report(&offences);
}

#[test]
fn no_file_is_a_drawer() {
    const DRAWERS: &[&str] = &[
        "utils", "util", "helpers", "helper", "common", "misc", "manager", "handler",
    ];
    let offences: Vec<String> = sources()
        .iter()
        .map(|source| source.path.clone())
        .filter(|path| path.split(['/', '.']).any(|part| DRAWERS.contains(&part)))
        .collect();
    report(&offences);
}

#[test]
fn nothing_is_left_for_later() {
    // Spelt in two parts, for this file is read as well.
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["un", "implemented!"].concat(),
        ["XX", "X"].concat(),
    ];
    let mut offences = Vec::new();
    for source in sources() {
        for (at, line) in source.text.lines().enumerate() {
            let marked = line
                .split(|c: char| !c.is_alphanumeric() && c != '!')
                .any(|word| marks.iter().any(|mark| mark == word));
            if marked {
                offences.push(format!("{}:{}: {}", source.path, at + 1, line.trim()));
            }
        }
    }
    report(&offences);
}

/// A fixture that no test reads proves nothing. Tests find fixtures by listing a folder, so each folder right below
/// `fixtures/` must be named by one of them.
#[test]
fn every_fixture_folder_is_read() {
    let tests: String = sources().into_iter().map(|source| source.text).collect();
    let mut folders: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in files_below("fixtures") {
        let below = below_root(&path);
        if let Some(folder) = below
            .split('/')
            .nth(1)
            .filter(|_| below.matches('/').count() > 1)
        {
            folders.insert(format!("fixtures/{folder}"), path);
        }
    }
    let unread = folders
        .keys()
        .filter(|folder| !tests.contains(folder.as_str()));
    let offences: Vec<String> = unread
        .map(|folder| format!("{folder}: no test reads it"))
        .collect();
    report(&offences);
}

#[test]
fn the_changelog_has_this_version() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        changelog.contains(&format!("## [{version}]")),
        "CHANGELOG.md does not name {version}"
    );
}

#[test]
fn every_dependency_has_a_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut offences = Vec::new();
    let (mut in_dependencies, mut explained) = (false, false);
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else if in_dependencies && line.contains(" = ") && !explained {
            offences.push(format!("Cargo.toml: `{line}` gives no reason"));
        } else if line.is_empty() {
            explained = false;
        }
    }
    report(&offences);
}

#[test]
fn every_grammar_rule_says_what_it_is() {
    let mut offences = Vec::new();
    for path in files_below("grammars") {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//!") {
            offences.push(format!("{}: no `//!` at its top", below_root(&path)));
        }
        let mut before = "";
        for (at, line) in text.lines().enumerate() {
            let is_rule =
                line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(" = ");
            if is_rule && !before.starts_with("///") {
                offences.push(format!("{}:{}: no `///` line", below_root(&path), at + 1));
            }
            before = line;
        }
    }
    report(&offences);
}
