//! `--changed`: which lines a unified diff has added, so that a review shows what the change brings and nothing else.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::path::Path;

use no502::finding::Finding;
use no502::source::{Sources, Span};

use crate::disk::read_regular;
use crate::failure::Failure;

/// The added lines of each file, by its path as the diff has it.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    lines: HashMap<String, HashSet<usize>>,
}

impl Changed {
    /// Reads a diff as `git diff` prints it from a file, or from standard input for `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let read = if path == Path::new("-") {
            io::stdin().lock().read_to_end(&mut bytes).map(drop)
        } else {
            read_regular(path).map(|read| bytes = read)
        };
        read.map_err(|error| Failure::unreadable(path, &error))?;
        let text = String::from_utf8_lossy(&bytes);
        Self::of(&text).map_err(|line| {
            Failure::new(format!(
                "line {line} of `{}` is not of a unified diff",
                path.display()
            ))
            .help("give it what `git diff` prints: git diff main | no502 check --changed -")
        })
    }

    /// `Err` is the first line that does not belong to a diff.
    fn of(text: &str) -> Result<Self, usize> {
        let mut changed = Self::default();
        let mut path: Option<String> = None;
        // Lines of the hunk that are still to come, old and new, and the number of the next new one.
        let (mut old, mut new, mut next) = (0, 0, 0);
        for (at, line) in text.lines().enumerate() {
            if old > 0 || new > 0 {
                match line.as_bytes().first() {
                    Some(b'+') => {
                        if let Some(path) = &path {
                            changed.lines.entry(path.clone()).or_default().insert(next);
                        }
                        (new, next) = (minus_one(new, at)?, next + 1);
                    }
                    Some(b'-') => old = minus_one(old, at)?,
                    Some(b'\\') => {}
                    // An editor may have cut the blank of an empty line.
                    Some(b' ') | None => {
                        (old, new, next) = (minus_one(old, at)?, minus_one(new, at)?, next + 1);
                    }
                    Some(_) => return Err(at + 1),
                }
            } else if let Some(name) = line.strip_prefix("+++ ") {
                path = named(name);
            } else if let Some(ranges) = line.strip_prefix("@@ ") {
                (old, new, next) = hunk(ranges).ok_or(at + 1)?;
            }
        }
        if changed.lines.is_empty()
            && path.is_none()
            && !text.trim().is_empty()
            && !text.contains("diff ")
        {
            return Err(1);
        }
        Ok(changed)
    }

    /// Whether a label of a finding is on an added line; `prefix` leads from the enclosing git root to the run's.
    pub(crate) fn touches(&self, finding: &Finding, sources: &Sources, prefix: &str) -> bool {
        let mut labels = finding.labels();
        labels.any(|label| self.has(label.span, sources, prefix))
    }

    fn has(&self, span: Span, sources: &Sources, prefix: &str) -> bool {
        let file = sources.get(span.file);
        let path = format!("{prefix}{}", file.path);
        let lines = file.line(span.start)..=file.line(span.end.max(span.start + 1) - 1);
        // `b/` is git's own; `git diff --no-prefix` has none, and `diff.mnemonicPrefix` others.
        let is_path = |named: &str| {
            named == path || (named.as_bytes().get(1) == Some(&b'/') && named[2..] == path)
        };
        let mut files = self.lines.iter().filter(|(named, _)| is_path(named));
        files.any(|(_, added)| lines.clone().any(|line| added.contains(&line)))
    }
}

fn minus_one(count: usize, at: usize) -> Result<usize, usize> {
    count.checked_sub(1).ok_or(at + 1)
}

/// The path behind `+++ `, without what `diff -u` adds after a tab; `None` for a file that is gone.
fn named(text: &str) -> Option<String> {
    let name = text.split('\t').next().unwrap_or(text).trim_end();
    let name = match name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
    {
        Some(quoted) => unquoted(quoted),
        None => name.to_owned(),
    };
    (name != "/dev/null").then_some(name)
}

/// A path as git quotes it: `\t`, `\"`, `\\`, and bytes as `\303`.
fn unquoted(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let octal = rest
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = &rest[3..];
        } else if let Some((escaped, after)) = rest.split_first() {
            bytes.push(match escaped {
                b't' => b'\t',
                b'n' => b'\n',
                other => *other,
            });
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How many old and new lines a hunk has, and the first new one: `-10,2 +12,3 @@`.
fn hunk(ranges: &str) -> Option<(usize, usize, usize)> {
    let mut words = ranges.split(' ');
    let (_, old) = range(words.next()?.strip_prefix('-')?)?;
    let (first, new) = range(words.next()?.strip_prefix('+')?)?;
    Some((old, new, first))
}

fn range(text: &str) -> Option<(usize, usize)> {
    match text.split_once(',') {
        Some((first, count)) => Some((first.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}
